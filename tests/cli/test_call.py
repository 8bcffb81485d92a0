"""``callback-bridge call show`` as an auditor sees it."""

import asyncio
from collections.abc import Generator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from subprocess import CompletedProcess
from typing import Any

import httpx
import orjson
import pytest
import typer

from bridge.cli.call import parse_search_window
from bridge.reader.window import Window, build_window
from tests.support.bridge import ACCOUNTS, AUTH_ID, wait_for_port
from tests.support.call_stories import (
    CALL,
    MESSAGE,
    RING,
    ROOM,
    A,
    B,
    at,
    changed,
    dialled_call,
    report,
)
from tests.support.cli import run, started
from tests.support.emulated_call import EmulatedCall, answered_call
from tests.support.factories import ZONE
from tests.support.kafka import Kafka
from tests.support.plivo import Plivo
from tests.support.ports import free_port
from tests.support.stored_calls import make_all_topics, store, taken
from tests.support.terminal import on_a_terminal, widest, words
from tests.support.waiting import PATIENCE_S

pytest_plugins = ("tests.support.kafka_fixtures",)

NOON = datetime(2026, 3, 7, 12, tzinfo=UTC)
CALLBACKS = ["ring", "answer", "dial.answer", "dial.hangup", "hangup", "hangup"]


@dataclass(frozen=True)
class Cluster:
    """A cluster with a call of an hour ago that dialled another leg, and a message of two days ago."""

    kafka: Kafka
    prefix: str

    @property
    def settings(self) -> dict[str, str]:
        return {"kafka_bootstrap_servers": self.kafka.address, "topic_prefix": self.prefix}

    def show(self, *arguments: str) -> CompletedProcess[str]:
        return run("call", "show", *arguments, **self.settings)

    def document(self, *arguments: str) -> dict[str, Any]:
        done = self.show(*arguments)
        assert (done.returncode, done.stderr) == (0, ""), done.stderr
        found: dict[str, Any] = orjson.loads(done.stdout)
        return found


async def filled(kafka: Kafka, prefix: str) -> Cluster:
    now = datetime.now(UTC)  # noqa: TID251 (the look-back is real time)
    await make_all_topics(kafka, prefix)
    two_days_ago = now - timedelta(days=2)
    callbacks = [taken(report(n, "sent"), at(n, two_days_ago), prefix=prefix) for n in (1, 3)]
    callbacks += dialled_call(prefix, now - timedelta(hours=1))
    await store(kafka, [record for one in callbacks for record in one.records])
    return Cluster(kafka, prefix)


@pytest.fixture
async def cluster(kafka: Kafka, prefix: str) -> Cluster:
    return await filled(kafka, prefix)


def test_a_call_is_one_document_with_its_legs_and_its_timeline(cluster: Cluster) -> None:
    found = cluster.document(A)
    assert (found["id"], found["kind"], found["callbacks"]) == (A, "call", 6)
    assert [(leg["id"], leg["role"]) for leg in found["legs"]] == [(A, "first"), (B, "dialled")]
    assert found["legs"][0]["hangup"]["source"] == "callee"
    assert found["legs"][0]["stir"]["attestation"] == "A"
    assert found["total_cost"] == "0.01500"
    names = [one["type"].removeprefix("voice.").removeprefix("call.") for one in found["timeline"]]
    assert names == CALLBACKS
    assert (found["followed"], found["gaps"], found["duplicates"]) == ([B], [], [])


def test_a_call_that_began_before_looking_is_whole(cluster: Cluster) -> None:
    found = cluster.document(A.upper(), "--since=3570s")
    names = [one["type"].removeprefix("voice.").removeprefix("call.") for one in found["timeline"]]
    assert (names, found["gaps"], found["total_cost"]) == (CALLBACKS, [], "0.01500")
    assert found["searched_since"] < found["timeline"][0]["received_at"]
    assert (found["searched_until"], found["missing_topics"]) == (None, [])
    assert found["legs_of_other_calls"] == []


