"""Which partitions are late, and when it is Kafka as a whole."""

import pytest

from bridge.publish import PartitionStalled
from bridge.publish.breaker import PROBE_FIRST_S
from bridge.publish.lateness import PartitionHealth

BAD, GOOD = ("events", 0), ("events", 1)


class Clock:
    now_s = 100.0

    def __call__(self) -> float:
        return self.now_s


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def lateness(clock: Clock) -> PartitionHealth:
    return PartitionHealth(clock)


def miss(lateness: PartitionHealth, clock: Clock) -> None:
    """Have BAD miss a deadline, while GOOD answers."""
    begun = clock.now_s
    clock.now_s += 1.5
    lateness.record_answer(GOOD)
    clock.now_s += 0.5
    assert lateness.record_timeout([BAD], started_at=begun) == BAD


def test_a_deadline_missed_while_nothing_at_all_is_acknowledged_is_kafkas(
    lateness: PartitionHealth, clock: Clock
) -> None:
    begun = clock.now_s
    clock.now_s += 0.5
    lateness.record_answer(GOOD)  # under way still when Kafka went away
    clock.now_s += 1.5
    assert lateness.record_timeout([BAD], started_at=begun) is None
    assert lateness.start_probes([BAD, GOOD], probing=False) == []


def test_a_deadline_missed_while_others_are_acknowledged_is_the_partitions(
    lateness: PartitionHealth, clock: Clock
) -> None:
    miss(lateness, clock)
    with pytest.raises(PartitionStalled, match="partition 0 of events"):
        lateness.start_probes([GOOD, BAD], probing=False)
    assert lateness.start_probes([GOOD], probing=False) == []


def test_one_probe_at_a_time_finds_out_whether_it_is_still_late(
    lateness: PartitionHealth, clock: Clock
) -> None:
    miss(lateness, clock)
    with pytest.raises(PartitionStalled):  # it was found out this very moment
        lateness.start_probes([BAD], probing=True)
    clock.now_s += PROBE_FIRST_S
    (probe,) = lateness.start_probes([BAD], probing=True)
    with pytest.raises(PartitionStalled):
        lateness.start_probes([BAD], probing=True)
    probe.end_probe(acknowledged=False)
    with pytest.raises(PartitionStalled):
        lateness.start_probes([BAD], probing=True)
    clock.now_s += 2 * PROBE_FIRST_S
    assert len(lateness.start_probes([BAD], probing=True)) == 1


def test_a_partition_that_answers_is_not_late_any_more(
    lateness: PartitionHealth, clock: Clock
) -> None:
    miss(lateness, clock)
    late_at = clock.now_s
    miss(lateness, clock)
    assert lateness.stalled_since(BAD) == late_at
    lateness.record_answer(BAD)
    assert lateness.start_probes([BAD], probing=False) == []


def test_records_for_two_late_partitions_probe_both_or_neither(
    lateness: PartitionHealth, clock: Clock
) -> None:
    other = ("journal", 0)
    miss(lateness, clock)
    begun = clock.now_s
    clock.now_s += PROBE_FIRST_S
    lateness.record_answer(GOOD)
    lateness.record_timeout([other], started_at=begun)
    with pytest.raises(PartitionStalled, match="journal"):
        lateness.start_probes([BAD, other], probing=True)
    assert len(lateness.start_probes([BAD], probing=True)) == 1
