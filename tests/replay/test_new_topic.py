"""The settings of a replay's own topics, and what must be known to create them."""

from collections.abc import Sequence
from typing import Any

import pytest
from aiokafka.admin import AIOKafkaAdminClient

from bridge.publish.connection import KafkaConnection
from bridge.replay import CannotWrite
from bridge.replay.targets.new_topic import (
    create_topics,
    find_shorter_retention,
    name_new_topics,
    plan_new_topics,
)
from tests.replay.test_to_topic import put
from tests.support.kafka import Kafka, make_topics, planned, read_back
from tests.support.stored_records import NOON_MS, stored

pytest_plugins = ("tests.support.kafka_fixtures",)

CENTURY_MS = 100 * 365 * 86_400_000
EVER = "9223372036854775807"


async def test_settings_that_cannot_be_read_are_an_error(
    kafka: Kafka, prefix: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Refused:
        resources: tuple[Any, ...] = (
            (29, "Topic authorization failed.", 2, prefix + "source", []),
        )

    async def refuse(_: AIOKafkaAdminClient, __: Sequence[Any]) -> list[type[Refused]]:
        return [Refused]

    name = prefix + "source"
    await make_topics(kafka.connection, planned(name))
    monkeypatch.setattr(AIOKafkaAdminClient, "describe_configs", refuse)
    said = f"{name}: cannot read its settings, which needs DescribeConfigs on it"
    with pytest.raises(CannotWrite, match=said):
        await plan_new_topics(kafka.connection, {name: name + ".new"})
    with pytest.raises(CannotWrite, match=said):
        await find_shorter_retention(kafka.connection, [name], age_ms=1)


@pytest.mark.kafka
@pytest.mark.parametrize("timestamp_ms", [0, NOON_MS + CENTURY_MS])
async def test_a_new_topic_takes_every_timestamp_its_source_took(
    apache_kafka: str, prefix: str, timestamp_ms: int
) -> None:
    kafka = Kafka(apache_kafka, idempotence=True)
    source = prefix + "source"
    bounds: dict[str, Any] = {
        "message_timestamp_after_max_ms": EVER,
        "message_timestamp_before_max_ms": EVER,
    }
    await make_topics(kafka.connection, planned(source, **bounds))
    names = name_new_topics([source], "abcd1234")
    await create_topics(
        kafka.connection, await plan_new_topics(kafka.connection, names), has_records=False
    )
    await put(kafka, names, [stored(topic=source, timestamp=timestamp_ms)])
    (found,) = read_back(apache_kafka, [names[source]])
    assert found.timestamp_ms == timestamp_ms


async def test_a_broker_gets_no_settings_that_it_does_not_know(
    embedded_kafka: str, prefix: str
) -> None:
    """As brokers before Kafka 3.6, which refuse a topic with a setting they do not know."""
    connection = KafkaConnection(embedded_kafka)
    await make_topics(connection, planned(prefix + "source"))
    (new,) = await plan_new_topics(connection, {prefix + "source": prefix + "new"})
    assert not [name for name in new.configs if name.endswith(".max.ms")]
