"""Find an id by its first characters, which is all that a table shows.

The partition of an id follows from the whole id. So every partition is read, as far as the window
reaches. An id that is unique in the window need not be unique before it.
"""

from collections.abc import Sequence
from contextlib import aclosing
from dataclasses import dataclass
from itertools import pairwise, takewhile
from typing import Final

from bridge.reader.by_key import KeyReader
from bridge.reader.window import Window, find_ranges

CANDIDATES_MAX: Final = 1_000


@dataclass(slots=True)
class IdCandidate:
    """An id with the requested prefix, the time of its first record, and its number of callbacks."""

    id: str
    first_ms: int
    callbacks: int = 0


class AmbiguousPrefix(Exception):
    """Several ids have the prefix. ``candidates`` are at most CANDIDATES_MAX of them."""

    def __init__(self, prefix: str, candidates: Sequence[IdCandidate]) -> None:
        super().__init__(f"{len(candidates)} ids begin with {prefix}")
        self.prefix = prefix
        self.candidates = candidates

    @property
    def distinct_characters(self) -> int:
        """Return how many characters distinguish the candidates."""
        ids = sorted(one.id for one in self.candidates)
        return max(_common_length(one, other) for one, other in pairwise(ids)) + 1


def _common_length(one: str, other: str) -> int:
    same = takewhile(lambda pair: pair[0] == pair[1], zip(one, other, strict=False))
    return sum(1 for _ in same)


async def find_id(prefix: str, within: Window, *, reader: KeyReader, journal: str) -> str | None:
    """Return the only id in the window with this prefix, None if there is none.

    If the prefix is itself a complete id, that id is returned. Raises AmbiguousPrefix and CannotRead.
    """
    found: dict[str, IdCandidate] = {}
    begins = prefix.encode()
    among = await find_ranges(reader.connection, [journal], within)
    stream = reader.scan(
        "looking for the id",
        among,
        lambda one: (one.key or b"").startswith(begins) and within.contains(one.timestamp),
    )
    async with aclosing(stream):
        async for record in stream:
            key = (record.key or b"").decode("utf-8", "replace")
            if key not in found and len(found) == CANDIDATES_MAX:
                break
            found.setdefault(key, IdCandidate(key, record.timestamp)).callbacks += 1
    if prefix in found:
        return prefix
    if len(found) > 1:
        raise AmbiguousPrefix(prefix, list(found.values()))
    return next(iter(found), None)
