"""The spool as a state machine: whatever happens, in whatever order, no stored callback is lost.

Single and concurrent appends; crashes at any moment, with a torn tail of the WAL; restarts; drains into
a Kafka that acknowledges, is away, or loses acknowledgements; files that other processes left behind.

A crash is a byte-for-byte copy of the directory at that moment, with which the next process starts. A
callback whose append had returned must arrive on Kafka, in the order of its key. A pending one may or
may not.
"""

import asyncio
import shutil
import tempfile
from collections.abc import Coroutine
from pathlib import Path
from typing import Any, TypeVar

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from bridge.spool.spool import DiskSpool
from tests.support.spool import EVENTS, JOURNAL, Kafka, callback, disk_spool, drain_of, rest

T = TypeVar("T")

KEYS = st.sampled_from([b"one", b"two", b"three"])
TORN = st.binary(max_size=6000)


class Spooling(RuleBasedStateMachine):
    """A process that spools, dies, and begins again."""

    def __init__(self) -> None:
        super().__init__()
        self._root = Path(tempfile.mkdtemp(prefix="spool-machine-"))
        self._loop = asyncio.new_event_loop()
        self._number = 0
        self._lives = 0
        self._kafka = Kafka()
        self._gone: list[DiskSpool] = []
        # Names by key, in the order of acceptance; and those nobody knows of.
        self._kept: dict[bytes, list[str]] = {}
        self._unknown: set[str] = set()

    def _run(self, work: Coroutine[Any, Any, T]) -> T:
        return self._loop.run_until_complete(work)

    @property
    def _folder(self) -> Path:
        return self._root / str(self._lives)

    def _name(self) -> str:
        self._number += 1
        return str(self._number)

    def _begin(self) -> None:
        self._spool = disk_spool(self._folder)
        self._run(self._spool.open())

    @initialize()
    def begin(self) -> None:
        self._begin()

    @rule(key=KEYS)
    def append(self, key: bytes) -> None:
        name = self._name()
        self._run(self._spool.append(callback(name, key)))
        self._kept.setdefault(key, []).append(name)

    @rule(keys=st.lists(KEYS, min_size=2, max_size=12, unique=True))
    def append_many_at_once(self, keys: list[bytes]) -> None:
        named = [(key, self._name()) for key in keys]

        async def work() -> None:
            await asyncio.gather(*(self._spool.append(callback(name, key)) for key, name in named))

        self._run(work())
        for key, name in named:
            self._kept.setdefault(key, []).append(name)

    @rule(key=KEYS, turns=st.integers(0, 3), torn=TORN)
    def crash_in_the_middle_of_an_append(self, key: bytes, turns: int, torn: bytes) -> None:
        name = self._name()

        async def work() -> bool:
            append = asyncio.create_task(self._spool.append(callback(name, key)))
            for _ in range(turns):
                await asyncio.sleep(0)
            returned = append.done()
            self._copy(torn)
            await append
            return returned

        if self._run(work()):
            self._kept.setdefault(key, []).append(name)
        else:
            self._unknown.add(name)
        self._reborn()

    @rule(torn=TORN)
    def crash(self, torn: bytes) -> None:
        self._copy(torn)
        self._reborn()

    def _copy(self, torn: bytes) -> None:
        """Keep the directory as it is now, with a torn write at the end of the WAL."""
        after = self._root / str(self._lives + 1)
        after.mkdir()
        for file in self._folder.iterdir():
            # The kernel gives up the locks and the shared memory of a process that is gone.
            if file.suffix != ".lock" and not file.name.endswith("-shm"):
                shutil.copyfile(file, after / file.name)
        for wal in after.glob("*-wal"):
            with wal.open("ab") as end:
                end.write(torn)

    def _reborn(self) -> None:
        self._gone.append(self._spool)
        self._lives += 1
        self._begin()

    @rule()
    def restart(self) -> None:
        self._run(self._spool.close())
        self._begin()

    @rule(
        away=st.booleans(),
        loses=st.booleans(),
        stuck=st.sets(KEYS, max_size=2),
        turns=st.integers(1, 8),
    )
    def drain(self, *, away: bool, loses: bool, stuck: set[bytes], turns: int) -> None:
        self._kafka.available = not away
        self._kafka.loses = loses
        self._kafka.stuck_keys = stuck
        self._run(rest(drain_of(self._spool, self._kafka), turns))

    @rule(key=KEYS, count=st.integers(1, 5))
    def a_dead_process_leaves_its_file(self, key: bytes, count: int) -> None:
        names = [self._name() for _ in range(count)]
        elsewhere = self._root / f"other {names[0]}"

        async def leave() -> Path:
            spool = disk_spool(elsewhere)
            await spool.open()
            for name in names:
                await spool.append(callback(name, b"other " + key))
            await spool.close()
            (path,) = elsewhere.glob("spool-*.db")
            return path

        path = self._run(leave())
        path.rename(self._folder / path.name)
        self._kept.setdefault(b"other " + key, []).extend(names)
        self._run(self._spool._adopter._scan())

    @invariant()
    def a_key_is_held_as_long_as_something_of_it_waits(self) -> None:
        arrived = set(self._kafka.names())
        for key, names in self._kept.items():
            if not arrived.issuperset(names):
                assert self._spool.has_pending(key)

    def teardown(self) -> None:
        try:
            self._kafka.available, self._kafka.loses = True, False
            self._kafka.stuck_keys = set()
            self._run(rest(drain_of(self._spool, self._kafka)))
            state = self._spool.state
            assert (state.callbacks, state.records, state.bytes, state.parked) == (0, 0, 0, 0)
            for topic in (EVENTS, JOURNAL):
                self._check(list(dict.fromkeys(self._kafka.names(topic))))
        finally:
            for spool in (self._spool, *self._gone):
                self._run(spool.close())
            self._loop.close()
            shutil.rmtree(self._root)

    def _check(self, arrived: list[str]) -> None:
        kept = {name for names in self._kept.values() for name in names}
        assert kept <= set(arrived)
        assert set(arrived) <= kept | self._unknown
        for names in self._kept.values():
            assert [name for name in arrived if name in set(names)] == names


@pytest.mark.usefixtures("brisk_locks")
class TestSpoolingBriefly(Spooling.TestCase):  # type: ignore[misc,valid-type]
    settings = settings(settings.get_profile("quick"), stateful_step_count=25)


@pytest.mark.system
@pytest.mark.usefixtures("brisk_locks")
class TestSpooling(Spooling.TestCase):  # type: ignore[misc,valid-type]
    settings = settings(max_examples=60, stateful_step_count=25)
