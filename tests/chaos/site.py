"""The site of the scenarios: one cluster and its topics, created once and repaired after each.

Clients can reach the brokers in three ways: directly, through proxies that can drop traffic, and with a
password. Creating the topics takes longer than a scenario, so all scenarios share them; each starts from
where the last one ended.
"""

import asyncio
from collections.abc import Mapping, Sequence
from concurrent.futures import Future
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

from confluent_kafka import KafkaException
from confluent_kafka.admin import (
    AdminClient,
    AlterConfigOpType,
    ConfigEntry,
    ConfigResource,
    ResourceType,
    ScramCredentialInfo,
    ScramMechanism,
    UserScramCredentialUpsertion,
)

from bridge.core import catalogue
from bridge.core.journal import DEAD_LETTER_TOPIC, JOURNAL_TOPIC
from bridge.derived.topics import PlannedTopic, Sizing, plan
from bridge.publish.connection import KafkaConnection
from tests.chaos.proxy import Proxy
from tests.kafka.cluster import Listener
from tests.kafka.three_brokers import BROKERS, IN_SYNC_MIN, REPLICAS, ThreeBrokers
from tests.support.kafka import make_topics

PREFIX: Final = "chaos."
PROXIED: Final = "PROXIED"
PASSWORD_ASKED: Final = "SASL_PLAINTEXT"
USER: Final = "writer"
PASSWORD: Final = "correct-horse"
SESSION_MS: Final = 3_000

_PARTITIONS: Final = 3
_BUSY: Final = (
    "plivo.voice.call.ring.v1",
    "plivo.voice.call.answer.v1",
    "plivo.voice.call.hangup.v1",
    "plivo.voice.dial.digits.v1",
    "plivo.voice.getdigits.action.v1",
    JOURNAL_TOPIC,
    DEAD_LETTER_TOPIC,
)
_MENDED_S: Final = 90.0
_ADMIN_S: Final = 20.0
_SCRAM: Final = "org.apache.kafka.common.security.scram.ScramLoginModule required;"


def _planned() -> list[PlannedTopic]:
    """Return all topics; those without load are as small as possible."""
    sizing = Sizing(_PARTITIONS, REPLICAS, IN_SYNC_MIN, 0, 0, 0)
    return [
        topic if topic.name.removeprefix(PREFIX) in _BUSY else replace(topic, partitions=1)
        for topic in plan(catalogue.load_catalogue(), PREFIX, sizing)
    ]


class Site:
    """Three brokers, their controller, and a proxy before each broker."""

    def __init__(self, libs: Path, folder: Path) -> None:
        self.proxies = {broker: Proxy() for broker in BROKERS}
        self._libs = libs
        self._folder = folder
        self.kafka: ThreeBrokers
        self._admin: AdminClient

    @property
    def address(self) -> str:
        """Return the addresses of the brokers themselves, without proxies."""
        return self.kafka.addresses()

    async def start(self) -> None:
        """Start everything, and create the topics."""
        for proxy in self.proxies.values():
            await proxy.start()
        self.kafka = ThreeBrokers(
            self._libs,
            self._folder,
            listeners=[
                Listener(PROXIED, "PLAINTEXT"),
                Listener(
                    PASSWORD_ASKED,
                    "SASL_PLAINTEXT",
                    {
                        "sasl.enabled.mechanisms": "SCRAM-SHA-512",
                        "scram-sha-512.sasl.jaas.config": _SCRAM,
                        "scram-sha-512.connections.max.reauth.ms": str(SESSION_MS),
                    },
                ),
            ],
            advertised={(one, PROXIED): proxy.address for one, proxy in self.proxies.items()},
            scram_users={USER: PASSWORD},
        )
        await self.kafka.start()
        self._admin = AdminClient({"bootstrap.servers": self.address, "log_level": 0})
        for broker, proxy in self.proxies.items():
            proxy.target = self.kafka.address(broker, PROXIED)
        await make_topics(KafkaConnection(self.address), *_planned())

    async def stop(self) -> None:
        """Stop everything."""
        self.kafka.kill_all()
        for proxy in self.proxies.values():
            await proxy.stop()

    async def mend(self) -> None:
        """Undo what a scenario did, and return when every replica is in sync again."""
        self.kafka.thaw(*BROKERS)
        self.heal()
        await self.kafka.start_brokers(*BROKERS)
        await make_topics(KafkaConnection(self.address), *_planned())
        await self.in_sync()

    def swallow(self) -> None:
        """Make Kafka unreachable for clients behind the proxies."""
        for proxy in self.proxies.values():
            proxy.swallow()

    def heal(self) -> None:
        """Make Kafka reachable again."""
        for proxy in self.proxies.values():
            proxy.heal()

    async def in_sync(self) -> None:
        """Return when every partition has a leader and all its replicas."""
        async with asyncio.timeout(_MENDED_S):
            while not await asyncio.to_thread(self._all_in_sync):  # noqa: ASYNC110 (nothing tells)
                await asyncio.sleep(0.2)

    def _all_in_sync(self) -> bool:
        try:
            topics = self._admin.list_topics(timeout=5).topics
        except KafkaException:
            return False
        return all(
            len(partition.isrs) == REPLICAS and partition.leader in BROKERS
            for name, topic in topics.items()
            if name.startswith(PREFIX)
            for partition in topic.partitions.values()
        )

    async def configure(self, topics: Sequence[str], configs: Mapping[str, str | None]) -> None:
        """Set settings of topics, named without their prefix; None resets one."""
        resources = [
            ConfigResource(
                ResourceType.TOPIC,
                PREFIX + topic,
                incremental_configs=[
                    ConfigEntry(
                        name,
                        value,
                        incremental_operation=(
                            AlterConfigOpType.DELETE if value is None else AlterConfigOpType.SET
                        ),
                    )
                    for name, value in configs.items()
                ],
            )
            for topic in topics
        ]
        await self._done(self._admin.incremental_alter_configs(resources))

    async def delete_topic(self, topic: str) -> None:
        """Delete a topic, named without its prefix."""
        await self._done(self._admin.delete_topics([PREFIX + topic]))

    async def make_missing_topics(self) -> None:
        """Create missing topics, as an operator does."""
        await make_topics(KafkaConnection(self.address), *_planned())

    async def set_password(self, password: str) -> None:
        """Change the password of the bridge's user: the old one is refused."""
        info = ScramCredentialInfo(ScramMechanism.SCRAM_SHA_512, 4096)
        changed = UserScramCredentialUpsertion(USER, info, password.encode())
        await self._done(self._admin.alter_user_scram_credentials([changed]))

    async def _done(self, answers: Mapping[Any, Future[Any]]) -> None:
        for answer in answers.values():
            await asyncio.to_thread(answer.result, _ADMIN_S)
