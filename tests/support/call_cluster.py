"""A cluster with calls on it, and one who looks for them by their ids."""

import contextlib
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass, field

from bridge.audit.derive import Deriver
from bridge.calls.find import CallTopics, find_call
from bridge.calls.found import FoundCall
from bridge.core.event import ContractNames
from bridge.core.record import Record
from bridge.reader.by_key import KeyReader
from bridge.reader.window import Window
from tests.support.call_stories import dialled_call
from tests.support.factories import parser
from tests.support.kafka import Kafka
from tests.support.stored_calls import (
    KINDS,
    SCHEMAS,
    TYPES,
    Taken,
    calls,
    journal_of,
    letters_of,
    make_some_topics,
    store,
)

ALL_TIME = Window()


@dataclass
class Cluster:
    """A cluster with other calls on it, and what was read of it."""

    kafka: Kafka
    prefix: str
    read: dict[str, int] = field(default_factory=dict)

    async def put(self, callbacks: Sequence[Taken]) -> None:
        await store(self.kafka, [record for one in callbacks for record in one.records])

    async def store(self, records: Sequence[Record]) -> None:
        await store(self.kafka, records)

    async def find(
        self, identity: str, within: Window = ALL_TIME, *, everywhere: bool = False
    ) -> FoundCall:
        @contextlib.contextmanager
        def counting(doing: str, of: int) -> Generator[Callable[[int], None]]:
            self.read[doing] = self.read.get(doing, 0) + of
            yield lambda _: None

        self.read.clear()
        return await find_call(
            identity,
            within,
            reader=KeyReader(self.kafka.connection, counting, all_partitions=everywhere),
            topics=CallTopics(
                journal_of(self.prefix),
                frozenset(self.prefix + kind.topic for kind in KINDS),
                letters_of(self.prefix),
            ),
            deriver=Deriver(parser(TYPES), ContractNames(self.prefix, SCHEMAS)),
        )


async def filled(kafka: Kafka, prefix: str) -> Cluster:
    """Return a cluster with a call that dialled another leg, and five others."""
    await make_some_topics(kafka, prefix)
    made = Cluster(kafka, prefix)
    await made.put([*calls(5, prefix=prefix), *dialled_call(prefix)])
    return made


def types(found: FoundCall) -> list[str]:
    return [one.type.removeprefix("voice.") for one in found.entries]


CALL = ["call.ring", "call.answer", "dial.answer", "dial.hangup", "call.hangup", "call.hangup"]
