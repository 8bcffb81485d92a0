"""The page on the emulator: its commands are there, and Plivo's SDKs work as it shows."""

import asyncio
import re
import shutil
import subprocess
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, Final

import httpx
import pytest

from bridge.dev.account import AUTH_ID, AUTH_TOKEN, TIMEZONE
from bridge.emulator.api.application import ENDPOINTS, build_api
from bridge.emulator.emulator import Emulator
from bridge.emulator.machine.elements import EXECUTE
from bridge.emulator.machine.leg import Account
from bridge.emulator.server import serve
from bridge.normalise.time import load_zone
from tests.support.cli import run

ROOT: Final = Path(__file__).parents[2]
PAGE: Final = (ROOT / "docs/emulator.md").read_text()
EMULATOR: Final = "http://127.0.0.1:8811"
_COMMANDS: Final = (
    "emulate run",
    "emulate list",
    "emulate show",
    "emulate",
    "trigger call",
    "trigger message",
    "trigger type",
    "dev",
)
_LINES: Final = [
    line
    for block in re.findall(r"^```sh\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
    for line in block.splitlines()
]


def code(language: str) -> str:
    (found,) = re.findall(rf"^```{language}\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
    text: str = found
    return text


@pytest.fixture
async def emulator() -> AsyncIterator[Emulator]:
    account = Account(AUTH_ID, (AUTH_TOKEN,), load_zone(TIMEZONE))
    async with Emulator.of_account(account) as emulator:
        yield emulator


@pytest.fixture
async def url(emulator: Emulator) -> AsyncIterator[str]:
    async with serve(build_api(emulator)) as url:
        yield url


def find_call(emulator: Emulator) -> str:
    """Return the id of the one call."""
    (leg,) = emulator.world.legs.values()
    assert (leg.caller, leg.callee) == ("14155550100", "14155550123")
    return leg.uuid


async def test_the_sdk_for_python_places_a_call_as_the_page_shows(
    emulator: Emulator, url: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert EMULATOR in code("python")
    program = compile(code("python").replace(EMULATOR, url), "emulator.md", "exec")
    names: dict[str, Any] = {}
    await asyncio.to_thread(exec, program, names)
    assert capsys.readouterr().out == f"{find_call(emulator)}\n"


def run_program(command: list[str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)


@pytest.mark.node
async def test_the_sdk_for_node_places_a_call_as_the_page_shows(
    emulator: Emulator, url: str, tmp_path: Path
) -> None:
    node = shutil.which("node")
    assert node is not None
    program = tmp_path / "call.cjs"
    program.write_text(code("js").replace(EMULATOR, url))
    (tmp_path / "node_modules").symlink_to(ROOT / "tests/node/node_modules")
    done = await asyncio.to_thread(run_program, [node, str(program)])
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == [find_call(emulator)]


def list_options(command: str) -> set[str]:
    """Return the options that the help of a command names."""
    done = run(*command.split(), "--help")
    assert done.returncode == 0, command
    return set(re.findall(r"--[a-z][a-z-]*", done.stdout))


@pytest.mark.parametrize("line", _LINES)
def test_every_command_of_the_page_has_the_options_that_it_shows(line: str) -> None:
    found = [
        name
        for name in _COMMANDS
        if line.startswith(f"callback-bridge {name} ") or line.endswith(name)
    ]
    if line.startswith("callback-bridge trigger voice."):
        found = ["trigger type"]
    shown = set(re.findall(r" (--[a-z-]+)", line))
    assert shown <= list_options(found[0])


def test_options_in_sentences_are_there() -> None:
    named = set(re.findall(r"`(?:[a-z ]+ )?(--[a-z-]+)", PAGE))
    declared = set[str]().union(*map(list_options, _COMMANDS))
    assert named - declared == set()


def test_what_is_said_to_be_missing_is_missing() -> None:
    paths = {path.partition("/")[0] for _, path, _ in ENDPOINTS}
    missing = {
        "Endpoint",
        "PhoneNumber",
        "Lookup",
        "Pricing",
        "Media",
        "Powerpack",
    }
    assert paths.isdisjoint(missing)
    assert {
        method
        for method, path, _ in ENDPOINTS
        if path.startswith(("Application", "Number", "Subaccount"))
    } == {"GET"}
    assert "Stream" in EXECUTE


async def test_an_unknown_part_of_the_api_is_answered_404(url: str) -> None:
    async with httpx.AsyncClient(base_url=url, auth=(AUTH_ID, AUTH_TOKEN)) as client:
        answer = await client.get(f"/v1/Account/{AUTH_ID}/Endpoint/")
    assert answer.status_code == 404
