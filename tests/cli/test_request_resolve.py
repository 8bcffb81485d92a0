"""``request resolve``, at an emulated Plivo whose answers to requests that dial are lost."""

import json
from collections.abc import Iterator
from itertools import repeat
from pathlib import Path

import httpx
import pytest

from bridge.dev.account import ACCOUNTS
from bridge.emulator.testing import EmulatedPlivo
from bridge.originate import client
from tests.originate.faults import Fault, FaultyTransport
from tests.support.cli import run

FROM = "14157654321"
ANNA, BEN = "14155550123", "14155550124"


@pytest.fixture
def plivo() -> Iterator[EmulatedPlivo]:
    # In real time, because the command searches the hour after the request.
    with EmulatedPlivo(speed=1) as plivo:
        yield plivo


@pytest.fixture
def settings(plivo: EmulatedPlivo, tmp_path: Path) -> dict[str, str]:
    return {
        "plivo_api_url": plivo.url,
        "plivo_calls_per_s": "1000",
        "public_url": "http://127.0.0.1:1",
        "accounts": json.dumps(ACCOUNTS),
        "ledger_directory": str(tmp_path),
    }


def place(settings: dict[str, str], *to: str) -> str:
    """Place calls, and return their reference."""
    arguments = ("--from", FROM, "--to", "<".join(to), "--without-kafka", "--yes")
    done = run("call", "place", *arguments, **settings)
    reference = str(json.loads(done.stdout.splitlines()[0])["reference"])
    if done.returncode:
        assert f"`callback-bridge request resolve {reference}`" in done.stderr
    return reference


def place_unknown(settings: dict[str, str], *to: str, reaches_plivo: bool) -> str:
    """Place calls, of which the answer is lost, or the request itself."""
    make = client.make_client

    def make_faulty() -> httpx.AsyncClient:
        transport = FaultyTransport(httpx.AsyncHTTPTransport(), repeat(Fault.READ_TIMEOUT))
        transport.swallows = not reaches_plivo
        return make(transport)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(client, "make_client", make_faulty)
        return place(settings, *to)


def test_calls_whose_answer_was_lost_are_found(
    plivo: EmulatedPlivo, settings: dict[str, str]
) -> None:
    reference = place_unknown(settings, ANNA, BEN, reaches_plivo=True)
    done = run("request", "resolve", reference, **settings)
    assert done.returncode == 0, done.stderr
    rows = [json.loads(line) for line in done.stdout.splitlines()]
    legs = {leg.callee: uuid for uuid, leg in plivo.emulator.world.legs.items()}
    assert [(row["reference"], row["to"], row["verdict"]) for row in rows] == [
        (reference, ANNA, "found"),
        (reference, BEN, "found"),
    ]
    assert [[call["call_uuid"] for call in row["calls"]] for row in rows] == [
        [legs[ANNA]],
        [legs[BEN]],
    ]
    assert "searched: calls that began from " in done.stderr


def test_no_call_in_the_list_leaves_the_outcome_unknown(settings: dict[str, str]) -> None:
    reference = place_unknown(settings, ANNA, reaches_plivo=False)
    done = run("request", "resolve", reference, **settings)
    assert done.returncode == 4
    row = json.loads(done.stdout)
    assert (row["to"], row["verdict"], row["calls"]) == (ANNA, "not_found", [])
    assert "That is no proof" in row["explanation"]


def test_several_calls_that_may_be_the_request_s_leave_it_unknown(
    settings: dict[str, str], tmp_path: Path
) -> None:
    reference = place_unknown(settings, ANNA, reaches_plivo=True)
    # Another program, with a ledger of its own, calls the same number.
    place({**settings, "ledger_directory": str(tmp_path / "other")}, ANNA)
    done = run("request", "resolve", reference, **settings)
    assert done.returncode == 4
    row = json.loads(done.stdout)
    assert (row["verdict"], len(row["calls"])) == ("several", 2)


@pytest.mark.usefixtures("terminal")
def test_a_terminal_gets_a_table_with_what_it_means(settings: dict[str, str]) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("bridge.cli.output.on_terminal", lambda: False)
        reference = place_unknown(settings, ANNA, reaches_plivo=False)
    done = run("request", "resolve", reference, **settings)
    assert done.returncode == 4
    text = " ".join(done.stdout.split())
    assert f"{ANNA} │ not found │ -" in text
    assert "not found: Plivo lists no such call. That is no proof" in text
    assert "not dialled" not in text


def test_what_has_an_outcome_needs_no_search(
    plivo: EmulatedPlivo, settings: dict[str, str]
) -> None:
    reference = place(settings, ANNA)
    done = run(
        "request",
        "resolve",
        reference,
        **settings,
    )
    assert (done.returncode, done.stdout) == (0, "")
    assert done.stderr == f"nothing of {reference} is unknown: 1 accepted\n"


def test_a_request_that_the_ledger_does_not_know_is_exit_code_1(
    settings: dict[str, str], tmp_path: Path
) -> None:
    given = {**settings, "ledger_directory": str(tmp_path / "none")}
    done = run("request", "resolve", "no-such-request", **given)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == f"no request no-such-request is in the ledger in {tmp_path / 'none'}\n"
    assert not (tmp_path / "none").exists()


def test_the_account_of_the_request_needs_a_token(settings: dict[str, str]) -> None:
    reference = place_unknown(settings, ANNA, reaches_plivo=False)
    other = json.dumps([{**ACCOUNTS[0], "auth_id": "MAXXXXXXXXXXXXXXXXX9"}])
    done = run("request", "resolve", reference, **{**settings, "accounts": other})
    assert (done.returncode, done.stdout) == (2, "")
    assert f"no token of {ACCOUNTS[0]['auth_id']}" in " ".join(done.stderr.split())
