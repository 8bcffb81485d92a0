"""Commands import only what they run: `--version`, help and completion stay fast."""

import gc
import importlib
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.core import TyperGroup
from typer.main import get_command

from bridge.cli import lazy
from bridge.cli.exit_codes import ERRORS
from bridge.cli.lazy import LazyGroup
from bridge.cli.main import app
from tests.support.cli import environment

# Each takes longer to import than `--version` may take in all.
HEAVY = {
    "aiokafka",
    "httpx",
    "phonenumbers",
    "prometheus_client",
    "pydantic",
    "starlette",
    "structlog",
    "uvicorn",
    "uvloop",
}
REPORT = """
import json, sys
from bridge.cli.main import run
sys.argv = ["callback-bridge", *sys.argv[1:]]
try:
    run()
except SystemExit:
    pass
print(json.dumps(sorted(sys.modules)), file=sys.stderr)
"""


def imported(*arguments: str, **variables: str) -> set[str]:
    """Run the command in a new process, and return the modules that it imported."""
    done = subprocess.run(
        [sys.executable, "-c", REPORT, *arguments],
        env=environment() | variables,
        capture_output=True,
        text=True,
        check=True,
    )
    return set(json.loads(done.stderr.splitlines()[-1]))


def groups(group: TyperGroup, *names: str) -> Iterator[tuple[tuple[str, ...], LazyGroup]]:
    """Yield every lazy group below this one, with its place."""
    if isinstance(group, LazyGroup):
        yield names, group
        for name in group.deferred:
            group.load(name)
    for name, command in group.commands.items():
        if isinstance(command, TyperGroup):
            yield from groups(command, *names, name)


def lazy_groups() -> list[tuple[tuple[str, ...], LazyGroup]]:
    root = get_command(app)
    assert isinstance(root, TyperGroup)
    return list(groups(root))


@pytest.mark.system
@pytest.mark.parametrize("arguments", [["--version"], ["--help"], [], ["--wrong"]], ids=str)
def test_no_library_of_a_command_is_imported_for(arguments: list[str]) -> None:
    assert not imported(*arguments) & HEAVY


@pytest.mark.system
@pytest.mark.parametrize("name", ["tail", "topics", "call"])
def test_a_reader_of_topics_imports_no_server(name: str) -> None:
    server = {"httpx", "phonenumbers", "prometheus_client", "starlette", "uvicorn", "uvloop"}
    assert not imported(name, "--help") & server


@pytest.mark.system
def test_a_running_bridge_imports_nothing_that_only_commands_need() -> None:
    code = "import bridge.cli.main, bridge.cli.serve, sys; print(*sys.modules)"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    modules = set(run.stdout.split())
    assert "bridge.app.process" in modules
    unneeded = {"bridge.cli.output", "httpx", "jsonschema", "pyarrow", "rich", "uvicorn", "yaml"}
    assert not modules & unneeded


@pytest.mark.system
def test_a_plan_of_a_replay_imports_no_http_client() -> None:
    assert "httpx" not in imported("replay", "plan", "--help")


@pytest.mark.system
def test_the_version_is_printed_without_what_only_help_needs() -> None:
    assert not imported("--version") & {"rich.markdown", "rich.syntax", "pygments"}


@pytest.mark.system
def test_completion_of_a_command_imports_no_command() -> None:
    words = {"COMP_WORDS": "callback-bridge to", "COMP_CWORD": "1"}
    modules = imported(**words, _CALLBACK_BRIDGE_COMPLETE="complete_bash")
    assert modules & HEAVY <= {"pydantic"}  # which typer itself needs to parse options


def test_no_garbage_is_collected_while_a_command_is_imported(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(tmp_path)
    (tmp_path / "imported_lazily.py").write_text("import gc\nCOLLECTING = gc.isenabled()\n")
    (tmp_path / "not_importable.py").write_text("raise ImportError('away')\n")
    assert not lazy._import("imported_lazily").COLLECTING
    assert gc.isenabled()
    with pytest.raises(ImportError, match="away"):
        lazy._import("not_importable")
    assert gc.isenabled()


def test_garbage_that_was_not_collected_before_an_import_is_not_collected_after_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(tmp_path)
    (tmp_path / "imported_by_an_embedder.py").write_text("")
    gc.disable()
    try:
        lazy._import("imported_by_an_embedder")
        assert not gc.isenabled()
    finally:
        gc.enable()


@pytest.mark.parametrize(("place", "group"), lazy_groups(), ids=str)
def test_the_line_of_help_in_a_group_is_the_first_of_the_commands_own(
    place: tuple[str, ...], group: LazyGroup
) -> None:
    own = {name: group.commands[name].help or "" for name in group.deferred}
    first = {name: " ".join(text.split("\n\n")[0].split()) for name, text in own.items()}
    assert {name: one.help for name, one in group.deferred.items()} == first


@pytest.mark.parametrize("name", ERRORS)
def test_every_error_with_an_exit_code_is_a_class(name: str) -> None:
    module, _, attribute = name.rpartition(".")
    assert issubclass(getattr(importlib.import_module(module), attribute), Exception)
