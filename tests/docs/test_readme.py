"""The README can be followed: its commands are run in order, as a reader runs them.

Every fenced block of commands is given to a shell, in the README's order, in a folder that has what
``make`` looks at. A comment above a block names its terminal, if that is not the first, and may say that
the block's last command runs until Ctrl-C. What is not run literally:

1. ``.venv`` is made of the environment that runs the tests, so that nothing is installed again.
2. ``make test`` is run with ``--dry-run``: it is what runs this test.
3. Ports are free ones, because those that the README names may be taken: those of the broker and of the
   bridge of ``make dev`` are the ones that it prints, and so is that of the emulator.
"""

import inspect
import re
import shutil
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import pytest

from bridge.cli.dev import dev
from tests.support.ports import free_port
from tests.support.shells import Shell, readers_environment

ROOT: Final = Path(__file__).parents[2]
README: Final = (ROOT / "README.md").read_text()
BROKER: Final = "127.0.0.1:19092"
PORT: Final = "8081"
DEV: Final = "http://127.0.0.1:8080"
EMULATOR: Final = "http://127.0.0.1:8811"

# What a command that runs until Ctrl-C writes when it is ready, or has shown what it is to show.
READY: Final = {
    "make dev": "Events appear below",
    "callback-bridge serve": '"event":"bridge_started"',
    "callback-bridge emulate": "Ctrl-C stops everything",
    "callback-bridge tail --since 1h": '"type":"com.plivo.voice.call.hangup.v1"',
}

_BLOCK: Final = re.compile(
    r"(?:^<!-- terminal (?P<terminal>\d)(?P<waits>: runs until Ctrl-C)? -->\n)?"
    r"^```(?P<kind>\w*)\n(?P<text>.*?)^```$",
    re.MULTILINE | re.DOTALL,
)


@dataclass(frozen=True, slots=True)
class Block:
    """Commands for one terminal; the last may run until Ctrl-C."""

    terminal: int
    text: str
    last: str | None

    @property
    def ready(self) -> str | None:
        """Return what the last command writes when it is ready, if it runs until Ctrl-C."""
        return None if self.last is None else READY[without_comment(self.last)]


def without_comment(line: str) -> str:
    return line.partition(" #")[0].strip()


def blocks() -> list[Block]:
    found: list[Block] = []
    for one in _BLOCK.finditer(README):
        if one["kind"] == "sh" and one["waits"] is None:
            found.append(Block(int(one["terminal"] or 1), one["text"], None))
        elif one["kind"] == "sh":
            *before, last = one["text"].splitlines()
            found.append(Block(int(one["terminal"]), "\n".join(before), last))
    return found


def prepare_checkout(folder: Path) -> None:
    """Make a checkout of what ``make`` looks at, in which everything is installed: rule 1."""
    for name in ("Makefile", "pyproject.toml"):
        shutil.copy2(ROOT / name, folder)
    shutil.copytree(ROOT / "requirements", folder / "requirements")
    installed = folder / ".venv"
    installed.mkdir()
    for one in Path(sys.prefix).iterdir():
        if not one.name.startswith(".installed"):
            (installed / one.name).symlink_to(one)
    (installed / ".installed").touch()


def adapted(text: str, broker: str, port: str, dev_url: str) -> str:
    """Return commands as they are run: rules 2 and 3."""
    options = " ".join(f"--{name.replace('_', '-')} 0" for name in ports_of_dev())
    text = text.replace(BROKER, broker).replace(PORT, port).replace(DEV, dev_url)
    text = text.replace(
        "callback-bridge trigger call", f"callback-bridge trigger call --to {dev_url}"
    )
    text = re.sub(r"(callback-bridge trigger voice\S+)", rf"\1 --to {dev_url}", text)
    text = re.sub(r"callback-bridge emulate( *#|$)", r"callback-bridge emulate --port 0\1", text)
    text = re.sub(r"^make test\b", "make --dry-run test", text, flags=re.MULTILINE)
    return re.sub(r"^make dev\b", f'make dev ARGS="{options}"', text, flags=re.MULTILINE)


def ports_of_dev() -> dict[str, int]:
    """Return the default of each option of ``dev`` that is a port."""
    parameters = inspect.signature(dev).parameters.items()
    return {name: one.default for name, one in parameters if name.endswith("port")}


def broker_of(written: str) -> str:
    """Return the broker's address as ``make dev`` printed it."""
    found = re.search(r"^.*(?:Kafka +|BOOTSTRAP_SERVERS=)(127\.0\.0\.1:\d+)", written, re.MULTILINE)
    assert found is not None, written
    return found[1]


def url_of_dev(written: str) -> str:
    """Return the URL of the bridge of ``make dev``, as it printed it."""
    found = re.search(r"(http://127\.0\.0\.1:\d+)/plivo", written)
    assert found is not None, written
    return found[1]


def url_of_emulator(written: str) -> str:
    """Return the URL of the emulator, as it printed it."""
    found = re.search(r"API +(http://127\.0\.0\.1:\d+)/v1", written)
    assert found is not None, written
    return found[1]


@pytest.fixture
def terminals(tmp_path: Path) -> Iterator[dict[int, Shell]]:
    prepare_checkout(tmp_path)
    # The README's serve has its management port by default.
    environment = readers_environment(BRIDGE_MANAGEMENT_PORT=str(free_port()))
    opened = {
        number: Shell(tmp_path, environment) for number in {1, *(b.terminal for b in blocks())}
    }
    try:
        yield opened
    finally:
        for one in opened.values():
            one.kill()


@pytest.mark.system
@pytest.mark.skipif(
    not (shutil.which("make") and shutil.which("curl")), reason="needs make and curl"
)
def test_the_readme_can_be_followed_from_top_to_bottom(terminals: dict[int, Shell]) -> None:
    broker, port, dev_url = BROKER, str(free_port()), DEV
    for block in blocks():
        terminal = terminals[block.terminal]
        text = block.text
        if EMULATOR in text:
            text = text.replace(EMULATOR, url_of_emulator(terminals[4].written))
        terminal.run(adapted(text, broker, port, dev_url))
        if block.last is not None and block.ready is not None:
            terminal.begin(adapted(block.last, broker, port, dev_url), block.ready)
        if block.terminal == 2:
            broker, dev_url = broker_of(terminal.written), url_of_dev(terminal.written)
    assert "demo: 3 calls, 14 callbacks, 14 stored, 0 lost" in terminals[1].written
    assert "HTTP/1.1 200 OK" in terminals[3].written
    assert '"begun":100,' in terminals[4].written
    assert '"has_ended":true' in terminals[5].written
    for terminal in reversed(terminals.values()):
        terminal.interrupt()
        assert "Traceback" not in terminal.written
    assert '"event":"bridge_stopped"' in terminals[1].written


def test_every_block_of_the_readme_is_text_or_is_run() -> None:
    fences = re.findall(r"^```(.*)$", README, re.MULTILINE)
    assert set(fences[::2]) <= {"sh", "text"}
    assert set(fences[1::2]) == {""}
    assert len(blocks()) == fences.count("sh")
    waiting = README.count(": runs until Ctrl-C -->")
    assert waiting == sum(block.last is not None for block in blocks())


def test_the_first_command_is_the_demo() -> None:
    assert blocks()[0].text.startswith("make demo ")


def test_the_ports_of_dev_are_those_that_the_readme_names() -> None:
    assert ports_of_dev()["port"] == 8080
    for number in ports_of_dev().values():
        assert f"127.0.0.1:{number}" in README
