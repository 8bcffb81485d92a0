"""``callback-bridge deadletters``: list and show, as a user sees them."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from io import StringIO

import orjson
import pytest
from rich.console import Console

from bridge.audit.redrive import DeadLetter
from bridge.cli import deadletters, output
from bridge.core.event import ContractNames, to_epoch_ms
from bridge.core.journal import DEAD_LETTER_TOPIC, JOURNAL_TOPIC
from bridge.core.record import Record
from tests.cli.dead_letters import HANGUPS, RING, Letters, bury, lines
from tests.support.cli import run
from tests.support.factories import TOKEN
from tests.support.kafka import Kafka, running
from tests.support.ports import free_port

pytest_plugins = ("tests.support.kafka_fixtures",)


@pytest.fixture
async def dead(kafka: Kafka, prefix: str) -> Letters:
    return await bury(kafka, prefix)


def test_dead_letters_are_listed_with_their_reason(dead: Letters) -> None:
    done = dead.call("list")
    assert (done.returncode, done.stderr) == (0, "")
    found = [
        (line["id"], line["stage"], line["reason"], line["tries"], line["callback_type"])
        for line in lines(done)
    ]
    assert found == [
        (dead.mendable, "parse", "bridge_fault", 0, ""),
        (dead.hopeless, "parse", "no_identity", 0, RING.name),
        (dead.refused, "publish", "record_too_large", 3, "voice.call.hangup"),
    ]
    assert [line["topics"] for line in lines(done)] == [
        [],
        [dead.prefix + RING.topic],
        [dead.prefix + HANGUPS, dead.prefix + JOURNAL_TOPIC],
    ]


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        (["--reason=no_identity"], ["hopeless"]),
        (["--reason=no_identity", "--reason=bridge_fault"], ["mendable", "hopeless"]),
        (["--type=voice.call.hangup"], ["refused"]),
        (["--since=1h"], ["mendable", "hopeless", "refused"]),
        (["--since=1h", "--reason=content_type"], []),
    ],
)
def test_options_choose_the_letters(dead: Letters, options: list[str], expected: list[str]) -> None:
    found = [line["id"] for line in lines(dead.call("list", *options))]
    assert found == [getattr(dead, name) for name in expected]


async def test_an_older_letter_that_was_stored_later_is_not_among_those_since(
    dead: Letters,
) -> None:
    now = datetime.now(UTC)  # noqa: TID251 (the command's own clock is real)
    headers = (("dlq_stage", b"forward"), ("dlq_reason", b"timeout"), ("event_id", b"older"))
    topic, hours_ago_2 = dead.prefix + DEAD_LETTER_TOPIC, to_epoch_ms(now - timedelta(hours=2))
    async with running(dead.kafka.publisher()) as publisher:
        await publisher.publish([Record(topic, b"", b"{}", headers, hours_ago_2)])
    for verb in (["list"], ["redrive", "--dry-run"]):
        done = await asyncio.to_thread(dead.call, *verb, "--since=1h")
        found = [line["id"] for line in lines(done)]
        assert found == [dead.mendable, dead.hopeless, dead.refused]
    assert "older" in (await asyncio.to_thread(dead.call, "list", "--since=3h")).stdout


async def test_a_number_of_tries_of_any_length_hides_no_letter(dead: Letters) -> None:
    async with running(dead.kafka.publisher()) as publisher:
        topic = dead.prefix + DEAD_LETTER_TOPIC
        for digits in (20, 5000):
            headers = (("dlq_tries", b"9" * digits), ("callback_id", b"odd"))
            await publisher.publish([Record(topic, b"", b"{}", headers, 1_772_884_800_000)])
    done = await asyncio.to_thread(dead.call, "list")
    assert done.returncode == 0, done.stderr
    assert [line["tries"] for line in lines(done)] == [0, 0, 3, 0, 0]


def test_a_letter_is_shown_with_its_reason_callback_and_parameters(dead: Letters) -> None:
    done = dead.call("show", dead.hopeless)
    assert done.returncode == 0, done.stderr
    (shown,) = lines(done)
    assert shown["reason"] == "no_identity"
    assert shown["meaning"].startswith("It has no identifier of a call, a message or a session")
    assert shown["headers"]["dlq_stage"] == "parse"
    assert shown["callback"]["path"] == RING.path
    assert shown["callback"]["body"] == "Event=Ring&Odd=%FF"
    assert shown["parameters"] == {
        "query": [["team", "blue"]],
        "body": [["Event", "Ring"], ["Odd", "\\xff"]],
    }


def test_a_missing_dead_letter_exits_with_1(dead: Letters) -> None:
    for verb in (["show", "0123"], ["redrive", "--id=0123"]):
        done = dead.call(*verb)
        assert (done.returncode, done.stdout) == (1, "")
        assert "no dead letter has the id 0123" in done.stderr


def test_no_token_is_ever_shown(dead: Letters) -> None:
    accounts = orjson.dumps(
        [{"auth_id": "MA0000000000TEST0001", "auth_tokens": [TOKEN], "timezone": "UTC"}]
    ).decode()
    for verb in (["list"], ["show", dead.mendable], ["redrive"]):
        done = dead.call(*verb, accounts=accounts)
        assert TOKEN not in done.stdout + done.stderr


def test_a_terminal_gets_tables(dead: Letters, terminal: None) -> None:
    listed = dead.call("list").stdout
    assert "┃ id" in listed
    assert "dead letters: 3" in listed
    shown = dead.call("show", dead.hopeless).stdout
    assert "parameters.body.Odd" in shown
    assert "callback.verification.verdict" in shown
    assert "callback.headers.x-plivo-signature-v3" in shown
    redriven = dead.call("redrive", "--dry-run").stdout
    assert "still_dead: no_identity" in redriven
    assert HANGUPS in redriven


def test_on_a_narrow_terminal_nothing_of_a_letter_is_cut_off() -> None:
    body = "Event=Ring&Text=" + "x" * 500
    console = Console(file=StringIO(), width=60)
    console.print(output.key_values([("callback.body", body)]))
    assert isinstance(console.file, StringIO)
    assert "".join(console.file.getvalue().split()) == "callback.body" + body


async def test_a_record_that_is_not_a_journal_record_is_shown_as_far_as_possible(
    dead: Letters,
) -> None:
    headers = (("dlq_stage", b"parse"), ("dlq_reason", b"new_code"), ("callback_id", b"odd"))
    async with running(dead.kafka.publisher()) as publisher:
        topic = dead.prefix + DEAD_LETTER_TOPIC
        await publisher.publish([Record(topic, b"", b"no JSON", headers, 1_772_884_800_000)])
    letters = [one async for one in read_letters(dead)]
    (odd,) = (letter for letter in letters if letter.id == "odd")
    whole = deadletters._full_letter(odd)
    assert (whole["meaning"], whole["fault"]) == ("", "its value is not a journal record: not JSON")


def read_letters(dead: Letters) -> AsyncIterator[DeadLetter]:
    naming = ContractNames(dead.prefix, "urn:callback-bridge:schemas:")
    return deadletters.read_letters(dead.kafka.connection, naming, deadletters.LetterFilter())


def test_a_kafka_that_is_away_is_named_with_exit_code_3() -> None:
    address = f"127.0.0.1:{free_port()}"
    for verb in (["list"], ["show", "0123"], ["redrive"], ["redrive", "--dry-run"]):
        done = run("deadletters", *verb, kafka_bootstrap_servers=address)
        assert done.returncode == 3, done.stderr
        assert address in done.stderr
        assert "Traceback" not in done.stderr


@pytest.mark.parametrize("verb", ["list", "show", "redrive"])
def test_without_an_address_the_setting_that_is_missing_is_named(verb: str) -> None:
    done = run("deadletters", verb, *(["0123"] if verb == "show" else []))
    assert done.returncode == 2
    assert "BRIDGE_KAFKA_BOOTSTRAP_SERVERS is not set" in done.stderr
