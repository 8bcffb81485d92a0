"""One run of a scenario: bridges, a load that never pauses, a fault, and then the checker."""

import asyncio
import os
import select
import sys
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Final

from tests.chaos import row
from tests.chaos.application import Application
from tests.chaos.bridge import END_MAX_S, BridgeProcess
from tests.chaos.check import Exempt, findings
from tests.chaos.disk import Disk, NoMounts
from tests.chaos.load import Balancer, Load
from tests.chaos.reading import ends, read_since
from tests.chaos.site import PREFIX, Site
from tests.kafka.cluster import PLAIN
from tests.support.cli import COMMAND

_BEFORE_S: Final = (1.5, 2.5)
_AFTER_S: Final = (1.0, 2.0)
_DRAINED_S: Final = 60.0


@dataclass(frozen=True, slots=True)
class Scenario:
    """What happens to the bridge, and the setup for it.

    ``refuses`` allows 503 as an answer, because neither Kafka nor a disk is there. ``silent`` allows
    requests without an answer, because there is no bridge. ``asks`` has an application asked for the
    answers that Plivo executes. ``settings`` returns further settings of the
    bridge for the folder of a run.
    """

    number: str
    name: str
    play: "Callable[[Stage], Awaitable[None]]"
    door: str = PLAIN.name
    bridges: int = 1
    disk_bytes: int | None = None
    disk_hangs: bool = False
    refuses: bool = False
    silent: bool = False
    shifted_clock: bool = False
    unread_log: bool = False
    asks: bool = False
    settings: Callable[[Path], Mapping[str, str]] = lambda _: {}


