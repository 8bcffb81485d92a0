"""Appended callbacks survive the process, at whatever moment it is killed."""

import itertools
import random
import shutil
import subprocess
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bridge.spool.store import SpoolStore
from tests.support.spool import callback, everything, name_of, names_in, opened
from tests.support.spool_store import row

ROOT: Final = Path(__file__).parents[2]
KILLS: Final = 12
# Counted in callbacks and not in seconds, so that a fast machine does not append without end.
AFTER_MAX: Final = 300


def killed(directory: Path, first: int, after: int) -> list[str]:
    """Return what a process printed as kept. It is killed soon after it kept ``after`` callbacks."""
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.spool.append_until_killed", directory, str(first)],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
    )
    with process:
        assert process.stdout is not None
        lines = names_from(process.stdout)
        kept = list(itertools.islice(lines, after))
        process.kill()
        kept += lines
    assert len(kept) >= after, "it ended before it was killed"
    return kept


def names_from(lines: Iterable[str]) -> Iterator[str]:
    """Yield the callback names in a process's output: no log line, and no line a kill cut off."""
    return (line.strip() for line in lines if line.endswith("\n") and line.strip().isdigit())


@pytest.mark.system
async def test_nothing_that_was_kept_is_lost_in_a_row_of_kills(tmp_path: Path) -> None:
    chance = random.Random(20_260_307)
    kept: list[str] = []
    for kill in range(KILLS):
        kept += killed(tmp_path, 1_000_000 * (kill + 1), chance.randint(1, AFTER_MAX))
    async with opened(tmp_path, bytes_max=10**9, records_max=10**7) as spool:
        found = await everything(spool)
        assert all(spool.has_pending(one.key) for one in found)
    names = [name_of(one.records[0]) for one in found]
    assert set(kept) <= set(names)
    assert len(set(names)) == len(names)
    for one in found:
        assert one.records == callback(
            name_of(one.records[0]), one.key, padding=int(name_of(one.records[0])) % 3000
        )
    for digit in "0123456789":
        order = [int(name) for name in names if name[-1] == digit]
        assert order == sorted(order)


@pytest.fixture(scope="module")
def halves(tmp_path_factory: pytest.TempPathFactory) -> tuple[bytes, bytes, bytes]:
    """A file's bytes, and its WAL's after one commit and after the next."""
    path = tmp_path_factory.mktemp("halves") / "spool-1.db"
    path.touch()
    wal = path.with_name(path.name + "-wal")
    store = SpoolStore(path)
    wals: list[bytes] = []
    for group in ("ab", "cd"):
        with store.transaction():
            store.insert([row(name, padding=3000) for name in group])
        wals.append(wal.read_bytes())
    content = path.read_bytes()
    store.close()
    return content, wals[0], wals[1]


@settings(max_examples=200)
@given(cut=st.floats(0, 1), junk=st.binary(max_size=5000))
def test_a_torn_end_of_the_wal_costs_only_what_was_never_committed(
    halves: tuple[bytes, bytes, bytes],
    tmp_path_factory: pytest.TempPathFactory,
    cut: float,
    junk: bytes,
) -> None:
    content, before, after = halves
    length = len(before) + round(cut * (len(after) - len(before)))
    directory = tmp_path_factory.mktemp("torn")
    path = directory / "spool-1.db"
    path.write_bytes(content)
    path.with_name(path.name + "-wal").write_bytes(after[:length] + junk)
    whole = (after[:length] + junk).startswith(after)
    assert names_in(path) == (["a", "b", "c", "d"] if whole else ["a", "b"])
    shutil.rmtree(directory)