def test_every_callback_has_its_times_its_reply_and_its_verdict(cluster: Cluster) -> None:
    ring = cluster.document(A)["timeline"][0]
    utc = datetime.fromisoformat(ring["received_at"])
    assert datetime.fromisoformat(ring["received_local"]) == utc
    assert ring["received_local"].endswith(("-05:00", "-04:00"))
    assert (ring["zone"], ring["event_from"]) == (ZONE, "published")
    assert datetime.fromisoformat(ring["happened_at"]) < utc
    assert ring["reply"] == {"status": 200, "content_type": None, "body": ""}
    assert ring["verification"]["scheme"] == "v3"
    assert ring["position"].startswith(f"{cluster.prefix}plivo.journal.v1:")
    assert ring["data"]["call_uuid"] == A


@pytest.mark.kafka
def test_a_call_older_than_a_day_needs_a_hint(apache_kafka: str, prefix: str) -> None:
    cluster = asyncio.run(filled(Kafka(apache_kafka, idempotence=True), prefix))
    done = cluster.show(MESSAGE)
    assert done.returncode == 1
    assert orjson.loads(done.stdout)["callbacks"] == 0
    assert "search further back with --around, --since or --all" in done.stderr
    day = (datetime.now(UTC) - timedelta(days=2)).date().isoformat()  # noqa: TID251
    for hint in (["--since=3d"], [f"--around={day}"], ["--all"]):
        found = cluster.document(MESSAGE, *hint)
        assert (found["kind"], found["callbacks"]) == ("message", 2)
    assert [gap["code"] for gap in found["gaps"]] == ["report_missing"]


def test_a_terminal_gets_a_call_laid_out(cluster: Cluster, terminal: None) -> None:
    said = cluster.show(A).stdout
    assert f"first leg {A}" in said
    assert f"dialled leg {B}" in said
    assert "outbound +14155550100 > +14155550123" in said
    assert "by callee: Normal Hangup (4000, callee)" in said
    assert "65 s, billed 120 s" in said
    assert "0.01500, in the account's currency" in said
    assert "verified A assigned" in said
    assert "America/New_York" in said
    assert "no gaps" in said
    assert "…" not in said


def test_a_terminal_shows_a_message_and_its_gaps(cluster: Cluster, terminal: None) -> None:
    said = cluster.show(MESSAGE, "--all").stdout
    assert "message" in said
    assert "sent" in said
    assert "no delivery report numbered 2 came" in said


def test_a_terminal_shows_duplicates_and_expired_events(
    kafka: Kafka, prefix: str, terminal: None
) -> None:
    now = datetime.now(UTC)  # noqa: TID251 (the look-back is real time)
    first, again = (taken(report(1, "sent"), at(n, now), prefix=prefix) for n in (-9, -3))
    asyncio.run(make_all_topics(kafka, prefix))
    asyncio.run(store(kafka, [first.journal, again.journal]))
    said = Cluster(kafka, prefix).show(MESSAGE).stdout
    assert "sent (again)" in said
    assert "2 times  messaging.message.status" in said
    assert "Plivo sent it again" in said
    assert "2 events are no longer on their topics" in said


def test_an_unknown_id_exits_with_1_and_suggests_where_to_search(cluster: Cluster) -> None:
    done = cluster.show("00000000-0000-0000-0000-000000000000", "--all")
    assert done.returncode == 1
    assert "callback-bridge replay plan --from journal --call" in done.stderr


@pytest.fixture
def bridge(kafka: Kafka, prefix: str) -> Generator[tuple[Cluster, str]]:
    """Run a bridge on new topics; return its address."""
    asyncio.run(make_all_topics(kafka, prefix))
    port, management_port = free_port(), free_port()
    settings = {
        "kafka_bootstrap_servers": kafka.address,
        "kafka_idempotence": str(kafka.idempotence).lower(),
        "topic_prefix": prefix,
        "accounts": orjson.dumps(ACCOUNTS).decode(),
        "spool_enabled": "false",
        # Without a spool a late acknowledgement is a 503, and a busy machine may be late.
        "kafka_ack_timeout_s": "30",
        "kafka_control_ack_timeout_s": "30",
        "host": "127.0.0.1",
        "allowed_hosts": f"127.0.0.1:{port}",
        "port": str(port),
        "management_port": str(management_port),
    }
    with started("serve", **settings) as command:
        command.says("kafka_available")
        wait_for_port(port)
        yield Cluster(kafka, prefix), f"http://127.0.0.1:{port}"


