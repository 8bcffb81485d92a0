"""Requests that dial, and an emulated Plivo in the event loop of the test."""

from collections.abc import AsyncGenerator, Callable
from contextlib import ExitStack, asynccontextmanager
from typing import Final, NamedTuple

import httpx
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.types import Receive, Scope, Send

from bridge.emulator.directory import Directory
from bridge.emulator.emulator import Emulator
from bridge.emulator.machine.world import Conditions
from bridge.emulator.server import make_app
from bridge.emulator.testing import ACCOUNT
from bridge.originate.client import PlivoCalls, make_client
from bridge.originate.pace import Pace, Pacer

TOKEN: Final = ACCOUNT.auth_tokens[0]
CALLER: Final = "14155550100"
CALLEE: Final = "14155550123"
OTHERS: Final = tuple(f"1415555{number:04d}" for number in range(200, 240))
WAIT: Final = "<Response><Wait length='600'/></Response>"


class Dial(NamedTuple):
    """A request that dials."""

    destinations: tuple[str, ...] = (CALLEE,)
    more: tuple[tuple[str, object], ...] = ()

    def to_body(self) -> dict[str, object]:
        urls = {f"{name}_url": f"https://app.example.com/{name}" for name in ("answer", "hangup")}
        return {
            "from": CALLER,
            "to": "<".join(self.destinations),
            **urls,
            **dict(self.more),
        }


async def answer_wait(scope: Scope, receive: Receive, send: Send) -> None:
    """Answer every callback with a document that waits."""
    await Request(scope, receive).body()
    await PlainTextResponse(WAIT, media_type="application/xml")(scope, receive, send)


class Dialled:
    """An emulated Plivo, an HTTP client of it, and what is to be closed with them."""

    def __init__(self, emulator: Emulator, client: httpx.AsyncClient, stack: ExitStack) -> None:
        self.emulator, self.client, self.stack = emulator, client, stack

    def calls(
        self, *, token: str = TOKEN, timeout_s: float = 30.0, pacer: Pacer | None = None
    ) -> PlivoCalls:
        return PlivoCalls(
            ACCOUNT.auth_id,
            token,
            api_url="http://plivo.test",
            client=self.client,
            pacer=pacer or make_fast_pacer(),
            timeout_s=timeout_s,
            now=lambda: self.emulator.now,
        )

    @property
    def requested(self) -> list[str]:
        """Return who was dialled, also those that wait."""
        legs = [one.callee for one in self.emulator.world.legs.values()]
        waiting = self.emulator.do(lambda machine: machine.queue.waiting)
        return [*legs, *(one.callee for one in waiting.values())]


def make_fast_pacer(slept_s: list[float] | None = None) -> Pacer:
    """Return a pacer whose time passes only while it sleeps."""
    now_s = [0.0]

    async def sleep(pause_s: float) -> None:
        now_s[0] += pause_s
        if slept_s is not None:
            slept_s.append(pause_s)

    return Pacer(Pace(), now_s=lambda: now_s[0], sleep=sleep)


Wrap = Callable[[httpx.AsyncBaseTransport], httpx.AsyncBaseTransport]


@asynccontextmanager
async def emulated(
    *, calls_per_s: int = 100, speed: float = 60, wrap: Wrap = lambda one: one
) -> AsyncGenerator[Dialled]:
    """Yield an emulated Plivo. ``wrap`` puts something between it and its clients."""
    emulator = Emulator(
        Directory([ACCOUNT]),
        speed=speed,
        conditions=Conditions(calls_per_s=calls_per_s),
        transport=httpx.ASGITransport(answer_wait),
    )
    async with emulator:
        transport = wrap(httpx.ASGITransport(make_app(emulator)))
        async with make_client(transport) as client:
            with ExitStack() as stack:
                yield Dialled(emulator, client, stack)
