"""What an emulated call costs, with 1,000 at the same time: ``python -m tests.bench.emulator``.

1. Every call rings, is answered, asks for a digit, waits, and ends: four callbacks. The first call ends
   after the last one has got its digit, so that all are in progress at the same moment.
2. Three things are measured in one process, one after the other: the call machine alone, on virtual
   time; the emulator, which sends over HTTP to a receiver in another process; and a bare HTTP client
   that sends the very same requests. CPU time is this process's, of which one core is enough.
3. Memory is the resident set when all calls are in progress, less that before the first one. The
   emulator is measured first, because what others leave behind would hide it.
"""

import asyncio
import contextlib
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable, Generator
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Annotated, Final
from zoneinfo import ZoneInfo

import orjson
import typer
from rich.console import Console
from rich.table import Table

from bridge.emulator.directory import Directory
from bridge.emulator.emulator import Emulator
from bridge.emulator.machine.calls import CallOrder
from bridge.emulator.machine.commands import Outcome, Request, Response
from bridge.emulator.machine.leg import Account, CallUrls, Leg
from bridge.emulator.machine.machine import Machine
from bridge.emulator.machine.person import Input, Person
from bridge.emulator.machine.world import World
from bridge.emulator.sender import make_client, to_wire
from bridge.emulator.virtual import VirtualDriver
from tests.bench.answering import DOCUMENT

ACCOUNT: Final = Account("MABENCHACCOUNT000001", ("a-token",), ZoneInfo("America/New_York"))
BEGIN: Final = datetime(2026, 3, 7, 14, 13, 30, tzinfo=UTC)
CALLBACKS: Final = 4
PATIENCE_S: Final = 60.0
# Answers, presses a key, and stays until the benchmark hangs up.
TALKER: Final = Person(answers_after_s=2.0, inputs=(Input(digits="1"),), hang_up=None)


@dataclass(frozen=True, slots=True)
class Cost:
    """What one way cost. ``memory_kib`` is for each call in progress; None: not measured."""

    name: str
    cpu_ms_per_call: float
    memory_kib_per_call: float | None = None


class NotAsPlanned(Exception):
    """The calls did not do what rule 1 says; the text says what."""


def order_to(port: int, person: Person) -> CallOrder:
    """Return a call with all three URLs on the receiver."""
    urls = (f"http://127.0.0.1:{port}/{name}" for name in ("answer", "ring", "hangup"))
    answer, ring, hangup = ((url, "POST") for url in urls)
    return CallOrder(
        ACCOUNT, "14155550100", "14155550123", CallUrls(answer, ring, hangup), person=person
    )


def rss_kib() -> int:
    """Return the resident memory of this process."""
    return int(Path("/proc/self/status").read_text().partition("VmRSS:")[2].split()[0])


def in_progress(legs: dict[str, Leg]) -> int:
    return sum(leg.status == "in-progress" for leg in legs.values())


def check(sent: int, calls: int, peak: int) -> None:
    """Raise NotAsPlanned unless rule 1 holds."""
    if (sent, peak) != (CALLBACKS * calls, calls):
        message = (
            f"{calls} calls had {sent} callbacks answered, and {peak} were in progress at once: "
            "this machine is too busy"
        )
        raise NotAsPlanned(message)


def measure_machine(calls: int, port: int) -> tuple[Cost, list[Request]]:
    """Run the calls on virtual time; return the cost, and the requests that they made."""
    world = World(BEGIN)
    machine = Machine(world)
    url = f"http://127.0.0.1:{port}/digits"
    document = Response(200, "application/xml", DOCUMENT % url.encode())
    driver = VirtualDriver(machine, lambda _request: document)
    began_s = time.process_time()
    for _ in range(calls):
        machine.place(order_to(port, TALKER))
    driver.run(until=BEGIN + timedelta(minutes=1))
    peak = in_progress(world.legs)
    for uuid in world.legs:
        machine.hang_up(uuid)
    driver.run()
    cpu_s = time.process_time() - began_s
    check(len(driver.requests), calls, peak)
    return Cost("call machine alone", cpu_s / calls * 1_000), driver.requests


