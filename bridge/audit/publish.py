"""Derived events published: to new topics beside the live ones, or to the live ones themselves.

1. What is published has the headers of its event, and behind them ``replay_id``, ``replay_source`` (the
   journal record's topic:partition:offset), ``replay_at`` and ``derived``. Its timestamp is the
   callback's time of arrival, as the first event's is.
2. A new topic is made when the first event for it comes, like the live one in partitions, replicas and
   limits, and keeps its records (see ``new_topic``).
3. It is not resumed: run again it begins anew, in topics of its own.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from bridge.audit.derive import DERIVED
from bridge.core.event import Event
from bridge.core.record import Record
from bridge.publish import Publisher, RecordRefused, TopicUnavailable, Unavailable
from bridge.publish.connection import Connection
from bridge.replay import CannotWrite, Stamp
from bridge.replay.targets.new_topic import create, planned_like

# New topics take a moment to be known everywhere.
_TRIES: Final = 20
_AGAIN_S: Final = 0.25

Sourced = tuple[Event, str]
"""A derived event, and the place of its journal record."""


def stamped(record: Record, source: str, stamp: Stamp) -> Record:
    """Return the record of a derived event with the headers that say so: rule 1."""
    more = (
        ("replay_id", stamp.id.encode()),
        ("replay_source", source.encode()),
        ("replay_at", stamp.at.encode()),
        (DERIVED, b"1"),
    )
    return replace(record, headers=(*record.headers, *more))


class Derived:
    """Publishes derived events."""

    def __init__(
        self, connection: Connection, publisher: Publisher, stamp: Stamp, *, to_live: bool
    ) -> None:
        self._connection = connection
        self._publisher = publisher
        self._stamp = stamp
        self._to_live = to_live
        self._names: dict[str, str] = {}
        self.written = 0

    @property
    def places(self) -> list[str]:
        """Return the topics that were written to."""
        return list(self._names.values())

    async def write(self, events: Sequence[Sourced]) -> None:
        """Return when every in-sync replica has all events; raises CannotWrite."""
        if not events:
            return
        for topic in dict.fromkeys(event.record.topic for event, _ in events):
            if topic not in self._names:
                self._names[topic] = await self._target(topic)
        await self._publish([self._record(event, source) for event, source in events])
        self.written += len(events)

    async def _target(self, topic: str) -> str:
        """Return the topic that events of a live topic go to, made if it is a new one: rule 2."""
        if self._to_live:
            return topic
        name = f"{topic}.derived.{self._stamp.id}"
        planned = await planned_like(self._connection, {topic: name})
        await create(self._connection, planned, written=False)
        return name

    def _record(self, event: Event, source: str) -> Record:
        """Return what is published of an event: rule 1."""
        record = stamped(event.record, source, self._stamp)
        return replace(record, topic=self._names[record.topic])

    async def _publish(self, records: Sequence[Record]) -> None:
        for attempt in range(_TRIES):
            try:
                await self._publisher.publish(records)
            except TopicUnavailable as error:
                if attempt == _TRIES - 1:
                    raise CannotWrite(str(error)) from error
                await asyncio.sleep(_AGAIN_S)
            except (Unavailable, RecordRefused) as error:
                raise CannotWrite(str(error)) from error
            else:
                return
