"""Records as Kafka has them, to test replays with: unremarkable unless a test says otherwise."""

from collections.abc import Iterable, Sequence

from aiokafka.structs import ConsumerRecord

from bridge.core import catalogue
from bridge.core.event import ContractNames
from bridge.core.record import Record
from bridge.derived.samples import Example, build_examples
from bridge.publish.connection import KafkaConnection
from bridge.reader.merged_reader import OffsetRange, RecordFilter, read_ranges
from bridge.reader.selection import Query
from bridge.reader.window import Window, find_ranges
from bridge.replay.plan import FORMAT, Estimate, Plan, PlanPart

NOON_MS = 1_772_884_800_000

Header = tuple[str, bytes | None]


def stored(
    offset: int = 0,
    *,
    topic: str = "topic",
    partition: int = 0,
    timestamp: int = NOON_MS,
    key: bytes | None = b"call",
    value: bytes | None = b"{}",
    headers: Iterable[Header] = (),
) -> ConsumerRecord:
    return ConsumerRecord(
        topic=topic,
        partition=partition,
        offset=offset,
        timestamp=timestamp,
        timestamp_type=0,
        key=key,
        value=value,
        checksum=None,
        serialized_key_size=-1,
        serialized_value_size=-1,
        headers=tuple(headers),
    )


def stored_of(record: Record, offset: int = 0) -> ConsumerRecord:
    """Return a record of the bridge's as it is read back."""
    return stored(
        offset,
        topic=record.topic,
        timestamp=record.timestamp_ms,
        key=record.key,
        value=record.value,
        headers=record.headers,
    )


def samples(name: str) -> list[Example]:
    """Return the examples of a type, as events and journal records."""
    naming = ContractNames("", "urn:test:")
    return [
        one for one in build_examples(catalogue.load_catalogue(), naming) if one.type.name == name
    ]


def plan_of(*parts: PlanPart, query: Query | None = None, within: Window | None = None) -> Plan:
    return Plan(
        format=FORMAT,
        id="plan",
        made_at="2026-03-08T09:00:00Z",
        bridge_version="0",
        query=query or Query(),
        window=within or Window(),
        parts=parts,
        records=sum(part.records for part in parts),
        bytes=sum(part.bytes for part in parts),
        first_ms=NOON_MS if parts else None,
        last_ms=NOON_MS if parts else None,
        read_records=sum(part.records for part in parts),
        estimate=Estimate(0.0, 0.0),
    )


def part(topic: str, partition: int, begin: int, end: int) -> PlanPart:
    return PlanPart(OffsetRange(topic, partition, begin, end), end - begin, 0)


async def read_all(
    connection: KafkaConnection, among: Sequence[OffsetRange], wanted: RecordFilter | None = None
) -> list[ConsumerRecord]:
    return [
        record
        async for chunk in read_ranges(connection, among, record_filter=wanted)
        for record in chunk
    ]


async def read_topics(connection: KafkaConnection, *topics: str) -> list[ConsumerRecord]:
    """Return everything on the topics, merged."""
    return await read_all(connection, await find_ranges(connection, topics, Window()))