async def measure_emulator(calls: int, port: int, begin_s: float) -> Cost:
    """Run the calls over HTTP: rule 1. Return the cost."""
    answered = 0

    def count(_request: Request, outcome: Outcome) -> None:
        nonlocal answered
        answered += isinstance(outcome, Response) and outcome.is_success

    async with Emulator(Directory([ACCOUNT])) as emulator:
        emulator.observe_answers(count)
        order = order_to(port, TALKER)
        began_s, before_kib = time.process_time(), rss_kib()
        legs = [emulator.place_call(order) async for _ in paced(calls, begin_s)]
        await wait_until(lambda: answered == (CALLBACKS - 1) * calls)
        peak, memory_kib = in_progress(emulator.world.legs), rss_kib() - before_kib
        async for number in paced(calls, begin_s):
            emulator.do(partial(Machine.hang_up, call_uuid=legs[number].uuid))
        await wait_until(lambda: answered == CALLBACKS * calls)
        cpu_s = time.process_time() - began_s
        check(len(emulator.history.answered()), calls, peak)
        return Cost("emulator over HTTP", cpu_s / calls * 1_000, memory_kib / calls)


async def paced(count: int, within_s: float) -> AsyncIterator[int]:
    """Yield numbers from 0, evenly in a time; faster if they are late."""
    began_s = time.monotonic()
    for number in range(count):
        due_s = began_s + number * within_s / count
        await asyncio.sleep(max(0.0, due_s - time.monotonic()))
        yield number


async def wait_until(condition: Callable[[], bool]) -> None:
    """Look now and then, because to be woken by every callback would cost more than the calls."""
    deadline_s = time.monotonic() + PATIENCE_S
    while not condition() and time.monotonic() < deadline_s:  # noqa: ASYNC110 (as said above)
        await asyncio.sleep(0.1)


async def measure_client(requests: list[Request], within_s: float) -> Cost:
    """Send the same requests with a bare client; return the cost of a call."""
    wires = [to_wire(one, ACCOUNT, ACCOUNT) for one in requests]
    calls = len(requests) // CALLBACKS
    async with make_client() as client, asyncio.TaskGroup() as group:
        began_s = time.process_time()
        async for number in paced(len(wires), within_s):
            one = wires[number]
            group.create_task(
                client.request(one.method, one.url, headers=one.headers, content=one.body)
            )
    return Cost("bare HTTP client", (time.process_time() - began_s) / calls * 1_000)


@contextlib.contextmanager
def receiving() -> Generator[int]:
    """Run the receiver in a process of its own; yield its port."""
    with subprocess.Popen(
        [sys.executable, "-m", "tests.bench.answering"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        assert process.stdin is not None
        try:
            yield int(process.stdout.readline())
        finally:
            process.stdin.close()


async def measure(calls: int, begin_s: float) -> list[Cost]:
    """Measure all three ways: rule 2."""
    with receiving() as port:
        emulator = await measure_emulator(calls, port, begin_s)
        machine, requests = measure_machine(calls, port)
        client = await measure_client(requests, begin_s)
    return [machine, emulator, client]


def show(console: Console, costs: list[Cost], calls: int) -> None:
    """Print the costs as a table, with the ratio to the bare client."""
    bare = costs[-1].cpu_ms_per_call
    table = Table(title=f"{calls} calls at the same time, {CALLBACKS} callbacks each")
    for heading in ("", "CPU ms a call", "× bare client", "KiB a call in progress"):
        table.add_column(heading, justify="left" if not heading else "right")
    for one in costs:
        memory = "" if one.memory_kib_per_call is None else f"{one.memory_kib_per_call:.1f}"
        ratio = f"{one.cpu_ms_per_call / bare:.2f}"
        table.add_row(one.name, f"{one.cpu_ms_per_call:.2f}", ratio, memory)
    console.print(table)


def main(
    *,
    calls: Annotated[int, typer.Option(min=1, max=5_000, help="Calls at the same time.")] = 1_000,
    begin_s: Annotated[
        float,
        typer.Option(min=0.1, max=20, help="Seconds in which they begin, and in which they end."),
    ] = 10.0,
    json: Annotated[bool, typer.Option("--json", help="One JSON object instead.")] = False,
) -> None:
    """Measure CPU time and memory of emulated calls, beside a bare HTTP client: under a minute."""
    try:
        costs = asyncio.run(measure(calls, begin_s))
    except NotAsPlanned as error:
        Console(stderr=True).print(str(error), style="red", markup=False)
        raise typer.Exit(1) from None
    if json:
        found = {"calls": calls, "callbacks": CALLBACKS, "costs": [asdict(one) for one in costs]}
        sys.stdout.write(orjson.dumps(found).decode() + "\n")
    else:
        show(Console(), costs, calls)


if __name__ == "__main__":
    typer.run(main)
