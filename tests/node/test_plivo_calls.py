"""Plivo's official SDK for Node, unchanged, places and ends calls at an emulator."""

import asyncio
import json
import shutil
from pathlib import Path
from random import Random

import httpx
import pytest

from bridge.emulator.api.application import build_api
from bridge.emulator.emulator import Emulator
from bridge.emulator.machine.leg import Account
from bridge.emulator.machine.person import Person
from bridge.emulator.machine.world import Conditions
from bridge.emulator.server import serve
from tests.emulator.api.plivo import DIRECTORY, SUBACCOUNT
from tests.emulator.machines import ACCOUNT

pytestmark = pytest.mark.node

PROGRAM = Path(__file__).parent / "plivo_calls.mjs"
DOCUMENTS = {"/answer": "<Wait length='14000'/>", "/menu": "<Speak>Goodbye</Speak>"}


def answer(request: httpx.Request) -> httpx.Response:
    content = f"<Response>{DOCUMENTS.get(request.url.path, '')}</Response>".encode()
    return httpx.Response(200, headers={"content-type": "text/xml"}, content=content)


def find_person(_number: str, _random: Random) -> Person:
    return Person(hang_up=None)


async def run_program(url: str, account: Account) -> str:
    node = shutil.which("node")
    assert node is not None
    process = await asyncio.create_subprocess_exec(
        node,
        PROGRAM,
        url,
        account.auth_id,
        account.auth_tokens[0],
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        async with asyncio.timeout(120):
            output, errors = await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
    assert process.returncode == 0, errors.decode()
    return output.decode()


@pytest.mark.parametrize(
    ("account", "applications"), [(ACCOUNT, ["Menu", "Surveys"]), (SUBACCOUNT, ["Surveys"])]
)
async def test_the_sdk_for_node_places_finds_transfers_and_ends_calls(
    account: Account, applications: list[str]
) -> None:
    emulator = Emulator(
        DIRECTORY,
        speed=100,
        find_person=find_person,
        conditions=Conditions(calls_per_s=1_000),
        transport=httpx.MockTransport(answer),
    )
    async with emulator, serve(build_api(emulator)) as url:
        printed = json.loads(await run_program(url, account))
    assert printed == {
        "made": "call fired",
        "live": [True],
        "recorded": "call recording started",
        "spoken": "speak started",
        "digits": "digits sent",
        "moved": "call transferred",
        "record": [True, 4010, "outbound"],
        "listed": [[True, "API Request"]],
        "total": 2,
        "applications": applications,
        "missing": "not found",
        "invalid": "time_limit parameter is invalid. It must be 1 or more.",
        "stranger": "authentication failed",
    }
