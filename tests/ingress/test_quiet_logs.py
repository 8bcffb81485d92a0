"""Logs never hold a number, a body or a token: a real bridge at its most talkative, under all it can
meet, and everything it wrote searched for everything it was sent.
"""

import asyncio
import contextlib
import json
from collections.abc import Callable, Iterator
from urllib.parse import quote_plus

import httpx
import orjson
import pytest
from structlog.testing import capture_logs

from bridge.core import catalogue
from bridge.core.request import KEPT_HEADERS
from bridge.derived.topics import Sizing, plan
from bridge.dev.broker import embedded_broker
from bridge.publish.connection import KafkaConnection
from bridge.publish.topics import Provisioner
from tests.support.bridge import ACCOUNTS, TOKEN, Broken, eventually, running_bridge, wait_for_port
from tests.support.cli import Started, serving, started
from tests.support.plivo import (
    FORM,
    HANGUP,
    JSON,
    PATHS,
    SHARED,
    TYPES,
    Plivo,
    about,
    exchange,
    request_bytes,
    sample,
)

NUMBERS = ("14155559871", "+442079460958", "15005550006")
NAME, SIP, TENANT = "Zoe-Caller-Name", "sip:agent7@phone.plivo.example", "tenant-in-the-query"
WRONG_TOKEN, BODY, CONTEXT = "a-token-that-is-wrong", "a-body-of-no-known-type", "X-PH-secret-key"

Sent = set[str]


class Told(Plivo):
    """Plivo, with a memory of every signature and nonce it sent."""

    def headers(self, method: str, target: str, form: str = "") -> dict[str, str]:
        signed = super().headers(method, target, form)
        SENT.update(signed.values())
        return signed


SENT: Sent = {*NUMBERS, NAME, SIP, TENANT, WRONG_TOKEN, BODY, CONTEXT, TOKEN}


def talkative(kind: str) -> dict[str, str]:
    form = sample(
        kind, From=NUMBERS[0], To=NUMBERS[1], CallerName=NAME, ForwardedFrom=SIP, **{CONTEXT: BODY}
    )
    SENT.add(about(kind, form))
    return form


def send_everything(client: httpx.Client, url: str) -> set[int]:
    """Send what is right, wrong, broken and too much; return the statuses it was answered."""
    right, wrong = Told(client, url), Told(client, url, token=WRONG_TOKEN)
    answers = []
    for kind, path in PATHS.items():
        for plivo in (right, wrong):
            answers += [
                plivo.post(f"{path}?t={TENANT}", talkative(kind)),
                plivo.get(SHARED, talkative(kind)),
                plivo.post_json(path, talkative(kind)),
            ]
    bad = {**talkative(HANGUP), "Duration": NUMBERS[2], "EndTime": NAME, "CallUUID": ""}
    answers += [
        right.post(PATHS[HANGUP], bad),
        right.post(PATHS[HANGUP], {**bad, "CallUUID": NAME}),
        right.post(SHARED, BODY + "=1", content_type="text/plain"),
        right.post(SHARED, f'{{"From": "{NUMBERS[0]}"', content_type=JSON),
        right.post(SHARED, f"From={NUMBERS[0]}&" * 600),
        right.get(SHARED, f"From={NUMBERS[0]}{'x' * 20_000}"),
        right.post(SHARED, f"From={NUMBERS[0]}&Text=" + "x" * 300_000),
        # Few bytes to us, and six each in an event's JSON: over what Kafka takes.
        right.post(PATHS[HANGUP], f"CallUUID=1&Event=Hangup&Text={NAME}" + "\x01" * 250_000),
        client.get(f"{url}/{NUMBERS[0]}"),
        client.put(f"{url}{SHARED}?From={NUMBERS[0]}"),
        client.post(f"{url}{SHARED}", content=BODY, headers={"x-plivo-signature": NAME}),
    ]
    return {answer.status_code for answer in answers}


def send_what_is_no_http(port: int) -> None:
    address = ("127.0.0.1", port)
    half = {"host": NAME, "content-type": FORM, "content-length": "999", "connection": "close"}
    with contextlib.suppress(ConnectionError):
        exchange(address, f"From={NUMBERS[0]} {BODY}\r\n\r\n".encode())
        exchange(address, request_bytes("GET", f"/plivo?\xff={NUMBERS[0]}", {"host": NAME}))
        exchange(address, request_bytes("POST", SHARED, {**half, "content-length": BODY}))


