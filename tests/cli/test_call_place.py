"""``call place``: at an emulated Plivo, with what it publishes on the embedded broker."""

import asyncio
import json
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from unittest.mock import Mock, patch

import orjson
import pytest
import typer

from bridge.cli import call_place, options
from bridge.cli.exit_codes import EXIT_STOPPED
from bridge.core.journal import JOURNAL_TOPIC
from bridge.core.record import Record
from bridge.core.requested import REQUESTED
from bridge.dev.account import ACCOUNTS, AUTH_ID, AUTH_TOKEN
from bridge.emulator.testing import EmulatedPlivo
from bridge.originate.originator import Originator
from bridge.reader.topic_reader import CannotRead
from tests.emulator.receiver import HttpReceiver, receive
from tests.support.cli import run
from tests.support.kafka import Kafka, read_back
from tests.support.stored_calls import make_all_topics

pytest_plugins = ("tests.support.kafka_fixtures",)

FROM, TO = "14157654321", "14155550123"
PLACE = ("call", "place", "--from", FROM, "--to", TO)
NOWHERE = "http://127.0.0.1:1"


@pytest.fixture
def bridge() -> Iterator[HttpReceiver]:
    """What Plivo calls."""
    with receive() as receiver:
        yield receiver


@pytest.fixture
def plivo() -> Iterator[EmulatedPlivo]:
    with EmulatedPlivo() as plivo:
        yield plivo


@pytest.fixture
def settings(plivo: EmulatedPlivo, bridge: HttpReceiver, tmp_path: Path) -> dict[str, str]:
    """The settings of a command that dials without Kafka."""
    return {
        "plivo_api_url": plivo.url,
        "plivo_calls_per_s": "1000",
        "public_url": bridge.url,
        "accounts": json.dumps(ACCOUNTS),
        "ledger_directory": str(tmp_path / "ledger"),
    }


@pytest.fixture
def with_kafka(settings: dict[str, str], embedded_kafka: str, prefix: str) -> dict[str, str]:
    """The settings of a command that publishes what it requests."""
    asyncio.run(make_all_topics(Kafka(embedded_kafka, idempotence=False), prefix))
    return {
        **settings,
        "kafka_bootstrap_servers": embedded_kafka,
        "kafka_idempotence": "false",
        "topic_prefix": prefix,
    }


def count_calls(plivo: EmulatedPlivo) -> int:
    """Return how many calls there are, in one step: a call that waits becomes a leg meanwhile."""
    return plivo.act(
        lambda emulator: (
            len(emulator.world.legs) + emulator.do(lambda machine: len(machine.queue.waiting))
        )
    )


def read_requested(settings: dict[str, str]) -> tuple[list[Record], list[Record]]:
    """Return the events and the journal records of requests."""
    names = (settings["topic_prefix"] + one for one in (REQUESTED.topic, JOURNAL_TOPIC))
    events, journal = (read_back(settings["kafka_bootstrap_servers"], [name]) for name in names)
    return events, journal


def test_a_call_is_placed_and_an_event_says_what_was_requested(
    plivo: EmulatedPlivo, bridge: HttpReceiver, with_kafka: dict[str, str]
) -> None:
    done = run(*PLACE, "--time-limit", "600", "--yes", **with_kafka)
    assert done.returncode == 0, done.stderr
    row = json.loads(done.stdout)
    assert (row["to"], row["outcome"], row["status"]) == (TO, "accepted", 201)
    ring = plivo.wait_for("call.ring")
    assert ring.parameters["RequestUUID"] == row["request_uuid"]
    reference = row["reference"]
    assert ring.request.url == f"{bridge.url}/plivo/voice/call/ring?bridge_reference={reference}"
    assert f"`callback-bridge request show {reference} --follow`" in done.stderr
    (event,), (journal,) = read_requested(with_kafka)
    data = orjson.loads(event.value)["data"]
    assert (data["reference"], data["outcome"]) == (reference, "accepted")
    assert data["parameters"]["time_limit"] == 600
    assert journal.key.decode() == reference
    assert AUTH_TOKEN.encode() not in event.value + journal.value


