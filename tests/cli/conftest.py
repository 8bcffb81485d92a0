"""What tests of showing commands share."""

import shutil
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from bridge.catalogue import Catalogue
from bridge.cli import showing
from bridge.derived.files import write


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(showing, "on_terminal", lambda: True)


@pytest.fixture(scope="session")
def derived(tmp_path_factory: pytest.TempPathFactory, types: Catalogue) -> Path:
    root = tmp_path_factory.mktemp("derived")
    write(root, types)
    return root


@pytest.fixture
def folder(derived: Path, tmp_path: Path) -> Path:
    """A folder of committed schemas, as `make derive` writes it."""
    return Path(shutil.copytree(derived / "schemas", tmp_path / "schemas"))


@pytest.fixture
def nobody() -> Iterator[str]:
    """An address where connections are refused for as long as the test lasts."""
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        yield f"127.0.0.1:{bound.getsockname()[1]}"
