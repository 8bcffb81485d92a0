"""No consumer group is joined, made or moved by a replay of the topics it reads."""

import asyncio
from pathlib import Path

import confluent_kafka
import pytest
from confluent_kafka.admin import AdminClient

from tests.support.cli import run
from tests.support.kafka import Kafka
from tests.support.stored_calls import calls, journal_of, make_all_topics, store

pytest_plugins = ("tests.support.kafka_fixtures",)
pytestmark = pytest.mark.kafka

Groups = dict[str, dict[tuple[str, int], int]]
_POLL_S = 10.0


def groups(address: str) -> Groups:
    """Return every group of the cluster with what it committed."""
    admin = AdminClient({"bootstrap.servers": address})
    listed = admin.list_consumer_groups(request_timeout=_POLL_S).result().valid
    found: Groups = {}
    for one in listed:
        asked = confluent_kafka.ConsumerGroupTopicPartitions(one.group_id)
        (future,) = admin.list_consumer_group_offsets([asked]).values()
        found[one.group_id] = {
            (place.topic, place.partition): place.offset
            for place in future.result().topic_partitions
        }
    return found


def commit(address: str, group: str, topic: str) -> None:
    """Have a group stand at the first record of each partition of the topic."""
    consumer = confluent_kafka.Consumer({"bootstrap.servers": address, "group.id": group})
    try:
        partitions = consumer.list_topics(topic, timeout=_POLL_S).topics[topic].partitions
        places = [confluent_kafka.TopicPartition(topic, one, 0) for one in partitions]
        consumer.commit(offsets=places, asynchronous=False)
    finally:
        consumer.close()


def test_no_group_is_made_or_moved(apache_kafka: str, prefix: str, tmp_path: Path) -> None:
    kafka = Kafka(apache_kafka, idempotence=True)
    journal, ring = journal_of(prefix), f"{prefix}plivo.voice.call.ring.v1"

    async def stored() -> None:
        await make_all_topics(kafka, prefix)
        await store(kafka, [record for one in calls(3, prefix=prefix) for record in one.records])

    asyncio.run(stored())
    for topic in (journal, ring):
        commit(apache_kafka, f"{prefix}consumers", topic)
    before = groups(apache_kafka)
    assert before[f"{prefix}consumers"][ring, 0] == 0
    settings = {"kafka_bootstrap_servers": apache_kafka, "topic_prefix": prefix}
    for number, options in enumerate(
        (
            ("plan", "--from=journal", "--since=2026-03-07T14:13:31Z"),
            ("run", "--from=journal"),
            ("run", "--type=voice.call.ring", "--to-live", "--yes"),
            ("run", "--to-jsonl", str(tmp_path / "out.jsonl")),
        )
    ):
        progress = (f"--progress={tmp_path / str(number)}",) if options[0] == "run" else ()
        done = run("replay", *options, *progress, **settings)
        assert done.returncode == 0, done.stderr
    assert groups(apache_kafka) == before
