"""A journal with calls on it, to derive again as an auditor does."""

import asyncio
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from subprocess import CompletedProcess
from typing import Any

import orjson

from bridge.core.keyring import compute_key_id
from bridge.core.record import Record
from tests.support.cli import run
from tests.support.factories import AUTH_ID, TOKEN, ZONE
from tests.support.kafka import Kafka, read_back
from tests.support.stored_calls import Taken, calls, make_all_topics, saying, store

OLD_TOKEN = "an-old-token-no-longer-used"
KEY, OLD_KEY = compute_key_id(AUTH_ID, TOKEN), compute_key_id(AUTH_ID, OLD_TOKEN)


def account(token: str) -> str:
    return orjson.dumps([{"auth_id": AUTH_ID, "auth_tokens": [token], "timezone": ZONE}]).decode()


@dataclass(frozen=True)
class Journal:
    """A cluster with two calls of an hour ago, the second under a token that is gone since."""

    kafka: Kafka
    prefix: str
    first: list[Taken]
    second: list[Taken]

    @property
    def settings(self) -> dict[str, str]:
        return {
            "kafka_bootstrap_servers": self.kafka.address,
            "kafka_idempotence": str(self.kafka.idempotence).lower(),
            "topic_prefix": self.prefix,
            "accounts": account(TOKEN),
        }

    def derive(self, *arguments: str, typed: str = "") -> CompletedProcess[str]:
        return run("replay", "derive", *arguments, stdin=typed, **self.settings)

    def read(self, topics: list[str]) -> list[Record]:
        return read_back(self.kafka.address, topics)


async def filled(kafka: Kafka, prefix: str) -> Journal:
    placed_at = datetime.now(UTC) - timedelta(hours=1)  # noqa: TID251 (--since is real time)
    first = list(calls(1, placed_at=placed_at, prefix=prefix))
    second = list(
        calls(1, placed_at=placed_at + timedelta(minutes=1), prefix=prefix, token=OLD_TOKEN)
    )
    await make_all_topics(kafka, prefix)
    await store(kafka, [record for one in [*first, *second] for record in one.records])
    return Journal(kafka, prefix, first, second)


def lines(done: CompletedProcess[str]) -> list[dict[str, Any]]:
    return [orjson.loads(line) for line in done.stdout.splitlines()]


def counts(line: dict[str, Any]) -> dict[str, int]:
    names = ["unchanged", "changed", "new", "gone", "cannot_derive", "event_expired", "repeated"]
    return {name: line[name] for name in names if line[name]}


def put(journal: Journal, records: list[Record]) -> None:
    asyncio.run(store(journal.kafka, records))


def change(journal: Journal) -> Record:
    """Store a callback whose published event says something else than today's code would."""
    one = next(calls(1, placed_at=datetime.now(UTC), prefix=journal.prefix))  # noqa: TID251
    assert one.event is not None
    event = saying(one.event.record, {"direction": "sideways", "old": None})
    put(journal, [event, one.journal])
    return event
