"""From the spool to Kafka: oldest first, in order for every key, and nothing deleted before its time."""

import asyncio
import threading
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs

from bridge.publish.health import Backoff, KafkaHealth
from bridge.spool.codec import SpooledCallback
from bridge.spool.drain import Drain, DrainLimits
from bridge.spool.spool import DiskSpool
from bridge.spool.writer import Job
from bridge.telemetry.metrics import Metrics
from tests.support.spool import (
    BRISK,
    EVENTS,
    JOURNAL,
    NOON_MS,
    Kafka,
    callback,
    drain_of,
    ever_later,
    held_names,
    once,
    opened,
    rest,
)
from tests.support.waiting import PATIENCE_S, until

NEVER = Backoff(10_000.0, 10_000.0)
SMALL_PAGES = DrainLimits(page_callbacks_max=2, poll_s=0.01, stalled_s=10_000.0, refused=NEVER)


def list_reads(spool: DiskSpool) -> list[int]:
    """Return the list that gets the number after which each page begins, when the page was read."""
    reads: list[int] = []
    read_page = spool.read_page

    async def listed(after: int, **limits: Any) -> list[SpooledCallback]:
        page = await read_page(after, **limits)
        reads.append(after)
        return page

    spool.read_page = listed  # type: ignore[method-assign]
    return reads


async def test_everything_is_published_in_order_and_deleted(tmp_path: Path) -> None:
    kafka = Kafka()
    names = [str(number) for number in range(10)]
    async with opened(tmp_path) as spool:
        for number, name in enumerate(names):
            await spool.append(callback(name, b"%d" % (number % 3)))
        metrics = Metrics("test")
        await rest(drain_of(spool, kafka, metrics=metrics))
        assert spool.state.callbacks == 0
        assert not any(spool.has_pending(b"%d" % key) for key in range(3))
    assert metrics.value("drained_total") == 10
    for topic in (EVENTS, JOURNAL):
        for key in range(3):
            assert [name for name in kafka.names(topic) if int(name) % 3 == key] == names[key::3]


async def test_a_started_drain_publishes_callbacks_that_are_appended_later(tmp_path: Path) -> None:
    kafka = Kafka()
    async with opened(tmp_path) as spool:
        drain = drain_of(spool, kafka)
        drain.start()
        for name in "abc":
            await spool.append(callback(name))
            await until(lambda: not spool.has_pending(b"call"))
        await drain.stop(1.0)
        assert kafka.names() == ["a", "b", "c"]


async def test_a_started_drain_publishes_nothing_before_kafka_was_reached(tmp_path: Path) -> None:
    kafka = Kafka()
    kafka.available = False
    health = KafkaHealth()
    opened_or_closed: list[bool] = []
    health.cluster.subscribe(opened_or_closed.append)
    async with opened(tmp_path) as spool:
        await spool.append(callback("a"))
        drain = drain_of(spool, kafka, health=health, limits=SMALL_PAGES)
        drain.start()
        await asyncio.sleep(5 * SMALL_PAGES.poll_s)
        assert kafka.asked == 0
        kafka.available = True
        await until(lambda: kafka.names() == ["a"])  # a key that had found no connection would wait
        await drain.stop(1.0)
    assert opened_or_closed == []


async def test_a_drain_that_never_reached_kafka_stops(tmp_path: Path) -> None:
    kafka = Kafka()
    kafka.available = False
    async with opened(tmp_path) as spool:
        await spool.append(callback("a"))
        drain = drain_of(spool, kafka)
        drain.start()
        await drain.stop(PATIENCE_S)
        assert (kafka.asked, await held_names(spool)) == (0, ["a"])


async def test_the_next_page_is_published_while_the_disk_deletes_the_former_one(
    tmp_path: Path,
) -> None:
    kafka = Kafka()
    kafka.gate = asyncio.Event()
    disk = threading.Event()
    async with opened(tmp_path) as spool:
        for name in "abcd":
            await spool.append(callback(name, name.encode()))
        drain = drain_of(spool, kafka, limits=SMALL_PAGES)
        reads = list_reads(spool)
        drain.start()
        await until(lambda: reads == [0, 2])
        spool._submit(Job(lambda _: disk.wait(PATIENCE_S), lambda *_: None))
        kafka.gate.set()
        await until(lambda: kafka.names() == ["a", "b", "c", "d"])
        assert spool.state.callbacks == 4
        disk.set()
        await drain.stop(PATIENCE_S)
        assert spool.state.callbacks == 0


async def test_what_a_probe_published_is_not_published_again_because_it_was_read_ahead(
    tmp_path: Path,
) -> None:
    kafka = Kafka()
    health = KafkaHealth(ever_later())
    async with opened(tmp_path) as spool:
        for name in "abcd":
            await spool.append(callback(name, name.encode()))
        drain = drain_of(spool, kafka, health=health, limits=SMALL_PAGES)
        await drain._step()
        health.cluster.record_failure()
        await drain._step()
        assert kafka.names() == ["a", "b", "c"]
        await rest(drain)
    assert kafka.names() == ["a", "b", "c", "d"]