def test_destinations_of_a_file_have_a_row_each_and_go_out_in_parts(
    plivo: EmulatedPlivo, settings: dict[str, str], tmp_path: Path
) -> None:
    file = tmp_path / "numbers.txt"
    numbers = [f"1415555{number}" for number in range(2000, 2007)]
    file.write_text("\n".join(numbers))
    arguments = ("--to", f"@{file}", "--destinations-per-request", "3")
    done = run("call", "place", "--from", FROM, *arguments, "--yes", "--without-kafka", **settings)
    assert done.returncode == 0, done.stderr
    rows = [json.loads(line) for line in done.stdout.splitlines()]
    assert [row["to"] for row in rows] == numbers
    assert len({row["request_uuid"] for row in rows}) == 7
    assert len({row["api_id"] for row in rows}) == 3
    assert len({row["reference"] for row in rows}) == 1
    assert "7 accepted" in done.stderr
    assert count_calls(plivo) == 7


def test_all_faults_are_reported_at_once_and_nothing_is_sent(settings: dict[str, str]) -> None:
    given = {**settings, "plivo_api_url": NOWHERE, "public_url": ""}
    del given["public_url"]
    wrong = ("--from", "1", "--to", "x", "--time-limit", "0", "--ring-url", "ring")
    done = run("call", "place", *wrong, "--without-kafka", "--yes", **given)
    assert (done.returncode, done.stdout) == (2, "")
    named = [line.partition(":")[0] for line in done.stderr.splitlines()]
    assert named == ["--from", "--to", "--ring-url", "--time-limit", "--bridge-url"]


def test_an_application_that_no_path_can_name_is_refused(settings: dict[str, str]) -> None:
    done = run(*PLACE, "--application", "the/shop", "--dry-run", **settings)
    assert (done.returncode, done.stdout) == (2, "")
    assert "'the/shop' is not the name" in done.stderr


def test_the_faults_of_files_are_reported_with_their_lines_beside_all_others(
    settings: dict[str, str], tmp_path: Path
) -> None:
    first, second = tmp_path / "first", tmp_path / "second"
    first.write_text("14155550123\nAnn\n")
    second.write_text("# nobody\n")
    wrong = ("--from", "1", "--to", f"@{first}", "--to", f"@{second}", "--time-limit", "0")
    done = run("call", "place", *wrong, "--without-kafka", "--yes", **settings)
    assert (done.returncode, done.stdout) == (2, "")
    faults = [line.partition(";")[0] for line in done.stderr.splitlines()]
    assert faults == [
        f"--to: {first}, line 2: 'Ann' is not a number",
        f"--to: {second} has no destination",
        "--from: '1' is not in E.164",
        "--time-limit: '0' is not allowed",
    ]


def test_without_a_terminal_nobody_is_called_unless_yes_is_said(
    plivo: EmulatedPlivo, settings: dict[str, str]
) -> None:
    done = run(*PLACE, "--without-kafka", **settings)
    assert (done.returncode, done.stdout) == (2, "")
    assert "pass --yes" in done.stderr
    assert count_calls(plivo) == 0


@pytest.mark.parametrize(("typed", "code", "calls"), [("n", 1, 0), ("y", 0, 2)])
@pytest.mark.usefixtures("terminal")
def test_on_a_terminal_a_person_is_asked_before_it_dials(
    plivo: EmulatedPlivo,
    bridge: HttpReceiver,
    settings: dict[str, str],
    *,
    typed: str,
    code: int,
    calls: int,
) -> None:
    keyboard = SimpleNamespace(stdin=SimpleNamespace(isatty=lambda: True))
    arguments = ("--to", "14155550124", "--without-kafka")
    with patch.object(options, "sys", keyboard):
        done = run(*PLACE, *arguments, stdin=f"{typed}\n", **settings)
    assert done.returncode == code, done.stderr
    url = f"{bridge.url}/plivo/voice/call/answer?bridge_reference="
    assert done.stderr.startswith(f"Answer URL: {url}")
    assert done.stdout.startswith(f"Call 2 destinations from {FROM} with account {AUTH_ID}? [y/N]")
    assert done.stdout.count("accepted") == (3 if calls else 0)
    assert count_calls(plivo) == calls


