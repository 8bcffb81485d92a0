"""The load: clients that send callbacks over keep-alive connections, and record every result.

1. A client sends as Plivo does: it repeats a request without an answer once, byte for byte, and never
   one that was answered, whatever the answer was.
2. A request starts before its first byte is sent, and ends after the last byte of its answer was
   received. So the order that the checker sees is a real one.
3. If there are several bridges, a request goes to any bridge that the balancer has in rotation.
"""

import asyncio
import time
from collections.abc import Mapping
from random import Random
from typing import Final

import httpx

from tests.chaos.callbacks import PUBLIC_URL, Callback, traffic
from tests.chaos.history import Attempt, Silence

ANSWER_S: Final = 15.0  # as long as Plivo waits
_AGAIN_S: Final = (0.2, 1.0)
_HOST: Final = PUBLIC_URL.partition("://")[2]


class Balancer:
    """Which bridges there are, by name, and which of them are sent to."""

    def __init__(self, urls: Mapping[str, str]) -> None:
        self._urls = dict(urls)
        self._out: set[str] = set()

    def take_out(self, slot: str) -> None:
        """Send nothing more to a bridge."""
        self._out.add(slot)

    def take_in(self, slot: str) -> None:
        """Send to it again."""
        self._out.discard(slot)

    def choose(self, chance: Random) -> tuple[str, str]:
        """Return the name and base URL of a bridge to send to."""
        slot = chance.choice([one for one in self._urls if one not in self._out])
        return slot, self._urls[slot]


class Load:
    """Clients at work. ``attempts`` grows while they are."""

    def __init__(
        self, balancer: Balancer, chance: Random, *, clients: int = 12, per_s: float = 120.0
    ) -> None:
        self.attempts: list[Attempt] = []
        self._balancer = balancer
        self._chances = [Random(chance.getrandbits(64)) for _ in range(clients)]
        self._interval_s = clients / per_s
        self._stopping = False

    def stop(self) -> None:
        """Start no more requests; ``run`` returns when the pending ones have ended."""
        self._stopping = True

    async def run(self) -> None:
        """Send until ``stop``."""
        async with asyncio.TaskGroup() as clients:
            for chance in self._chances:
                clients.create_task(self._client(chance))

    async def _client(self, chance: Random) -> None:
        await asyncio.sleep(chance.random() * self._interval_s)
        # Two of one call may be under way at once, to each of two bridges.
        limits = httpx.Limits(max_connections=4, max_keepalive_connections=4)
        timeout = httpx.Timeout(ANSWER_S)
        async with httpx.AsyncClient(limits=limits, timeout=timeout, trust_env=False) as client:
            for at_once in traffic(chance):
                if self._stopping:
                    return
                due_s = time.monotonic() + self._interval_s * len(at_once)
                async with asyncio.TaskGroup() as sending:
                    for one in at_once:
                        sending.create_task(self._send(client, one, chance))
                await asyncio.sleep(max(0.0, due_s - time.monotonic()))

    async def _send(self, client: httpx.AsyncClient, callback: Callback, chance: Random) -> None:
        """Send a callback, and once more if there was no answer: rule 1."""
        if await self._attempt(client, callback, chance) is None:
            await asyncio.sleep(chance.uniform(*_AGAIN_S))
            await self._attempt(client, callback, chance)

    async def _attempt(
        self, client: httpx.AsyncClient, callback: Callback, chance: Random
    ) -> int | None:
        slot, url = self._balancer.choose(chance)
        status: int | None = None
        silence: Silence = ""
        begun_s = time.monotonic()
        try:
            answer = await client.request(
                callback.method,
                url + callback.target,
                content=callback.body,
                headers=[*callback.headers, ("host", _HOST)],
            )
            status = answer.status_code
        except (httpx.ConnectError, httpx.ConnectTimeout):
            silence = "not connected"
        except httpx.TimeoutException:
            silence = "timed out"
        except httpx.TransportError:
            silence = "cut off"
        self.attempts.append(Attempt(callback, slot, begun_s, time.monotonic(), status, silence))
        return status
