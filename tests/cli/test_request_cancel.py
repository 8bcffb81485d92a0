"""``request cancel``, at an emulated Plivo."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from bridge.cli.exit_codes import EXIT_CANNOT_CONNECT, EXIT_UNKNOWN
from bridge.dev.account import ACCOUNTS
from bridge.emulator.testing import EmulatedPlivo, Person
from bridge.originate.client import PlivoCalls
from bridge.originate.errors import NO_ANSWER, NO_CONNECTION, ApiAnswer, NotSent, OutcomeUnknown
from tests.support.cli import run

FROM = "14157654321"
TO = ("14155550123", "14155550124", "14155550125")


@pytest.fixture
def plivo() -> Iterator[EmulatedPlivo]:
    # In real time, the calls ring as long as the test takes.
    with EmulatedPlivo(speed=1) as plivo:
        for number in TO:
            plivo.set_person(number, Person(answers_after_s=600.0))
        yield plivo


@pytest.fixture
def settings(plivo: EmulatedPlivo, tmp_path: Path) -> dict[str, str]:
    return {
        "plivo_api_url": plivo.url,
        "public_url": "http://127.0.0.1:1",
        "accounts": json.dumps(ACCOUNTS),
        "ledger_directory": str(tmp_path),
    }


def place(settings: dict[str, str]) -> list[dict[str, str]]:
    arguments = ("--from", FROM, "--to", "<".join(TO), "--without-kafka", "--yes")
    done = run("call", "place", *arguments, **settings)
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


def test_a_reference_stands_for_all_calls_of_its_request(
    plivo: EmulatedPlivo, settings: dict[str, str]
) -> None:
    placed = place(settings)
    done = run("request", "cancel", placed[0]["reference"], **settings)
    assert (done.returncode, done.stderr) == (0, "")
    rows = [json.loads(line) for line in done.stdout.splitlines()]
    assert [(row["to"], row["request_uuid"]) for row in rows] == [
        (one["to"], one["request_uuid"]) for one in placed
    ]
    assert all(row["is_cancelled"] for row in rows)
    assert not plivo.emulator.do(lambda machine: [*machine.queue.waiting])
    assert all(leg.ended.is_set for leg in plivo.emulator.world.legs.values())


def test_a_request_uuid_stands_for_one_call_and_only_once(settings: dict[str, str]) -> None:
    uuid = place(settings)[0]["request_uuid"]
    assert run("request", "cancel", uuid, **settings).returncode == 0
    again = run("request", "cancel", uuid, **settings)
    assert again.returncode == 1
    row = json.loads(again.stdout)
    assert (row["request_uuid"], row["is_cancelled"]) == (uuid, False)
    assert row["explanation"].startswith("Plivo knows no such call, request or account now")


def fail_for(failing: str, error: Exception, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the cancellation of one request UUID fail."""
    cancel = PlivoCalls.cancel

    async def fail(calls: PlivoCalls, request_uuid: str) -> None:
        if request_uuid == failing:
            raise error
        await cancel(calls, request_uuid)

    monkeypatch.setattr(PlivoCalls, "cancel", fail)


def test_an_unknown_outcome_of_one_call_does_not_keep_the_others(
    settings: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    placed = place(settings)
    fail_for(placed[0]["request_uuid"], OutcomeUnknown(NO_ANSWER), monkeypatch)
    done = run("request", "cancel", placed[0]["reference"], **settings)
    assert done.returncode == EXIT_UNKNOWN
    rows = [json.loads(line) for line in done.stdout.splitlines()]
    assert [row["is_cancelled"] for row in rows] == [None, True, True]


def test_a_connection_that_is_lost_leaves_a_report_of_what_was_cancelled(
    settings: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    placed = place(settings)
    fail_for(placed[1]["request_uuid"], NotSent(NO_CONNECTION), monkeypatch)
    done = run("request", "cancel", placed[0]["reference"], **settings)
    assert done.returncode == EXIT_CANNOT_CONNECT
    rows = [json.loads(line) for line in done.stdout.splitlines()]
    assert [(row["to"], row["is_cancelled"]) for row in rows] == [(TO[0], True)]
    assert done.stderr.startswith("2 of 3 calls were not cancelled: no connection")


@pytest.mark.usefixtures("terminal")
def test_a_terminal_gets_a_table(settings: dict[str, str], tmp_path: Path) -> None:
    given = {**settings, "ledger_directory": str(tmp_path / "none")}
    done = run("request", "cancel", "no-such-request", **given)
    assert done.returncode == 1
    assert "no-such-request" in done.stdout
    assert not (tmp_path / "none").exists()


def test_a_request_that_plivo_refused_has_nothing_to_cancel(settings: dict[str, str]) -> None:
    wrong = json.dumps([{**ACCOUNTS[0], "auth_tokens": ["another-token-of-somebody"]}])
    arguments = ("--from", FROM, "--to", TO[0], "--without-kafka", "--yes")
    refused = run("call", "place", *arguments, **{**settings, "accounts": wrong})
    reference = json.loads(refused.stdout)["reference"]
    done = run("request", "cancel", reference, **settings)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == f"Plivo took no call of {reference}: 1 refused\n"


@pytest.mark.parametrize("parts", [("--destinations-per-request", "1"), ()])
def test_a_call_whose_request_uuid_is_not_known_is_not_passed_over(
    settings: dict[str, str], parts: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    exchange = PlivoCalls._exchange

    async def lose_last(calls: PlivoCalls, method: str, path: str, **more: Any) -> ApiAnswer:
        answer = await exchange(calls, method, path, **more)
        if TO[-1] in more["body"]["to"]:
            raise OutcomeUnknown(NO_ANSWER)
        return answer

    arguments = ("--from", FROM, "--to", "<".join(TO), "--without-kafka", "--yes", *parts)
    with monkeypatch.context() as patched:
        patched.setattr(PlivoCalls, "_exchange", lose_last)
        placed = run("call", "place", *arguments, **{**settings, "plivo_calls_per_s": "100"})
    reference = json.loads(placed.stdout.splitlines()[0])["reference"]
    done = run("request", "cancel", reference, **settings)
    assert done.returncode == EXIT_UNKNOWN
    rows = [json.loads(line) for line in done.stdout.splitlines()]
    cancelled = {TO[0]: True, TO[1]: True} if parts else dict.fromkeys(TO[:2])
    assert {row["to"]: row["is_cancelled"] for row in rows} == {**cancelled, TO[2]: None}
    assert rows[-1]["request_uuid"] is None
    assert f"`callback-bridge request show {reference}`" in rows[-1]["explanation"]
