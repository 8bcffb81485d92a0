"""What an expression of Prometheus names: metrics, the labels it asks of them, and those it groups by.

Not a parser: promtool says whether an expression is one. Words that are neither function, keyword nor
label are metrics, so a misspelt one is found.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

_TEXT: Final = re.compile(r'"(?:[^"\\]|\\.)*"')
_DURATION: Final = re.compile(r"\[[^\]]*\]|\boffset\s+-?\w+")
_GROUPING: Final = re.compile(r"\b(?:by|without|on|ignoring|group_left|group_right)\s*\(([^)]*)\)")
_MATCHERS: Final = re.compile(r"([a-zA-Z_:][\w:]*)?\s*\{([^}]*)\}")
_MATCHER: Final = re.compile(r'(\w+)\s*(=~|!~|!=|=)\s*"((?:[^"\\]|\\.)*)"')
_WORD: Final = re.compile(r"[a-zA-Z_:][\w:]*(?!\w|\s*\()")
_KEYWORDS: Final = frozenset({"and", "or", "unless", "bool", "on", "by", "without", "ignoring"})


@dataclass(frozen=True, slots=True)
class Matcher:
    """What an expression asks of a label; ``values`` are the alternatives of a regular expression."""

    metric: str
    label: str
    values: tuple[str, ...]


def matchers(expression: str) -> Iterator[Matcher]:
    """Yield every matcher of an expression."""
    for metric, inside in _MATCHERS.findall(expression):
        for label, sign, text in _MATCHER.findall(inside):
            values = text.split("|") if sign in {"=~", "!~"} else [text]
            yield Matcher(metric, label, tuple(values))


def metrics(expression: str) -> set[str]:
    """Return the metrics an expression reads."""
    bare = _TEXT.sub("", expression)
    bare = _GROUPING.sub(" ", _DURATION.sub(" ", bare))
    bare = re.sub(r"\{[^}]*\}", " ", bare)
    return set(_WORD.findall(bare)) - _KEYWORDS


def groupings(expression: str) -> set[str]:
    """Return the labels an expression groups or joins by."""
    lists = _GROUPING.findall(_TEXT.sub("", expression))
    return {label.strip() for one in lists for label in one.split(",") if label.strip()}
