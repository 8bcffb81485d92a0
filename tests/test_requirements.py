"""The locked requirements: what each file installs, and that they agree."""

import re
import tomllib
from pathlib import Path
from typing import Final

import pytest

ROOT: Final = Path(__file__).parents[1]
LOCKED: Final = ("audit", "build", "demo", "dev", "release", "run")
_ENTRY: Final = re.compile(
    r"^(?P<name>[\w.-]+)(?:\[[\w,-]+\])?==(?P<version>\S+)(?P<marker>.*?)"
    r"(?P<hashes>(?: \\\n +--hash=sha256:[0-9a-f]{64})+)$",
    re.MULTILINE,
)


def text_of(file: str) -> str:
    return (ROOT / "requirements" / f"{file}.txt").read_text()


def entries(file: str) -> dict[str, tuple[str, ...]]:
    """Return name → version, marker and hashes of each requirement in a file."""
    found = _ENTRY.finditer(text_of(file))
    return {one["name"]: (one["version"], one["marker"], one["hashes"]) for one in found}


@pytest.mark.parametrize("file", LOCKED)
def test_every_requirement_is_one_version_with_its_hashes_and_nothing_else(file: str) -> None:
    assert entries(file)
    assert _ENTRY.sub("", text_of(file)).strip() == ""


@pytest.mark.parametrize("file", ["build", "demo", "run"])
def test_what_is_locked_is_locked_alike_for_the_tests(file: str) -> None:
    for name, locked in entries(file).items():
        assert entries("dev")[name] == locked


def test_the_demo_has_what_the_bridge_and_its_embedded_broker_need() -> None:
    assert set(entries("run")) <= set(entries("demo"))
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    names = [
        re.split(r"[<>=\[]", one)[0]
        for one in project["project"]["optional-dependencies"]["dev"]
        + project["build-system"]["requires"]
    ]
    assert set(names) <= set(entries("demo"))


def test_the_demo_does_without_the_tools_of_the_tests() -> None:
    tools = {"hypothesis", "mypy", "plivo", "pyarrow", "pyright", "pytest", "ruff", "uv"}
    assert tools <= set(entries("dev"))
    assert tools.isdisjoint(entries("demo"))
