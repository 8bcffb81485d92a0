"""Fixtures for tests of a spool with a failing disk."""

import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from bridge.spool import locking, store, writer
from bridge.spool.store import SpoolStore


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store, "_BUSY_TIMEOUT_MS", 20)
    monkeypatch.setattr(writer, "RETRY_S", 0.02)


@pytest.fixture
def stubborn(impatient: None) -> Iterator[list[sqlite3.Connection]]:
    """Connections of somebody who keeps the file locked: closed at the latest when the test ends."""
    connections: list[sqlite3.Connection] = []
    yield connections
    for one in connections:
        one.close()


@pytest.fixture
def brisk_locks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have a spool ask again at once for a lock that another holds: half of a machine's time."""
    monkeypatch.setattr(locking, "_RETRY_S", 0.0005)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "spool-1.db"
    path.touch()
    return path


@pytest.fixture(name="store")
def opened_store(path: Path) -> Iterator[SpoolStore]:
    store = SpoolStore(path)
    yield store
    store.close()
