"""``callback-bridge request show`` as an operator sees it."""

import asyncio
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from subprocess import CompletedProcess
from typing import Any

import httpx
import orjson
import pytest

from bridge.calls.request import RequestState
from bridge.calls.request_reader import RequestReader
from bridge.cli import output
from bridge.cli.embedded import embedded_bridge
from bridge.cli.request import ChangeLines, make_reader, watch_request
from bridge.core.record import Record
from bridge.core.requested import PlacedRequest
from bridge.dev.account import ACCOUNTS
from bridge.emulator.directory import Directory
from bridge.emulator.emulator import Emulator
from bridge.emulator.machine.person import Person, Pickup
from bridge.emulator.machine.world import Conditions
from bridge.emulator.server import make_app
from bridge.emulator.testing import ACCOUNT
from bridge.originate.client import PlivoCalls, make_client
from bridge.originate.entry import NewRequest
from bridge.originate.errors import NO_CONNECTION
from bridge.originate.ledger import FILE, RequestLedger
from bridge.originate.placement import PlacementOutcome, Sent, place_without_answer
from bridge.originate.request import CallRequest
from bridge.originate.wiring import wire
from bridge.reader.window import build_window
from bridge.settings.load import Settings
from tests.originate.dialling import make_fast_pacer
from tests.support.cli import run
from tests.support.factories import AUTH_ID
from tests.support.kafka import Kafka
from tests.support.placed_requests import REFERENCE, call_of, placed, records_of
from tests.support.ports import free_port
from tests.support.stored_calls import make_all_topics, store

pytest_plugins = ("tests.support.kafka_fixtures",)

ANNA, BEN, CARA = "14155550123", "14155550177", "14155550188"
A, B = "a39290d0-2b5c-4c0e-9a34-5e7e2c0d1f00", "a39290d0-2b5c-4c0e-9a34-5e7e2c0d1f01"

OF_THREE = "in-three-parts"


@dataclass
class Cluster:
    """A cluster with a request of an hour ago: one call ended, one rings, one was never dialled."""

    kafka: Kafka
    prefix: str
    placed_at: datetime
    ledger: Path
    records: list[Record] = field(default_factory=list)

    @property
    def settings(self) -> dict[str, str]:
        return {
            "kafka_bootstrap_servers": self.kafka.address,
            "topic_prefix": self.prefix,
            "ledger_directory": str(self.ledger),
        }

    def show(self, *arguments: str) -> CompletedProcess[str]:
        return run("request", "show", *arguments, **self.settings)

    def document(self, *arguments: str) -> dict[str, Any]:
        done = self.show(*arguments)
        assert (done.returncode, done.stderr) == (0, ""), done.stderr
        found: dict[str, Any] = orjson.loads(done.stdout)
        return found

    def calls(self, number: str, uuid: str, *kinds: str) -> list[Record]:
        found = call_of(
            number,
            uuid,
            prefix=self.prefix,
            placed_at=self.placed_at,
            kinds=kinds or ("ring", "answer", "hangup"),
        )
        return [record for one in found for record in one.records]


@pytest.fixture
async def cluster(kafka: Kafka, prefix: str, tmp_path: Path) -> Cluster:
    hour_ago = datetime.now(UTC) - timedelta(hours=1)  # noqa: TID251 (the look-back is real time)
    made = Cluster(kafka, prefix, hour_ago, tmp_path / "ledger")
    await make_all_topics(kafka, prefix)
    accepted = placed([ANNA, BEN], [A, B], requested_at=hour_ago, parts=2)
    refused = placed([CARA], outcome="refused", requested_at=hour_ago, part=2, parts=2)
    made.records = [*records_of(accepted, prefix), *records_of(refused, prefix)]
    await store(kafka, [*made.records, *made.calls(ANNA, A), *made.calls(BEN, B, "ring")])
    return made


def make_reader_of(cluster: Cluster) -> RequestReader:
    kafka = {"bootstrap_servers": cluster.kafka.address}
    settings = Settings.model_validate({"kafka": kafka, "topic_prefix": cluster.prefix})
    within = build_window(cluster.placed_at - timedelta(minutes=1), None)
    return make_reader(settings, within, everything=False, silent=True)


