"""A dead-letter topic to show and to redrive."""

from dataclasses import dataclass
from datetime import UTC, datetime
from subprocess import CompletedProcess
from typing import Any
from urllib.parse import urlencode

import orjson

from bridge.callbacks.model import CallbackType
from bridge.core import catalogue
from bridge.core.dead_letter import PublishReason, to_dead_letter, to_publish_dead_letter
from bridge.core.event import ContractNames, to_event
from bridge.core.journal import DEAD_LETTER_TOPIC, JOURNAL_TOPIC, to_journal
from bridge.core.parse import NoEventReason
from bridge.core.record import Record
from bridge.core.verify import Verified
from bridge.reply.document import ACKNOWLEDGEMENT
from tests.support.cli import run
from tests.support.factories import HANGUP, parser, raw_callback, signed, verdict_on
from tests.support.kafka import Kafka, make_topics, planned, read_back, running

HANGUPS = "plivo.voice.call.hangup.v1"
FORM = urlencode(HANGUP)
TYPES = catalogue.load_catalogue()
RING = TYPES.by_name["voice.call.ring"]


@dataclass(frozen=True)
class Letters:
    """A dead-letter topic with three letters: one today's code reads, one not, one of a refusal."""

    kafka: Kafka
    prefix: str
    mendable: str
    hopeless: str
    refused: str
    event_id: str

    @property
    def settings(self) -> dict[str, str]:
        return {
            "kafka_bootstrap_servers": self.kafka.address,
            "kafka_idempotence": str(self.kafka.idempotence).lower(),
            "topic_prefix": self.prefix,
        }

    def call(self, *arguments: str, **settings: str) -> CompletedProcess[str]:
        return run("deadletters", *arguments, **{**self.settings, **settings})

    def published(self) -> list[Record]:
        """Return what is on the topics that redriving writes to."""
        return read_back(self.kafka.address, [self.prefix + HANGUPS, self.prefix + JOURNAL_TOPIC])


def verdict(body: str, path: str = "/plivo") -> Verified:
    # Of now, so that --since can tell; on a path of its own, so that ids differ.
    now = datetime.now(UTC)  # noqa: TID251 (the command's own clock is real)
    raw = raw_callback("team=blue", body, path=path)._replace(received_at=now)
    found = verdict_on(signed(raw))
    assert isinstance(found, Verified)
    return found


def unparsed(
    naming: ContractNames, body: str, reason: NoEventReason, route: CallbackType | None = None
) -> tuple[str, Record]:
    of = verdict(body, route.path if route else "/plivo")
    identity, (letter, _) = to_dead_letter(of, reason, naming, ACKNOWLEDGEMENT, route=route)
    return identity, letter


def refused(naming: ContractNames) -> tuple[str, Record]:
    callback = parser(TYPES).parse(verdict(FORM), None)
    event = to_event(callback, naming, callback.verdict.raw.received_at)
    records = (event.record, to_journal(callback, event, naming, ACKNOWLEDGEMENT))
    reason = PublishReason.RECORD_TOO_LARGE
    return event.id, to_publish_dead_letter(records, records, reason, tries=3, naming=naming)


async def bury(kafka: Kafka, prefix: str) -> Letters:
    """Make the topics under a prefix, and put three letters on theirs."""
    naming = ContractNames(prefix, "urn:callback-bridge:schemas:")
    names = [prefix + name for name in (DEAD_LETTER_TOPIC, JOURNAL_TOPIC, HANGUPS)]
    await make_topics(kafka.connection, *(planned(name) for name in names))
    mendable, first = unparsed(naming, FORM, NoEventReason.BRIDGE_FAULT)
    hopeless, second = unparsed(naming, "Event=Ring&Odd=%FF", NoEventReason.NO_IDENTITY, RING)
    event_id, third = refused(naming)
    async with running(kafka.publisher()) as publisher:
        for record in (first, second, third):
            await publisher.publish([record])
    return Letters(kafka, prefix, mendable, hopeless, event_id, event_id)


def lines(done: CompletedProcess[str]) -> list[dict[str, Any]]:
    return [orjson.loads(line) for line in done.stdout.splitlines()]
