"""A rolling update as a cluster does it: one process after the other is replaced, under load.

Each gets SIGTERM while callbacks still come to it, because a load balancer hears of it late; a new
process then takes up the same spool. No callback may get anything but 200, and none may be missing.
"""

import asyncio
import contextlib
import itertools
import signal
from collections import Counter
from dataclasses import dataclass, field
from http import HTTPStatus
from pathlib import Path
from typing import Final

import httpx
import orjson
import pytest
from prometheus_client.parser import text_string_to_metric_families

from bridge.core import catalogue
from bridge.core.journal import JOURNAL_TOPIC
from bridge.derived.topics import Sizing, plan
from bridge.dev.account import ACCOUNTS, AUTH_ID, AUTH_TOKEN
from bridge.emulator.sign import sign_headers
from tests.support.cli import Started, started
from tests.support.kafka import Kafka, make_topics, read_back
from tests.support.ports import free_port
from tests.support.waiting import PATIENCE_S, until

pytest_plugins = ("tests.support.kafka_fixtures",)
pytestmark = pytest.mark.system

PATH: Final = "/plivo/voice/call/hangup"
EVENTS: Final = "plivo.voice.call.hangup.v1"
CLIENTS: Final = 8
# How many callbacks are answered in each phase of the update: fewer would not be a load.
PHASE_CALLBACKS: Final = 50
# Longer than the test is patient. A second SIGTERM ends it when the load balancer sends no more.
DELAY_S: Final = 120
SIZING: Final = Sizing(3, 1, 1, 0, 0, 0)


@dataclass
class Pod:
    """A place in the set: its spool outlives its processes."""

    kafka: Kafka
    prefix: str
    spool: Path
    port: int = field(default_factory=free_port)
    management_port: int = field(default_factory=free_port)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def process(self) -> contextlib.AbstractContextManager[Started]:
        return started(
            "serve",
            accounts=orjson.dumps(ACCOUNTS).decode(),
            host="127.0.0.1",
            allowed_hosts=f"127.0.0.1:{self.port}",
            port=str(self.port),
            management_port=str(self.management_port),
            kafka_bootstrap_servers=self.kafka.address,
            kafka_idempotence=str(self.kafka.idempotence),
            # A busy machine must not have callbacks spooled: those may be on Kafka twice.
            kafka_ack_timeout_s="30",
            spool_directory=str(self.spool),
            shutdown_delay_s=str(DELAY_S),
            topic_prefix=self.prefix,
            log_level="warning",
        )

    @property
    def management(self) -> str:
        return f"http://127.0.0.1:{self.management_port}"

    async def answers(self, status: HTTPStatus) -> None:
        """Return when the pod's readiness is this."""
        async with httpx.AsyncClient(timeout=PATIENCE_S) as client, asyncio.timeout(PATIENCE_S):
            while True:
                with contextlib.suppress(httpx.TransportError):
                    if (await client.get(self.management + "/readyz")).status_code == status:
                        return
                await asyncio.sleep(0.05)

    async def ends(self) -> Counter[str]:
        """Return how the callbacks this pod's process took have ended so far."""
        async with httpx.AsyncClient(timeout=PATIENCE_S) as client:
            text = (await client.get(self.management + "/metrics")).text
        ends: Counter[str] = Counter()
        for family in text_string_to_metric_families(text):
            for sample in family.samples:
                if sample.name == "callback_bridge_callbacks_total":
                    ends[sample.labels["outcome"]] += int(sample.value)
        return ends


class Load:
    """Clients that go from endpoint to endpoint, and count what they were answered."""

    def __init__(self) -> None:
        self.endpoints: list[str] = []
        self.answers: Counter[int | str] = Counter()
        self.sent: list[str] = []
        self.under_way: Counter[str] = Counter()  # by endpoint
        self._stopping = False
        self.ends: Counter[str] = Counter()
        self._numbers = itertools.count()

    async def run(self) -> None:
        async with httpx.AsyncClient(timeout=PATIENCE_S) as client:
            await asyncio.gather(*(self._client(client) for _ in range(CLIENTS)))

    def stop(self) -> None:
        self._stopping = True

    async def phase(self) -> None:
        """Return when so many more callbacks have been answered as are a phase."""
        enough = len(self.sent) + PHASE_CALLBACKS
        await until(lambda: len(self.sent) >= enough)

    async def leave(self, endpoint: str) -> None:
        """Send no more to an endpoint, and return when what was sent to it is answered."""
        self.endpoints.remove(endpoint)
        await until(lambda: not self.under_way[endpoint])

    async def _client(self, client: httpx.AsyncClient) -> None:
        while not self._stopping:
            number = next(self._numbers)
            call = f"{number:08d}-0000-4000-8000-000000000000"
            endpoint = self.endpoints[number % len(self.endpoints)]
            url = endpoint + PATH
            form = f"CallUUID={call}&Event=Hangup&ParentAuthID={AUTH_ID}&Duration=1"
            method, body = ("GET", "") if number % 3 == 0 else ("POST", form)
            url = f"{url}?{form}" if method == "GET" else url
            headers = sign_headers(method, url, body, AUTH_TOKEN)
            if body:
                headers["content-type"] = "application/x-www-form-urlencoded"
            self.under_way[endpoint] += 1
            try:
                answer = await client.request(method, url, content=body, headers=headers)
            except httpx.TransportError as error:
                self.answers[type(error).__name__] += 1
            else:
                self.answers[answer.status_code] += 1
            self.under_way[endpoint] -= 1
            self.sent.append(call)
            await asyncio.sleep(0.01)


async def replaced(pod: Pod, old: Started, load: Load, rest: contextlib.ExitStack) -> None:
    """Replace a pod's process: SIGTERM, the endpoint removed late, a new process on the spool."""
    old.process.send_signal(signal.SIGTERM)
    await pod.answers(HTTPStatus.SERVICE_UNAVAILABLE)
    await load.phase()  # the load balancer has not heard of it yet
    await load.leave(pod.url)
    load.ends += await pod.ends()
    assert await asyncio.to_thread(old.end) == 0, old.written
    rest.enter_context(pod.process())
    await pod.answers(HTTPStatus.OK)
    load.endpoints.append(pod.url)


async def rolled(kafka: Kafka, prefix: str, folder: Path) -> Load:
    await make_topics(kafka.connection, *plan(catalogue.load_catalogue(), prefix, SIZING))
    pods = [Pod(kafka, prefix, folder / f"spool-{number}") for number in range(2)]
    load = Load()
    with contextlib.ExitStack() as processes:
        first = [processes.enter_context(pod.process()) for pod in pods]
        for pod in pods:
            await pod.answers(HTTPStatus.OK)
            load.endpoints.append(pod.url)
        running = asyncio.create_task(load.run())
        await load.phase()
        for pod, old in zip(pods, first, strict=True):
            await replaced(pod, old, load, processes)
        await load.phase()
        load.stop()
        await running
        for pod in pods:
            load.ends += await pod.ends()
    return load


async def test_a_rolling_update_loses_no_callback_and_no_client_sees_it(
    kafka: Kafka, prefix: str, tmp_path: Path
) -> None:
    load = await rolled(kafka, prefix, tmp_path)
    assert load.answers == {200: len(load.sent)}
    assert load.ends == {"published": len(load.sent)}
    for topic in (EVENTS, JOURNAL_TOPIC):
        keys = Counter(record.key.decode() for record in read_back(kafka.address, [prefix + topic]))
        assert keys == Counter(load.sent)
