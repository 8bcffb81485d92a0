"""A hint decides where a search starts, and never cuts off part of a call."""

from datetime import timedelta

import pytest

from bridge.calls.gaps import find_gaps
from bridge.calls.legs import build_legs
from bridge.reader.window import Window, build_window
from tests.support.call_cluster import CALL, Cluster, filled, types
from tests.support.call_stories import MESSAGE, A, B, at, dialled_call, report
from tests.support.kafka import Kafka
from tests.support.stored_calls import PLACED, calls, make_some_topics, taken
from tests.support.stored_records import NOON_MS

pytest_plugins = ("tests.support.kafka_fixtures",)

SOON = at(120)


@pytest.fixture
async def cluster(kafka: Kafka, prefix: str) -> Cluster:
    return await filled(kafka, prefix)


@pytest.mark.kafka
async def test_a_time_hint_keeps_from_reading_what_was_before(
    apache_kafka: str, prefix: str
) -> None:
    cluster = Cluster(Kafka(apache_kafka, idempotence=True), prefix)
    await make_some_topics(cluster.kafka, prefix)
    await cluster.put(list(calls(20, placed_at=PLACED - timedelta(days=3), prefix=prefix)))
    await cluster.put(dialled_call(prefix))
    whole = await cluster.find(A)
    before = dict(cluster.read)
    hinted = await cluster.find(A, build_window(PLACED, None))
    assert types(hinted) == types(whole) == CALL
    assert cluster.read["reading the journal"] < before["reading the journal"]
    assert cluster.read["reading the journal"] <= 12
    early = await cluster.find(A, build_window(PLACED, PLACED + timedelta(seconds=10)))
    assert types(early) == CALL[:2]


async def test_a_parent_call_before_the_hint_is_found_for_no_call_lasts_a_day(
    kafka: Kafka, prefix: str
) -> None:
    cluster = Cluster(kafka, prefix)
    await make_some_topics(kafka, prefix)
    await cluster.put(dialled_call(prefix))
    found = await cluster.find(B, build_window(at(33), None))
    assert types(found) == CALL


@pytest.mark.parametrize("begin_s", [3, 21, 60])
async def test_a_call_that_began_before_the_hint_is_whole_and_has_no_gaps(
    cluster: Cluster, begin_s: int
) -> None:
    found = await cluster.find(A, build_window(at(begin_s), None))
    assert types(found) == CALL
    assert find_gaps(found, build_legs(found.entries, A), SOON) == []
    assert len({one.position for one in found.entries}) == len(CALL)
    assert (found.searched.since_ms or NOON_MS) < found.entries[0].timestamp_ms


async def test_a_call_is_not_under_way_nor_lost_after_the_time_that_was_read(
    cluster: Cluster,
) -> None:
    late = at(30 * 3600)
    cut = await cluster.find(A, build_window(None, at(10)))
    assert types(cut) == CALL[:2]
    assert find_gaps(cut, build_legs(cut.entries, A), late) == []
    long_after = await cluster.find(A, build_window(None, at(6 * 3600)))
    long_after.entries = long_after.entries[:2]
    (gap,) = find_gaps(long_after, build_legs(long_after.entries, A), late)
    assert (gap.code, gap.text[-7:]) == ("hangup_missing", "5 h old")


async def test_a_call_is_read_again_only_if_it_may_have_started_earlier(
    cluster: Cluster,
) -> None:
    await cluster.put([taken(report(1, "sent"), at(0), prefix=cluster.prefix)])
    early = Window(build_window(PLACED - timedelta(days=2), None).since_ms)
    found = await cluster.find(MESSAGE, early)
    once = cluster.read["reading the journal"]
    await cluster.find(MESSAGE)
    assert found.searched == early
    assert cluster.read["reading the journal"] == once
