"""The topics a replay creates for itself, and how long live topics would keep old records.

1. A new topic has the source's partitions, replicas and limits. It keeps records of any age until it
   is deleted. Kafka's default retention counts from a record's timestamp, so a replay of last month
   would be deleted at once.
2. It accepts timestamps of any age, and slightly larger batches than the source, because replayed
   records have more headers.
3. The source's settings must be known. A login that may not read them gets no topic, rather than one
   that is less safe than its source.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple

from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from aiokafka.errors import KafkaError, for_code

from bridge.derived.topics import PlannedTopic
from bridge.publish.connection import BadConnection, KafkaConnection, describe_error
from bridge.publish.topics import Provisioner
from bridge.replay import CannotWrite

# Room for the headers that a replay adds to the largest batch of the source.
_HEADERS_BYTES_MAX: Final = 65_536
_REQUEST_TIMEOUT_MS: Final = 15_000
_NAME_CHARACTERS_MAX: Final = 249
# How far a timestamp may be from the broker's clock; Kafka 4 allows one hour ahead by default. Brokers
# have the first two since 3.6 (KIP-937), and had the last one until 3.9. We set those that the source's
# broker lists.
_TIMESTAMP_BOUNDS: Final = (
    "message.timestamp.before.max.ms",
    "message.timestamp.after.max.ms",
    "message.timestamp.difference.max.ms",
)
_UNBOUNDED_MS: Final = str(2**63 - 1)


def name_new_topics(sources: Sequence[str], replay_id: str) -> dict[str, str]:
    """Return the new topic's name for each source topic."""
    return {source: f"{source}.replay.{replay_id}" for source in sources}


async def plan_new_topics(
    connection: KafkaConnection, names: Mapping[str, str]
) -> list[PlannedTopic]:
    """Return the new topics with their settings: rules 1 to 3. Raises CannotWrite."""
    described = await _describe_topics(connection, list(names))
    return [
        PlannedTopic(
            name=name,
            holds=f"A replay of {source}.",
            partitions=described[source].partitions,
            replication_factor=described[source].replicas,
            configs={
                "cleanup.policy": "delete",
                "max.message.bytes": str(
                    int(described[source].configs.get("max.message.bytes", "1048588"))
                    + _HEADERS_BYTES_MAX
                ),
                "message.timestamp.type": "CreateTime",
                "min.insync.replicas": described[source].configs.get("min.insync.replicas", "1"),
                "retention.bytes": "-1",
                "retention.ms": "-1",
                **{
                    name: _UNBOUNDED_MS
                    for name in _TIMESTAMP_BOUNDS
                    if name in described[source].configs
                },
            },
        )
        for source, name in names.items()
    ]


async def create_topics(
    connection: KafkaConnection, topics: Sequence[PlannedTopic], *, has_records: bool
) -> None:
    """Create the missing topics; none may be missing if the replay already ``has_records`` in them.

    Raises CannotWrite and ProvisioningRefused.
    """
    for topic in topics:
        if len(topic.name) > _NAME_CHARACTERS_MAX:
            message = f"{topic.name}: longer than Kafka allows for a topic name"
            raise CannotWrite(message)
    async with Provisioner(connection) as provisioner:
        if has_records:
            states = await provisioner.compare(topics)
        else:
            states = await provisioner.apply(topics)
    missing = [state.topic.name for state in states if state.status == "missing"]
    if missing:
        message = f"no such topic: {', '.join(missing)}"
        raise CannotWrite(message)


async def find_shorter_retention(
    connection: KafkaConnection, names: Sequence[str], *, age_ms: int
) -> dict[str, int]:
    """Return the topics that delete records of this age, with their retention in milliseconds.

    Raises CannotWrite.
    """
    described = await _describe_topics(connection, names)
    retention = {
        name: int(topic.configs.get("retention.ms", "-1")) for name, topic in described.items()
    }
    return {name: kept_ms for name, kept_ms in retention.items() if 0 <= kept_ms < age_ms}


async def read_retention_by_age(
    connection: KafkaConnection, names: Sequence[str]
) -> dict[str, int]:
    """Return the retention in milliseconds of the topics that delete by age alone.

    Raises CannotWrite.
    """
    found: dict[str, int] = {}
    for name, topic in (await _describe_topics(connection, names)).items():
        configs = topic.configs
        age_ms = int(configs.get("retention.ms", "-1"))
        by_size = int(configs.get("retention.bytes", "-1")) >= 0
        if age_ms >= 0 and not by_size and configs.get("cleanup.policy", "delete") == "delete":
            found[name] = age_ms
    return found


class _Description(NamedTuple):
    partitions: int
    replicas: int
    configs: dict[str, str]


async def _describe_topics(
    connection: KafkaConnection, names: Sequence[str]
) -> dict[str, _Description]:
    """Return each topic's partitions, replicas and settings: rule 3. Raises CannotWrite."""
    try:
        admin = AIOKafkaAdminClient(**connection.options(), request_timeout_ms=_REQUEST_TIMEOUT_MS)
    except BadConnection as error:
        raise CannotWrite(str(error)) from error
    try:
        await admin.start()
        topics = await admin.describe_topics(names)
        answers = await admin.describe_configs(
            [ConfigResource(ConfigResourceType.TOPIC, name) for name in names]
        )
    except KafkaError as error:
        message = f"{connection.bootstrap_servers}: {describe_error(error)}"
        raise CannotWrite(message) from error
    finally:
        await admin.close()
    missing = [str(one["topic"]) for one in topics if not one["partitions"]]
    if missing:
        message = f"no such topic, or none this login may describe: {', '.join(missing)}"
        raise CannotWrite(message)
    configs = dict(_parse_configs(one) for answer in answers for one in answer.resources)
    return {
        str(one["topic"]): _Description(
            len(one["partitions"]),
            min(len(partition["replicas"]) for partition in one["partitions"]),
            configs.get(str(one["topic"]), {}),
        )
        for one in topics
    }


def _parse_configs(resource: Sequence[Any]) -> tuple[str, dict[str, str]]:
    """Return a topic and its settings from Kafka's answer: rule 3. Raises CannotWrite."""
    code, text, _, name, entries = resource
    if code:
        why = text or for_code(code).__name__
        message = f"{name}: cannot read its settings, which needs DescribeConfigs on it: {why}"
        raise CannotWrite(message)
    return str(name), {str(one[0]): str(one[1]) for one in entries if one[1] is not None}