@pytest.mark.parametrize("identity", [REFERENCE, A, B, B.upper()])
def test_a_request_is_found_by_its_reference_and_by_each_request_uuid(
    cluster: Cluster, identity: str
) -> None:
    found = cluster.document(identity)
    assert found["reference"] == REFERENCE
    assert [(one["destination"], one["state"]) for one in found["destinations"]] == [
        (ANNA, "ended"),
        (BEN, "ringing"),
        (CARA, "not_placed"),
    ]
    assert found["counts"]["answered"] == 1
    assert (found["has_ended"], found["parts_found"], found["callbacks"]) == (False, 2, 4)


def test_without_its_own_records_it_is_found_by_a_call_and_with_an_old_one_by_searching(
    cluster: Cluster,
) -> None:
    uuid = "a39290d0-2b5c-4c0e-9a34-5e7e2c0d1f07"
    other = "another-reference"
    lost = call_of(ANNA, uuid, reference=other, prefix=cluster.prefix, placed_at=cluster.placed_at)
    own = placed([ANNA], [B.replace("1f01", "1f09")], reference="third-reference")
    old = records_of(own._replace(requested_at=cluster.placed_at), cluster.prefix)
    asyncio.run(store(cluster.kafka, [*(one.journal for one in lost), old[-1]]))
    found = cluster.document(uuid)
    assert (found["reference"], found["destinations"]) == (other, [])
    assert [one["id"] for one in found["calls_of_no_destination"]] == [uuid]
    assert cluster.document(B.replace("1f01", "1f09"))["reference"] == "third-reference"


def test_an_unknown_id_is_not_found_with_exit_code_1(cluster: Cluster) -> None:
    done = cluster.show("0c7f6a52d1e84b6f9b1d3a2c5e4f7082")
    assert (done.returncode, done.stdout) == (1, "")
    assert "was found since" in done.stderr
    assert "--all" in done.stderr
    done = cluster.show("0c7f6a52d1e84b6f9b1d3a2c5e4f7082", "--all")
    assert (done.returncode, "--all" in done.stderr) == (1, False)
    assert cluster.show(REFERENCE, "--since=1m").returncode == 1
    assert cluster.show(REFERENCE, "--all").returncode == 0


def test_wrong_usage_and_a_kafka_that_is_away_have_their_exit_codes() -> None:
    assert run("request", "show", "no id").returncode == 2
    away = run("request", "show", REFERENCE, kafka_bootstrap_servers=f"127.0.0.1:{free_port()}")
    assert away.returncode == 3


async def test_following_shows_each_change_and_ends_when_all_have_ended(
    cluster: Cluster, capsys: pytest.CaptureFixture[str]
) -> None:
    reader = make_reader_of(cluster)
    states: list[dict[str, str]] = []
    lines = ChangeLines()
    async for state in watch_request(reader, A, timeout_s=30, poll_s=0.01):
        states.append({one.destination.number: one.state.value for one in state.destinations})
        lines.show(state)
        if len(states) == 1:
            await store(cluster.kafka, cluster.calls(BEN, B, "answer"))
        elif states[-1][BEN] == "in_progress" and states[-2][BEN] == "ringing":
            await store(cluster.kafka, cluster.calls(BEN, B, "hangup"))
    assert states[0][BEN] == "ringing"
    assert states[-1] == {ANNA: "ended", BEN: "ended", CARA: "not_placed"}
    assert list(dict.fromkeys(one[BEN] for one in states)) == ["ringing", "in_progress", "ended"]
    printed = capsys.readouterr().out.splitlines()
    changes = [orjson.loads(line) for line in printed if line.startswith("{")]
    assert [(one["destination"], one["state"]) for one in changes] == [
        (ANNA, "ended"),
        (BEN, "ringing"),
        (CARA, "not_placed"),
        (BEN, "in_progress"),
        (BEN, "ended"),
    ]


def write_ledger(cluster: Cluster, reference: str, *parts: tuple[str, ...]) -> None:
    """Write a request of which the first part was begun, and no other."""
    body = {"from": "14155550100", "to": "<".join(one for part in parts for one in part)}
    at = cluster.placed_at
    with RequestLedger(cluster.ledger) as ledger:
        ledger.begin(NewRequest(reference, None, AUTH_ID, "tests/1", body, parts, at))
        ledger.begin_part(reference, 1, at)


