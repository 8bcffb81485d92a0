"""Which known path an unknown one almost was, and what of it may be logged.

Plivo does not repeat a voice callback that was answered 404, so a wrong path loses callbacks. An
operator must see it, with the fault in a word.

1. The comparison takes the path as it came, without its query. First, slashes are made single and
   capitals small; the fault that explains the path alone is named: ``double_slash``, ``case``.
2. Then a prefix: the proxy left one on (``prefix_left_on``), or took away the beginning of a known
   path (``prefix_missing``).
3. Then a slip in one segment: one that is misspelt, is missing or is too much, or a type's name with
   its dots (``typo``). Only segments of the same place are compared, which costs microseconds: anybody
   can send a path.
4. A segment is logged if it is up to ``SEGMENT_MAX`` letters, dots, hyphens and underscores, with no
   more than three digits. Others may be numbers, keys or bytes for a terminal: they are ``…``. No
   more than ``SEGMENTS_MAX`` segments are logged.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from difflib import SequenceMatcher
from enum import StrEnum
from typing import Final

SEGMENT_MAX: Final = 32
SEGMENTS_MAX: Final = 12

_SIMILARITY_MIN: Final = 0.7
_LOGGABLE: Final = re.compile(rf"(?!(?:[^0-9]*[0-9]){{4}})[A-Za-z0-9._-]{{0,{SEGMENT_MAX}}}")
_HIDDEN: Final = "…"


class PathFault(StrEnum):
    """What differs between an unknown path and the known one that it almost was."""

    DOUBLE_SLASH = "double_slash"
    CASE = "case"
    PREFIX_LEFT_ON = "prefix_left_on"
    PREFIX_MISSING = "prefix_missing"
    TYPO = "typo"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class NearestPath:
    """The known path that an unknown one almost was, if any, and what differs."""

    fault: PathFault
    path: str | None = None


class KnownPaths:
    """The paths that callbacks may come on. ``shared`` is the one in front of all others."""

    def __init__(self, known: Iterable[str], shared: str) -> None:
        self._shared = shared
        self._known = {path: tuple(path.split("/")[1:]) for path in sorted(known)}

    def starts_like_known(self, path: str) -> bool:
        """Return whether ``path`` is meant to be one of ours: it begins as all of them do."""
        return _squeeze_slashes(path).lower().startswith(self._shared)

    def nearest(self, path: str) -> NearestPath:
        """Return what an unknown path almost was: rules 1 to 3."""
        single = _squeeze_slashes(path[: SEGMENT_MAX * SEGMENTS_MAX])
        if single in self._known:
            return NearestPath(PathFault.DOUBLE_SLASH, single)
        small = single.lower()
        if small in self._known:
            return NearestPath(PathFault.CASE, small)
        segments = tuple(small.split("/")[1:])
        for start in range(1, len(segments)):
            rest = "/" + "/".join(segments[start:])
            if rest in self._known:
                return NearestPath(PathFault.PREFIX_LEFT_ON, rest)
        ending = [known for known in self._known if known.endswith(small) and len(segments) > 1]
        if ending:
            return NearestPath(PathFault.PREFIX_MISSING, min(ending, key=len))
        if small == "/":
            return NearestPath(PathFault.PREFIX_MISSING, self._shared)
        return self._find_typo(segments)

    def _find_typo(self, segments: tuple[str, ...]) -> NearestPath:
        """Return the known path that is one slip away: rule 3."""
        apart = tuple("/".join(segments).replace(".", "/").split("/"))
        best, found = _SIMILARITY_MIN, None
        for known, parts in self._known.items():
            if parts == apart or (len(parts) > 1 and _lacks_one_segment(parts, segments)):
                return NearestPath(PathFault.TYPO, known)
            if len(parts) > 2 and _lacks_one_segment(segments, parts):  # noqa: PLR2004 (/plivo and one more)
                return NearestPath(PathFault.TYPO, known)
            closeness = _similarity(segments, parts)
            if closeness > best:
                best, found = closeness, known
        return NearestPath(PathFault.TYPO, found) if found else NearestPath(PathFault.NONE)


def _squeeze_slashes(path: str) -> str:
    """Return the path with single slashes and none at its end."""
    return re.sub("/+", "/", path).removesuffix("/") or "/"


def _lacks_one_segment(shorter: tuple[str, ...], longer: tuple[str, ...]) -> bool:
    """Return whether ``shorter`` is ``longer`` without one of its segments."""
    if len(longer) != len(shorter) + 1:
        return False
    same = next((i for i, (a, b) in enumerate(zip(shorter, longer, strict=False)) if a != b), None)
    return same is None or shorter[same:] == longer[same + 1 :]


def _similarity(segments: tuple[str, ...], parts: tuple[str, ...]) -> float:
    """Return how alike two paths are that differ in one segment; 0 if in more."""
    if len(segments) != len(parts):
        return 0.0
    differing = [(a, b) for a, b in zip(segments, parts, strict=True) if a != b]
    if len(differing) != 1:
        return 0.0
    one, other = differing[0]
    return SequenceMatcher(None, one[:SEGMENT_MAX], other).ratio()


def loggable_path(path: str) -> str:
    """Return the path as it may be logged: rule 4."""
    segments = path.split("/", SEGMENTS_MAX + 1)
    kept = [one if _LOGGABLE.fullmatch(one) else _HIDDEN for one in segments[: SEGMENTS_MAX + 1]]
    return "/".join(kept) + (f"/{_HIDDEN}" if len(segments) > len(kept) else "")
