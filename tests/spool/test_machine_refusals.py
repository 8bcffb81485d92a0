"""The spool as a state machine with refusals: by its limits, by the disk, by Kafka.

Callbacks arrive as in the bridge: directly on Kafka, or behind older ones of their key. A refused one
must never appear. An accepted one must arrive once and in the order of its key, as itself or as a dead
letter. One whose dead letter Kafka refuses too must stay for an operator.
"""

import asyncio
import contextlib
import shutil
import sqlite3
import tempfile
from collections.abc import Coroutine, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Final, TypeVar

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from bridge.core.record import Record
from bridge.publish import RecordRefused, Unavailable
from bridge.spool import NotSpooled, store, writer
from bridge.spool.drain import Drain
from bridge.spool.spool import DiskSpool
from tests.support.spool import (
    BRISK,
    DEAD,
    EVENTS,
    JOURNAL,
    Kafka,
    callback,
    dead_letter,
    disk_spool,
    drain_of,
    name_of,
    rest,
)
from tests.support.waiting import until

T = TypeVar("T")

KEYS: Final = st.sampled_from([b"one", b"two", b"three"])
RECORDS_MAX: Final = 8
BYTES_MAX: Final = 2_600
# Pages so small that a key goes over several of them.
PACE: Final = replace(BRISK, page_callbacks_max=2)


class Refusing(RuleBasedStateMachine):
    """A process whose spool, disk and Kafka all refuse things."""

    def __init__(self) -> None:
        super().__init__()
        self._root = Path(tempfile.mkdtemp(prefix="spool-machine-"))
        self._patch = pytest.MonkeyPatch()
        self._patch.setattr(store, "_BUSY_TIMEOUT_MS", 1)
        self._patch.setattr(writer, "RETRY_S", 0.005)
        self._loop = asyncio.new_event_loop()
        self._kafka = Kafka()
        self._gone: list[DiskSpool] = []
        self._locks: list[sqlite3.Connection] = []
        self._number = 0
        self._lives = 0
        self._taken: dict[bytes, list[str]] = {}
        self._hopeless: set[str] = set()

    def _run(self, work: Coroutine[Any, Any, T]) -> T:
        return self._loop.run_until_complete(work)

    @property
    def _folder(self) -> Path:
        return self._root / str(self._lives)

    @initialize()
    def begin(self) -> None:
        self._spool = disk_spool(self._folder, bytes_max=BYTES_MAX, records_max=RECORDS_MAX)
        self._run(self._spool.open())

    @rule(
        key=KEYS,
        padding=st.sampled_from([0, 0, 700]),
        fate=st.sampled_from(["well", "bad", "hopeless"]),
    )
    def a_callback_comes(self, key: bytes, padding: int, fate: str) -> None:
        self._number += 1
        name = str(self._number)
        if fate != "well":
            self._kafka.refused.add((EVENTS, name))
        if fate == "hopeless":
            self._kafka.refused.add((DEAD, name))
            self._hopeless.add(name)
        records = callback(name, key, padding=padding)
        if self._run(self._keep(records)):
            self._taken.setdefault(key, []).append(name)

    async def _keep(self, records: Sequence[Record]) -> bool:
        """Say whether a callback was taken: directly by Kafka if nothing of its key waits."""
        before = len(self._kafka.arrived)
        if not self._spool.has_pending(records[0].key):
            with contextlib.suppress(Unavailable, RecordRefused):
                await self._kafka.publish(records)
                return True
        try:
            await self._spool.append(records)
        except NotSpooled:
            # What Kafka got without acknowledging it is of no interest here.
            del self._kafka.arrived[before:]
            return False
        return True

    @rule(
        away=st.booleans(),
        loses=st.booleans(),
        closed=st.sets(st.sampled_from([EVENTS, JOURNAL, DEAD]), max_size=1),
        stuck=st.sets(KEYS, max_size=2),
    )
    def kafka_changes(
        self, *, away: bool, loses: bool, closed: set[str], stuck: set[bytes]
    ) -> None:
        self._kafka.available, self._kafka.loses = not away, loses
        self._kafka.closed, self._kafka.stuck_keys = closed, stuck

    def _drain(self) -> Drain:
        return drain_of(self._spool, self._kafka, dead_letter=dead_letter, limits=PACE)

    @rule(turns=st.integers(1, 12))
    def drain(self, turns: int) -> None:
        self._run(rest(self._drain(), turns))

    @precondition(lambda self: not self._locks and self._spool.path)
    @rule()
    def the_disk_fails(self) -> None:
        other = sqlite3.connect(str(self._spool.path), isolation_level=None)
        with contextlib.suppress(sqlite3.OperationalError):
            other.execute("BEGIN IMMEDIATE")
        self._locks.append(other)

    @rule()
    def the_disk_works(self) -> None:
        while self._locks:
            self._locks.pop().close()
        # Not full, and not faulty: the one is for the drain to change, the other for the writer.
        self._run(until(lambda: self._spool._fault is None))

    @rule()
    def crash(self) -> None:
        after = self._root / str(self._lives + 1)
        after.mkdir()
        for file in self._folder.iterdir():
            if file.suffix == ".db" or file.name.endswith("-wal"):
                shutil.copyfile(file, after / file.name)
        while self._locks:
            self._locks.pop().close()
        self._gone.append(self._spool)
        self._lives += 1
        self.begin()

    @rule()
    def restart(self) -> None:
        self.the_disk_works()
        self._run(self._spool.close())
        self.begin()

    @invariant()
    def the_bounds_hold(self) -> None:
        state = self._spool.state
        assert 0 <= state.records <= RECORDS_MAX
        assert 0 <= state.bytes <= BYTES_MAX
        assert 0 <= state.parked <= state.callbacks

    def teardown(self) -> None:
        try:
            self.the_disk_works()
            self._kafka.available, self._kafka.loses = True, False
            self._kafka.closed, self._kafka.stuck_keys = set(), set()
            self._run(rest(self._drain()))
            self._check()
        finally:
            while self._locks:
                self._locks.pop().close()
            for spool in (self._spool, *self._gone):
                self._run(spool.close())
            self._loop.close()
            self._patch.undo()
            shutil.rmtree(self._root)

    def _check(self) -> None:
        taken = {name for names in self._taken.values() for name in names}
        waiting = self._spool.state
        assert waiting.callbacks == waiting.parked == len(taken & self._hopeless)
        for topics in ((EVENTS, DEAD), (JOURNAL,)):
            arrived = [name_of(one) for one in self._kafka.arrived if one.topic in topics]
            assert taken - self._hopeless <= set(arrived) <= taken
            for names in self._taken.values():
                first = [name for name in dict.fromkeys(arrived) if name in set(names)]
                assert first == [name for name in names if name in set(first)]


@pytest.mark.usefixtures("brisk_locks")
class TestRefusingBriefly(Refusing.TestCase):  # type: ignore[misc,valid-type]
    settings = settings(settings.get_profile("quick"), stateful_step_count=30)


@pytest.mark.system
@pytest.mark.usefixtures("brisk_locks")
class TestRefusing(Refusing.TestCase):  # type: ignore[misc,valid-type]
    settings = settings(max_examples=60, stateful_step_count=30)
