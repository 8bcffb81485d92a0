"""Checker of a run: compare the callbacks that were answered 2xx with the topics.

1. A callback that was answered 2xx is in its event topic and in the journal, under its key and exactly
   its id. A callback that yields no event is in the dead letters instead of an event topic. So may be
   one that Kafka refuses: a long one for a topic in ``refusing``.
2. *a* was accepted before *b* if the 2xx for *a* was received before the first request for *b* started.
   If two callbacks of one key were accepted in that order, and only by one bridge, the first record of
   *a* comes before the first record of *b*: in the journal and, if both are of one type, in its topic.
   Two concurrent callbacks have no order. Neither have two of different bridges: see
   docs/guarantees.md.
3. Every record belongs to a callback that was sent with a valid signature.
4. A callback may be on a topic more than once, under one id.
5. A callback that was not answered 2xx may be on the topics, or not.
6. The journal has the answer to every callback for which it says that an application was asked.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Final, Literal

from bridge.core.journal import DEAD_LETTER_TOPIC, JOURNAL_TOPIC
from tests.chaos.history import Accepted, Attempt, Found, accepted

Fault = Literal[
    "not in its topic",
    "not in the journal",
    "out of order",
    "not verified",
    "of no callback",
    "under another id",
    "under another key",
    "without its answer",
]


@dataclass(frozen=True, slots=True)
class Finding:
    """One broken rule, and the callback that it concerns."""

    fault: Fault
    about: str


@dataclass(frozen=True, slots=True)
class Exempt:
    """What the operator did to the topics, for which the bridge is not responsible.

    ``refusing`` are topics that refused long records: rule 1. ``emptied`` has until when a topic lost
    its records: callbacks that started before are only expected in the journal. ``overtakes`` is how
    many callbacks the bridge published before older ones, by its own count, because its disk was full.
    """

    overtakes: int = 0
    refusing: frozenset[str] = frozenset()
    emptied: tuple[tuple[str, float], ...] = ()

    def made_again(self, prefix: str) -> set[str]:
        """Return the topics that were created again, with offsets from 0."""
        return {prefix + topic for topic, _ in self.emptied}

    def excuses_event(self, one: Accepted) -> bool:
        return any(
            one.callback.topic == topic and one.first_begun_s < until_s
            for topic, until_s in self.emptied
        )


NOTHING_EXEMPT: Final = Exempt()


def findings(
    attempts: Sequence[Attempt], found: Sequence[Found], exempt: Exempt = NOTHING_EXEMPT
) -> list[Finding]:
    """Return all findings. ``found`` is in order within each key and topic."""
    taken = accepted(attempts)
    overtaking = list(_out_of_order(taken, found))
    return [
        *_missing(taken, found, exempt),
        *(overtaking if len(overtaking) > exempt.overtakes else ()),
        *_strange(attempts, (one for one in found if one.kind != "answer")),
        *_unanswered(found),
    ]


def duplicates(found: Iterable[Found]) -> int:
    """Return the number of duplicate records, by topic and id: rule 4."""
    counted = Counter((one.topic, one.identity) for one in found)
    return counted.total() - len(counted)


def _missing(
    taken: Iterable[Accepted], found: Iterable[Found], exempt: Exempt
) -> Iterable[Finding]:
    """Yield the records that rule 1 requires and that are missing."""
    places = {(one.topic, one.identity) for one in found}
    for one in taken:
        callback = one.callback
        there = (callback.topic, callback.identity) in places
        if not there and callback.long and callback.topic in exempt.refusing:
            there = (DEAD_LETTER_TOPIC, callback.identity) in places
        if not there and not exempt.excuses_event(one):
            yield Finding("not in its topic", callback.marker)
        if (JOURNAL_TOPIC, callback.identity) not in places:
            yield Finding("not in the journal", callback.marker)


def _out_of_order(taken: Iterable[Accepted], found: Iterable[Found]) -> Iterable[Finding]:
    """Yield the callbacks that break the order of rule 2."""
    first: dict[tuple[str, str], int] = {}
    for place, record in enumerate(found):
        first.setdefault((record.topic, record.identity), place)
    by_key = sorted(taken, key=lambda one: one.callback.key)
    for _, of_key in groupby(by_key, key=lambda one: one.callback.key):
        together = sorted(of_key, key=lambda one: one.accepted_s)
        for topic in {JOURNAL_TOPIC, *(one.callback.topic for one in together)}:
            placed = [
                (first[topic, one.callback.identity], one)
                for one in together
                if (topic, one.callback.identity) in first
            ]
            yield from _overtaking(placed)


def _overtaking(placed: Sequence[tuple[int, Accepted]]) -> Iterable[Finding]:
    for place, later in placed:
        if later.slot is not None and any(
            earlier.slot == later.slot
            and earlier.accepted_s < later.first_begun_s
            and place < earlier_place
            for earlier_place, earlier in placed
        ):
            yield Finding("out of order", later.callback.marker)


def _unanswered(found: Iterable[Found]) -> Iterable[Finding]:
    """Yield the callbacks whose answer rule 6 requires and that is missing."""
    answered = {(one.key, one.identity) for one in found if one.kind == "answer"}
    for one in found:
        if one.kind == "journal" and one.asked and (one.key, one.identity) not in answered:
            yield Finding("without its answer", ", ".join(sorted(one.markers)))


def _strange(attempts: Iterable[Attempt], found: Iterable[Found]) -> Iterable[Finding]:
    """Yield the records that break rules 3 and 4."""
    sent = {attempt.callback.marker: attempt.callback for attempt in attempts}
    for record in found:
        callbacks = [sent[marker] for marker in record.markers if marker in sent]
        about = ", ".join(sorted(record.markers)) or record.identity
        if len(callbacks) != 1 or len(record.markers) != 1:
            yield Finding("of no callback", about)
            continue
        (callback,) = callbacks
        if not callback.genuine or not record.verified:
            yield Finding("not verified", about)
        if record.identity != callback.identity:
            yield Finding("under another id", about)
        if record.key != callback.key:
            yield Finding("under another key", about)
