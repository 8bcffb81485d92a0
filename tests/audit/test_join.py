"""Callbacks and events are joined by id and receive time, in whatever order they come."""

import random
from contextlib import closing

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.audit.join import EventJoin, JoinKey, PendingCallback, RepeatedCallback
from bridge.replay import CannotWrite

KEYS = st.integers(0, 6)


def key(number: int) -> JoinKey:
    # Two of three share their id, and differ in when they came: a callback and its retry.
    return JoinKey(f"id {number // 2}", str(number))


def event(number: int) -> bytes:
    return b"event %d" % number


class Meeting:
    """Pairs, fed, and what came of it."""

    def __init__(self, pairs: EventJoin) -> None:
        self.pairs = pairs
        self.met: list[tuple[int, int]] = []
        self.repeated = 0

    def callback(self, number: int) -> None:
        try:
            found = self.pairs.match_callback(key(number), PendingCallback(0, number, b"callback"))
        except RepeatedCallback:
            self.repeated += 1
            return
        if found is not None:
            self.met.append((number, int(found.split()[1])))

    def event(self, number: int) -> None:
        found = self.pairs.match_event(key(number), event(number))
        if found is not None:
            assert found.value == b"callback"
            self.met.append((found.offset, number))


@given(callbacks=st.lists(KEYS), events=st.lists(KEYS), seed=st.integers())
def test_every_callback_is_met_once_or_left_over_whatever_comes_first(
    callbacks: list[int], events: list[int], seed: int
) -> None:
    coming = [("callback", one) for one in callbacks] + [("event", one) for one in events]
    random.Random(seed).shuffle(coming)
    with closing(EventJoin()) as pairs:
        meeting = Meeting(pairs)
        for kind, number in coming:
            getattr(meeting, kind)(number)
        left = [one.offset for one in pairs.unmatched_callbacks()]
    both = set(callbacks) & set(events)
    assert sorted(meeting.met) == [(one, one) for one in sorted(both)]
    assert sorted(left) == sorted(set(callbacks) - set(events))
    assert meeting.repeated == len(callbacks) - len(set(callbacks))


def test_what_is_left_is_in_the_order_it_came_in() -> None:
    with closing(EventJoin()) as pairs:
        for number in (5, 3, 4):
            pairs.match_callback(key(number), PendingCallback(number, number, b"%d" % number))
        assert list(pairs.unmatched_callbacks()) == [
            PendingCallback(n, n, b"%d" % n) for n in (5, 3, 4)
        ]


def test_a_retry_does_not_meet_the_event_of_the_first() -> None:
    with closing(EventJoin()) as pairs:
        first, retry = JoinKey("id", "1"), JoinKey("id", "2")
        assert pairs.match_callback(retry, PendingCallback(0, 1, b"retry")) is None
        assert pairs.match_event(first, b"first") is None
        assert pairs.match_callback(first, PendingCallback(0, 0, b"first")) == b"first"


def test_what_met_is_kept_by_its_key_alone() -> None:
    with closing(EventJoin()) as pairs:
        for number in range(200):
            pairs.match_callback(
                JoinKey("id", str(number)), PendingCallback(0, number, b"x" * 100_000)
            )
            pairs.match_event(JoinKey("id", str(number)), b"y" * 100_000)
        (pages,) = pairs._database.execute("PRAGMA page_count").fetchone()
        (free,) = pairs._database.execute("PRAGMA freelist_count").fetchone()
        (bytes_each,) = pairs._database.execute("PRAGMA page_size").fetchone()
        assert (pages - free) * bytes_each < 100_000


def test_a_repeated_callback_is_reported_before_and_after_its_match() -> None:
    with closing(EventJoin()) as pairs:
        callback = PendingCallback(0, 0, b"callback")
        pairs.match_callback(JoinKey("waits", "1"), callback)
        pairs.match_event(JoinKey("met", "1"), b"event")
        assert pairs.match_callback(JoinKey("met", "1"), callback) == b"event"
        for name in ("waits", "met"):
            with pytest.raises(RepeatedCallback):
                pairs.match_callback(JoinKey(name, "1"), callback)


def test_a_full_disk_is_reported() -> None:
    with closing(EventJoin()) as pairs:
        pairs._database.execute("PRAGMA max_page_count = 12")
        waiting = [PendingCallback(0, number, b"x" * 4096) for number in range(100)]
        with pytest.raises(CannotWrite, match=r"in the folder for temporary files: .*full"):
            _ = [pairs.match_callback(JoinKey("id", str(one.offset)), one) for one in waiting]