async def test_one_publication_takes_a_key_s_whole_chain(tmp_path: Path) -> None:
    kafka = Kafka()
    async with opened(tmp_path) as spool:
        for name in "abcd":
            await spool.append(callback(name))
        await rest(drain_of(spool, kafka))
    assert kafka.asked == 1
    assert kafka.names() == ["a", "b", "c", "d"]


async def test_kafka_without_an_answer_opens_the_breaker_and_deletes_nothing(
    tmp_path: Path,
) -> None:
    kafka = Kafka()
    kafka.available = False
    health = KafkaHealth(lambda: 0.0)
    async with opened(tmp_path) as spool:
        await spool.append(callback("a"))
        drain = drain_of(spool, kafka, health=health)
        assert await drain._step() == 0
        assert not health.cluster.closed
        assert await drain._step() == BRISK.poll_s
        assert (kafka.asked, await held_names(spool)) == (1, ["a"])


async def test_while_the_breaker_is_open_one_callback_at_a_time_is_the_probe(
    tmp_path: Path,
) -> None:
    kafka = Kafka()
    health = KafkaHealth(ever_later())
    health.cluster.record_failure()
    async with opened(tmp_path) as spool:
        for name in "abc":
            await spool.append(callback(name, name.encode()))
        drain = drain_of(spool, kafka, health=health, limits=SMALL_PAGES)
        assert await drain._step() == 0
        assert (kafka.names(), health.cluster.closed) == (["a"], True)
        await rest(drain)
        assert kafka.names() == ["a", "b", "c"]


async def test_no_probe_is_taken_from_others_while_there_is_nothing_to_probe_with(
    tmp_path: Path,
) -> None:
    health = KafkaHealth(ever_later())
    health.cluster.record_failure()
    async with opened(tmp_path) as spool:
        assert await drain_of(spool, Kafka(), health=health)._step() is None
        assert health.cluster.start_probe()


async def test_a_lost_acknowledgement_makes_a_duplicate_and_no_loss(tmp_path: Path) -> None:
    kafka = Kafka()
    kafka.loses = True
    async with opened(tmp_path) as spool:
        await spool.append(callback("a"))
        drain = drain_of(spool, kafka)
        await drain._step()
        assert await held_names(spool) == ["a"]
        kafka.loses = False
        await rest(drain)
        assert spool.state.callbacks == 0
    assert kafka.names() == ["a", "a"]


async def test_a_partition_that_stays_away_does_not_keep_the_others_away(tmp_path: Path) -> None:
    kafka = Kafka()
    kafka.stuck_keys = {b"0", b"1"}
    async with opened(tmp_path) as spool:
        for number in range(20):
            await spool.append(callback(str(number), b"%d" % (number % 5)))
        drain = drain_of(
            spool, kafka, limits=DrainLimits(page_callbacks_max=3, poll_s=0.0, stalled_s=0.0)
        )
        for _ in range(200):
            await drain._step()
        assert await held_names(spool) == ["0", "1", "5", "6", "10", "11", "15", "16"]
        kafka.stuck_keys = set()
        await rest(drain)
        last = kafka.names()[-8:]
        assert [name for name in last if int(name) % 5 == 0] == ["0", "5", "10", "15"]
        assert [name for name in last if int(name) % 5 == 1] == ["1", "6", "11", "16"]


async def test_probes_go_round_the_keys_that_had_no_answer(tmp_path: Path) -> None:
    kafka = Kafka()
    kafka.available = False
    async with opened(tmp_path) as spool:
        for name in "abc":
            await spool.append(callback(name, name.encode()))
        drain = drain_of(spool, kafka, limits=SMALL_PAGES)
        for _ in range(4):
            await drain._step()
        kafka.available = True
        kafka.stuck_keys = {b"a", b"b"}
        for _ in range(4):
            await drain._step()
        assert kafka.names() == ["c"]


async def test_a_missing_topic_makes_only_its_keys_wait(tmp_path: Path) -> None:
    kafka = Kafka()
    kafka.closed = {"other"}
    health = KafkaHealth(topic_pause=NEVER)
    odd = tuple(callback("odd", b"odd"))
    async with opened(tmp_path) as spool:
        await spool.append((type(odd[0])("other", b"odd", b"odd", (), NOON_MS), odd[1]))
        await spool.append(callback("after odd", b"odd"))
        for name in "abc":
            await spool.append(callback(name, name.encode()))
        with capture_logs() as lines:
            drain = drain_of(spool, kafka, health=health, limits=SMALL_PAGES)
            for _ in range(10):
                await drain._step()
        assert await held_names(spool) == ["odd", "after odd"]
        assert sorted(kafka.names()) == ["a", "b", "c"]
        assert health.cluster.closed
        assert [line["topic"] for line in lines if line["event"] == "drain_waits_for_topic"] == [
            "other"
        ]


