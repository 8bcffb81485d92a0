"""Write derived events: to new topics, to the live topics, or to files.

1. A derived record has the headers of its event, followed by ``replay_id``, ``replay_source`` (the
   journal record's topic:partition:offset), ``replay_at`` and ``derived``. Its timestamp is the time at
   which the callback arrived, as for the first event.
2. A new topic is created when its first event comes. It has the live topic's partitions, replicas and
   limits, and keeps its records (see ``replay.targets.new_topic``).
3. A file's line or row has the record's topic, key, timestamp and headers. Partition and offset are
   null, because the record is on no topic. The order is the journal's: by timestamp, over all
   partitions.
4. A run cannot be resumed: the next run starts from the beginning, in new topics or files. If a run
   stops early, its files are deleted.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from bridge.audit.derive import DERIVED_HEADER
from bridge.core.event import EventRecord
from bridge.core.record import Record
from bridge.publish import Publisher, RecordRefused, TopicUnavailable, Unavailable
from bridge.publish.connection import KafkaConnection
from bridge.replay import CannotWrite, ReplayRun
from bridge.replay.targets.file import LineFile
from bridge.replay.targets.new_topic import create_topics, plan_new_topics
from bridge.replay.targets.parquet import ParquetFolder

# It takes a moment until every broker knows a new topic.
_ATTEMPTS_MAX: Final = 20
_RETRY_S: Final = 0.25

SourcedEvent = tuple[EventRecord, str]
"""A derived event, and the position of its journal record."""


def add_replay_headers(record: Record, source: str, run: ReplayRun) -> Record:
    """Return the record of a derived event with the headers of rule 1."""
    more = (
        ("replay_id", run.id.encode()),
        ("replay_source", source.encode()),
        ("replay_at", run.at.encode()),
        (DERIVED_HEADER, b"1"),
    )
    return record._replace(headers=(*record.headers, *more))


class DerivedTopics:
    """Publishes derived events to topics."""

    def __init__(
        self, connection: KafkaConnection, publisher: Publisher, run: ReplayRun, *, to_live: bool
    ) -> None:
        self._connection = connection
        self._publisher = publisher
        self._run = run
        self._to_live = to_live
        self._names: dict[str, str] = {}
        self.written = 0

    @property
    def targets(self) -> list[str]:
        """Return the topics that were written to."""
        return list(self._names.values())

    async def write(self, events: Sequence[SourcedEvent]) -> None:
        """Return when every in-sync replica has all events; raises CannotWrite."""
        if not events:
            return
        for topic in dict.fromkeys(event.record.topic for event, _ in events):
            if topic not in self._names:
                self._names[topic] = await self._target_topic(topic)
        await self._publish([self._to_record(event, source) for event, source in events])
        self.written += len(events)

    async def _target_topic(self, topic: str) -> str:
        """Return the topic for events of a live topic; create it if it is a new one: rule 2."""
        if self._to_live:
            return topic
        name = f"{topic}.derived.{self._run.id}"
        planned = await plan_new_topics(self._connection, {topic: name})
        await create_topics(self._connection, planned, has_records=False)
        return name

    def _to_record(self, event: EventRecord, source: str) -> Record:
        """Return the record to publish for an event: rule 1."""
        record = add_replay_headers(event.record, source, self._run)
        return record._replace(topic=self._names[record.topic])

    async def _publish(self, records: Sequence[Record]) -> None:
        for attempt in range(_ATTEMPTS_MAX):
            try:
                await self._publisher.publish(records)
            except TopicUnavailable as error:
                if attempt == _ATTEMPTS_MAX - 1:
                    raise CannotWrite(str(error)) from error
                await asyncio.sleep(_RETRY_S)
            except (Unavailable, RecordRefused) as error:
                raise CannotWrite(str(error)) from error
            else:
                return


@dataclass(frozen=True, slots=True)
class DerivedRecord:
    """A derived event as a file has it: rule 3."""

    topic: str
    timestamp: int
    key: bytes | None
    value: bytes | None
    headers: Sequence[tuple[str, bytes | None]]
    partition: int | None = None
    offset: int | None = None


class DerivedFile:
    """Writes derived events to an open file, or to an open folder of files."""

    def __init__(self, file: LineFile | ParquetFolder, run: ReplayRun, location: str) -> None:
        self._file = file
        self._run = run
        self._room = file.checkpoint_policy.records
        self.targets = [location]
        self.written = 0

    async def write(self, events: Sequence[SourcedEvent]) -> None:
        """Add events, in their order; raises CannotWrite."""
        rows = [
            _to_row(add_replay_headers(event.record, source, self._run)) for event, source in events
        ]
        while rows:
            part, rows = rows[: self._room], rows[self._room :]
            await self._file.write(part)
            self.written += len(part)
            self._room -= len(part)
            if not self._room:
                await self._file.flush()
                self._room = self._file.checkpoint_policy.records

    async def finish(self) -> None:
        """Complete the file and write its manifest; raises CannotWrite and TargetExists."""
        await self._file.flush()
        await self._file.finish()


def _to_row(record: Record) -> DerivedRecord:
    return DerivedRecord(
        topic=record.topic,
        timestamp=record.timestamp_ms,
        key=record.key,
        value=record.value,
        headers=record.headers,
    )
