"""Where the records of a callback are stored, by the state of Kafka and disk."""

import asyncio
from collections.abc import Sequence

import pytest

from bridge.core.record import Record
from bridge.intake.delivery import Delivery, NotDurable, StoredIn
from bridge.publish import (
    PartitionStalled,
    PartlyUnavailable,
    RecordTooLarge,
    TopicUnavailable,
    Unavailable,
)
from bridge.publish.health import CircuitBreaker
from bridge.spool import NoSpool, SpoolUnwritable
from bridge.telemetry.metrics import Metrics
from tests.support.futures import settled
from tests.support.memory_spool import MemorySpool

DEADLINE_S = 3.0


class Kafka:
    """A publisher that meets what it is told, and notes every attempt."""

    def __init__(self) -> None:
        self.available = True
        self.fault: BaseException | None = None
        self.taken: list[Record] = []
        self.late_keys: set[bytes] = set()
        self.deadlines_s: list[float | None] = []
        self.probes = 0

    @settled
    def publish(
        self, records: Sequence[Record], *, deadline_s: float | None = None, probing: bool = False
    ) -> None:
        self.deadlines_s.append(deadline_s)
        self.probes += probing
        if records[0].key in self.late_keys and not probing:
            raise PartitionStalled("events", 0)
        if self.fault is not None:
            raise self.fault
        self.taken.extend(records)


class Setting:
    """A Durable with everything around it in reach; time stands until it is moved."""

    def __init__(self, *, spool: bool = True) -> None:
        self.kafka = Kafka()
        self.spool = MemorySpool()
        self.metrics = Metrics("0")
        self.now_s = 100.0
        self.breaker = CircuitBreaker(lambda: self.now_s)
        self.durable = Delivery(
            self.kafka,
            self.spool if spool else NoSpool(),
            breaker=self.breaker,
            metrics=self.metrics,
        )

    async def keep(self, number: int, key: bytes = b"call") -> str:
        return await self.durable.deliver(callback(number, key), deadline_s=DEADLINE_S)


def callback(number: int, key: bytes = b"call") -> tuple[Record, Record]:
    """Return an event and a journal record, as one callback has them."""
    return (
        Record("events", key, b"%d" % number, (), 0),
        Record("journal", key, b"%d raw" % number, (), 0),
    )


async def test_what_kafka_acknowledges_is_on_kafka_alone() -> None:
    setting = Setting()
    assert await setting.keep(1) == "kafka"
    assert setting.kafka.taken == [*callback(1)]
    assert setting.kafka.deadlines_s == [DEADLINE_S]
    assert setting.spool.callbacks == []
    assert setting.kafka.probes == 0


async def test_what_kafka_does_not_acknowledge_is_in_the_spool_and_the_breaker_opens() -> None:
    setting = Setting()
    setting.kafka.fault = Unavailable("no acknowledgement")
    assert await setting.keep(1) == "spool"
    assert setting.spool.callbacks == [callback(1)]
    assert not setting.breaker.closed


async def test_while_the_breaker_is_open_nothing_waits_for_kafka() -> None:
    setting = Setting()
    setting.breaker.record_failure()
    setting.now_s += 60  # even when a probe is due: that is for the drain
    assert await setting.keep(1) == "spool"
    assert setting.kafka.deadlines_s == []


@pytest.mark.parametrize(
    "fault", [TopicUnavailable("events", "missing"), PartitionStalled("events", 0)]
)
async def test_a_part_of_kafka_that_is_away_does_not_open_the_breaker(
    fault: PartlyUnavailable,
) -> None:
    setting = Setting()
    setting.kafka.fault = fault
    assert await setting.keep(1) == "spool"
    assert setting.breaker.closed


async def test_what_a_late_partition_turns_away_probes_it_where_the_spool_cannot_take_it() -> None:
    setting = Setting()
    setting.kafka.late_keys = {b"call"}
    assert await setting.keep(1) == "spool"
    assert setting.kafka.probes == 0
    setting.spool.callbacks.clear()
    setting.spool.writable = False
    assert await setting.keep(2) == "kafka"
    assert setting.kafka.probes == 1


async def test_a_breaker_that_closes_while_the_spool_refuses_lets_the_callback_through() -> None:
    setting = Setting()
    setting.breaker.record_failure()

    async def append(_: Sequence[Record]) -> None:
        setting.breaker.record_success()  # the drain was acknowledged meanwhile
        raise SpoolUnwritable("full")

    setting.spool.append = append  # type: ignore[assignment,method-assign]
    assert await setting.keep(1) == "kafka"


async def test_newer_records_of_a_spooled_key_go_behind_it_and_other_keys_do_not() -> None:
    setting = Setting()
    await setting.spool.append(callback(1))
    assert await setting.keep(2) == "spool"
    assert await setting.keep(3, b"other") == "kafka"
    assert setting.spool.callbacks == [callback(1), callback(2)]


