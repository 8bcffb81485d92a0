"""Callbacks and events meet by id and time of arrival, in whatever order they come."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.audit.join import Callback, Key, Pairs, Repeated
from bridge.replay import CannotWrite

KEYS = st.integers(0, 6)


def key(number: int) -> Key:
    # Two of three share their id, and differ in when they came: a callback and its retry.
    return Key(f"id {number // 2}", str(number))


def event(number: int) -> bytes:
    return b"event %d" % number


class Meeting:
    """Pairs, fed, and what came of it."""

    def __init__(self, pairs: Pairs) -> None:
        self.pairs = pairs
        self.met: list[tuple[int, int]] = []
        self.repeated = 0

    def callback(self, number: int) -> None:
        try:
            found = self.pairs.event_of(key(number), Callback(0, number, b"callback"))
        except Repeated:
            self.repeated += 1
            return
        if found is not None:
            self.met.append((number, int(found.split()[1])))

    def event(self, number: int) -> None:
        found = self.pairs.callback_of(key(number), event(number))
        if found is not None:
            assert found.value == b"callback"
            self.met.append((found.offset, number))


@given(callbacks=st.lists(KEYS), events=st.lists(KEYS), seed=st.integers())
def test_every_callback_is_met_once_or_left_over_whatever_comes_first(
    callbacks: list[int], events: list[int], seed: int
) -> None:
    coming = [("callback", one) for one in callbacks] + [("event", one) for one in events]
    random.Random(seed).shuffle(coming)
    with Pairs() as pairs:
        meeting = Meeting(pairs)
        for kind, number in coming:
            getattr(meeting, kind)(number)
        left = [one.offset for one in pairs.waiting()]
    both = set(callbacks) & set(events)
    assert sorted(meeting.met) == [(one, one) for one in sorted(both)]
    assert sorted(left) == sorted(set(callbacks) - set(events))
    assert meeting.repeated == len(callbacks) - len(set(callbacks))


def test_what_is_left_is_in_the_order_it_came_in() -> None:
    with Pairs() as pairs:
        for number in (5, 3, 4):
            pairs.event_of(key(number), Callback(number, number, b"%d" % number))
        assert list(pairs.waiting()) == [Callback(n, n, b"%d" % n) for n in (5, 3, 4)]


def test_a_retry_does_not_meet_the_event_of_the_first() -> None:
    with Pairs() as pairs:
        first, retry = Key("id", "1"), Key("id", "2")
        assert pairs.event_of(retry, Callback(0, 1, b"retry")) is None
        assert pairs.callback_of(first, b"first") is None
        assert pairs.event_of(first, Callback(0, 0, b"first")) == b"first"


def test_what_met_is_kept_by_its_key_alone() -> None:
    with Pairs() as pairs:
        for number in range(200):
            pairs.event_of(Key("id", str(number)), Callback(0, number, b"x" * 100_000))
            pairs.callback_of(Key("id", str(number)), b"y" * 100_000)
        (pages,) = pairs._database.execute("PRAGMA page_count").fetchone()
        (free,) = pairs._database.execute("PRAGMA freelist_count").fetchone()
        (bytes_each,) = pairs._database.execute("PRAGMA page_size").fetchone()
        assert (pages - free) * bytes_each < 100_000


def test_a_repeated_callback_is_told_whether_it_has_met_or_waits() -> None:
    with Pairs() as pairs:
        callback = Callback(0, 0, b"callback")
        pairs.event_of(Key("waits", "1"), callback)
        pairs.callback_of(Key("met", "1"), b"event")
        assert pairs.event_of(Key("met", "1"), callback) == b"event"
        for name in ("waits", "met"):
            with pytest.raises(Repeated):
                pairs.event_of(Key(name, "1"), callback)


def test_a_disk_that_is_full_is_told_as_that() -> None:
    with Pairs() as pairs:
        pairs._database.execute("PRAGMA max_page_count = 12")
        waiting = [Callback(0, number, b"x" * 4096) for number in range(100)]
        with pytest.raises(CannotWrite, match=r"in the folder for temporary files: .*full"):
            _ = [pairs.event_of(Key("id", str(one.offset)), one) for one in waiting]
