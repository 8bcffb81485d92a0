"""Load over kept-alive connections: a closed loop, or a fixed rate.

1. The generator shares the machine with what it measures, so it does little for each request:
   requests are made beforehand, and an answer that was seen before is recognised by its bytes.
2. In the closed loop (``saturate``) each connection sends its next request when it has its answer. It
   measures CPU and throughput. Its latencies are those of callers that wait for each other.
3. At a fixed rate (``pace``) requests are due at random instants that do not depend on the answers. A
   latency begins when the request was due, so a server that stalls cannot hide who waited.
4. Nothing is dropped: every status is counted, and a connection that closes counts as status 0.
"""

import asyncio
import ctypes
import itertools
import os
import random
import struct
import time
from abc import ABC, abstractmethod
from collections import Counter, deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final, Protocol, cast

OK: Final = 200
CLOSED: Final = 0

# How long the last answers may take.
_ANSWER_S: Final = 30.0
_KNOWN_MAX: Final = 64
_LIBC: Final = ctypes.CDLL(None, use_errno=True)
_TFD_TIMER_ABSTIME: Final = 1


class NotAnswered(Exception):
    """The server gave an unexpected answer, or went away. The text describes it."""

    def __init__(self, text: str = "there was no answer") -> None:
        super().__init__(text)


@dataclass(frozen=True, slots=True)
class Load:
    """The answers to a load. ``latencies_ms`` are sorted; ``strange`` is the first other than 200."""

    statuses: Counter[int]
    elapsed_s: float
    latencies_ms: Sequence[float]
    strange: str = ""

    @property
    def answers(self) -> int:
        return sum(self.statuses.values())

    @property
    def ok(self) -> int:
        return self.statuses[OK]

    @property
    def per_s(self) -> float:
        return self.answers / self.elapsed_s

    def percentile_ms(self, percent: float) -> float:
        if not self.latencies_ms:
            return 0.0
        last = len(self.latencies_ms) - 1
        return self.latencies_ms[min(last, int(len(self.latencies_ms) * percent / 100))]

    def require(self, status: int = OK) -> "Load":
        """Return the load; raises NotAnswered if an answer had another status, or there was none."""
        if not self.answers:
            raise NotAnswered
        if self.statuses[status] != self.answers:
            message = f"not every answer was {status}: {dict(self.statuses)}: {self.strange}"
            raise NotAnswered(message)
        return self


class _Answered(Protocol):
    def answered(self, connection: "_Connection", status: int) -> None: ...


class _Connection(asyncio.Protocol):
    """One connection, with one request under way at most."""

    known: dict[bytes, int]

    def __init__(self, load: _Answered, known: dict[bytes, int]) -> None:
        self.load = load
        self.known = known
        self.received = b""
        self.began_s = 0.0
        self.waits = False
        self.strange = ""
        self.transport: asyncio.Transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)  # uvloop's is one but in name

    def send(self, request: bytes, due_s: float) -> None:
        self.waits = True
        self.began_s = due_s
        if self.transport.is_closing():  # closed while it was idle
            self.connection_lost(None)
        else:
            self.transport.write(request)

    def data_received(self, data: bytes) -> None:
        if self.received:
            data = self.received + data
        status = self.known.get(data)
        if status is None:
            status = self._parsed(data)
            if status is None:
                self.received = data
                return
        self.received = b""
        self.waits = False
        self.load.answered(self, status)

    def connection_lost(self, exc: Exception | None) -> None:
        if self.waits:
            self.waits = False
            self.strange = f"the server closed a connection: {exc}"
            self.load.answered(self, CLOSED)

    def _parsed(self, data: bytes) -> int | None:
        """Return the status of a whole answer, None of a part."""
        head, end, body = data.partition(b"\r\n\r\n")
        _, named, rest = head.lower().partition(b"\r\ncontent-length:")
        if not end or (named and len(body) < int(rest.partition(b"\r\n")[0])):
            return None
        status = int(head.split(b" ", 2)[1])
        if status != OK:
            self.strange = (head.partition(b"\r\n")[0] + b" " + body[:200]).decode("latin-1")
        if len(self.known) >= _KNOWN_MAX:  # a server that dates its answers
            self.known.clear()
        self.known[data] = status
        return status


class _Visit(ABC):
    """The state that the connections of one load share."""

    def __init__(self, requests: Iterator[bytes]) -> None:
        self.requests = requests
        self.statuses: Counter[int] = Counter()
        self.latencies_s: list[float] = []
        self.strange = ""
        self.known: dict[bytes, int] = {}
        self.under_way = 0
        self.over = asyncio.get_running_loop().create_future()

    async def connect(self, port: int, connections: int) -> list[_Connection]:
        loop = asyncio.get_running_loop()
        return [
            (
                await loop.create_connection(
                    lambda: _Connection(self, self.known), "127.0.0.1", port
                )
            )[1]
            for _ in range(connections)
        ]

    def send(self, connection: _Connection, due_s: float) -> None:
        self.under_way += 1
        connection.send(next(self.requests), due_s)

    def answered(self, connection: _Connection, status: int) -> None:
        now_s = time.monotonic()
        self.statuses[status] += 1
        self.latencies_s.append(now_s - connection.began_s)
        self.under_way -= 1
        if status != OK and not self.strange:
            self.strange = connection.strange
        self.go_on(connection, now_s, lost=status == CLOSED)

    @abstractmethod
    def go_on(self, connection: _Connection, now_s: float, *, lost: bool) -> None:
        """Continue with a connection that has its answer, or was lost."""

    def end_if_idle(self) -> None:
        if not self.under_way and not self.over.done():
            self.over.set_result(None)

    def load(self, elapsed_s: float) -> Load:
        latencies_ms = sorted(one * 1000 for one in self.latencies_s)
        return Load(self.statuses, elapsed_s, latencies_ms, self.strange)


