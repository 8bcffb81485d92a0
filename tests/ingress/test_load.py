"""Limits of callbacks in flight: shares of each class, and everything is released."""

import contextlib

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from bridge.core.catalogue import Catalogue
from bridge.ingress.load import Load, Overloaded, ShedClass, Slot, shed_class_for

INFORMATIONAL, ESSENTIAL = ShedClass.INFORMATIONAL, ShedClass.ESSENTIAL


def filled(load: Load, callbacks: int, size: int = 0) -> contextlib.ExitStack:
    """Take the places of ``callbacks`` essential callbacks of ``size`` bytes each."""
    taken = contextlib.ExitStack()
    for _ in range(callbacks):
        place = taken.enter_context(load.reserve(ESSENTIAL))
        place.take_bytes(size)
        place.take_callback()
    return taken


def admits(load: Load, shed_class: ShedClass, size: int = 0) -> bool:
    try:
        with load.reserve(shed_class) as place:
            place.take_bytes(size)
            place.take_callback()
    except Overloaded:
        return False
    return True


@pytest.mark.parametrize(
    ("under_way", "informational", "essential"),
    [(0, True, True), (74, True, True), (75, False, True), (99, False, True), (100, False, False)],
)
def test_informational_callbacks_may_use_three_quarters_of_the_places(
    under_way: int, *, informational: bool, essential: bool
) -> None:
    load = Load(callbacks_max=100, bytes_max=1000)
    with filled(load, under_way):
        assert admits(load, INFORMATIONAL) == informational
        assert admits(load, ESSENTIAL) == essential


@pytest.mark.parametrize(
    ("under_way", "size", "informational", "essential"),
    [
        (0, 75, True, True),
        (0, 76, False, True),
        (0, 100, False, True),
        (0, 101, False, False),
        (74, 1, True, True),
        (74, 2, False, True),
        (75, 0, False, True),
        (99, 1, False, True),
        (99, 2, False, False),
        (100, 0, False, False),
    ],
)
def test_informational_callbacks_may_use_three_quarters_of_the_bytes(
    under_way: int, size: int, *, informational: bool, essential: bool
) -> None:
    load = Load(callbacks_max=10, bytes_max=100)
    with filled(load, 1, under_way):
        assert admits(load, INFORMATIONAL, size) == informational
        assert admits(load, ESSENTIAL, size) == essential


def test_a_body_that_is_still_coming_takes_bytes_but_no_place() -> None:
    load = Load(callbacks_max=1, bytes_max=100)
    with load.reserve(ESSENTIAL) as slow:
        slow.take_bytes(10)
        assert (load.callbacks, load.bytes) == (0, 10)
        with filled(load, 1, 20), pytest.raises(Overloaded):
            slow.take_callback()
        slow.take_callback()
        assert (load.callbacks, load.bytes) == (1, 10)
    assert (load.callbacks, load.bytes) == (0, 0)


def test_a_routes_class_is_its_types_and_the_shared_path_is_shed_last(types: Catalogue) -> None:
    assert shed_class_for(types.by_name["voice.call.ring"]) is INFORMATIONAL
    assert shed_class_for(types.by_name["voice.call.hangup"]) is ESSENTIAL
    assert shed_class_for(None) is ESSENTIAL


class Loaded(RuleBasedStateMachine):
    """Callbacks come, grow and leave in any order; a model adds up what they hold."""

    @initialize(callbacks_max=st.integers(1, 6), bytes_max=st.integers(1, 60))
    def start(self, callbacks_max: int, bytes_max: int) -> None:
        self.maxima = (callbacks_max, bytes_max)
        self.load = Load(callbacks_max=callbacks_max, bytes_max=bytes_max)
        self.held: list[tuple[Slot, list[int]]] = []

    @rule(shed_class=st.sampled_from(ShedClass))
    def come(self, shed_class: ShedClass) -> None:
        with contextlib.suppress(Overloaded):
            self.held.append((self.load.reserve(shed_class).__enter__(), [0, 0]))

    @rule(which=st.integers(0), size=st.integers(0, 40))
    def grow(self, which: int, size: int) -> None:
        if self.held:
            place, sums = self.held[which % len(self.held)]
            with contextlib.suppress(Overloaded):
                place.take_bytes(size)
                sums[1] += size

    @rule(which=st.integers(0))
    def be_whole(self, which: int) -> None:
        if self.held:
            place, sums = self.held[which % len(self.held)]
            if not sums[0]:
                with contextlib.suppress(Overloaded):
                    place.take_callback()
                    sums[0] = 1

    @rule(which=st.integers(0))
    def leave(self, which: int) -> None:
        if self.held:
            self.held.pop(which % len(self.held))[0].__exit__()

    @invariant()
    def what_is_counted_is_what_is_held_and_never_over_a_bound(self) -> None:
        if hasattr(self, "load"):
            held = [sum(sums[index] for _, sums in self.held) for index in (0, 1)]
            assert [self.load.callbacks, self.load.bytes] == held
            assert held[0] <= self.maxima[0]
            assert held[1] <= self.maxima[1]


TestLoaded = Loaded.TestCase


class Request:
    """A request whose body arrives, and that can be ended."""

    def __init__(self, load: Load, *, is_whole: bool = False) -> None:
        self.is_whole = is_whole
        self.has_ended = False
        self.place = load.reserve(ESSENTIAL, self.give_way)

    def give_way(self) -> bool:
        self.has_ended = not self.is_whole
        return self.has_ended


def test_at_the_bound_of_bytes_the_oldest_unfinished_requests_give_way() -> None:
    load = Load(callbacks_max=10, bytes_max=100)
    held = [Request(load) for _ in range(4)]
    for request in held:
        request.place.take_bytes(25)
    with load.reserve(ESSENTIAL) as genuine:
        genuine.take_bytes(30, is_last=True)
        assert [request.has_ended for request in held] == [True, True, False, False]
        assert load.bytes == 80
    for request in held:
        with request.place:
            pass
    assert load.bytes == 0


def test_the_oldest_unfinished_request_is_shed_itself_rather_than_a_newer_one() -> None:
    load = Load(callbacks_max=10, bytes_max=100)
    old, new = Request(load), Request(load)
    old.place.take_bytes(50)
    new.place.take_bytes(50)
    with pytest.raises(Overloaded):
        old.place.take_bytes(1)
    assert not new.has_ended
    new.place.take_bytes(1)
    assert old.has_ended


def test_a_request_that_gets_its_end_makes_newer_ones_give_way() -> None:
    load = Load(callbacks_max=10, bytes_max=100)
    old, new = Request(load), Request(load)
    old.place.take_bytes(50)
    new.place.take_bytes(50)
    old.place.take_bytes(10, is_last=True)
    assert (old.has_ended, new.has_ended, load.bytes) == (False, True, 60)


def test_a_request_that_is_complete_by_now_is_not_shed() -> None:
    load = Load(callbacks_max=10, bytes_max=100)
    whole = Request(load, is_whole=True)
    whole.place.take_bytes(60)
    with load.reserve(ESSENTIAL) as late, pytest.raises(Overloaded):
        late.take_bytes(50, is_last=True)
    assert load.bytes == 60