@pytest.mark.usefixtures("terminal")
def test_a_terminal_gets_a_table_of_what_would_be_sent(settings: dict[str, str]) -> None:
    done = run(*PLACE, "--dry-run", **{**settings, "plivo_api_url": "https://api.plivo.com"})
    assert (done.returncode, done.stderr) == (0, "")
    title, *lines = done.stdout.splitlines()
    assert title == f"POST https://api.plivo.com/v1/Account/{AUTH_ID}/Call/"
    rows = [line.split(None, 1) for line in lines]
    assert [[name, value.strip()] for name, value in rows[:2]] == [["from", FROM], ["to", TO]]


def test_a_dry_run_prints_what_would_be_sent_without_a_secret(
    plivo: EmulatedPlivo, settings: dict[str, str]
) -> None:
    url = "https://me:hidden@example.com/answer"
    arguments = ("--to", "14155550124", "--answer-url", url, "--machine-detection", "true")
    done = run(*PLACE, *arguments, "--dry-run", **settings)
    assert (done.returncode, done.stderr) == (0, "")
    sent = json.loads(done.stdout)
    assert sent["url"] == f"{plivo.url}/v1/Account/{AUTH_ID}/Call/"
    assert sent["body"]["to"] == f"{TO}<14155550124"
    assert sent["body"]["answer_url"] == "https://example.com/answer"
    assert "/plivo/voice/call/machine_detection?" in sent["body"]["machine_detection_url"]
    assert "hidden" not in done.stdout
    assert AUTH_TOKEN not in done.stdout
    assert count_calls(plivo) == 0


def test_ctrl_c_leaves_the_reference_of_calls_that_may_have_been_placed(
    settings: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    async def stop(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(Originator, "place", stop)
    done = run(*PLACE, "--without-kafka", "--yes", **settings)
    assert done.returncode == EXIT_STOPPED
    assert "calls may have been placed; `callback-bridge request show " in done.stderr


FOLLOWING_FAULTS = [typer.Exit(1), CannotRead("127.0.0.1:1: no broker answers there")]


@pytest.mark.parametrize("fault", FOLLOWING_FAULTS, ids=type)
def test_an_unknown_outcome_stays_exit_code_4_whatever_following_the_calls_meets(
    with_kafka: dict[str, str], monkeypatch: pytest.MonkeyPatch, fault: Exception
) -> None:
    monkeypatch.setattr(call_place, "show_request", Mock(side_effect=fault))
    with receive(status=503) as broken:
        done = run(*PLACE, "--yes", "--follow", **{**with_kafka, "plivo_api_url": broken.url})
    assert (json.loads(done.stdout)["outcome"], done.returncode) == ("unknown", 4)


def test_placed_calls_that_cannot_be_followed_are_not_said_to_be_unsent(
    with_kafka: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(call_place, "show_request", Mock(side_effect=FOLLOWING_FAULTS[1]))
    done = run(*PLACE, "--yes", "--follow", **with_kafka)
    assert (json.loads(done.stdout)["outcome"], done.returncode) == ("accepted", 1)
    assert "the calls cannot be followed: 127.0.0.1:1" in done.stderr


def test_a_second_request_with_the_same_key_is_told_what_became_of_the_first(
    plivo: EmulatedPlivo, settings: dict[str, str]
) -> None:
    arguments = (*PLACE, "--without-kafka", "--yes", "--idempotency-key", "order-17")
    first = json.loads(run(*arguments, **settings).stdout)
    second = run(*arguments, **settings)
    assert (second.returncode, second.stdout) == (1, "")
    assert f"as {first['reference']}: 1 accepted" in second.stderr
    assert f"`callback-bridge request show {first['reference']}`" in second.stderr
    assert count_calls(plivo) == 1


def test_a_key_of_an_unset_variable_is_wrong_usage(
    plivo: EmulatedPlivo, settings: dict[str, str]
) -> None:
    done = run(*PLACE, "--without-kafka", "--yes", "--idempotency-key", "", **settings)
    assert done.returncode == 2
    assert "is empty; leave the option out" in " ".join(done.stderr.replace("│", " ").split())
    assert count_calls(plivo) == 0


def test_a_refusal_is_exit_code_1_and_explained(settings: dict[str, str]) -> None:
    wrong = [{**ACCOUNTS[0], "auth_tokens": ["another-token-of-somebody"]}]
    given = {**settings, "accounts": json.dumps(wrong)}
    done = run(*PLACE, "--without-kafka", "--yes", **given)
    assert done.returncode == 1
    row = json.loads(done.stdout)
    assert (row["outcome"], row["status"], row["code"]) == ("refused", 401, "credentials")
    assert row["explanation"].startswith("Plivo does not know these credentials")
    assert "request show" not in done.stderr


def test_an_unknown_outcome_is_exit_code_4_and_not_dialled_again(settings: dict[str, str]) -> None:
    with receive(status=503) as broken:
        given = {**settings, "plivo_api_url": broken.url}
        done = run(*PLACE, "--without-kafka", "--yes", "--idempotency-key", "a", **given)
        again = run(*PLACE, "--without-kafka", "--yes", "--idempotency-key", "a", **given)
        assert len(broken.called) == 1
    assert (done.returncode, again.returncode) == (4, 4)
    assert json.loads(done.stdout)["outcome"] == "unknown"
    assert "Plivo may have dialled: do not place the unknown calls again" in done.stderr
    assert "1 unknown" in again.stderr


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"kafka_bootstrap_servers": "127.0.0.1:1"}, "or pass --without-kafka"),
        ({"topic_prefix": "nobody.made."}, "run `callback-bridge topics apply`"),
    ],
)
def test_nobody_is_called_if_kafka_cannot_be_used(
    plivo: EmulatedPlivo, with_kafka: dict[str, str], changed: dict[str, str], said: str
) -> None:
    done = run(*PLACE, "--yes", **{**with_kafka, **changed})
    assert (done.returncode, done.stdout) == (3, "")
    assert done.stderr.startswith("nothing was placed, because Kafka ")
    assert said in done.stderr
    assert count_calls(plivo) == 0


