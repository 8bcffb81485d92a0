"""Decide what a message may show of a value that an operator set.

A secret in the wrong setting must not appear in a log or on a terminal. So a value is shown only if
it is very unlikely to be a secret:

1. A path is shown if it exists, if a parent directory exists, or if it consists of plain lower-case
   words. Tokens and passwords meet none of these conditions.
2. User and password of a URL are never shown.
3. Any other value is shown only if it is shorter than any token, and not part of a URL with a user.
"""

import re
from pathlib import Path
from typing import Final

NOT_SHOWN: Final = "(not shown: it does not look like a path)"
_PATH_CHARACTERS_MAX: Final = 255
_SHORT_CHARACTERS_MAX: Final = 19
_PLAIN_PATH: Final = re.compile(r"(/[a-z]+([._-][a-z]+)*)+/?")
_PLAIN_FILE: Final = re.compile(
    r"(\.{0,2}/)?([a-z]+([._-][a-z]+)*/)*[a-z]+([._-][a-z]+)*\.(crt|db|json|key|pem|toml|txt|xml)"
)
_USER: Final = re.compile(r"//[^/?#\s]*@")


def mask_path(path: Path | str) -> str:
    """Return a path as a message may show it (rule 1)."""
    text = str(path)
    return text if _looks_like_a_path(text) else NOT_SHOWN


def _looks_like_a_path(text: str) -> bool:
    if len(text) > _PATH_CHARACTERS_MAX or not text.isprintable():
        return False
    if _PLAIN_PATH.fullmatch(text) or _PLAIN_FILE.fullmatch(text):
        return True
    path = Path(text)
    places = [
        place for place in (path, *path.parents) if place.name
    ]  # without "/" and ".", which always exist
    try:
        return any(place.exists() for place in places)
    except OSError:
        return False


def mask_url(url: str) -> str:
    """Return a URL without its user and password (rule 2)."""
    return _USER.sub("//***@", url)


def mask_value(value: object) -> str | None:
    """Return another value as a message may show it; None if it must not be shown (rule 3)."""
    if not isinstance(value, str | int | float):
        return None
    text = str(value)
    return repr(value) if len(text) <= _SHORT_CHARACTERS_MAX and "@" not in text else None
