"""N callbacks in, N outcomes out: nothing lost, nothing twice, nothing that was refused.

A real bridge in a process of its own takes 2,000 mixed callbacks over HTTP. What it answered, what
it counted and what an independent client finds on the topics must be one and the same story.
"""

import asyncio
from collections import Counter
from pathlib import Path
from typing import Final

import httpx
import orjson
import pytest
from prometheus_client.parser import text_string_to_metric_families

from bridge.core import catalogue
from bridge.core.journal import DEAD_LETTER_TOPIC, JOURNAL_TOPIC
from bridge.derived.topics import Sizing, plan
from bridge.dev.account import ACCOUNTS
from tests.kafka.console import Printed, consume
from tests.support.cli import started
from tests.support.kafka import Kafka, make_topics, read_back
from tests.support.ports import free_port
from tests.support.traffic import CALLBACKS, Sending, story
from tests.support.waiting import PATIENCE_S

pytest_plugins = ("tests.support.kafka_fixtures",)
pytestmark = pytest.mark.system

AT_ONCE: Final = 16
SIZING: Final = Sizing(
    partitions=3,
    replication_factor=1,
    min_insync_replicas=1,
    event_retention_days=0,
    journal_retention_days=0,
    dead_letter_retention_days=0,
)

# A record by where it must be: its topic without the prefix, and its callback's id.
Place = tuple[str, str]


async def send_all(base: str, management: str, whole: list[Sending]) -> tuple[list[int], str]:
    """Return the status of each, and the metrics after them all."""
    at_once = asyncio.Semaphore(AT_ONCE)
    async with httpx.AsyncClient(timeout=PATIENCE_S) as client:
        async with asyncio.timeout(PATIENCE_S):
            while not await ready(client, management):  # noqa: ASYNC110 (nothing tells when)
                await asyncio.sleep(0.05)

        async def send(one: Sending) -> int:
            async with at_once:
                return await one.send(client, base)

        statuses = await asyncio.gather(*map(send, whole))
        metrics = await client.get(management + "/metrics")
    return statuses, metrics.text


async def ready(client: httpx.AsyncClient, management: str) -> bool:
    try:
        return (await client.get(management + "/readyz")).is_success
    except httpx.TransportError:
        return False


async def run_through(
    kafka: Kafka, prefix: str, whole: list[Sending], spool: Path
) -> tuple[list[int], str]:
    """Send the whole story to a bridge of its own, and end it in order."""
    await make_topics(kafka.connection, *plan(catalogue.load_catalogue(), prefix, SIZING))
    port, management_port = free_port(), free_port()
    with started(
        "serve",
        accounts=orjson.dumps(ACCOUNTS).decode(),
        host="127.0.0.1",
        allowed_hosts=f"127.0.0.1:{port}",
        port=str(port),
        management_port=str(management_port),
        kafka_bootstrap_servers=kafka.address,
        kafka_idempotence=str(kafka.idempotence),
        kafka_ack_timeout_s="30",
        kafka_control_ack_timeout_s="30",
        topic_prefix=prefix,
        log_level="error",
        spool_directory=str(spool),
        rejected_per_minute_max="0",
    ) as bridge:
        told = await send_all(
            f"http://127.0.0.1:{port}", f"http://127.0.0.1:{management_port}", whole
        )
        assert bridge.end() == 0, bridge.written
    assert bridge.written == ""
    return told


def check_answers(whole: list[Sending], statuses: list[int], metrics: str) -> None:
    """Hold what Plivo was told and what the operator is told against each other."""
    assert statuses == [one.status for one in whole]
    counted: Counter[str] = Counter()
    for family in text_string_to_metric_families(metrics):
        for sample in family.samples:
            if sample.name == "callback_bridge_callbacks_total":
                counted[sample.labels["outcome"]] += int(sample.value)
    assert counted == Counter(str(one.outcome) for one in whole)
    assert counted.total() == CALLBACKS


def check_records(whole: list[Sending], found: Counter[Place]) -> None:
    """Hold the topics against the answers: every 200 twice, in its topic and in the journal."""
    expected: Counter[Place] = Counter()
    for one in whole:
        if one.topic is not None and one.identity is not None:
            expected[one.topic, one.identity] += 1
            expected[JOURNAL_TOPIC, one.identity] += 1
    assert found - expected == Counter()
    assert expected - found == Counter()


def place_printed(printed: Printed) -> Place:
    """Return where the console consumer found a record, told by its headers."""
    kind = printed.header("ce_type")
    if kind is not None:
        return kind.removeprefix("com."), printed.header("ce_id") or ""
    topic = DEAD_LETTER_TOPIC if printed.header("dlq_reason") else JOURNAL_TOPIC
    return topic, printed.header("event_id") or printed.header("callback_id") or ""


async def test_every_callback_is_accounted_for_on_the_embedded_broker(
    embedded_kafka: str, prefix: str, tmp_path: Path
) -> None:
    whole = story()
    kafka = Kafka(embedded_kafka, idempotence=False)
    statuses, metrics = await run_through(kafka, prefix, whole, tmp_path)
    check_answers(whole, statuses, metrics)
    topics = [topic.name for topic in plan(catalogue.load_catalogue(), prefix, SIZING)]
    found: Counter[Place] = Counter()
    for record in read_back(embedded_kafka, topics):
        headers = dict(record.headers)
        names = ("ce_id", "event_id", "callback_id")
        identity = next(headers[name] for name in names if name in headers)
        found[record.topic.removeprefix(prefix), identity.decode()] += 1
    check_records(whole, found)


@pytest.mark.kafka
async def test_every_callback_is_accounted_for_on_apache_kafka(
    apache_kafka: str, kafka_libs: Path, prefix: str, tmp_path: Path
) -> None:
    whole = story()
    kafka = Kafka(apache_kafka, idempotence=True)
    statuses, metrics = await run_through(kafka, prefix, whole, tmp_path)
    check_answers(whole, statuses, metrics)
    printed = consume(kafka_libs, apache_kafka, f"{prefix}.*".replace(".", "[.]", 1))
    check_records(whole, Counter(map(place_printed, printed)))
