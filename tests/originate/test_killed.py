"""A process that is killed while it waits for Plivo's answer has called once, and nobody calls again."""

import asyncio
import contextlib
import subprocess
import sys
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

import pytest

from bridge.emulator.testing import EmulatedPlivo
from tests.originate.dialling import CALLEE, CALLER

pytestmark = pytest.mark.system

_PROGRAM: Final = """
import asyncio, sys
from pathlib import Path
from bridge.core.event import ContractNames
from bridge.originate.client import PlivoCalls
from bridge.originate.entry import AlreadyRequested
from bridge.originate.ledger import RequestLedger
from bridge.originate.originator import Originator, OriginatorRules
from bridge.originate.request import CallRequest

api_url, auth_id, token, directory, caller, callee = sys.argv[1:]

async def place():
    rules = OriginatorRules("https://bridge.example.com", ContractNames("", "urn:"))
    request = CallRequest.model_validate({"from": caller, "to": callee})
    async with PlivoCalls(auth_id, token, api_url=api_url) as calls:
        with RequestLedger(Path(directory)) as ledger:
            originator = Originator(calls, ledger, None, rules=rules)
            try:
                placed = await originator.place(request, idempotency_key="key")
                print(placed.placements[0].outcome)
            except AlreadyRequested as error:
                print(error.entry.summary)
                resolution = await originator.resolve(error.entry.reference)
                print(resolution.findings[0].verdict)

asyncio.run(place())
"""


class Withholding:
    """Stands before a server, and keeps its answer to the first request.

    ``answered`` is set when that answer is there.
    """

    def __init__(self, url: str) -> None:
        self._target = urlsplit(url)
        self.answered = asyncio.Event()
        self.ended: list[asyncio.Event] = []

    async def pass_on(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Connect a client with the server, until either hangs up."""
        self.ended.append(ended := asyncio.Event())
        there, back = await asyncio.open_connection(self._target.hostname, self._target.port)
        copies = {
            asyncio.create_task(self._copy(reader, back)),
            asyncio.create_task(self._copy(there, writer, is_answer=True)),
        }
        await asyncio.wait(copies, return_when=asyncio.FIRST_COMPLETED)
        for copy in copies:
            copy.cancel()
        for one in (back, writer):
            one.close()
            with contextlib.suppress(ConnectionError):
                await one.wait_closed()
        ended.set()

    async def _copy(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, is_answer: bool = False
    ) -> None:
        while data := await reader.read(65_536):
            if is_answer and not self.answered.is_set():
                self.answered.set()
                await asyncio.Event().wait()
            writer.write(data)


async def kill_and_ask_again(plivo: EmulatedPlivo, directory: Path) -> list[str]:
    """Return what the second process prints, after the first one was killed."""
    between = Withholding(plivo.url)
    async with await asyncio.start_server(between.pass_on, "127.0.0.1", 0) as server:
        url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        arguments = (url, plivo.auth_id, plivo.auth_token, str(directory), CALLER, CALLEE)
        command = (sys.executable, "-c", _PROGRAM, *arguments)
        first = await asyncio.create_subprocess_exec(*command)
        await asyncio.wait_for(between.answered.wait(), 30)
        first.kill()
        await first.wait()
        second = await asyncio.create_subprocess_exec(*command, stdout=subprocess.PIPE)
        printed, _ = await asyncio.wait_for(second.communicate(), 30)
        for one in between.ended:
            await asyncio.wait_for(one.wait(), 30)
    return printed.decode().split("\n")[:-1]


def test_whoever_asks_again_is_told_and_finds_the_call(tmp_path: Path) -> None:
    # Faster than real time, an emulator begins ten minutes ago: long before the request.
    with EmulatedPlivo(speed=1) as plivo:
        assert asyncio.run(kill_and_ask_again(plivo, tmp_path)) == ["1 unknown", "found"]
        called = plivo.act(lambda one: [leg.callee for leg in one.world.legs.values()])
    assert called == [CALLEE]
