"""The servers to compare, each a process of its own: a yardstick, a naive bridge, one in Go, and ours.

All get the same bytes. Those that publish store two records for each callback they answer with 200, in
topics of as many partitions, with ``acks=all`` and an idempotent producer.
"""

import json
import sys
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from confluent_kafka import Consumer, TopicPartition

from bridge.core import catalogue
from bridge.core.journal import JOURNAL_TOPIC
from bridge.derived.topics import PlannedTopic, Sizing, plan
from bridge.dev.account import ACCOUNTS
from bridge.publish.connection import KafkaConnection
from bridge.publish.topics import Provisioner
from tests.bench.callbacks import HANGUP_PATH, PUBLIC_URL
from tests.bench.processes import Command
from tests.support.cli import COMMAND, environment
from tests.support.ports import free_port

PREFIX: Final = "bench."
PARTITIONS: Final = 12
_READ_S: Final = 2.0
_CACHE: Final = Path(__file__).parents[2] / ".cache" / "bench"
GO_BINARY: Final = _CACHE / "go-bridge"
# A long run must not fill the disk. Only the end offsets of a topic are used.
_RETENTION: Final = {"retention.bytes": "67108864", "segment.bytes": "33554432"}
BROKER_SETTINGS: Final = {
    "broker.session.timeout.ms": "60000",
    "log.retention.check.interval.ms": "2000",
    "log.segment.delete.delay.ms": "1000",
}


@dataclass(frozen=True, slots=True)
class Surroundings:
    """Where the contenders run. ``folder`` is for spools and logs."""

    kafka: str
    folder: Path
    idempotence: bool = True

    @property
    def count(self) -> Callable[[str, tuple[str, ...]], dict[str, int]]:
        """Return the function that counts the records on this broker."""
        return count_records if self.idempotence else read_records


@dataclass(frozen=True, slots=True)
class Contender:
    """A server to measure. Every callback it answers with 200 is one record in each of ``topics``."""

    name: str
    title: str
    topics: tuple[str, ...]
    command: Callable[[Surroundings], Command]


def _peer(module: str) -> Callable[[Surroundings], Command]:
    def command(around: Surroundings) -> Command:
        port = free_port()
        started = [sys.executable, "-m", f"tests.bench.peers.{module}", str(port)]
        idempotence = "yes" if around.idempotence else "no"
        return Command(
            [*started, around.kafka, PREFIX + "naive.", idempotence], environment(), port
        )

    return command


def _in_memory(_around: Surroundings) -> Command:
    port, management_port = free_port(), free_port()
    module = [sys.executable, "-m", "tests.bench.peers.in_memory"]
    return Command([*module, str(port), str(management_port)], environment(), port, management_port)


def _go(around: Surroundings) -> Command:
    port = free_port()
    started = [str(GO_BINARY), str(port), around.kafka, PREFIX + "go."]
    return Command(started, environment(), port)


def ours(around: Surroundings, **more: str) -> Command:
    """Return the command that starts our bridge as one would in production; ``more`` sets more.

    The image has bytecode. Here the first start writes it, also if the environment says not to.
    """
    port, management_port = free_port(), free_port()
    settings = {
        "host": "127.0.0.1",
        "port": str(port),
        "management_port": str(management_port),
        "public_url": PUBLIC_URL,
        "accounts": json.dumps(ACCOUNTS),
        "kafka_bootstrap_servers": around.kafka,
        "kafka_idempotence": str(around.idempotence).lower(),
        "topic_prefix": PREFIX,
        "spool_directory": str(around.folder / "spool"),
        **more,
    }
    (around.folder / "spool").mkdir(exist_ok=True)
    surroundings = environment(**settings) | {"PYTHONPYCACHEPREFIX": str(_CACHE / "bytecode")}
    surroundings.pop("PYTHONDONTWRITEBYTECODE", None)
    return Command([str(COMMAND), "serve"], surroundings, port, management_port)


_TYPES: Final = catalogue.load_catalogue()
HANGUP_TOPIC: Final = next(kind.topic for kind in _TYPES.types if kind.path == HANGUP_PATH)

OK: Final = Contender("ok", "plain Starlette route", (), _peer("ok"))
NAIVE: Final = Contender(
    "naive", "naive bridge", (PREFIX + "naive.events", PREFIX + "naive.journal"), _peer("naive")
)
GO: Final = Contender("go", "bridge in Go", (PREFIX + "go.events", PREFIX + "go.journal"), _go)
OURS: Final = Contender(
    "ours", "callback bridge", (PREFIX + HANGUP_TOPIC, PREFIX + JOURNAL_TOPIC), ours
)
IN_MEMORY: Final = Contender("memory", "callback bridge, records in memory", (), _in_memory)
ALL: Final = (OK, NAIVE, GO, OURS)


async def make_topics(kafka: str) -> None:
    """Create the topics of all contenders."""
    sizing = Sizing(PARTITIONS, 1, 1, 1, 1, 1)
    planned = [*plan(_TYPES, PREFIX, sizing)]
    planned += [
        PlannedTopic(name, "a peer's records", PARTITIONS, 1, {})
        for peer in (NAIVE, GO)
        for name in peer.topics
    ]
    bounded = [replace(one, configs={**one.configs, **_RETENTION}) for one in planned]
    async with Provisioner(KafkaConnection(kafka)) as provisioner:
        await provisioner.apply(bounded)


def read_records(kafka: str, topics: tuple[str, ...]) -> dict[str, int]:
    """Return how many records each topic has. The embedded broker says too early where they end."""
    consumer = Consumer({"bootstrap.servers": kafka, "group.id": "bench", "log_level": 3})
    found: Counter[str] = Counter()
    try:
        consumer.assign(
            [TopicPartition(one, number, 0) for one in topics for number in range(PARTITIONS)]
        )
        while read := consumer.consume(10_000, timeout=_READ_S):
            found.update(str(one.topic()) for one in read if one.error() is None)
    finally:
        consumer.close()
    return {topic: found[topic] for topic in topics}


def count_records(kafka: str, topics: tuple[str, ...]) -> dict[str, int]:
    """Return how many records have been stored in each topic since it was created."""
    consumer = Consumer({"bootstrap.servers": kafka, "group.id": "bench", "log_level": 3})
    try:
        return {
            topic: sum(
                consumer.get_watermark_offsets(TopicPartition(topic, number))[1]
                for number in range(PARTITIONS)
            )
            for topic in topics
        }
    finally:
        consumer.close()
