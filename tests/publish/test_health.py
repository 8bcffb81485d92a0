"""Which partitions and topics get no records, and when the whole cluster does not answer."""

import pytest
from structlog.testing import capture_logs

from bridge.publish import PartitionStalled, TopicUnavailable
from bridge.publish.health import PROBE_PAUSE, TOPIC_PAUSE, KafkaHealth
from bridge.telemetry.metrics import Metrics

BAD, GOOD = ("events", 0), ("events", 1)


class Clock:
    now_s = 100.0

    def __call__(self) -> float:
        return self.now_s


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def health(clock: Clock) -> KafkaHealth:
    return KafkaHealth(clock)


def miss(health: KafkaHealth, clock: Clock) -> None:
    """Have BAD miss a deadline, while GOOD answers."""
    begun = clock.now_s
    clock.now_s += 1.5
    health.record_answer(GOOD)
    clock.now_s += 0.5
    assert health.record_timeout([BAD], started_at=begun) == BAD


def test_a_missed_deadline_without_any_acknowledgement_concerns_the_cluster(
    health: KafkaHealth, clock: Clock
) -> None:
    begun = clock.now_s
    clock.now_s += 0.5
    health.record_answer(GOOD)  # still pending when Kafka went away
    clock.now_s += 1.5
    assert health.record_timeout([BAD], started_at=begun) is None
    assert health.start_probes([BAD, GOOD], probing=False) == []


def test_a_missed_deadline_beside_acknowledgements_concerns_the_partition(
    health: KafkaHealth, clock: Clock
) -> None:
    miss(health, clock)
    with pytest.raises(PartitionStalled, match="partition 0 of events"):
        health.start_probes([GOOD, BAD], probing=False)
    assert health.start_probes([GOOD], probing=False) == []


def test_one_probe_at_a_time_finds_out_whether_it_is_still_stalled(
    health: KafkaHealth, clock: Clock
) -> None:
    miss(health, clock)
    with pytest.raises(PartitionStalled):  # its first probe is not due yet
        health.start_probes([BAD], probing=True)
    clock.now_s += PROBE_PAUSE.first_s
    (probe,) = health.start_probes([BAD], probing=True)
    with pytest.raises(PartitionStalled):
        health.start_probes([BAD], probing=True)
    probe.end_probe(acknowledged=False)
    with pytest.raises(PartitionStalled):
        health.start_probes([BAD], probing=True)
    clock.now_s += 2 * PROBE_PAUSE.first_s
    assert len(health.start_probes([BAD], probing=True)) == 1


def test_a_partition_that_answers_is_not_stalled_any_more(
    health: KafkaHealth, clock: Clock
) -> None:
    miss(health, clock)
    stalled_at = clock.now_s
    miss(health, clock)
    assert health.stalled_since(BAD) == stalled_at
    health.record_answer(BAD)
    assert health.start_probes([BAD], probing=False) == []


def test_records_for_two_stalled_partitions_probe_both_or_neither(
    health: KafkaHealth, clock: Clock
) -> None:
    other = ("journal", 0)
    miss(health, clock)
    begun = clock.now_s
    clock.now_s += PROBE_PAUSE.first_s
    health.record_answer(GOOD)
    health.record_timeout([other], started_at=begun)
    with pytest.raises(PartitionStalled, match="journal"):
        health.start_probes([BAD, other], probing=True)
    assert len(health.start_probes([BAD], probing=True)) == 1


def test_a_failing_topic_is_paused_twice_as_long_each_time_and_others_are_not(
    health: KafkaHealth, clock: Clock
) -> None:
    missing = TopicUnavailable("events", "missing")
    pauses_s: list[float] = []
    for _ in range(6):
        assert health.topic_fault("events") is None
        for _ in range(2):  # the publisher and the drain report the same failure
            health.record_topic_failure(missing)
        assert health.topic_fault("events") == "missing"
        assert health.topic_fault("journal") is None
        pauses_s.append(health.topic_pause_s("events"))
        clock.now_s += pauses_s[-1]
    assert pauses_s == [1.0, 2.0, 4.0, 8.0, 10.0, 10.0]
    assert health.topic_pause_s("journal") == 0
    assert health.cluster.closed


def test_a_topic_that_acknowledges_a_record_is_not_paused_any_more(
    health: KafkaHealth, clock: Clock
) -> None:
    missing = TopicUnavailable("events", "missing")
    for _ in range(3):
        health.record_topic_failure(missing)
        clock.now_s += health.topic_pause_s("events")
    health.record_acknowledgement(("events", 0))
    assert health.topic_pause_s("events") == 0
    health.record_topic_failure(missing)
    assert health.topic_pause_s("events") == TOPIC_PAUSE.first_s


def test_a_topic_that_refuses_a_record_stays_paused(health: KafkaHealth) -> None:
    health.record_topic_failure(TopicUnavailable("events", "closed to us"))
    health.record_answer(("events", 0))
    assert health.topic_fault("events") == "closed to us"


def test_the_state_of_the_cluster_is_a_metric_and_its_changes_are_logged(clock: Clock) -> None:
    metrics = Metrics("test")
    health = KafkaHealth(clock, metrics=metrics)
    with capture_logs() as lines:
        health.cluster.record_failure()
        assert metrics.value("breaker_open") == 1
        health.cluster.record_success()
        assert metrics.value("breaker_open") == 0
    assert [line["event"] for line in lines] == ["breaker_open", "breaker_closed"]