class _ClosedLoop(_Visit):
    def __init__(self, requests: Iterator[bytes], *, until_s: float, answers_max: int) -> None:
        super().__init__(requests)
        self.until_s = until_s
        self.left = answers_max

    def go_on(self, connection: _Connection, now_s: float, *, lost: bool) -> None:
        if not lost and self.left > 0 and now_s < self.until_s:
            self.left -= 1
            self.send(connection, now_s)
        else:
            self.end_if_idle()


class _FixedRate(_Visit):
    def __init__(self, requests: Iterator[bytes], *, rate_per_s: float, until_s: float) -> None:
        super().__init__(requests)
        self.rate_per_s = rate_per_s
        self.until_s = until_s
        self.random = random.Random(1)
        self.next_s = time.monotonic()
        self.idle: deque[_Connection] = deque()
        self.due_s: deque[float] = deque()
        self.all_due = False

    def go_on(self, connection: _Connection, now_s: float, *, lost: bool) -> None:
        if lost:
            if self.all_due:
                self.end_if_idle()
            return
        if self.due_s:
            self.send(connection, self.due_s.popleft())
            return
        self.idle.append(connection)
        if self.all_due:
            self.end_if_idle()

    def ring(self, alarm: "_Alarm") -> None:
        """Send the requests that are due, and set the alarm for the next."""
        now_s = time.monotonic()
        while self.next_s <= now_s and self.next_s < self.until_s:
            if self.idle:
                self.send(self.idle.popleft(), self.next_s)
            else:
                self.due_s.append(self.next_s)
            self.next_s += self.random.expovariate(self.rate_per_s)
        if self.next_s < self.until_s:
            alarm.set(self.next_s)
        else:
            self.all_due = True
            self.end_if_idle()


class _Alarm:
    """The kernel's timer: those of the event loop are accurate to a millisecond only."""

    def __init__(self) -> None:
        self.fd = _LIBC.timerfd_create(time.CLOCK_MONOTONIC, os.O_NONBLOCK | os.O_CLOEXEC)
        if self.fd < 0:
            raise OSError(ctypes.get_errno(), "timerfd_create")

    def set(self, at_s: float) -> None:
        seconds, part = divmod(max(at_s, 0.001), 1)
        setting = struct.pack("qqqq", 0, 0, int(seconds), int(part * 1e9))
        if _LIBC.timerfd_settime(self.fd, _TFD_TIMER_ABSTIME, setting, None):
            raise OSError(ctypes.get_errno(), "timerfd_settime")

    def rang(self) -> None:
        os.read(self.fd, 8)

    def close(self) -> None:
        os.close(self.fd)


async def saturate(
    port: int,
    requests: Iterator[bytes] | Sequence[bytes],
    *,
    connections: int,
    seconds: float,
    answers_max: int = 1 << 60,
) -> Load:
    """Send to a loopback port in a closed loop for ``seconds``, or until ``answers_max``: rule 2."""
    begun_s = time.monotonic()
    visit = _ClosedLoop(_endless(requests), until_s=begun_s + seconds, answers_max=answers_max)
    opened = await visit.connect(port, connections)
    begun_s = time.monotonic()
    visit.until_s = begun_s + seconds
    for (
        one
    ) in opened:  # at least one each, or a short visit on a busy machine would measure nothing
        visit.left -= 1
        visit.send(one, time.monotonic())
    await _ended(visit, opened, seconds)
    return visit.load(time.monotonic() - begun_s)


async def pace(
    port: int,
    requests: Iterator[bytes] | Sequence[bytes],
    *,
    rate_per_s: float,
    connections: int,
    seconds: float,
) -> Load:
    """Send to a loopback port at a fixed mean rate for ``seconds``: rule 3."""
    visit = _FixedRate(_endless(requests), rate_per_s=rate_per_s, until_s=0)
    opened = await visit.connect(port, connections)
    visit.idle.extend(opened)
    begun_s = visit.next_s = time.monotonic()
    visit.until_s = begun_s + seconds
    alarm, loop = _Alarm(), asyncio.get_running_loop()

    def rang() -> None:
        alarm.rang()
        visit.ring(alarm)

    loop.add_reader(alarm.fd, rang)
    try:
        visit.ring(alarm)
        await _ended(visit, opened, seconds)
    finally:
        loop.remove_reader(alarm.fd)
        alarm.close()
    return visit.load(time.monotonic() - begun_s)


def _endless(requests: Iterator[bytes] | Sequence[bytes]) -> Iterator[bytes]:
    return itertools.cycle(requests) if isinstance(requests, Sequence) else requests


async def _ended(visit: _Visit, opened: Sequence[_Connection], seconds: float) -> None:
    try:
        async with asyncio.timeout(seconds + _ANSWER_S):
            await visit.over
    except TimeoutError as error:
        message = f"{visit.under_way} requests were not answered in {_ANSWER_S:.0f} s"
        raise NotAnswered(message) from error
    finally:
        for connection in opened:
            connection.transport.abort()