async def test_a_chain_goes_as_far_as_the_missing_topic_and_on_when_it_is_there(
    tmp_path: Path,
) -> None:
    kafka = Kafka()
    kafka.closed = {"other"}
    event, journal = callback("b")
    async with opened(tmp_path) as spool:
        await spool.append(callback("a"))
        await spool.append((type(event)("other", b"call", b"b", (), NOON_MS), journal))
        await spool.append(callback("c"))
        drain = drain_of(spool, kafka, health=KafkaHealth(topic_pause=Backoff(0.05, 0.05)))
        drain.start()
        await until(lambda: spool.state.callbacks == 2)
        assert await held_names(spool) == ["b", "c"]
        kafka.closed = set()
        await until(lambda: spool.state.callbacks == 0)
        await drain.stop(1.0)
    assert once(kafka.names(JOURNAL)) == ["a", "b", "c"]


async def test_a_probe_passes_over_a_missing_topic_to_the_next_oldest(tmp_path: Path) -> None:
    kafka = Kafka()
    kafka.closed = {"other"}
    health = KafkaHealth(ever_later(), topic_pause=NEVER)
    health.cluster.record_failure()
    event, journal = callback("a", b"a")
    async with opened(tmp_path) as spool:
        await spool.append((type(event)("other", b"a", b"a", (), NOON_MS), journal))
        drain = drain_of(spool, kafka, health=health, limits=SMALL_PAGES)
        await drain._step()
        assert not health.cluster.closed
        await spool.append(callback("b", b"b"))
        await drain._step()
        assert (kafka.names(), health.cluster.closed) == (["b"], True)


async def test_a_refusal_during_a_probe_says_that_kafka_is_there(tmp_path: Path) -> None:
    kafka = Kafka()
    kafka.refused = {(EVENTS, "a")}
    health = KafkaHealth(ever_later())
    health.cluster.record_failure()
    async with opened(tmp_path) as spool:
        await spool.append(callback("a"))
        drain = drain_of(spool, kafka, health=health, limits=SMALL_PAGES)
        await drain._step()
        assert health.cluster.closed
        assert await held_names(spool) == ["a"]


async def test_a_time_stamp_of_the_future_becomes_now(tmp_path: Path) -> None:
    kafka = Kafka()
    async with opened(tmp_path) as spool:
        await spool.append(callback("a"))
        spool.now_ms = lambda: NOON_MS - 5
        await rest(drain_of(spool, kafka))
        await spool.append(callback("b"))
        spool.now_ms = lambda: NOON_MS + 5
        await rest(drain_of(spool, kafka))
    stamps = {one.value: one.timestamp_ms for one in kafka.arrived}
    assert stamps == {b"a": NOON_MS - 5, b"b": NOON_MS}


async def test_a_newer_callback_never_overtakes_while_one_of_its_key_is_under_way(
    tmp_path: Path,
) -> None:
    kafka = Kafka()
    kafka.gate = asyncio.Event()
    async with opened(tmp_path) as spool:
        await spool.append(callback("a"))
        drain = drain_of(spool, kafka)
        drain.start()
        await until(lambda: kafka.asked == 1)
        assert spool.has_pending(b"call")
        await spool.append(callback("b"))
        kafka.gate.set()
        await until(lambda: not spool.has_pending(b"call"))
        await drain.stop(1.0)
    assert kafka.names() == ["a", "b"]


async def test_stopping_waits_for_what_is_under_way_and_then_abandons_it(tmp_path: Path) -> None:
    for patience_s, left in ((PATIENCE_S, 0), (0.02, 1)):
        kafka = Kafka()
        kafka.gate = asyncio.Event()
        async with opened(tmp_path / str(left)) as spool:
            await spool.append(callback("a"))
            drain = drain_of(spool, kafka)
            drain.start()
            await until(lambda kafka=kafka: kafka.asked == 1)  # type: ignore[misc]
            stopping = asyncio.create_task(drain.stop(patience_s))
            if not left:
                kafka.gate.set()
            await stopping
            assert spool.state.callbacks == left


async def test_a_drain_that_was_not_started_stops_at_once(tmp_path: Path) -> None:
    async with opened(tmp_path) as spool:
        await drain_of(spool, Kafka()).stop(0.0)


async def test_an_idle_drain_does_nothing_until_it_is_woken(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    turns = 0
    turn = Drain._step

    async def counted(self: Drain) -> float | None:
        nonlocal turns
        turns += 1
        return await turn(self)

    monkeypatch.setattr(Drain, "_step", counted)
    async with opened(tmp_path) as spool:
        drain = drain_of(spool, Kafka())
        drain.start()
        await until(lambda: turns == 1)
        await asyncio.sleep(0.1)
        assert turns == 1
        drain.wake()
        await until(lambda: turns == 2)
        await drain.stop(1.0)
