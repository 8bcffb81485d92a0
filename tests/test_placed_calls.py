"""Bulk calls from the request to the topics: Plivo, our events and `request show` agree about each.

Our client places a bulk call through the emulator's API, and on Apache Kafka so does Plivo's official
SDK for Node. The people differ, and callbacks are late, lost, repeated, reordered and of an older form.
A bridge in a process of its own takes them. Then a client that shares no code with the bridge rebuilds
every call from the topics.

A hangup callback that the emulator lost on purpose is nowhere: then its call must not be shown as ended.
"""

import asyncio
import shutil
import subprocess
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import httpx
import orjson
import pytest

from bridge.core import catalogue
from bridge.core.requested import REQUESTED
from bridge.derived.topics import Sizing, plan
from bridge.dev.account import ACCOUNTS, AUTH_ID, AUTH_TOKEN
from bridge.emulator.chaos.options import SOME_OF_EVERYTHING, Chaos
from bridge.emulator.machine.leg import Account, Leg
from bridge.emulator.testing import EmulatedPlivo, HangUp, Input, Person, Pickup
from bridge.normalise.time import load_zone
from tests.examples.plivo_application import copy_settings
from tests.support.bridge import eventually
from tests.support.cli import run, started
from tests.support.kafka import Kafka, make_topics, read_back
from tests.support.ports import free_port
from tests.support.waiting import PATIENCE_S

pytest_plugins = ("tests.support.kafka_fixtures",)

NODE_PROGRAM: Final = Path(__file__).parent / "node/plivo_bulk.mjs"
# Without daylight saving, so that it can be run at any hour.
ZONE: Final = "Asia/Kolkata"
FROM: Final = "14155550100"
HANGUP: Final = "voice.call.hangup"
SPEED: Final = 30.0
IDLE_S: Final = 60.0
# Every eighth destination is like each of them.
PEOPLE: Final = (
    Person(hang_up=HangUp(20.0)),
    Person(inputs=(Input(digits="1"),), hang_up=HangUp(40.0)),
    Person(Pickup.BUSY, answers_after_s=3.0),
    Person(Pickup.NO_ANSWER, answers_after_s=25.0),
    Person(Pickup.REJECTS),
    Person(is_machine=True, hang_up=HangUp(30.0)),
    Person(Pickup.UNREACHABLE),
    Person(hang_up=HangUp(1.0)),
)
SIZING: Final = Sizing(
    partitions=1,
    replication_factor=1,
    min_insync_replicas=1,
    event_retention_days=0,
    journal_retention_days=0,
    dead_letter_retention_days=0,
)


