"""Notifications on Apache Kafka: from the journal to an application, although processes die."""

import contextlib
from collections.abc import AsyncGenerator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import partial

import pytest

from bridge.core.event import ContractNames
from bridge.core.journal import FORWARD_TO, JOURNAL_TOPIC
from bridge.core.record import Record
from bridge.forward.application import HttpApplications
from bridge.forward.flow import FlowLimits, FlowParts
from bridge.forward.notifications import Notifications, group_name
from bridge.publish.publisher import KafkaPublisher
from bridge.reader.group_reader import OpenGroup, open_group
from bridge.reply.rules import Application
from bridge.telemetry.metrics import Metrics
from tests.support.customer_application import (
    CustomerApplication,
    customer_application,
    http_answer,
)
from tests.support.kafka import Kafka, make_topics, planned, read_back, running
from tests.support.notifications import NAMING, notification
from tests.support.waiting import until

pytestmark = pytest.mark.kafka
pytest_plugins = ("tests.support.kafka_fixtures",)

LETTERS = "plivo.bridge.deadletter.v1"


class Mortal(Notifications):
    """Notifications that can end as a process that is killed: without a commit."""

    def kill(self) -> None:
        for _, task in self._running.values():
            task.cancel()


@dataclass
class Site:
    """A cluster, an application, and the processes between them."""

    kafka: Kafka
    prefix: str
    application: CustomerApplication
    metrics: Metrics = field(default_factory=lambda: Metrics("0"))

    @property
    def naming(self) -> ContractNames:
        return replace(NAMING, topic_prefix=self.prefix)

    @contextlib.asynccontextmanager
    async def process(
        self, publisher: KafkaPublisher, limits: FlowLimits
    ) -> AsyncGenerator[Mortal]:
        """Run one process, which stops in order at the end."""
        declared = Application("pbx", self.application.origin, (), 10.0, 65_536)
        applications = HttpApplications(lambda _: declared, is_trusted_proxy=lambda _: False)
        parts = FlowParts(applications, publisher, self.naming, self.metrics)
        one = Mortal(parts, self._open_group_for)
        one.update({"pbx": limits})
        try:
            yield one
        finally:
            await one.stop(30)
            await applications.close()

    def _open_group_for(self, application: str) -> OpenGroup:
        return partial(
            open_group,
            self.kafka.connection,
            self.naming.topic_prefix + JOURNAL_TOPIC,
            group_name(application, self.naming),
            (FORWARD_TO, application.encode()),
        )

    @property
    def names(self) -> list[str]:
        """Return the names of the notifications that the application got, in order."""
        lines = (one.line.decode() for one in self.application.received)
        return [line.partition("n=")[2].partition(" ")[0] for line in lines]


@contextlib.asynccontextmanager
async def site(address: str, prefix: str) -> AsyncGenerator[tuple[Site, KafkaPublisher]]:
    """Run an application, and publish to a journal of four partitions."""
    kafka = Kafka(address, idempotence=True)
    topics = (planned(prefix + JOURNAL_TOPIC, partitions=4), planned(prefix + LETTERS))
    await make_topics(kafka.connection, *topics)
    async with (
        customer_application(http_answer(b"")) as application,
        running(kafka.publisher()) as publisher,
    ):
        yield Site(kafka, prefix, application), publisher


def journal(prefix: str, *names: str) -> list[Record]:
    """Return the records of notifications; of a name the part before its dot is the key."""
    now_ms = int(datetime.now(UTC).timestamp() * 1000)  # noqa: TID251 (a new group begins a day ago)
    return [
        Record(prefix + one.topic, one.key, one.value, tuple(one.headers.items()), now_ms + number)
        for number, name in enumerate(names)
        for one in [notification(name, key=name.partition(".")[0])]
    ]


async def test_the_successor_of_a_process_that_died_sends_what_was_not_committed(
    apache_kafka: str, prefix: str
) -> None:
    names = [f"{key}.{number}" for number in range(20) for key in "abcdef"]
    async with site(apache_kafka, prefix) as (here, publisher):
        await publisher.publish(journal(prefix, *names[:60]))
        async with here.process(publisher, FlowLimits()) as dying:
            await until(lambda: len(here.names) >= 40)
            dying.kill()
        await publisher.publish(journal(prefix, *names[60:]))
        async with here.process(publisher, FlowLimits()):
            await until(lambda: set(here.names) == set(names))
        for key in "abcdef":
            first = [name for name in dict.fromkeys(here.names) if name[0] == key]
            assert first == [name for name in names if name[0] == key]
        # All is committed: who comes next sends nothing.
        here.application.received.clear()
        await publisher.publish(journal(prefix, "g.0"))
        async with here.process(publisher, FlowLimits()):
            await until(lambda: bool(here.names))
        assert here.names == ["g.0"]


async def test_processes_share_the_notifications(apache_kafka: str, prefix: str) -> None:
    async with site(apache_kafka, prefix) as (here, publisher):
        async with here.process(publisher, FlowLimits()):
            await publisher.publish(journal(prefix, "a.0"))
            await until(lambda: here.names == ["a.0"])
            async with here.process(publisher, FlowLimits()):
                names = [f"{key}.{number}" for number in range(1, 30) for key in "abcdefgh"]
                for name in names:
                    await publisher.publish(journal(prefix, name))
                await until(lambda: set(here.names) == {"a.0", *names})
        for key in "abcdefgh":
            first = [name for name in dict.fromkeys(here.names) if name[0] == key]
            assert first == sorted(first, key=lambda name: int(name[2:]))


async def test_what_the_application_refuses_is_on_the_dead_letter_topic(
    apache_kafka: str, prefix: str
) -> None:
    async with site(apache_kafka, prefix) as (here, publisher):
        here.application.answer = http_answer(b"", "404 Not Found")
        await publisher.publish(journal(prefix, "a.0"))
        async with here.process(publisher, FlowLimits()):
            await until(
                lambda: here.metrics.value("notifications_total", result="dead_lettered") == 1
            )
        (letter,) = read_back(apache_kafka, [prefix + LETTERS])
        headers = dict(letter.headers)
        assert (headers["dlq_stage"], headers["dlq_reason"]) == (b"forward", b"status")
        assert (headers["forward_to"], headers["event_id"]) == (b"pbx", b"a.0")
