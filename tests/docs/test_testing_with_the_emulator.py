"""The page on testing with the emulator can be followed: its files are written, its commands are run.

What is not run literally:

1. ``.venv`` is made of the environment that runs the tests, so that nothing is installed again.
2. Ports are free ones, because those that the page names may be taken.
"""

import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import pytest
from starlette.routing import Route

from bridge.dev.account import AUTH_ID, AUTH_TOKEN, TIMEZONE
from bridge.emulator.control.routes import make_control
from bridge.emulator.directory import Directory
from bridge.emulator.emulator import Emulator
from bridge.emulator.machine.leg import Account
from bridge.emulator.testing import Call, EmulatedPlivo
from bridge.normalise.time import load_zone
from tests.support.bridge import wait_for_port
from tests.support.ports import free_port
from tests.support.shells import Shell, readers_environment

PAGE: Final = (Path(__file__).parents[2] / "docs/testing-with-the-emulator.md").read_text()
_BLOCK: Final = re.compile(
    r"(?:^<!-- (?P<comment>[^\n]*) -->\n|^`(?P<file>[\w.]+)`:\n\n)?"
    r"^```(?P<kind>sh|python|js)\n(?P<text>.*?)^```$",
    re.MULTILINE | re.DOTALL,
)
_INSTALLS: Final = re.compile(r"^(?:python3 -m venv|pip install)\b.*\n", re.MULTILINE)
_STORY: Final = re.compile(r"^inbound call .*\n(?: +\d+\.\d s  .*\n)+", re.MULTILINE)
_TIME: Final = re.compile(r" +\d+\.\d s")
PORTS: Final = ("5000", "8811")


@dataclass(frozen=True, slots=True)
class Reader:
    """Somebody who follows the page in a folder, with terminals of its own and free ports."""

    folder: Path
    ports: dict[str, str]
    terminals: dict[int, Shell]

    def follow(self, *, node: bool = False) -> None:
        """Write every file and run every command, in order; those for Node.js only on request."""
        for block in _BLOCK.finditer(PAGE):
            comment, text = block["comment"] or "", self.adapt(block["text"])
            if block["file"]:
                (self.folder / block["file"]).write_text(text)
            elif "until Ctrl-C" in comment:
                self._begin(self.terminals[int(comment[9])], text)
            elif node or not comment.startswith("needs Node.js"):
                self.terminals[1].run(text)

    def write_files(self) -> None:
        """Write every file."""
        for block in _BLOCK.finditer(PAGE):
            if block["file"]:
                (self.folder / block["file"]).write_text(self.adapt(block["text"]))

    def _begin(self, terminal: Shell, text: str) -> None:
        *before, last = text.splitlines()
        terminal.run("\n".join(before))
        is_emulator = "callback-bridge emulate" in last
        terminal.begin(last, "Ctrl-C stops everything" if is_emulator else "")
        wait_for_port(int(self.ports["8811" if is_emulator else "5000"]))

    def adapt(self, text: str) -> str:
        """Return a text as it is used: rules 1 and 2."""
        for named, free in self.ports.items():
            text = text.replace(named, free)
        emulate = "callback-bridge emulate"
        text = text.replace(f"{emulate} ", f"{emulate} --port {self.ports['8811']} ")
        return _INSTALLS.sub("", text)


@pytest.fixture
def reader(tmp_path: Path) -> Iterator[Reader]:
    environment = readers_environment()
    terminals = {number: Shell(tmp_path, environment) for number in (1, 2, 3)}
    reader = Reader(tmp_path, {port: str(free_port()) for port in PORTS}, terminals)
    (tmp_path / ".venv").symlink_to(sys.prefix)
    try:
        yield reader
    finally:
        for one in terminals.values():
            one.kill()


@pytest.mark.system
def test_the_page_can_be_followed_from_top_to_bottom(reader: Reader) -> None:
    reader.follow()
    (passed,) = re.findall(r"^(\d+ passed) in", PAGE, re.MULTILINE)
    written = reader.terminals[1].written
    assert f"{passed} in" in written
    assert re.search(r"^Ran 1 test.*\nOK$", written.replace("\n\n", "\n"), re.MULTILINE)
    assert "We are here from 9 to 5." in written.rpartition('"callbacks"')[2]


@pytest.mark.node
def test_the_page_can_be_followed_with_node(reader: Reader) -> None:
    reader.follow(node=True)
    assert re.search(r"^\W* pass 2$", reader.terminals[1].written, re.MULTILINE)


@pytest.mark.system
def test_a_failed_test_shows_the_story_of_the_page(reader: Reader) -> None:
    reader.write_files()
    tests = reader.folder / "test_menu.py"
    tests.write_text(tests.read_text().replace("Pickup.BUSY", "Pickup.NO_ANSWER"))
    reader.terminals[1].run(". .venv/bin/activate\npython -m pytest -q test_menu.py || true")
    (shown,) = _STORY.findall(PAGE)
    assert _TIME.sub("", shown) in _TIME.sub("", reader.terminals[1].written)


def test_every_block_of_the_page_is_text_a_file_or_is_run() -> None:
    fences = re.findall(r"^```(.*)$", PAGE, re.MULTILINE)
    assert set(fences[1::2]) == {""}
    assert set(fences[::2]) == {"sh", "python", "js", "text"}
    blocks = list(_BLOCK.finditer(PAGE))
    assert len(blocks) == len(fences) // 2 - fences.count("text")
    assert [one["text"] for one in blocks if (one["kind"] == "sh") == bool(one["file"])] == []


def test_every_method_that_the_tables_name_is_there() -> None:
    rows = "".join(re.findall(r"^\|.*\n", PAGE, re.MULTILINE))
    of_call = set(re.findall(r"`call\.(\w+)\(", rows))
    of_plivo = set(re.findall(r"`([a-z_]+)\(", rows))
    assert {name for name in of_call if not callable(getattr(Call, name, None))} == set()
    assert {name for name in of_plivo if not callable(getattr(EmulatedPlivo, name, None))} == set()
    assert len(of_call) > 4
    assert len(of_plivo) > 10


def test_the_table_of_the_control_has_every_path() -> None:
    account = Account(AUTH_ID, (AUTH_TOKEN,), load_zone(TIMEZONE))
    control = make_control(Emulator(Directory([account])))
    paths = {one.path for one in control.routes if isinstance(one, Route)}
    table = PAGE.partition("| request below")[2]
    cells = re.findall(r"^\| `(?:GET|POST) .*? \|", table, re.MULTILINE)
    named = {path for cell in cells for path in re.findall(r"`(?:GET |POST )?(/[^`]*)`", cell)}
    # A path that is left out before its last part is the one before.
    short = {"/say", "/hang-up", "/stream"}
    assert {f"/calls/ID{one}" if one in short else one for one in named} == {
        re.sub(r"\{.*?\}", "ID", path) for path in paths
    }
