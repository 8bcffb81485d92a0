"""The customer's application of a run, which does what a scenario says.

It runs beside the load, on a port of its own. A connection is kept until the behaviour ends it.
"""

import asyncio
from collections import Counter
from pathlib import Path
from random import Random
from typing import Final, Literal

from tests.support.customer_application import http_answer
from tests.support.ports import free_port

Behaviour = Literal["prompt", "slow", "hanging", "dying", "garbage", "losing"]

TIMEOUT_S: Final = 1.0
"""How long the bridge waits for it."""

_SLOW_S: Final = TIMEOUT_S / 2
_LOST_OF: Final = 100
_GARBAGE: Final = (
    http_answer(b"<html><body>It works!</body></html>", content_type="text/html"),
    http_answer(b"<Response><Speak>Hello</Response>"),
    http_answer(b"<Response>" + b" " * 200_000 + b"</Response>"),
    http_answer(b"", status="302 Found", location="http://127.0.0.1:9/"),
    http_answer(b"Traceback", status="500 Internal Server Error", content_type="text/plain"),
    http_answer(b"\x1f\x8b\x08\x00", content_encoding="gzip"),
    b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
)
_RULES: Final = """
[applications.ivr]
origin = "http://127.0.0.1:{port}"
timeout_s = {timeout_s}

[[rules]]
name = "to the ivr"
type = ["voice.call.answer", "voice.getdigits.action"]
forward = "ivr"
fallback = "closed.xml"
"""


class Application:
    """An application. ``did`` counts what it did with requests."""

    def __init__(self, chance: Random) -> None:
        self.behaviour: Behaviour = "prompt"
        self.did: Counter[Behaviour] = Counter()
        self._chance = chance
        self._losing = 0
        self._port = free_port()
        self._server: asyncio.Server | None = None

    def write_rules(self, folder: Path) -> Path:
        """Write the rules that have it asked; return their file."""
        (folder / "closed.xml").write_text("<Response><Hangup/></Response>")
        rules = folder / "rules.toml"
        rules.write_text(_RULES.format(port=self._port, timeout_s=TIMEOUT_S))
        return rules

    async def start(self) -> None:
        """Listen."""
        self._server = await asyncio.start_server(self._take, "127.0.0.1", self._port)

    def stop(self) -> None:
        """Listen no more."""
        if self._server is not None:
            self._server.close()

    async def _take(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while head := await reader.readuntil(b"\r\n\r\n"):
                lines = head.decode("latin-1").lower().split("\r\n")
                lengths = [int(one[15:]) for one in lines if one.startswith("content-length:")]
                await reader.readexactly(sum(lengths))
                if not await self._answer(writer):
                    break
        except (asyncio.IncompleteReadError, ConnectionError):
            pass  # the bridge closed the connection
        finally:
            writer.close()

    async def _answer(self, writer: asyncio.StreamWriter) -> bool:
        """Answer a request; return whether the connection goes on."""
        does = self.behaviour
        if does == "losing":
            self._losing += 1
            # One in each hundred, the first of them soon: by chance a short run might lose none.
            does = "losing" if self._losing % _LOST_OF == 1 else "prompt"
        self.did[does] += 1
        match does:
            case "hanging":
                await asyncio.sleep(2 * TIMEOUT_S)
                return False
            case "losing":
                return False
            case "dying":
                whole = http_answer()
                writer.write(whole[: self._chance.randrange(1, len(whole))])
                return False
            case "garbage":
                writer.write(self._chance.choice(_GARBAGE))
                return False
            case "slow" | "prompt":
                await asyncio.sleep(_SLOW_S if does == "slow" else 0)
                writer.write(http_answer())
                return True
