"""The page on placing calls can be followed: its program is run, and so are its pieces.

What is not run literally: the embedded broker takes no idempotent producers, and has another address.
"""

import asyncio
import re
import textwrap
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import pytest

from bridge.cli.kafka import wait_until_available
from bridge.core.journal import JOURNAL_TOPIC
from bridge.core.requested import REQUESTED
from bridge.dev.account import AUTH_ID
from bridge.emulator.testing import EmulatedPlivo
from bridge.originate.entry import NewRequest
from bridge.originate.ledger import RequestLedger
from bridge.originate.originator import Originator, PlacedCalls
from bridge.originate.request import CallRequest
from bridge.publish.connection import KafkaConnection
from tests.originate.dialling import CALLEE, CALLER, answer_wait
from tests.support import cli
from tests.support.kafka import make_topics, planned, read_back

PAGE: Final = (Path(__file__).parents[2] / "docs/placing-calls.md").read_text()
_COMMANDS: Final = re.findall(r"^(callback-bridge .*)$", PAGE, re.MULTILINE)
_BLOCK: Final = re.compile(r"^ *```python\n(.*?)^ *```$", re.MULTILINE | re.DOTALL)
PROGRAM, IN_PARTS, FASTER, RESOLVE, PUBLISH, ACT = (
    textwrap.dedent(one) for one in _BLOCK.findall(PAGE)
)
REQUEST: Final = CallRequest.model_validate(
    {"from": CALLER, "to": CALLEE, "answer_url": "https://app.example.com/answer"}
)
LOST: Final = NewRequest(
    "lost",
    None,
    AUTH_ID,
    "tests",
    REQUEST.to_body(),
    ((CALLEE,),),
    datetime(2026, 3, 7, tzinfo=UTC),
)


@pytest.fixture(scope="module")
def plivo() -> Iterator[EmulatedPlivo]:
    with EmulatedPlivo(asgi=answer_wait) as emulated:
        yield emulated


@pytest.fixture
def slow() -> Iterator[EmulatedPlivo]:
    """An emulated Plivo that is so slow that nobody answers."""
    with EmulatedPlivo(asgi=answer_wait, speed=0.001) as emulated:
        yield emulated


@pytest.fixture
def program(
    plivo: EmulatedPlivo, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> dict[str, Any]:
    """The names of the page's program, in an empty folder with an account of the emulator."""
    plivo.reset()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PLIVO_AUTH_ID", plivo.auth_id)
    monkeypatch.setenv("PLIVO_AUTH_TOKEN", plivo.auth_token)
    monkeypatch.setenv("PLIVO_API_URL", plivo.url)
    names: dict[str, Any] = {"__name__": "remind"}
    exec(PROGRAM, names)
    return names


async def run(program: dict[str, Any], piece: str, **names: Any) -> dict[str, Any]:
    """Run a piece of the page as the body of a coroutine; return the names that it leaves."""
    body = textwrap.indent(f"{piece}\nreturn locals()", "    ")
    namespace = dict(program)
    exec(f"async def piece({', '.join(names)}):\n{body}", namespace)
    left: dict[str, Any] = await namespace["piece"](**names)
    return left


def test_the_program_places_a_call_and_never_the_same_again(
    program: dict[str, Any], plivo: EmulatedPlivo, capsys: pytest.CaptureFixture[str]
) -> None:
    for _ in range(2):
        asyncio.run(program["remind"]("4711", CALLEE))
    first, second = capsys.readouterr().out.splitlines()
    assert first == f"{CALLEE} accepted Plivo took the request"
    assert re.fullmatch(r"not again: requested already at .* UTC as [0-9a-f-]+: 1 accepted", second)
    assert len(plivo.act(lambda one: list(one.world.legs))) == 1


async def test_calls_are_placed_in_parts_published_and_resolved(
    program: dict[str, Any], embedded_kafka: str, capsys: pytest.CaptureFixture[str]
) -> None:
    publish = PUBLISH.replace("kafka:9092", embedded_kafka).replace("=True", "=False")
    assert embedded_kafka in publish
    assert "idempotence=False" in publish
    topics = [planned(REQUESTED.topic), planned(JOURNAL_TOPIC)]
    await make_topics(KafkaConnection(embedded_kafka), *topics)
    async with program["connect"]() as calls:
        with RequestLedger(Path("state")) as ledger:
            left = await run(program, publish, calls=calls, ledger=ledger)
            await wait_until_available(left["publisher"])
            originator: Originator = left["originator"]
            await run(program, IN_PARTS, originator=originator, request=REQUEST)
            ledger.begin(LOST)
            ledger.begin_part("lost", 1, LOST.requested_at)
            await run(program, RESOLVE, originator=originator, placed=PlacedCalls("lost", (), 0))
            await left["publisher"].stop(10)
    printed = capsys.readouterr().out
    assert "accepted\n" in printed
    assert f"{CALLEE} not_found Plivo lists no such call. That is no proof" in printed
    topics_read = [REQUESTED.topic, JOURNAL_TOPIC]
    published = await asyncio.to_thread(read_back, embedded_kafka, topics_read)
    assert sorted(one.topic for one in published) == [JOURNAL_TOPIC, REQUESTED.topic]
    assert f"`{REQUESTED.topic}`" in PAGE


async def test_a_call_is_acted_on(
    program: dict[str, Any],
    plivo: EmulatedPlivo,
    slow: EmulatedPlivo,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with program["connect"]() as calls:
        (uuid,) = (await calls.place(REQUEST, "ref")).request_uuids
        leg = plivo.act(lambda one: one.world.legs[uuid])
        await asyncio.to_thread(plivo.wait_until, lambda: leg.answered_at is not None, "an answer")
        on_call, _, cancel = ACT.strip().rpartition("\n")
        await run(program, on_call, calls=calls, call_uuid=uuid)
    assert plivo.act(lambda _: leg.ended.is_set)
    monkeypatch.setenv("PLIVO_API_URL", slow.url)
    async with program["connect"]() as calls:
        (other,) = (await calls.place(REQUEST, "ref")).request_uuids
        await run(program, cancel, calls=calls, request_uuid=other)
    assert slow.act(lambda one: one.world.legs[other].ended.is_set)


async def test_a_client_with_another_rate_is_made(program: dict[str, Any]) -> None:
    imports, _, made = FASTER.strip().rpartition("\n")
    names = {"auth_id": "MA", "auth_token": "token"}
    left = await run(program, f"{imports}\nmade = {made}", **names)
    await left["made"].close()


@pytest.mark.parametrize("line", _COMMANDS)
def test_every_command_of_the_page_has_the_options_that_it_shows(line: str) -> None:
    _, group, command, *_ = line.split()
    shown = set(re.findall(r" (--[a-z-]+)", line))
    done = cli.run(group, command, "--help")
    assert done.returncode == 0
    assert shown <= set(re.findall(r"--[a-z][a-z-]*", done.stdout))


def test_options_in_sentences_are_there() -> None:
    named = set(re.findall(r"`(?:[a-z ]+ )?(--[a-z-]+)", PAGE))
    commands = ("call place", "request show", "request cancel", "call record")
    helps = (cli.run(*one.split(), "--help").stdout for one in commands)
    assert named - set(re.findall(r"--[a-z][a-z-]*", " ".join(helps))) == set()
