"""Ids found by their first characters.

A table shows the first characters of an id. Where in the journal an id lies follows from the whole id
alone, so every partition is read, as far as the window reaches: what is unique in it need not be unique
before it.
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
    """An id that begins as it was asked for, the time of its first record, and how many it has."""

    id: str
    first_ms: int
    callbacks: int = 0


class AmbiguousPrefix(Exception):
    """Several ids begin as it was asked for. ``candidates`` are at most CANDIDATES_MAX of them."""

    def __init__(self, prefix: str, candidates: Sequence[IdCandidate]) -> None:
        super().__init__(f"{len(candidates)} ids begin with {prefix}")
        self.prefix = prefix
        self.candidates = candidates

    @property
    def distinct_characters(self) -> int:
        """Return how many characters tell the candidates apart."""
        ids = sorted(one.id for one in self.candidates)
        return max(_common_length(one, other) for one, other in pairwise(ids)) + 1


def _common_length(one: str, other: str) -> int:
    same = takewhile(lambda pair: pair[0] == pair[1], zip(one, other, strict=False))
    return sum(1 for _ in same)


async def find_id(prefix: str, within: Window, *, reader: KeyReader, journal: str) -> str | None:
    """Return the only id in the window that begins so, None if there is none.

    An id that is exactly so is the one. Raises Ambiguous, and CannotRead.
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
