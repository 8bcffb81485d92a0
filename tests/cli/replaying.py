"""An auditor who runs ``replay`` against a Kafka that has a few calls."""

from collections.abc import Sequence
from pathlib import Path
from subprocess import CompletedProcess
from typing import Any

import orjson

from bridge.core.record import Record
from tests.support.cli import run
from tests.support.kafka import Kafka, read_back
from tests.support.stored_calls import calls, store

CALLS = 4
CALLBACKS = 3 * CALLS
JOURNAL = ("--from", "journal")


class Auditor:
    """Runs the command against a Kafka that has a few calls, in a folder of his own."""

    def __init__(self, kafka: Kafka, prefix: str, folder: Path) -> None:
        self.kafka = kafka
        self.prefix = prefix
        self.folder = folder
        self.settings = {
            "kafka_bootstrap_servers": kafka.address,
            "kafka_idempotence": str(kafka.idempotence),
            "topic_prefix": prefix,
        }

    def run(self, *arguments: str) -> CompletedProcess[str]:
        return run("replay", *map(self._placed, arguments), **self.settings)

    def does(self, *arguments: str) -> dict[str, Any]:
        """Return the last line of a command that succeeds."""
        done = self.run(*arguments)
        assert done.returncode == 0, done.stderr
        last: dict[str, Any] = orjson.loads(done.stdout.splitlines()[-1])
        return last

    def _placed(self, argument: str) -> str:
        """Return an argument with ``@`` for the folder and ``%`` for the topics' prefix."""
        return argument.replace("@", f"{self.folder}/").replace("%", self.prefix)

    def file(self, name: str) -> Path:
        return self.folder / name

    def records(self, topic: str) -> list[Record]:
        return sorted(read_back(self.kafka.address, [topic]), key=lambda one: one.timestamp_ms)


async def store_calls(kafka: Kafka, prefix: str) -> None:
    """Store a few calls, in the order of time."""
    taken = sorted(calls(CALLS, prefix=prefix), key=lambda one: one.journal.timestamp_ms)
    await store(kafka, [record for one in taken for record in one.records])


def originals(prefix: str) -> list[Record]:
    """Return the journal as it was stored, in the order of time."""
    taken = calls(CALLS, prefix=prefix)
    return sorted((one.journal for one in taken), key=lambda one: one.timestamp_ms)


def without_stamp(records: Sequence[Record], topic: str) -> list[Record]:
    """Return the records as if they were not replayed, of that topic."""
    return [
        Record(topic, one.key, one.value, one.headers[:-3], one.timestamp_ms) for one in records
    ]


def flat(text: str) -> str:
    return " ".join(text.replace("│", " ").split())
