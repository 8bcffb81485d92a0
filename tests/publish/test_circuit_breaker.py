"""The circuit breaker: its rules one by one, and as a state machine against a simple model."""

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from bridge.publish.health import PROBE_PAUSE, CircuitBreaker


class Clock:
    def __init__(self) -> None:
        self.now_s = 0.0

    def __call__(self) -> float:
        return self.now_s


def test_it_begins_closed_and_one_failure_opens_it() -> None:
    seen: list[bool] = []
    breaker = CircuitBreaker(Clock())
    breaker.subscribe(seen.append)
    assert breaker.closed
    breaker.record_failure()
    breaker.record_failure()
    assert not breaker.closed
    assert seen == [False]


def test_one_probe_at_a_time_and_each_failed_one_doubles_the_pause() -> None:
    clock = Clock()
    breaker = CircuitBreaker(clock)
    breaker.record_failure()
    pauses_s: list[float] = []
    for _ in range(8):
        failed_at_s = clock.now_s
        while not breaker.start_probe():
            clock.now_s += 0.125
        pauses_s.append(clock.now_s - failed_at_s)
        assert not breaker.start_probe()
        breaker.end_probe(acknowledged=False)
    assert pauses_s == [0.5, 1.0, 2.0, 4.0, 5.0, 5.0, 5.0, 5.0]


def test_any_acknowledgement_closes_it_and_the_next_outage_starts_with_the_first_pause() -> None:
    clock, seen = Clock(), list[bool]()
    breaker = CircuitBreaker(clock)
    breaker.subscribe(seen.append)
    for _ in range(2):
        breaker.record_failure()
        clock.now_s += PROBE_PAUSE.first_s
        assert breaker.start_probe()
        breaker.end_probe(acknowledged=True)
        assert breaker.closed
        assert not breaker.start_probe()
    assert seen == [False, True, False, True]


def test_a_probe_is_the_only_one_until_it_ended_though_the_breaker_closed_and_opened_meanwhile() -> (
    None
):
    clock = Clock()
    breaker = CircuitBreaker(clock)
    breaker.record_failure()
    clock.now_s += PROBE_PAUSE.first_s
    assert breaker.start_probe()
    breaker.record_success()
    breaker.record_failure()
    clock.now_s += PROBE_PAUSE.max_s
    assert not breaker.start_probe()
    assert not breaker.may_send
    breaker.end_probe(acknowledged=False)
    clock.now_s += PROBE_PAUSE.max_s
    assert breaker.start_probe()


def test_a_failure_of_an_older_record_does_not_delay_a_probe() -> None:
    clock = Clock()
    breaker = CircuitBreaker(clock)
    breaker.record_failure()
    clock.now_s += PROBE_PAUSE.first_s
    breaker.record_failure()
    assert breaker.may_send
    assert breaker.start_probe()


def test_a_record_that_would_be_lost_probes_at_once_but_not_beside_another_probe() -> None:
    breaker = CircuitBreaker(Clock())
    breaker.record_failure()
    assert not breaker.start_probe()
    assert breaker.start_probe(at_once=True)
    assert not breaker.start_probe(at_once=True)
    breaker.end_probe(acknowledged=True)
    assert not breaker.start_probe(at_once=True)


class Breaking(RuleBasedStateMachine):
    """Whatever happens to it: never two probes at a time, and never silence for long."""

    def __init__(self) -> None:
        super().__init__()
        self.clock = Clock()
        self.changes: list[bool] = []
        self.breaker = CircuitBreaker(self.clock)
        self.breaker.subscribe(self.changes.append)
        self.closed = True
        self.probing = False
        self.quiet_since_s = 0.0

    @rule(seconds=st.floats(0, 20))
    def time_passes(self, seconds: float) -> None:
        self.clock.now_s += seconds

    @rule()
    def something_fails(self) -> None:
        if self.closed:
            self.closed, self.quiet_since_s = False, self.clock.now_s
        self.breaker.record_failure()

    @rule()
    def something_is_acknowledged(self) -> None:
        self.closed = True
        self.breaker.record_success()

    @rule()
    def somebody_asks_to_probe(self) -> None:
        may = self.breaker.start_probe()
        if self.closed or self.probing:
            assert not may
        elif self.clock.now_s - self.quiet_since_s >= PROBE_PAUSE.max_s:
            assert may
        if self.clock.now_s - self.quiet_since_s < PROBE_PAUSE.first_s:
            assert not may
        self.probing |= may

    @precondition(lambda self: self.probing)
    @rule()
    def the_probe_fails(self) -> None:
        self.probing = False
        if not self.closed:
            self.quiet_since_s = self.clock.now_s
        self.breaker.end_probe(acknowledged=False)

    @precondition(lambda self: self.probing)
    @rule()
    def the_probe_is_acknowledged(self) -> None:
        self.closed, self.probing = True, False
        self.breaker.end_probe(acknowledged=True)

    @invariant()
    def it_is_closed_when_nothing_failed_since_the_last_acknowledgement(self) -> None:
        assert self.breaker.closed == self.closed

    @invariant()
    def it_tells_every_change_once(self) -> None:
        assert self.changes == [index % 2 == 1 for index in range(len(self.changes))]
        assert (len(self.changes) % 2 == 0) == self.closed

    @invariant()
    def it_is_worth_trying_just_when_a_record_may_go(self) -> None:
        if self.closed:
            assert self.breaker.may_send
        elif self.probing:
            assert not self.breaker.may_send


TestBreaking = Breaking.TestCase
