"""Find the known path that an unknown path was meant to be, and make the unknown one safe to log.

Plivo does not retry a voice callback that was answered 404, so a wrong path loses callbacks. An
operator must see the path, and one word for what is wrong with it.

1. The path is compared as received, without its query. First, runs of slashes are reduced to one and
   letters are lower-cased. If that alone makes it a known path: ``double_slash``, ``case``.
2. Then a prefix: a proxy did not remove one (``prefix_left_on``), or removed the beginning of a known
   path (``prefix_missing``).
3. Then a slip in one segment (``typo``): the segment is misspelt, missing or superfluous, or a type's
   name is written with its dots. Only segments at the same position are compared, which takes
   microseconds: anyone can send a path.
4. A segment is logged if it has up to ``SEGMENT_MAX`` letters, digits, dots, hyphens and underscores,
   and at most three of them are digits. Any other may be a phone number, a key or a terminal's escape
   sequence: it is replaced by ``…``. At most ``SEGMENTS_MAX`` segments are logged.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from difflib import SequenceMatcher
from enum import StrEnum
from typing import Final

from bridge.reply.application_paths import APPLICATIONS_PATH

SEGMENT_MAX: Final = 32
SEGMENTS_MAX: Final = 12

_SIMILARITY_MIN: Final = 0.7
_LOGGABLE: Final = re.compile(rf"(?!(?:[^0-9]*[0-9]){{4}})[A-Za-z0-9._-]{{0,{SEGMENT_MAX}}}")
_HIDDEN: Final = "…"


class PathMismatch(StrEnum):
    """How an unknown path differs from the known one that was probably meant."""

    DOUBLE_SLASH = "double_slash"
    CASE = "case"
    PREFIX_LEFT_ON = "prefix_left_on"
    PREFIX_MISSING = "prefix_missing"
    TYPO = "typo"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class NearestPath:
    """The known path nearest to an unknown one, if any, and how the unknown one differs."""

    mismatch: PathMismatch
    path: str | None = None


class KnownPaths:
    """The known paths of callbacks. ``shared`` is the prefix of all the others."""

    def __init__(self, known: Iterable[str], shared: str) -> None:
        self._shared = shared
        self._known = {path: tuple(path.split("/")[1:]) for path in sorted(known)}

    def starts_like_known(self, path: str) -> bool:
        """Return whether ``path`` begins like all known paths, or like an application's."""
        return _squeeze_slashes(path).lower().startswith((self._shared, f"{APPLICATIONS_PATH}/"))

    def nearest(self, path: str) -> NearestPath:
        """Return the known path nearest to an unknown one: rules 1 to 3."""
        single = _squeeze_slashes(path[: SEGMENT_MAX * SEGMENTS_MAX])
        if single in self._known:
            return NearestPath(PathMismatch.DOUBLE_SLASH, single)
        small = single.lower()
        if small in self._known:
            return NearestPath(PathMismatch.CASE, small)
        segments = tuple(small.split("/")[1:])
        for start in range(1, len(segments)):
            rest = "/" + "/".join(segments[start:])
            if rest in self._known:
                return NearestPath(PathMismatch.PREFIX_LEFT_ON, rest)
        ending = [known for known in self._known if known.endswith(small) and len(segments) > 1]
        if ending:
            return NearestPath(PathMismatch.PREFIX_MISSING, min(ending, key=len))
        if small == "/":
            return NearestPath(PathMismatch.PREFIX_MISSING, self._shared)
        return self._find_typo(segments)

    def _find_typo(self, segments: tuple[str, ...]) -> NearestPath:
        """Return the known path with one slip: rule 3."""
        apart = tuple("/".join(segments).replace(".", "/").split("/"))
        best, found = _SIMILARITY_MIN, None
        for known, parts in self._known.items():
            if parts == apart or (len(parts) > 1 and _lacks_one_segment(parts, segments)):
                return NearestPath(PathMismatch.TYPO, known)
            if len(parts) > 2 and _lacks_one_segment(segments, parts):  # noqa: PLR2004 (/plivo and one more)
                return NearestPath(PathMismatch.TYPO, known)
            closeness = _similarity(segments, parts)
            if closeness > best:
                best, found = closeness, known
        return NearestPath(PathMismatch.TYPO, found) if found else NearestPath(PathMismatch.NONE)


def _squeeze_slashes(path: str) -> str:
    """Return the path without repeated or trailing slashes."""
    return re.sub("/+", "/", path).removesuffix("/") or "/"


def _lacks_one_segment(shorter: tuple[str, ...], longer: tuple[str, ...]) -> bool:
    """Return whether ``shorter`` is ``longer`` with one segment removed."""
    if len(longer) != len(shorter) + 1:
        return False
    same = next((i for i, (a, b) in enumerate(zip(shorter, longer, strict=False)) if a != b), None)
    return same is None or shorter[same:] == longer[same + 1 :]


def _similarity(segments: tuple[str, ...], parts: tuple[str, ...]) -> float:
    """Return how similar two paths are that differ in one segment; 0 if they differ in more."""
    if len(segments) != len(parts):
        return 0.0
    differing = [(a, b) for a, b in zip(segments, parts, strict=True) if a != b]
    if len(differing) != 1:
        return 0.0
    one, other = differing[0]
    return SequenceMatcher(None, one[:SEGMENT_MAX], other).ratio()


def loggable_path(path: str) -> str:
    """Return the path with unsafe segments replaced: rule 4."""
    segments = path.split("/", SEGMENTS_MAX + 1)
    kept = [one if _LOGGABLE.fullmatch(one) else _HIDDEN for one in segments[: SEGMENTS_MAX + 1]]
    return "/".join(kept) + (f"/{_HIDDEN}" if len(segments) > len(kept) else "")