def assert_quiet(written: str) -> None:
    found = [one for one in SENT if one in written or quote_plus(one) in written]
    assert found == []
    assert "Traceback" not in written


@pytest.fixture
def kafka(embedded_kafka: str) -> str:
    async def provide() -> None:
        async with Provisioner(KafkaConnection(embedded_kafka)) as provisioner:
            await provisioner.apply(
                plan(catalogue.load_catalogue(), "quiet.", Sizing(1, 1, 1, 1, 1, 1))
            )

    asyncio.run(provide())
    return embedded_kafka


@pytest.fixture(params=["json", "console"])
def log_format(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@contextlib.contextmanager
def talking(
    kafka: str, *, ack_timeout_s: str = "30", **settings: str
) -> Iterator[tuple[Started, int]]:
    """Run ``serve`` at log level debug until the block is left, and end it in order."""
    given = serving(
        kafka,
        kafka_idempotence="false",
        kafka_ack_timeout_s=ack_timeout_s,
        kafka_control_ack_timeout_s=ack_timeout_s,
        kafka_flush_timeout_s="0.5",
        log_level="debug",
        log_unverified_per_minute_max="60000",
        accounts=json.dumps(ACCOUNTS),
        **settings,
    )
    with started("serve", **given) as bridge:
        wait_for_port(int(given["port"]))
        yield bridge, int(given["port"])
        assert bridge.end() == 0


@pytest.mark.system
def test_a_bridge_at_debug_writes_nothing_of_what_it_was_sent(
    kafka: str, client: httpx.Client, log_format: str
) -> None:
    with talking(kafka, topic_prefix="quiet.", log_format=log_format) as (bridge, port):
        bridge.says("kafka_available")
        statuses = send_everything(client, f"http://127.0.0.1:{port}")
        assert statuses == {200, 400, 403, 404, 405, 413, 414}
        send_what_is_no_http(port)
    assert_quiet(bridge.written)
    for event in ("published", "dead_lettered", "rejected", "refused"):
        assert f"callback_{event}" in bridge.written
    assert "too_large" in bridge.written
    assert "request_cut_off" in bridge.written


@pytest.fixture
def mortal_kafka() -> Iterator[tuple[str, Callable[[], None]]]:
    """A broker of the test's own, and the way to end it."""
    with asyncio.Runner() as runner, contextlib.ExitStack() as ending:
        broker = embedded_broker()
        address = runner.run(broker.__aenter__())
        ending.callback(lambda: runner.run(broker.__aexit__(None, None, None)))
        yield address, ending.close


@pytest.mark.system
def test_nor_when_kafka_goes_away_in_the_middle(
    mortal_kafka: tuple[str, Callable[[], None]], client: httpx.Client
) -> None:
    address, end_broker = mortal_kafka
    # Short, because the test waits for it once Kafka is gone.
    with talking(address, ack_timeout_s="0.5") as (bridge, port):
        bridge.says("kafka_available")
        url = f"http://127.0.0.1:{port}"
        plivo = Told(client, url)
        eventually(lambda: plivo.post(PATHS[HANGUP], talkative(HANGUP)).status_code == 200)
        end_broker()
        assert 503 in send_everything(client, url)
    assert_quiet(bridge.written)
    events = {orjson.loads(line)["event"] for line in bridge.err}
    assert {"callback_refused", "breaker_open", "library_logged"} <= events


def test_nor_when_the_bridge_itself_fails(client: httpx.Client) -> None:
    with capture_logs() as lines, running_bridge(Broken(f"{NAME} {NUMBERS[0]}")) as bridge:
        assert 503 in send_everything(client, bridge.url)
        eventually(lambda: any(line["event"] == "callback_refused" for line in lines))
    assert_quiet(str(lines))
    failed = next(line for line in lines if line["event"] == "callback_refused")
    assert failed["error"] == "ArithmeticError"
    assert failed["where"].startswith("support/bridge.py:")


def test_what_the_tests_above_look_for_is_really_sent() -> None:
    assert len(SENT) > len(PATHS) * 6
    assert {"x-plivo-signature-v3", "x-plivo-signature-v3-nonce"} <= KEPT_HEADERS
    assert len(TYPES) == len(PATHS)
