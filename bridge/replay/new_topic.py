"""The topics a replay makes for itself, and what live ones will do with old records.

1. A new topic has the source's partitions, replicas and limits. It keeps its records until it is
   deleted, whatever their age: by Kafka's usual retention, which counts from a record's timestamp, a
   replay of last month would be gone at once.
2. It takes timestamps as they are given, and batches a little larger than the source does, because a
   replayed record has headers the source's has not.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Final

from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from aiokafka.errors import KafkaError

from bridge.derived.topics import PlannedTopic
from bridge.publish.connection import BadConnection, Connection
from bridge.publish.provision import Provisioner
from bridge.replay import CannotWrite

_HEADERS_BYTES_MAX: Final = 65_536
_REQUEST_TIMEOUT_MS: Final = 15_000
_NAME_CHARACTERS_MAX: Final = 249


def names_for(sources: Sequence[str], replay_id: str) -> dict[str, str]:
    """Return the new topic of each source topic."""
    return {source: f"{source}.replay.{replay_id}" for source in sources}


async def planned_like(connection: Connection, names: Mapping[str, str]) -> list[PlannedTopic]:
    """Return the new topics as they should be: rules 1 and 2. Raises CannotWrite."""
    described = await _described(connection, list(names))
    return [
        PlannedTopic(
            name=name,
            holds=f"A replay of {source}.",
            partitions=described[source][0],
            replication_factor=described[source][1],
            configs={
                "cleanup.policy": "delete",
                "max.message.bytes": str(
                    int(described[source][2].get("max.message.bytes", "1048588"))
                    + _HEADERS_BYTES_MAX
                ),
                "message.timestamp.type": "CreateTime",
                "min.insync.replicas": described[source][2].get("min.insync.replicas", "1"),
                "retention.bytes": "-1",
                "retention.ms": "-1",
            },
        )
        for source, name in names.items()
    ]


async def create(connection: Connection, wanted: Sequence[PlannedTopic], *, written: bool) -> None:
    """Make the topics that are missing; none may be once the replay has ``written`` to them.

    Raises CannotWrite and ProvisioningRefused.
    """
    for topic in wanted:
        if len(topic.name) > _NAME_CHARACTERS_MAX:
            message = f"{topic.name}: longer than a topic's name may be"
            raise CannotWrite(message)
    async with Provisioner(_own(connection)) as provisioner:
        if written:
            states = await provisioner.compare(wanted)
        else:
            states = await provisioner.apply(wanted)
    gone = [state.topic.name for state in states if state.state == "missing"]
    if gone:
        message = f"no such topic: {', '.join(gone)}"
        raise CannotWrite(message)


async def shorter_kept(
    connection: Connection, names: Sequence[str], *, age_ms: int
) -> dict[str, int]:
    """Return the topics that delete records of that age, with the milliseconds they keep them."""
    described = await _described(connection, names)
    kept = {
        name: int(configs.get("retention.ms", "-1")) for name, (_, _, configs) in described.items()
    }
    return {name: kept_ms for name, kept_ms in kept.items() if 0 <= kept_ms < age_ms}


async def _described(
    connection: Connection, names: Sequence[str]
) -> dict[str, tuple[int, int, dict[str, str]]]:
    """Return each topic's partitions, replicas and settings; raises CannotWrite."""
    try:
        admin = AIOKafkaAdminClient(
            **_own(connection).options(), request_timeout_ms=_REQUEST_TIMEOUT_MS
        )
    except BadConnection as error:
        raise CannotWrite(str(error)) from error
    try:
        await admin.start()
        topics = await admin.describe_topics(names)
        answers = await admin.describe_configs(
            [ConfigResource(ConfigResourceType.TOPIC, name) for name in names]
        )
    except KafkaError as error:
        message = f"{connection.bootstrap_servers}: {error}"
        raise CannotWrite(message) from error
    finally:
        await admin.close()
    missing = [str(one["topic"]) for one in topics if not one["partitions"]]
    if missing:
        message = f"no such topic: {', '.join(missing)}"
        raise CannotWrite(message)
    configs = {
        str(resource[3]): {str(one[0]): str(one[1]) for one in resource[4] if one[1] is not None}
        for answer in answers
        for resource in answer.resources
    }
    return {
        str(one["topic"]): (
            len(one["partitions"]),
            min(len(partition["replicas"]) for partition in one["partitions"]),
            configs.get(str(one["topic"]), {}),
        )
        for one in topics
    }


def _own(connection: Connection) -> Connection:
    return replace(connection, client_id=f"{connection.client_id}-replay")
