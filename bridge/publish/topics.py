"""Compare the topics of a cluster with the plan, and create or alter them.

aiokafka's admin client does not raise: its answers contain error codes. Its ``alter_configs``
replaces all settings of a topic, so the settings that the topic has are read first and written again.
"""

import asyncio
import contextlib
from collections.abc import Generator, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal, Self

from aiokafka.admin import AIOKafkaAdminClient, NewPartitions, NewTopic
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from aiokafka.errors import KafkaError, TopicAuthorizationFailedError, for_code

from bridge.derived.topics import PlannedTopic
from bridge.publish.connection import BadConnection, KafkaConnection, describe_error

TopicStatus = Literal["ok", "missing", "differs"]

_EXISTS: Final = 36
_INVALID_REPLICATION_FACTOR: Final = 38
_DYNAMIC_TOPIC_CONFIG: Final = 1  # Kafka's ConfigSource: set on the topic itself, no default
_TRIES: Final = 20
_RETRY_S: Final = 0.25
_REQUEST_TIMEOUT_MS: Final = 15_000


class ProvisioningRefused(Exception):
    """The cluster did not do what was asked. The text says what and why."""


class TooFewBrokers(ProvisioningRefused):
    """The cluster has fewer brokers than a partition should have replicas."""


@dataclass(frozen=True, slots=True)
class TopicState:
    """A planned topic, and how the cluster's topic differs. ``differences`` are sentences."""

    topic: PlannedTopic
    status: TopicStatus
    differences: tuple[str, ...] = ()


class Provisioner:
    """Compares topics with a plan, and changes them. Use it as an async context manager."""

    def __init__(self, connection: KafkaConnection) -> None:
        self._connection = connection

    async def __aenter__(self) -> Self:
        """Connect; raises ProvisioningRefused if no broker can be reached."""
        try:
            options = self._connection.options()
        except BadConnection as error:
            raise ProvisioningRefused(str(error)) from error
        self._admin = AIOKafkaAdminClient(**options, request_timeout_ms=_REQUEST_TIMEOUT_MS)
        try:
            await self._admin.start()
        except KafkaError as error:
            await self._admin.close()
            servers = self._connection.bootstrap_servers
            why = f"{describe_error(error)}; wrong address, credentials or certificate authority?"
            message = f"{servers}: {why}"
            raise ProvisioningRefused(message) from error
        return self

    async def __aexit__(self, *_: object) -> None:
        """Disconnect."""
        await self._admin.close()

    @contextlib.contextmanager
    def _translated(self) -> Generator[None]:
        try:
            yield
        except KafkaError as error:
            message = f"{self._connection.bootstrap_servers}: {describe_error(error)}"
            raise ProvisioningRefused(message) from error

    async def compare(self, plan: Sequence[PlannedTopic]) -> list[TopicState]:
        """Return the state of every planned topic; raises ProvisioningRefused."""
        with self._translated():
            return await self._compare(plan)

    async def _compare(self, plan: Sequence[PlannedTopic]) -> list[TopicState]:
        present = set(await self._admin.list_topics())
        names = [topic.name for topic in plan if topic.name in present]
        described = {one["topic"]: one for one in await self._admin.describe_topics(names)}
        configs = await self._read_configs(names)
        return [
            _compare(topic, described[topic.name], configs[topic.name])
            if topic.name in present
            else TopicState(topic, "missing")
            for topic in plan
        ]

    async def apply(self, plan: Sequence[PlannedTopic]) -> list[TopicState]:
        """Create missing topics, alter what can be altered, and return the states afterwards.

        Partitions are added, never removed, and replicas are not changed: what still differs is
        for the operator. Raises ProvisioningRefused.
        """
        states = await self.compare(plan)
        with self._translated():
            missing = [state.topic for state in states if state.status == "missing"]
            if missing:
                await self._create(missing)
            for state in states:
                if state.status == "differs":
                    await self._alter(state.topic)
        states = await self.compare(plan)
        for _ in range(_TRIES):  # The cluster's answers may lag behind its changes.
            if all(state.status == "ok" for state in states):
                break
            await asyncio.sleep(_RETRY_S)
            states = await self.compare(plan)
        return states

    async def _read_configs(
        self, names: Sequence[str]
    ) -> dict[str, dict[str, tuple[str | None, bool]]]:
        """Return each topic's settings: the value, and whether it is set on the topic itself.

        Raises ProvisioningRefused if we may not read them: they must not pass for equal to the plan.
        """
        if not names:
            return {}
        answers = await self._admin.describe_configs(
            [ConfigResource(ConfigResourceType.TOPIC, name) for name in names]
        )
        found: dict[str, dict[str, tuple[str | None, bool]]] = {name: {} for name in names}
        for code, text, _, name, entries in (one for answer in answers for one in answer.resources):
            if for_code(code) is TopicAuthorizationFailedError:
                message = f"{name}: this login may not read its settings (DescribeConfigs)"
                raise ProvisioningRefused(message)
            _raise_if_error(code, name, text)
            for entry in entries:
                found[name][entry[0]] = (entry[1], entry[3] == _DYNAMIC_TOPIC_CONFIG)
        return found

    async def _create(self, topics: Sequence[PlannedTopic]) -> None:
        """Create topics in one request: one request for each takes three times as long."""
        answer = await self._admin.create_topics(
            [
                NewTopic(
                    topic.name,
                    topic.partitions,
                    topic.replication_factor,
                    topic_configs=topic.configs,
                )
                for topic in topics
            ]
        )
        for error in answer.topic_errors:
            if error[1] == _INVALID_REPLICATION_FACTOR:
                raise TooFewBrokers(error[0])
            if error[1] != _EXISTS:
                _raise_if_error(error[1], error[0], error[2] if len(error) > 2 else None)  # noqa: PLR2004

    async def _alter(self, topic: PlannedTopic) -> None:
        have = (await self._read_configs([topic.name]))[topic.name]
        set_here = {key: value for key, (value, here) in have.items() if here and value is not None}
        if any(have.get(key, (None,))[0] != value for key, value in topic.configs.items()):
            wanted = {**set_here, **topic.configs}
            for answer in await self._admin.alter_configs(
                [ConfigResource(ConfigResourceType.TOPIC, topic.name, wanted)]
            ):
                for resource in answer.resources:
                    _raise_if_error(resource[0], topic.name, resource[1])
        (described,) = await self._admin.describe_topics([topic.name])
        if len(described["partitions"]) < topic.partitions:
            grown = await self._admin.create_partitions(
                {topic.name: NewPartitions(topic.partitions)}
            )
            for error in grown.topic_errors:
                _raise_if_error(error[1], topic.name, error[2])


def _raise_if_error(code: int, name: str, text: str | None) -> None:
    if code:
        message = f"{name}: {text or for_code(code).__name__}"
        raise ProvisioningRefused(message)


def _compare(
    topic: PlannedTopic, described: dict[str, Any], configs: dict[str, tuple[str | None, bool]]
) -> TopicState:
    partitions = described["partitions"]
    differences: list[str] = []
    if len(partitions) != topic.partitions:
        differences.append(f"{len(partitions)} partitions, planned {topic.partitions}")
    replicas = min((len(one["replicas"]) for one in partitions), default=0)
    if replicas != topic.replication_factor:
        differences.append(f"{replicas} replicas, planned {topic.replication_factor}")
    for key, wanted in topic.configs.items():
        have = configs.get(key, (None, False))[0]
        if have is not None and have != wanted:
            differences.append(f"{key} is {have}, planned {wanted}")
    return TopicState(topic, "differs" if differences else "ok", tuple(differences))