@pytest.mark.system
async def test_a_call_that_a_bridge_took_in_is_shown_as_plivo_sent_it(
    bridge: tuple[Cluster, str],
) -> None:
    cluster, url = bridge
    placed_at = datetime.now(UTC) - timedelta(seconds=80)  # noqa: TID251 (as a call of now)
    placed = EmulatedCall(CALL.call_uuid, AUTH_ID, CALL.zone, placed_at)
    with httpx.Client(timeout=PATIENCE_S) as client:
        plivo = Plivo(client, url)
        for step in answered_call(placed):
            assert plivo.post(step.path, step.form).status_code == 200
    done = await asyncio.to_thread(run, "call", "show", A, **cluster.settings)
    assert done.returncode == 0, done.stderr
    found = orjson.loads(done.stdout)
    names = [one["type"].rpartition(".")[2] for one in found["timeline"]]
    assert names == ["ring", "answer", "hangup"]
    assert {one["event_from"] for one in found["timeline"]} == {"published"}
    assert [one["reply"]["body"] for one in found["timeline"]] == ["", "<Response/>", ""]
    assert (found["gaps"], found["total_cost"]) == ([], "0.01000")


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({}, build_window(NOON - timedelta(hours=24), None)),
        ({"since": "2h"}, build_window(NOON - timedelta(hours=2), None)),
        ({"around": "2026-03-01"}, build_window(datetime(2026, 2, 28, tzinfo=UTC), None)),
        (
            {"since": "3d", "until": "1d"},
            build_window(NOON - timedelta(days=3), NOON - timedelta(days=1)),
        ),
        ({"around": "0001-01-01"}, Window(0, None)),
        ({"everything": True}, Window()),
    ],
)
def test_where_to_look_follows_from_the_hint(given: dict[str, Any], expected: Window) -> None:
    hints: dict[str, Any] = {"since": None, "until": None, "around": None, "everything": False}
    assert parse_search_window(NOON, **(hints | given)) == expected


@pytest.mark.parametrize(
    "given",
    [
        {"since": "2h", "around": "2026-03-01"},
        {"since": "2h", "everything": True},
        {"around": "2026-03-01", "everything": True},
        {"since": "2h", "until": "3h"},
        {"until": "2d"},
    ],
)
def test_hints_that_contradict_each_other_are_wrong_usage(given: dict[str, Any]) -> None:
    hints: dict[str, Any] = {"since": None, "until": None, "around": None, "everything": False}
    with pytest.raises(typer.BadParameter):
        parse_search_window(NOON, **(hints | given))


@pytest.mark.parametrize("beginning", [A[:4], A[:8], A[:9], A[:8].upper(), A[:-1]])
def test_the_first_characters_of_an_id_are_enough(cluster: Cluster, beginning: str) -> None:
    found = cluster.document(beginning)
    assert (found["id"], found["callbacks"], found["prefix"]) == (A, 6, beginning.lower())
    assert cluster.document(A)["prefix"] is None


def test_the_first_characters_of_several_ids_list_them(cluster: Cluster) -> None:
    now = datetime.now(UTC)  # noqa: TID251 (the look-back is real time)
    like_it = A[:8] + "-ffff-4fff-8fff-ffffffffffff"
    other = changed(RING, CallUUID=like_it, RequestUUID=like_it)
    record = taken(other, at(-60, now), prefix=cluster.prefix).journal
    asyncio.run(store(cluster.kafka, [record]))
    done = cluster.show(A[:8])
    assert (done.returncode, done.stdout) == (2, "")
    assert f"2 ids start with {A[:8]}; 10 characters distinguish them:" in done.stderr
    listed = done.stderr.splitlines()[1:]
    assert [line.split("  ")[0] for line in listed] == [A, like_it]
    assert [line.split("  ")[2] for line in listed] == ["callbacks: 6", "callbacks: 1"]
    assert cluster.document(A[:10])["id"] == A
    assert cluster.document(like_it)["callbacks"] == 1


@pytest.mark.kafka
def test_an_id_is_looked_for_by_its_beginning_only_in_the_time_that_is_read(
    apache_kafka: str, prefix: str
) -> None:
    cluster = asyncio.run(filled(Kafka(apache_kafka, idempotence=True), prefix))
    done = cluster.show(MESSAGE[:8])
    assert done.returncode == 1
    assert f"{MESSAGE[:8]}, or of an id that starts with it, was found since 20" in done.stderr
    assert "search further back with --around, --since or --all" in done.stderr
    assert cluster.document(MESSAGE[:8], "--since=3d")["id"] == MESSAGE