def test_a_request_that_only_the_ledger_has_is_found(cluster: Cluster) -> None:
    write_ledger(cluster, "only-here", (ANNA,), (BEN, CARA))
    found = cluster.document("only-here")
    assert [(one["destination"], one["state"]) for one in found["destinations"]] == [
        (ANNA, "unknown"),
        (BEN, "not_sent"),
        (CARA, "not_sent"),
    ]
    assert (found["parts_found"], found["parts_only_in_ledger"], found["parts"]) == (0, 2, 2)


def test_following_does_not_wait_for_what_was_not_sent(cluster: Cluster) -> None:
    refused = placed(
        [ANNA], outcome="refused", reference=OF_THREE, requested_at=cluster.placed_at, parts=3
    )
    asyncio.run(store(cluster.kafka, records_of(refused, cluster.prefix)))
    assert cluster.show(OF_THREE, "--follow", "--timeout", "1").returncode == 1
    write_ledger(cluster, OF_THREE, (ANNA,), (BEN,), (CARA,))
    done = cluster.show(OF_THREE, "--follow", "--timeout", "1", "--json")
    assert done.returncode == 0
    document = orjson.loads(done.stdout.splitlines()[-1])
    assert [one["state"] for one in document["destinations"]] == [
        "not_placed",
        "not_sent",
        "not_sent",
    ]


async def test_following_shows_what_the_ledger_learns_meanwhile(cluster: Cluster) -> None:
    reader = make_reader_of(cluster)
    write_ledger(cluster, "only-here", (ANNA,), (BEN,))
    states: list[list[str]] = []
    with RequestLedger(cluster.ledger) as ledger:
        following = watch_request(
            reader, "only-here", lambda: ledger.find("only-here"), timeout_s=30, poll_s=0.01
        )
        async for state in following:
            states.append([one.state.value for one in state.destinations])
            sent = Sent("only-here", (ANNA,), cluster.placed_at)
            refused = place_without_answer(sent, PlacementOutcome.REFUSED, NO_CONNECTION)
            ledger.end_part(1, refused)
    assert states == [["unknown", "not_sent"], ["not_placed", "not_sent"]]


