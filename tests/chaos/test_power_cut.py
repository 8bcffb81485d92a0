"""The short form of the power cuts and the random errors; needs a C compiler, ``cc``, and no Kafka."""

from collections.abc import Iterable
from pathlib import Path
from random import Random

import pytest

from tests.chaos.interposed import compiled, work
from tests.chaos.power_cut import SECTOR_BYTES, Change, Machine, after_errors, changes_in, cut_often

pytestmark = pytest.mark.chaos

CALLBACKS = 120
CUTS = 40


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return compiled(tmp_path_factory.mktemp("interposer"))


@pytest.fixture(scope="module")
def log(library: Path, tmp_path_factory: pytest.TempPathFactory) -> bytes:
    folder = tmp_path_factory.mktemp("logged")
    work(library, folder / "run", callbacks=CALLBACKS, seed=1, log=folder / "log")
    return (folder / "log").read_bytes()


def encoded(changes: Iterable[Change]) -> bytes:
    """Return changes as the interposer logs them."""
    return b"".join(
        one.op.encode()
        + len(one.path.encode()).to_bytes(4, "little")
        + one.path.encode()
        + one.offset.to_bytes(8, "little", signed=True)
        + len(one.data).to_bytes(8, "little")
        + one.data
        for one in changes
    )


def test_the_log_has_everything_the_spool_did(log: bytes) -> None:
    changes = list(changes_in(log))
    assert encoded(changes) == log
    assert {one.op for one in changes} >= {"C", "W", "S"}
    assert any(one.path.endswith(".db-wal") and one.op == "W" for one in changes)
    assert any(one.path.endswith("/spool") and one.op == "S" for one in changes)
    acks = b"".join(one.data for one in changes if one.path.endswith("/acks"))
    assert acks.count(b"+") == CALLBACKS


def test_a_power_cut_at_any_moment_loses_nothing_that_was_acknowledged(log: bytes) -> None:
    looked_for, lost = cut_often(log, cuts=CUTS, seed=1)
    assert looked_for > CALLBACKS
    assert lost == 0


def test_a_spool_that_does_not_fsync_is_found_out(log: bytes) -> None:
    unsynced = [one for one in changes_in(log) if one.op != "S" or not one.path.endswith(".db-wal")]
    _, lost = cut_often(encoded(unsynced), cuts=CUTS, seed=1)
    assert lost > 0


@pytest.mark.parametrize("error", ["EIO", "ENOSPC"])
def test_errors_at_random_lose_nothing_that_was_acknowledged(
    library: Path, tmp_path: Path, error: str
) -> None:
    for seed in (1, 2):
        folder = tmp_path / str(seed)
        work(library, folder, callbacks=CALLBACKS, seed=seed, error=error)
        acknowledged, lost = after_errors(folder)
        assert acknowledged > 0
        assert lost == 0


def test_what_was_not_fsynced_may_be_there_sector_by_sector() -> None:
    machine = Machine()
    old, new = bytes(4 * SECTOR_BYTES), b"x" * (4 * SECTOR_BYTES)
    for change in (
        Change("C", "/spool/a", 0, b""),
        Change("W", "/spool/a", 0, old),
        Change("S", "/spool/a", 0, b""),
        Change("S", "/spool", 0, b""),
        Change("W", "/spool/a", 0, new),
    ):
        machine.do(change)
    chance = Random(1)
    seen = {machine.after_cut(chance)["/spool/a"] for _ in range(3000)}
    patterns = {tuple(one[::SECTOR_BYTES]) for one in seen}
    assert all(len(one) == len(new) for one in seen)
    assert len(patterns) == 16  # each of the four sectors, or not


def test_a_name_that_was_not_fsynced_may_be_missing_and_one_that_was_is_there() -> None:
    machine = Machine()
    for change in (
        Change("C", "/spool/a", 0, b""),
        Change("S", "/spool", 0, b""),
        Change("C", "/spool/b", 0, b""),
    ):
        machine.do(change)
    chance = Random(1)
    assert {tuple(sorted(machine.after_cut(chance))) for _ in range(50)} == {
        ("/spool/a",),
        ("/spool/a", "/spool/b"),
    }