def test_a_dead_letter_is_in_the_document_and_its_answer_is_not_missing(cluster: Cluster) -> None:
    now = datetime.now(UTC)  # noqa: TID251 (the look-back is real time)
    ids = dict.fromkeys(("CallUUID", "ALegUUID", "RequestUUID", "ALegRequestUUID"), ROOM)
    since = now - timedelta(minutes=30)
    placed = replace(CALL, placed_at=since)
    steps = [
        changed(step, **{key: of for key, of in ids.items() if key in step.parameters})
        for step in answered_call(placed)
    ]
    ring, answer, hangup = (
        taken(step, at(seconds, since), prefix=cluster.prefix, is_dead=is_dead)
        for step, seconds, is_dead in zip(steps, (2, 5, 70), (False, True, False), strict=True)
    )
    assert answer.letter is not None
    records = [*ring.records, answer.letter, answer.journal, *hangup.records]
    asyncio.run(store(cluster.kafka, records))
    found = cluster.document(ROOM)
    names = [one["type"] for one in found["timeline"]]
    assert names == ["voice.call.ring", "voice.call.answer", "voice.call.hangup"]
    letters = [one["dead_letter"] for one in found["timeline"]]
    assert (letters[0], letters[2]) == (None, None)
    assert (letters[1]["stage"], letters[1]["reason"]) == ("parse", "bridge_fault")
    assert [gap["code"] for gap in found["gaps"]] == ["dead_letter"]


def test_a_document_on_a_terminal_cannot_talk_to_it(
    kafka: Kafka, prefix: str, terminal: None
) -> None:
    now = datetime.now(UTC)  # noqa: TID251 (the look-back is real time)
    odd = taken(changed(RING, To="sip:a\x1b\x9b\u202e@b"), at(-60, now), prefix=prefix)
    asyncio.run(make_all_topics(kafka, prefix))
    asyncio.run(store(kafka, odd.records))
    done = Cluster(kafka, prefix).show(A, "--json")
    assert not any(one in done.stdout for one in "\x1b\x9b\u202e")
    found = orjson.loads(done.stdout)
    assert found["timeline"][0]["data"]["to"]["text"] == "sip:a\x1b\x9b\u202e@b"


@pytest.mark.system
def test_every_width_of_a_terminal_shows_the_same(cluster: Cluster) -> None:
    shown: dict[int, str] = {}
    for columns in (80, 120, 200):
        with on_a_terminal("call", "show", A, columns=columns, **cluster.settings) as screen:
            assert screen.ended() == 0, screen.text
        # The progress bars come before, and are removed.
        shown[columns] = screen.text[screen.text.index(f"call       {A}") :]
        assert widest(shown[columns]) <= columns
    assert sorted(words(shown[80])) == sorted(words(shown[120])) == sorted(words(shown[200]))
    assert shown[80].count("voice.dial.hangup") == 1


@pytest.mark.parametrize("text", ["no id", "", "a39290d0\x1b", "x" * 65])
def test_text_that_is_not_an_id_is_wrong_usage(text: str) -> None:
    done = run("call", "show", text, kafka_bootstrap_servers="127.0.0.1:1")
    assert done.returncode == 2
    assert "is not an id" in done.stderr


@pytest.mark.parametrize("text", ["a", "a39"])
def test_too_few_characters_of_an_id_are_wrong_usage_and_say_how_many_are_needed(text: str) -> None:
    done = run("call", "show", text, kafka_bootstrap_servers="127.0.0.1:1")
    assert done.returncode == 2
    assert "is too short: give at least 4 characters of the id" in " ".join(done.stderr.split())


@pytest.mark.parametrize("option", ["--since", "--until", "--around"])
def test_the_option_a_time_is_wrong_in_is_named(option: str) -> None:
    done = run("call", "show", A, f"{option}=yesterday", kafka_bootstrap_servers="127.0.0.1:1")
    assert done.returncode == 2
    assert f"Invalid value for {option}: 'yesterday' is neither" in done.stderr


def test_a_kafka_that_is_away_is_named_with_exit_code_3() -> None:
    address = f"127.0.0.1:{free_port()}"
    done = run("call", "show", A, kafka_bootstrap_servers=address)
    assert done.returncode == 3
    assert address in done.stderr
    assert "Traceback" not in done.stderr
