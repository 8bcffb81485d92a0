"""How the drain handles records that Kafka refuses, and callbacks that the disk does not delete."""

import sqlite3
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from structlog.testing import capture_logs

from bridge.core.record import Record
from bridge.publish.health import Backoff, KafkaHealth
from bridge.spool.drain import DrainLimits
from bridge.telemetry.metrics import Metrics
from tests.support.futures import started
from tests.support.spool import (
    DEAD,
    EVENTS,
    JOURNAL,
    Kafka,
    callback,
    dead_letter,
    drain_of,
    held_names,
    name_of,
    once,
    opened,
    rest,
)
from tests.support.waiting import until

NEVER = Backoff(10_000.0, 10_000.0)
SMALL_PAGES = DrainLimits(page_callbacks_max=2, poll_s=0.01, stalled_s=10_000.0, refused=NEVER)


async def test_a_refused_record_becomes_a_dead_letter_after_its_tries_and_the_rest_goes_on(
    tmp_path: Path,
) -> None:
    kafka = Kafka()
    kafka.refused = {(EVENTS, "bad")}
    metrics = Metrics("test")
    async with opened(tmp_path) as spool:
        for name in ("a", "bad", "c"):
            await spool.append(callback(name))
        drain = drain_of(spool, kafka, dead_letter=dead_letter, metrics=metrics)
        await rest(drain)
        assert spool.state.callbacks == 0
    assert once(kafka.names(JOURNAL)) == ["a", "bad", "c"]
    assert kafka.names(JOURNAL).count("bad") == 1
    assert (once(kafka.names()), kafka.names(DEAD)) == (["a", "c"], ["bad"])
    (letter,) = (one for one in kafka.arrived if one.topic == DEAD)
    assert dict(letter.headers) == {
        "reason": b"record_invalid",
        "tries": b"3",
        "topics": EVENTS.encode(),
    }
    assert metrics.value("dead_letters_total", stage="publish", reason="record_invalid") == 1
    assert metrics.value("dead_letters_total") == 1


async def test_a_refused_callback_keeps_its_place_and_its_tries_over_a_restart(
    tmp_path: Path,
) -> None:
    kafka = Kafka()
    kafka.refused = {(EVENTS, "bad")}
    for tries in (1, 2):
        async with opened(tmp_path) as spool:
            if tries == 1:
                for name in ("a", "bad", "c"):
                    await spool.append(callback(name))
            drain = drain_of(spool, kafka, limits=SMALL_PAGES)
            for _ in range(5):
                await drain._step()
            (first, *_) = await spool.read_page(0, callbacks_max=1, bytes_max=1)
            assert first.tries == tries
            assert await held_names(spool) == ["bad", "c"]
    async with opened(tmp_path) as spool:
        await rest(drain_of(spool, kafka, dead_letter=dead_letter))
    assert kafka.names(DEAD) == ["bad"]


async def test_a_callback_whose_dead_letter_is_refused_too_is_parked_and_blocks_nothing(
    tmp_path: Path,
) -> None:
    kafka = Kafka()
    kafka.refused = {(EVENTS, "bad"), (DEAD, "bad")}
    async with opened(tmp_path) as spool:
        for name in ("bad", "b"):
            await spool.append(callback(name))
        drain = drain_of(spool, kafka, dead_letter=dead_letter)
        with capture_logs() as lines:
            await rest(drain)
        assert (spool.state.callbacks, spool.state.parked) == (1, 1)
        assert not spool.has_pending(b"call")
        assert kafka.names() == ["b"]
        assert [line["log_level"] for line in lines] == ["error"]
    kafka.refused = set()
    async with opened(tmp_path) as spool:  # the next start tries again
        assert spool.has_pending(b"call")
        await rest(drain_of(spool, kafka))
        assert spool.state.callbacks == 0
    assert kafka.names() == ["b", "bad"]


async def test_a_fault_of_ours_is_logged_and_stops_neither_the_drain_nor_other_keys(
    tmp_path: Path,
) -> None:
    kafka = Kafka()
    kafka.refused = {(EVENTS, "bad")}

    def broken(*_: object, **__: object) -> None:
        raise ZeroDivisionError

    async with opened(tmp_path) as spool:
        for name in ("bad", "b"):
            await spool.append(callback(name, name.encode()))
        drain = drain_of(spool, kafka, dead_letter=broken)
        with capture_logs() as lines:
            for _ in range(10):
                await drain._step()
        assert await held_names(spool) == ["bad"]
        failed = [line for line in lines if line["event"] == "spool_drain_failed"]
        assert failed[0]["error"] == "ZeroDivisionError"


async def test_callbacks_that_cannot_be_deleted_are_published_once_and_deleted_later(
    tmp_path: Path, impatient: None
) -> None:
    kafka = Kafka()
    kafka.stuck_keys = {b"stuck"}
    async with opened(tmp_path) as spool:
        for name in ("a", "b", "c", "stuck"):
            await spool.append(callback(name, name.encode()))
        other = sqlite3.connect(str(spool.path), isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        drain = drain_of(spool, kafka, limits=DrainLimits(stalled_s=0.0))
        drain.start()
        await until(lambda: len(kafka.names()) == 3 and not spool.writable)
        asked = kafka.asked
        await until(lambda: kafka.asked > asked + 5)  # of the stuck one, again and again
        assert spool.state.callbacks == 4
        other.close()
        await until(lambda: spool.state.callbacks == 1)
        await drain.stop(1.0)
    assert sorted(kafka.names()) == ["a", "b", "c"]


async def test_a_file_of_nothing_but_what_is_on_kafka_is_deleted_where_deleting_rows_fails(
    tmp_path: Path, impatient: None
) -> None:
    kafka = Kafka()
    async with opened(tmp_path) as spool:
        for name in "abc":
            await spool.append(callback(name, name.encode()))
        path = spool.path
        other = sqlite3.connect(str(path), isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        drain = drain_of(spool, kafka)
        drain.start()
        await until(lambda: spool.writable and spool.state.callbacks == 0)
        assert spool.path != path
        other.close()
        await spool.append(callback("d"))
        await until(lambda: spool.state.callbacks == 0)
        await drain.stop(1.0)
    assert sorted(kafka.names()) == ["a", "b", "c", "d"]


async def test_what_was_published_before_a_topic_went_away_is_counted_and_published_once(
    tmp_path: Path,
) -> None:
    kafka = Kafka()
    kafka.refused = {(EVENTS, "bad")}
    refuse = kafka.publish

    @started
    async def publish(records: Sequence[Record], **given: Any) -> None:
        if [(one.topic, name_of(one)) for one in records] == [(EVENTS, "bad")]:
            kafka.closed = {EVENTS}  # just when the one before it is done with
        await refuse(records, **given)

    kafka.publish = publish  # type: ignore[assignment, method-assign]
    async with opened(tmp_path) as spool:
        for name in ("a", "bad", "c"):
            await spool.append(callback(name))
        drain = drain_of(
            spool, kafka, limits=DrainLimits(refused=NEVER), health=KafkaHealth(topic_pause=NEVER)
        )
        await drain._step()
        assert spool.has_pending(b"call")
        assert await held_names(spool) == ["bad", "c"]
        assert spool.state.callbacks == 2
    assert kafka.names(EVENTS) == ["a"]
    assert kafka.names(JOURNAL) == ["a"]
