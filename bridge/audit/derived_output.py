"""Publish derived events: to new topics beside the live ones, or to the live topics.

1. A published record has the headers of its event, followed by ``replay_id``, ``replay_source`` (the
   journal record's topic:partition:offset), ``replay_at`` and ``derived``. Its timestamp is the time at
   which the callback arrived, as for the first event.
2. A new topic is created when its first event comes. It has the live topic's partitions, replicas and
   limits, and keeps its records (see ``replay.targets.new_topic``).
3. A run is not resumed: when it is run again, it starts anew in topics of its own.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from bridge.audit.derive import DERIVED_HEADER
from bridge.core.event import EventRecord
from bridge.core.record import Record
from bridge.publish import Publisher, RecordRefused, TopicUnavailable, Unavailable
from bridge.publish.connection import KafkaConnection
from bridge.replay import CannotWrite, ReplayRun
from bridge.replay.targets.new_topic import create_topics, plan_new_topics

# New topics take a moment to be known everywhere.
_ATTEMPTS_MAX: Final = 20
_RETRY_S: Final = 0.25

SourcedEvent = tuple[EventRecord, str]
"""A derived event, and the place of its journal record."""


def add_replay_headers(record: Record, source: str, run: ReplayRun) -> Record:
    """Return the record of a derived event with the headers of rule 1."""
    more = (
        ("replay_id", run.id.encode()),
        ("replay_source", source.encode()),
        ("replay_at", run.at.encode()),
        (DERIVED_HEADER, b"1"),
    )
    return replace(record, headers=(*record.headers, *more))


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
        return replace(record, topic=self._names[record.topic])

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
