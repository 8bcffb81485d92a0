"""Fixtures that the tests of printing commands share."""

import shutil
from pathlib import Path

import pytest

from bridge.cli import output
from bridge.core.catalogue import Catalogue
from bridge.derived.files import write_files


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(output, "on_terminal", lambda: True)


@pytest.fixture(scope="session")
def derived(tmp_path_factory: pytest.TempPathFactory, types: Catalogue) -> Path:
    root = tmp_path_factory.mktemp("derived")
    write_files(root, types)
    return root


@pytest.fixture
def folder(derived: Path, tmp_path: Path) -> Path:
    """A folder of committed schemas, as `make derive` writes it."""
    return Path(shutil.copytree(derived / "schemas", tmp_path / "schemas"))