class Stage:
    """What a scenario works on, and what it records."""

    def __init__(self, site: Site, scenario: Scenario, seed: int, folder: Path) -> None:
        folder.mkdir(parents=True)
        self.site = site
        self.folder = folder
        self.chance = Random(f"{scenario.number} {seed}")
        self.notes: list[str] = []
        self.unmet: list[str] = []
        self.exempt = Exempt()
        self.disk: Disk | None = None
        self.clock = folder / "clock"
        self.marks_s: list[float] = []
        self.drain_s: float | None = None
        self.spooled = 0
        self._scenario = scenario
        self._log: int | None = None
        self.application = Application(self.chance) if scenario.asks else None
        if scenario.disk_bytes is not None:
            try:
                self.disk = Disk(
                    folder / "disk", size_bytes=scenario.disk_bytes, can_hang=scenario.disk_hangs
                )
            except NoMounts as error:
                self.notes.append(f"no mounts here ({error}): RLIMIT_FSIZE instead")
        self.spool = (self.disk.folder if self.disk else folder) / "spool"
        self.bridges = {slot: self._bridge(slot) for slot in self._slots()}
        self.balancer = Balancer({slot: one.url for slot, one in self.bridges.items()})
        self.load = Load(self.balancer, self.chance)

    def _slots(self) -> list[str]:
        return ["one", "two", "three"][: self._scenario.bridges]

    def _bridge(self, slot: str) -> BridgeProcess:
        rules = self.application.write_rules(self.folder) if self.application else None
        shifted = (sys.executable, "-m", "tests.chaos.shifted", self.clock)
        self.clock.write_text("0")
        return BridgeProcess(
            slot,
            kafka=self.site.kafka.addresses(self._scenario.door),
            prefix=PREFIX,
            spool=self.spool,
            command=shifted if self._scenario.shifted_clock else (COMMAND,),
            inside=self._inside(),
            **({"replies_file": str(rules)} if rules else {}),
            **self._scenario.settings(self.folder),
        )

    def _inside(self) -> Sequence[str]:
        """Return what to put in front of the bridge's command."""
        if self._scenario.unread_log:
            fifo = self.folder / "log"
            os.mkfifo(fifo)
            self._log = os.open(fifo, os.O_RDWR | os.O_CLOEXEC)  # open, and never read
            return ("sh", "-c", 'exec "$@" 2>"$0"', str(fifo))
        return self.disk.inside if self.disk else ()

    @property
    def log_is_blocked(self) -> bool:
        """Return whether the unread pipe of the log takes no more bytes.

        How many bytes fill it depends on how they were written: a write that does not fit into the rest
        of a page starts a new page.
        """
        if self._log is None:
            return False
        poll = select.poll()
        poll.register(self._log, select.POLLOUT)
        return not poll.poll(0)

    @property
    def bridge(self) -> BridgeProcess:
        """Return the bridge, or the first of several."""
        return self.bridges["one"]

    @property
    def spool_seen(self) -> Path:
        """Return the spool's directory as we see it from outside."""
        return self.disk.outside / "spool" if self.disk else self.spool

    async def pause(self, least_s: float, most_s: float) -> None:
        """Wait for some time, by the seed."""
        await asyncio.sleep(self.chance.uniform(least_s, most_s))

    def fault_begins(self) -> None:
        """Record that the fault starts now."""
        self.marks_s.append(time.monotonic())

    def fault_ends(self) -> None:
        """Record that the fault is over: the time to drain counts from now."""
        self.marks_s.append(time.monotonic())

    def expect(self, met: object, otherwise: str) -> None:
        """Record a broken promise, or a fault that had no effect."""
        if not met:
            self.unmet.append(otherwise)

    async def kill(self, slot: str = "one") -> None:
        """Kill a bridge, after its counters were read."""
        self.spooled += await self.counted(self.bridges[slot], "spooled")
        self.bridges[slot].kill()

    async def end(self, slot: str = "one") -> None:
        """Stop a bridge gracefully within its stated time, and record how long it took."""
        self.spooled += await self.counted(self.bridges[slot], "spooled")
        code, took_s = await self.bridges[slot].end()
        self.notes.append(f"ended in {took_s:.1f} s")
        self.expect(code == 0, f"SIGTERM: exit code {code}")
        self.expect(took_s < END_MAX_S, f"SIGTERM: ended only after {took_s:.1f} s")

    async def counted(self, bridge: BridgeProcess, outcome: str) -> int:
        """Return how many callbacks had an outcome, by the bridge's own count."""
        return int(await bridge.metric("callbacks_total", outcome=outcome) or 0)

    async def until(self, happens: Callable[[], Awaitable[object]], otherwise: str) -> None:
        """Return when it happens; record ``otherwise`` after a timeout."""
        try:
            async with asyncio.timeout(_DRAINED_S):
                while not await happens():  # noqa: ASYNC110 (nothing tells)
                    await asyncio.sleep(0.1)
        except TimeoutError:
            self.unmet.append(otherwise)

    async def until_spooling(self, least: int = 20) -> None:
        """Return when the bridge has so many callbacks in its spool."""

        async def spooling() -> bool:
            return (await self.bridge.metric("spool_callbacks") or 0) >= least

        await self.until(spooling, f"fewer than {least} callbacks were spooled")

    async def until_drained(self) -> None:
        """Return when all spools are empty, and record how long after the fault that was."""

        async def drained() -> bool:
            running = [bridge for bridge in self.bridges.values() if bridge.running]
            if len(list(self.spool_seen.glob("spool-*.db"))) > len(running):
                return False  # somebody's who is gone waits to be adopted
            waiting = [await bridge.metric("spool_callbacks") for bridge in running]
            opened = [await bridge.metric("breaker_open") for bridge in running]
            return not any(one is None or one > 0 for one in (*waiting, *opened))

        await self.until(drained, f"not drained within {_DRAINED_S:.0f} s")
        if self.drain_s is None and len(self.marks_s) > 1:
            self.drain_s = time.monotonic() - self.marks_s[-1]

    async def play(self) -> None:
        """Run the scenario under load, and stop everything gracefully."""
        if self.application is not None:
            await self.application.start()
        for bridge in self.bridges.values():
            bridge.start()
        for bridge in self.bridges.values():
            await bridge.ready()
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self.load.run())
            try:
                await self.pause(*_BEFORE_S)
                await self._scenario.play(self)
                await self.until_drained()
                await self.pause(*_AFTER_S)
            finally:
                self.load.stop()
        await self.until_drained()
        for slot, bridge in self.bridges.items():
            if bridge.running:
                await self.end(slot)

    def close(self) -> None:
        """Kill what is left."""
        for bridge in self.bridges.values():
            if bridge.running:
                bridge.kill()
        if self.application is not None:
            self.application.stop()
        if self.disk is not None:
            self.disk.close()
        if self._log is not None:
            os.close(self._log)
        (self.folder / "bridges.log").write_text(
            "\n".join(line for bridge in self.bridges.values() for line in bridge.said)
        )


async def perform(site: Site, scenario: Scenario, seed: int, folder: Path) -> row.Row:
    """Run a scenario and return its row; repair the site afterwards."""
    began_s = time.monotonic()
    starts = await asyncio.to_thread(ends, site.address, PREFIX)
    stage = Stage(site, scenario, seed, folder)
    try:
        await stage.play()
    finally:
        stage.close()
        await site.mend()
    for place in [place for place in starts if place[0] in stage.exempt.made_again(PREFIX)]:
        del starts[place]
    found = await asyncio.to_thread(read_since, site.address, PREFIX, starts)
    attempts = stage.load.attempts
    breaches = findings(attempts, found, stage.exempt)
    numbers = row.counts(attempts, found)
    if not scenario.refuses:
        stage.expect(numbers["refused"] == 0, f"{numbers['refused']} callbacks were refused")
    if not scenario.silent:
        silent = numbers["unconnected"] + numbers["unanswered"]
        stage.expect(silent == 0, f"{silent} requests got no answer")
    return row.Row(
        scenario=scenario.number,
        seed=seed,
        **numbers,
        lost=row.lost(breaches),
        spooled=stage.spooled,
        longest_s=row.longest(attempts, stage.marks_s),
        drain_s=stage.drain_s,
        took_s=time.monotonic() - began_s,
        notes=tuple(stage.notes),
        faults=(*row.sentences(breaches), *row.wrong_answers(attempts), *stage.unmet),
    )