class Site:
    """A bridge process on a Kafka, and the emulated Plivo that calls it."""

    def __init__(self, kafka: Kafka, prefix: str, folder: Path, plivo: EmulatedPlivo) -> None:
        self.kafka, self.prefix, self.plivo = kafka, prefix, plivo
        self.port, self.management_port = free_port(), free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.file = copy_settings(folder, self.url)
        self.settings = {
            "accounts": orjson.dumps([{**ACCOUNTS[0], "timezone": ZONE}]).decode(),
            "public_url": self.url,
            "kafka_bootstrap_servers": kafka.address,
            "kafka_idempotence": str(kafka.idempotence).lower(),
            "topic_prefix": prefix,
            "plivo_api_url": plivo.url,
            "plivo_calls_per_s": "1000",
            "ledger_directory": str(folder / "ledger"),
            "spool_directory": str(folder / "spool"),
        }

    @contextmanager
    def serving(self) -> Iterator[None]:
        """Run the bridge; it must end in order."""
        listening = {
            "host": "127.0.0.1",
            "port": str(self.port),
            "management_port": str(self.management_port),
            "log_level": "error",
        }
        with started("serve", "--settings", str(self.file), **listening, **self.settings) as bridge:
            ready = f"http://127.0.0.1:{self.management_port}/readyz"
            eventually(lambda: _is_ready(ready), PATIENCE_S)
            yield
            assert bridge.end() == 0, bridge.written

    def run(self, *arguments: str) -> list[dict[str, Any]]:
        """Return the lines of JSON of a command that succeeds."""
        done = run(*arguments, **self.settings)
        assert done.returncode == 0, done.stderr
        return [orjson.loads(line) for line in done.stdout.splitlines()]

    def place(self, numbers: list[str]) -> tuple[str, dict[str, str]]:
        """Place a bulk call with our client; return its reference, and each request by number."""
        rows = self.run(
            *("call", "place", "--from", FROM, "--to", "<".join(numbers), "--yes"),
            *("--machine-detection", "true", "--destinations-per-request", "20"),
        )
        assert {row["outcome"] for row in rows} == {"accepted"}
        (reference,) = {row["reference"] for row in rows}
        return reference, {row["to"]: row["request_uuid"] for row in rows}

    def place_with_node(self, numbers: list[str]) -> dict[str, str]:
        """Place a bulk call with the official SDK; return each request by number."""
        node = shutil.which("node")
        assert node is not None
        arguments = (self.plivo.url, AUTH_ID, AUTH_TOKEN, self.url, FROM, "<".join(numbers))
        done = subprocess.run(
            [node, NODE_PROGRAM, *arguments],
            capture_output=True,
            text=True,
            timeout=PATIENCE_S,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return dict(zip(numbers, orjson.loads(done.stdout), strict=True))

    def read_events(self) -> dict[str, dict[str, dict[str, Any]]]:
        """Return the events of each call by type, as a consumer of the topics finds them."""
        kinds = catalogue.load_catalogue().all_types
        topics = [self.prefix + kind.topic for kind in kinds]
        found: dict[str, dict[str, dict[str, Any]]] = {}
        for record in read_back(self.kafka.address, topics):
            event = orjson.loads(record.value)
            kind = event["type"].removeprefix("com.plivo.").removesuffix(".v1")
            found.setdefault(event["data"].get("call_uuid") or "", {})[kind] = event["data"]
        return found

    def leg(self, uuid: str) -> Leg:
        """Return what Plivo knows of a call."""
        return self.plivo.emulator.world.legs[uuid]


def _is_ready(url: str) -> bool:
    try:
        return httpx.get(url, trust_env=False).is_success
    except httpx.TransportError:
        return False


@contextmanager
def running_site(
    kafka: Kafka,
    prefix: str,
    folder: Path,
    *,
    people: int,
    partitions: int,
    chaos: Chaos | None = SOME_OF_EVERYTHING,
) -> Iterator[Site]:
    """Make the topics; run the emulated Plivo with its people."""
    sizing = replace(SIZING, partitions=partitions)
    asyncio.run(make_topics(kafka.connection, *plan(catalogue.load_catalogue(), prefix, sizing)))
    account = Account(AUTH_ID, (AUTH_TOKEN,), load_zone(ZONE))
    with EmulatedPlivo(account=account, speed=SPEED, seed=7, chaos=chaos) as plivo:
        for number in range(people):
            plivo.set_person(number_of(number), PEOPLE[number % len(PEOPLE)])
        yield Site(kafka, prefix, folder, plivo)


def number_of(position: int) -> str:
    return str(14155552000 + position)


def check_events(site: Site, calls: Mapping[str, str]) -> set[str]:
    """Hold what a consumer rebuilds against Plivo's own records. Return the calls whose end came."""
    events = site.read_events()
    ended: set[str] = set()
    for number, uuid in calls.items():
        leg, hangup = site.leg(uuid), events.get(uuid, {}).get(HANGUP)
        assert leg.callee == number
        if hangup is None:
            continue
        ended.add(uuid)
        assert hangup["to"]["e164"] == f"+{number}"
        assert hangup["duration_s"] == leg.duration_s
        assert hangup["hangup"]["code"] == leg.ended.value.code
        assert (hangup.get("answered_at") is not None) == (leg.answered_at is not None)
    return ended


def close_last_batch(site: Site) -> None:
    """Add a batch of one record to the journal, of a request that Plivo refuses.

    The embedded broker says that a topic ends after the first record of its last batch.
    """
    wrong = orjson.dumps([{**ACCOUNTS[0], "auth_tokens": ["a-token-of-somebody-else"]}]).decode()
    place = ("call", "place", "--from", FROM, "--to", number_of(999), "--yes")
    assert run(*place, **{**site.settings, "accounts": wrong}).returncode == 1


def check_request(site: Site, reference: str, calls: Mapping[str, str], ended: set[str]) -> None:
    """Hold `request show` against Plivo's own records, for every destination."""
    (shown,) = site.run("request", "show", reference, "--json")
    assert shown["counts"]["destinations"] == len(calls)
    assert [one["destination"] for one in shown["destinations"]] == list(calls)
    for one in shown["destinations"]:
        uuid = calls[one["destination"]]
        leg = site.leg(uuid)
        assert (one["request_uuid"], one["outcome"]) == (uuid, "accepted")
        if uuid not in ended:
            assert one["state"] != "ended"
            continue
        assert one["state"] == "ended"
        assert one["answered"] == (leg.answered_at is not None)
        assert one["duration_s"] == leg.duration_s
        assert one["hangup"]["code"] == leg.ended.value.code
        assert one["hangup"]["name"] == leg.ended.value.name


def check_calls(site: Site, calls: Mapping[str, str], ended: set[str]) -> None:
    """Hold `call show` against Plivo's own records, for calls that another client has placed."""
    for uuid in ended & {*calls.values()}:
        (shown,) = site.run("call", "show", uuid, "--json")
        first = shown["legs"][0]
        assert first["duration_s"] == site.leg(uuid).duration_s


@pytest.mark.system
def test_our_bulk_call_is_known_to_the_end_on_the_embedded_broker(
    embedded_kafka: str, prefix: str, tmp_path: Path
) -> None:
    kafka = Kafka(embedded_kafka, idempotence=False)
    numbers = [number_of(position) for position in range(16)]
    with running_site(kafka, prefix, tmp_path, people=len(numbers), partitions=1) as site:
        with site.serving():
            reference, calls = site.place(numbers)
            site.plivo.wait_until_idle(timeout_s=IDLE_S)
        close_last_batch(site)
        ended = check_events(site, calls)
        assert len(ended) >= len(numbers) - 2
        check_request(site, reference, calls, ended)


@pytest.mark.system
def test_the_command_follows_its_calls_until_all_have_ended(
    embedded_kafka: str, prefix: str, tmp_path: Path
) -> None:
    kafka = Kafka(embedded_kafka, idempotence=False)
    answered, busy = number_of(0), number_of(2)
    with (
        running_site(kafka, prefix, tmp_path, people=3, partitions=1, chaos=None) as site,
        site.serving(),
    ):
        place = ("call", "place", "--from", FROM, "--to", answered, "--to", busy, "--yes")
        first, second, *changes, whole = site.run(*place, "--follow")
    assert [one["to"] for one in (first, second)] == [answered, busy]
    assert {one["destination"] for one in changes} == {answered, busy}
    assert {one["reference"] for one in (first, second, *changes, whole)} == {whole["reference"]}
    assert whole["has_ended"]
    codes = {one["destination"]: one["hangup"]["code"] for one in whole["destinations"]}
    assert codes == {answered: "4000", busy: "3010"}


@pytest.mark.kafka
@pytest.mark.node
@pytest.mark.skipif(shutil.which("node") is None, reason="needs Node.js")
def test_bulk_calls_of_two_clients_are_known_to_the_end_on_apache_kafka(
    apache_kafka: str, prefix: str, tmp_path: Path
) -> None:
    kafka = Kafka(apache_kafka, idempotence=True)
    ours = [number_of(position) for position in range(50)]
    theirs = [number_of(position) for position in range(50, 100)]
    with running_site(kafka, prefix, tmp_path, people=100, partitions=3) as site:
        with site.serving():
            by_node: dict[str, str] = {}
            node = threading.Thread(target=lambda: by_node.update(site.place_with_node(theirs)))
            node.start()
            reference, calls = site.place(ours)
            node.join(PATIENCE_S)
            assert len(by_node) == len(theirs)
            site.plivo.wait_until_idle(timeout_s=IDLE_S)
        ended = check_events(site, calls | by_node)
        assert len(ended) >= 90
        check_request(site, reference, calls, ended)
        check_calls(site, by_node, ended)
    requested = read_back(apache_kafka, [prefix + REQUESTED.topic])
    assert len({dict(one.headers)["ce_id"] for one in requested}) == len(ours)