def test_records_that_kafka_did_not_get_are_published_by_the_next_command(
    settings: dict[str, str], with_kafka: dict[str, str]
) -> None:
    first = run(
        *PLACE, "--without-kafka", "--yes", **settings, topic_prefix=with_kafka["topic_prefix"]
    )
    assert "Kafka does not have 2 records of requests yet" in first.stderr
    second = run(*PLACE, "--yes", **with_kafka)
    assert second.returncode == 0
    assert "Kafka does not have" not in second.stderr
    events, journal = read_requested(with_kafka)
    references = {json.loads(one.stdout)["reference"] for one in (first, second)}
    assert {orjson.loads(one.value)["data"]["reference"] for one in events} == references
    assert {one.key.decode() for one in journal} == references


def test_in_asynchronous_mode_the_answer_goes_to_the_bridge(
    bridge: HttpReceiver, plivo: EmulatedPlivo, settings: dict[str, str]
) -> None:
    done = run(*PLACE, "--asynchronous", "--without-kafka", "--yes", **settings)
    assert done.returncode == 0, done.stderr
    row = json.loads(done.stdout)
    assert (row["outcome"], row["request_uuid"], row["code"]) == ("accepted", None, "spawned")
    plivo.wait_for("api.async_response")
    path = f"/plivo/api/async_response?bridge_reference={row['reference']}"
    assert path in bridge.called


def test_the_ledger_is_needed_before_anybody_is_called(
    plivo: EmulatedPlivo, settings: dict[str, str], tmp_path: Path
) -> None:
    (tmp_path / "file").touch()
    given = {**settings, "ledger_directory": str(tmp_path / "file")}
    done = run(*PLACE, "--without-kafka", "--yes", **given)
    assert (done.returncode, done.stdout) == (3, "")
    assert "the ledger" in done.stderr
    assert "BRIDGE_LEDGER_DIRECTORY" in done.stderr
    assert count_calls(plivo) == 0