async def test_following_goes_on_while_kafka_is_away(
    cluster: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    reader = make_reader_of(cluster)
    here = reader.reader.connection
    said: list[str] = []

    def come_back(*lines: str, style: str = "") -> None:
        said.extend(lines)
        reader.reader = replace(reader.reader, connection=here)

    monkeypatch.setattr(output, "print_stderr", come_back)
    states: list[RequestState] = []
    async for state in watch_request(reader, REFERENCE, timeout_s=30, poll_s=0.01):
        states.append(state)
        if len(states) == 1:
            await store(cluster.kafka, cluster.calls(BEN, B, "hangup"))
            away = replace(here, bootstrap_servers=f"127.0.0.1:{free_port()}")
            reader.reader = replace(reader.reader, connection=away)
    assert [one.has_ended for one in states] == [False, True]
    (went, came) = said
    assert went.startswith("Kafka is away, trying again: 127.0.0.1:")
    assert came == "Kafka is back"


async def test_a_kafka_that_does_not_answer_takes_no_longer_than_the_timeout(
    cluster: Cluster,
) -> None:
    reader = make_reader_of(cluster)
    silent = asyncio.Event()

    async def say_nothing(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await silent.wait()
        writer.close()

    loop = asyncio.get_running_loop()
    async with await asyncio.start_server(say_nothing, "127.0.0.1", 0) as server:
        _, port = server.sockets[0].getsockname()
        states: list[RequestState] = []
        begun_s: list[float] = []  # with the first state, however long that took
        async for state in watch_request(
            reader,
            REFERENCE,
            timeout_s=0.5,
            poll_s=0.01,
            clock_s=lambda: loop.time() - begun_s[0] if begun_s else 0.0,
        ):
            states.append(state)
            begun_s.append(loop.time())
            away = replace(reader.reader.connection, bootstrap_servers=f"127.0.0.1:{port}")
            reader.reader = replace(reader.reader, connection=away)
        took_s = loop.time() - begun_s[0]
        silent.set()
    assert [one.has_ended for one in states] == [False, False]
    assert took_s < 30  # a request to Kafka has 40


def test_a_ledger_that_cannot_be_read_is_left_out(cluster: Cluster) -> None:
    cluster.ledger.mkdir()
    (cluster.ledger / FILE).write_text(
        "this is no ledger, and too long to be an empty database" * 20
    )
    done = cluster.show(REFERENCE)
    assert done.returncode == 0
    assert "is not usable" in done.stderr
    assert orjson.loads(done.stdout)["reference"] == REFERENCE


def test_following_gives_up_with_exit_code_1(cluster: Cluster) -> None:
    done = cluster.show(REFERENCE, "--follow", "--timeout", "1", "--json")
    assert done.returncode == 1
    assert "not every call had ended after 1 s" in done.stderr
    *changes, document = map(orjson.loads, done.stdout.splitlines())
    assert [one["destination"] for one in changes] == [ANNA, BEN, CARA]
    assert document["has_ended"] is False
    assert cluster.show("nobody-s-id", "--follow").returncode == 1


def test_a_terminal_that_follows_gets_the_table_at_the_end(
    cluster: Cluster, terminal: None
) -> None:
    asyncio.run(store(cluster.kafka, cluster.calls(BEN, B, "hangup")))
    done = cluster.show(REFERENCE, "--follow")
    assert done.returncode == 0
    assert "2 ended, 1 not placed" in " ".join(done.stdout.split())


@pytest.mark.system
@pytest.mark.parametrize("is_lost", [False, True])
async def test_what_is_shown_is_what_the_emulated_plivo_did(is_lost: bool) -> None:  # noqa: FBT001 (a parameter of the test)
    """Calls placed through the API, with URLs of a whole bridge; the answer may have been lost."""
    people = {ANNA: Person(), BEN: Person(Pickup.BUSY), CARA: Person(Pickup.NO_ANSWER)}
    async with embedded_bridge(None, 0, ACCOUNTS) as embedded:
        emulator = Emulator(Directory([ACCOUNT]), speed=60, conditions=Conditions(calls_per_s=100))
        async with emulator, make_client(httpx.ASGITransport(make_app(emulator))) as client:
            for number, person in people.items():
                emulator.set_person(number, person)
            sent = await place(client, embedded.url, tuple(people), is_lost=is_lost)
            await embedded.bridge.publisher.publish(records_of(sent))
            within = build_window(sent.requested_at - timedelta(minutes=1), None)
            reader = make_reader(embedded.settings, within, everything=False, silent=True)
            (*_, state) = [
                state async for state in watch_request(reader, REFERENCE, timeout_s=30, poll_s=0.1)
            ]
            legs = {one.callee: one for one in emulator.world.legs.values()}
    assert state.has_ended
    for one in state.destinations:
        leg, fields = legs[one.destination.number], one.leg.fields if one.leg else {}
        assert one.calls == (leg.uuid,)
        assert one.is_resolved is is_lost
        assert one.was_answered is (leg.answered_at is not None)
        assert fields["hangup"]["code"] == str(leg.ended.value.code)
        assert (one.missing, one.gaps) == ((), ())
    assert [one.was_answered for one in state.destinations] == [True, False, False]
    assert state.unmatched == ()


async def place(
    client: httpx.AsyncClient, bridge_url: str, destinations: tuple[str, ...], *, is_lost: bool
) -> PlacedRequest:
    """Place calls, and return what the bridge's client says of it."""
    request = CallRequest.model_validate({"from": "14155550100", "to": "<".join(destinations)})
    wired = wire(request, bridge_url, REFERENCE)
    (token,) = ACCOUNT.auth_tokens
    pacer = make_fast_pacer()
    plivo = PlivoCalls(
        ACCOUNT.auth_id, token, api_url="http://plivo.test", client=client, pacer=pacer
    )
    requested_at = datetime.now(UTC)  # noqa: TID251 (the look-back is real time)
    placement = await plivo.place(wired, REFERENCE)
    return PlacedRequest(
        account=ACCOUNT.auth_id,
        reference=REFERENCE,
        client="callback-bridge/test",
        requested_at=requested_at,
        body=wired.to_body(),
        destinations=destinations,
        outcome="unknown" if is_lost else "accepted",
        request_uuids=() if is_lost else placement.request_uuids,
        api_id=None if is_lost else placement.api_id,
        status=None if is_lost else placement.status,
        explanation="no answer" if is_lost else placement.explanation,
    )