async def test_order_gives_way_before_loss() -> None:
    setting = Setting()
    await setting.spool.append(callback(1))
    setting.spool.writable = False
    assert await setting.keep(2) is StoredIn.KAFKA_OUT_OF_ORDER
    assert setting.metrics.value("out_of_order_total") == 1


async def test_an_overtaking_is_counted_while_the_breaker_is_open_too() -> None:
    setting = Setting()
    await setting.spool.append(callback(1))
    setting.spool.writable = False
    setting.breaker.record_failure()
    setting.now_s += 1
    assert await setting.keep(2) is StoredIn.KAFKA_OUT_OF_ORDER
    assert setting.metrics.value("out_of_order_total") == 1


async def test_a_record_kafka_refuses_is_the_callers_to_deal_with_and_says_kafka_is_there() -> None:
    setting = Setting()
    setting.kafka.fault = RecordTooLarge("too large")
    with pytest.raises(RecordTooLarge):
        await setting.keep(1)
    assert setting.breaker.closed
    assert setting.spool.callbacks == []
    assert await setting.durable.spool(callback(1)) == "spool"


@pytest.mark.parametrize("held", [False, True])
async def test_what_neither_takes_is_not_durable_and_says_both_causes(held: bool) -> None:  # noqa: FBT001 (a table)
    setting = Setting()
    if held:
        await setting.spool.append(callback(1))
    setting.spool.writable = False
    setting.kafka.fault = Unavailable("no acknowledgement")
    with pytest.raises(NotDurable, match=r"kafka: .*; spool: switched off"):
        await setting.keep(2)


async def test_without_a_spool_one_callback_at_a_time_finds_out_that_kafka_is_back() -> None:
    setting = Setting(spool=False)
    setting.kafka.fault = Unavailable("away")
    with pytest.raises(NotDurable):
        await setting.keep(1)
    assert len(setting.kafka.deadlines_s) == 1  # who has waited for Kafka does not wait again
    with pytest.raises(NotDurable, match="away"):
        await setting.keep(2)
    assert len(setting.kafka.deadlines_s) == 2  # who has not tries it, due or not
    assert setting.breaker.start_probe(at_once=True)  # as somebody else would
    with pytest.raises(NotDurable):
        await setting.keep(3)
    assert len(setting.kafka.deadlines_s) == 2  # but one at a time
    setting.breaker.end_probe(acknowledged=False)
    setting.kafka.fault = None
    assert await setting.keep(4) == "kafka"
    assert setting.breaker.closed


async def test_a_probe_that_is_given_up_lets_the_next_one_try() -> None:
    setting = Setting(spool=False)
    setting.breaker.record_failure()
    setting.now_s += 1
    setting.kafka.fault = asyncio.CancelledError()
    with pytest.raises(asyncio.CancelledError):
        await setting.keep(1)
    setting.kafka.fault = None
    setting.now_s += 1
    assert await setting.keep(2) == "kafka"


@pytest.mark.parametrize(
    ("writable", "available", "closed", "able"),
    [
        (True, False, False, True),
        (False, True, True, True),
        (False, True, False, False),
        (False, False, True, False),
    ],
)
def test_it_says_whether_anything_can_make_a_callback_durable_now(
    writable: bool,  # noqa: FBT001 (a table)
    available: bool,  # noqa: FBT001
    closed: bool,  # noqa: FBT001
    able: bool,  # noqa: FBT001
) -> None:
    setting = Setting()
    setting.spool.writable = writable
    setting.kafka.available = available
    if not closed:
        setting.breaker.record_failure()
    assert (setting.durable.fault is None) is able


def test_it_is_able_again_when_a_probe_is_due_so_that_a_callback_can_be_the_probe() -> None:
    setting = Setting()
    setting.spool.writable = False
    setting.breaker.record_failure()
    assert setting.durable.fault == "neither kafka nor the spool can store a callback"
    setting.now_s += 1
    assert setting.durable.fault is None


@pytest.mark.parametrize("closed", [True, False])
async def test_a_refusal_says_that_kafka_is_there_where_the_spool_is_not(*, closed: bool) -> None:
    setting = Setting()
    await setting.spool.append(callback(1))
    setting.spool.writable = False
    setting.kafka.fault = RecordTooLarge("too large")
    if not closed:
        setting.breaker.record_failure()
    with pytest.raises(RecordTooLarge):
        await setting.keep(2)
    assert setting.breaker.closed


async def test_what_kafka_does_not_acknowledge_after_the_spool_refused_opens_the_breaker() -> None:
    setting = Setting()
    await setting.spool.append(callback(1))
    setting.spool.writable = False
    setting.kafka.fault = Unavailable("no acknowledgement")
    with pytest.raises(NotDurable, match=r"older records.*switched off; then kafka: no ack"):
        await setting.keep(2)
    assert not setting.breaker.closed
