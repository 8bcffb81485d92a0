"""N callbacks in, N outcomes out: nothing lost, nothing twice, nothing that was refused.

A real bridge in a process of its own takes 2,000 mixed callbacks over HTTP. What it answered, what
it counted and what an independent client finds on the topics must be one and the same story.
"""

import asyncio
import random
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final, Literal
from urllib.parse import urlencode
from uuid import UUID

import httpx
import orjson
import pytest
from prometheus_client.parser import text_string_to_metric_families

from bridge import catalogue
from bridge.derived.topics import Sizing, plan
from bridge.dev.account import ACCOUNTS, AUTH_ID, AUTH_TOKEN, TIMEZONE
from bridge.dev.broker import free_port
from bridge.dev.emulator.call import Call, Parameters, Step, answered_call
from bridge.dev.emulator.sign import signed_headers
from bridge.event import DEAD_LETTER_TOPIC, JOURNAL_TOPIC, callback_id
from bridge.normalise.time import zone_named
from bridge.outcome import Outcome
from bridge.parameters import FORM, decode
from tests.cli.process import started
from tests.kafka.client import Kafka, make_topics, read_back
from tests.kafka.console import Printed, consume
from tests.kafka.waiting import PATIENCE_S

pytest_plugins = ("tests.kafka.fixtures",)

CALLBACKS: Final = 2_000
SEED: Final = 20_260_307
AT_ONCE: Final = 16
JSON: Final = "application/json"
PLACED_AT: Final = datetime(2026, 3, 7, 14, 13, 28, tzinfo=UTC)
SIZING: Final = Sizing(
    partitions=3,
    replication_factor=1,
    min_insync_replicas=1,
    event_retention_days=0,
    journal_retention_days=0,
    dead_letter_retention_days=0,
)

Signing = Literal["right", "wrong token", "tampered", "none"]
# A record by where it must be: its topic without the prefix, and its callback's id.
Place = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Sending:
    """One HTTP request to the bridge, and what must become of it."""

    method: str
    path: str
    query: str
    body: str
    content_type: str
    outcome: Outcome
    status: int
    signing: Signing = "right"
    topic: str | None = None
    identity: str | None = None

    async def send(self, client: httpx.AsyncClient, base: str) -> int:
        url = f"{base}{self.path}?{self.query}" if self.query else base + self.path
        token = "not-the-token" if self.signing == "wrong token" else AUTH_TOKEN
        # What Plivo signs are the parameters, whatever they travel as.
        signed = urlencode(decode("", self.body.encode(), self.content_type, None).body)
        if self.signing == "tampered":
            signed += "&Added=1"
        headers = signed_headers(self.method, url, signed, token)
        if self.signing == "none":
            headers = {}
        if self.body:
            headers["content-type"] = self.content_type
        answer = await client.request(self.method, url, content=self.body, headers=headers)
        return answer.status_code


def calls(chance: random.Random) -> Iterator[Step]:
    """Yield the callbacks of one call after another, for ever."""
    zone = zone_named(TIMEZONE)
    while True:
        uuid = UUID(int=chance.getrandbits(128), version=4)
        placed_at = PLACED_AT - timedelta(seconds=chance.randrange(86_400))
        yield from answered_call(Call(uuid, AUTH_ID, zone, placed_at))


def taken(step: Step, method: str, content_type: str) -> Sending:
    """Return a callback the bridge can make an event of."""
    name = step.path.removeprefix("/plivo/").replace("/", ".")
    text = orjson.dumps(step.parameters).decode() if content_type == JSON else step.form
    query, body = (text, "") if method == "GET" else ("", text)
    parameters = decode(query, body.encode(), content_type, None)
    return Sending(
        method=method,
        path=step.path,
        query=query,
        body=body,
        content_type=content_type,
        outcome=Outcome.PUBLISHED,
        status=200,
        topic=f"plivo.{name}.v1",
        identity=callback_id(AUTH_ID, f"com.plivo.{name}.v1", parameters),
    )


def without_event(step: Step, body: str, content_type: str) -> Sending:
    """Return a callback with a good signature that no event can be made of."""
    parameters = decode("", body.encode(), content_type, None)
    return Sending(
        method="POST",
        path=step.path,
        query="",
        body=body,
        content_type=content_type,
        outcome=Outcome.DEAD_LETTERED,
        status=200,
        topic=DEAD_LETTER_TOPIC,
        identity=callback_id(AUTH_ID, step.path, parameters),
    )


def stopped(step: Step, outcome: Outcome, status: int, signing: Signing, body: str) -> Sending:
    """Return a callback that must be on no topic."""
    return Sending("POST", step.path, "", body, FORM, outcome, status, signing)


def anonymous(step: Step, marker: int) -> Parameters:
    named = {key: value for key, value in step.parameters.items() if key != "CallUUID"}
    return {**named, "Marker": str(marker)}


def good(step: Step, chance: random.Random) -> Sending:
    """Return a callback as Plivo sends it, most often in a form."""
    return chance.choices(
        [taken(step, "POST", FORM), taken(step, "GET", FORM), taken(step, "POST", JSON)],
        weights=[50, 30, 20],
    )[0]


def malformed(step: Step, chance: random.Random, marker: int) -> Sending:
    """Return a callback with a good signature and nothing to make an event of."""
    return chance.choice(
        [
            without_event(step, urlencode(anonymous(step, marker)), FORM),
            # Half an object. Without a "=" in it V3 would not be taken to cover it.
            without_event(step, f'{{"CallUUID": "=", "Marker": {marker}, ', JSON),
            without_event(step, step.form, "text/plain"),
        ]
    )


def forged(step: Step, chance: random.Random) -> Sending:
    """Return a callback whose signature does not hold."""
    signings: list[Signing] = ["wrong token", "tampered", "none"]
    return stopped(step, Outcome.REJECTED, 403, chance.choice(signings), step.form)


def sending(step: Step, chance: random.Random, marker: int) -> Sending:
    kind = chance.random()
    if kind < 0.8:
        return good(step, chance)
    return malformed(step, chance, marker) if kind < 0.9 else forged(step, chance)


def story() -> list[Sending]:
    """Return the callbacks to send, the same at every run."""
    chance = random.Random(SEED)
    steps = calls(chance)
    over = [
        stopped(next(steps), Outcome.REFUSED, 413, "right", "Body=" + "x" * 262_144),
        stopped(next(steps), Outcome.REFUSED, 400, "right", "&".join(["P=1"] * 600)),
    ]
    first = [sending(next(steps), chance, marker) for marker in range(CALLBACKS - len(over) - 100)]
    # Plivo sends again what it had no answer to, and cannot know that it was taken.
    again = chance.sample([one for one in first if one.status == 200], 100)
    whole = [*first, *again, *over]
    chance.shuffle(whole)
    return whole


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
    await make_topics(kafka.connection, *plan(catalogue.load(), prefix, SIZING))
    port, management_port = free_port(), free_port()
    with started(
        "serve",
        accounts=orjson.dumps(ACCOUNTS).decode(),
        host="127.0.0.1",
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
    topics = [topic.name for topic in plan(catalogue.load(), prefix, SIZING)]
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
