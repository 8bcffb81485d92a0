"""Which partitions are late, and when it is Kafka as a whole."""

import pytest

from bridge.publish import PartitionLate
from bridge.publish.breaker import PROBE_FIRST_S
from bridge.publish.lateness import Lateness

BAD, GOOD = ("events", 0), ("events", 1)


class Clock:
    now_s = 100.0

    def __call__(self) -> float:
        return self.now_s


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def lateness(clock: Clock) -> Lateness:
    return Lateness(clock)


def miss(lateness: Lateness, clock: Clock) -> None:
    """Have BAD miss a deadline, while GOOD answers."""
    begun = clock.now_s
    clock.now_s += 1.5
    lateness.answered(GOOD)
    clock.now_s += 0.5
    assert lateness.missed([BAD], begun=begun) == BAD


def test_a_deadline_missed_while_nothing_at_all_is_acknowledged_is_kafkas(
    lateness: Lateness, clock: Clock
) -> None:
    begun = clock.now_s
    clock.now_s += 0.5
    lateness.answered(GOOD)  # under way still when Kafka went away
    clock.now_s += 1.5
    assert lateness.missed([BAD], begun=begun) is None
    assert lateness.enter([BAD, GOOD], probing=False) == []


def test_a_deadline_missed_while_others_are_acknowledged_is_the_partitions(
    lateness: Lateness, clock: Clock
) -> None:
    miss(lateness, clock)
    with pytest.raises(PartitionLate, match="partition 0 of events"):
        lateness.enter([GOOD, BAD], probing=False)
    assert lateness.enter([GOOD], probing=False) == []


def test_one_probe_at_a_time_finds_out_whether_it_is_still_late(
    lateness: Lateness, clock: Clock
) -> None:
    miss(lateness, clock)
    with pytest.raises(PartitionLate):  # it was found out this very moment
        lateness.enter([BAD], probing=True)
    clock.now_s += PROBE_FIRST_S
    (probe,) = lateness.enter([BAD], probing=True)
    with pytest.raises(PartitionLate):
        lateness.enter([BAD], probing=True)
    probe.probe_ended(acknowledged=False)
    with pytest.raises(PartitionLate):
        lateness.enter([BAD], probing=True)
    clock.now_s += 2 * PROBE_FIRST_S
    assert len(lateness.enter([BAD], probing=True)) == 1


def test_a_partition_that_answers_is_not_late_any_more(lateness: Lateness, clock: Clock) -> None:
    miss(lateness, clock)
    late_at = clock.now_s
    miss(lateness, clock)
    assert lateness.since(BAD) == late_at
    lateness.answered(BAD)
    assert lateness.enter([BAD], probing=False) == []


def test_records_for_two_late_partitions_probe_both_or_neither(
    lateness: Lateness, clock: Clock
) -> None:
    other = ("journal", 0)
    miss(lateness, clock)
    begun = clock.now_s
    clock.now_s += PROBE_FIRST_S
    lateness.answered(GOOD)
    lateness.missed([other], begun=begun)
    with pytest.raises(PartitionLate, match="journal"):
        lateness.enter([BAD, other], probing=True)
    assert len(lateness.enter([BAD], probing=True)) == 1
