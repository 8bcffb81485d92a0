"""The command on a terminal of its own, of a given width."""

import contextlib
import fcntl
import os
import pty
import re
import struct
import subprocess
import termios
import threading
from collections.abc import Generator

from rich.cells import cell_len

from tests.support.bridge import eventually
from tests.support.cli import COMMAND, environment

# Styles, and what progress bars do to the cursor.
_CONTROL = re.compile(r"\x1b\[\??[0-9;]*[A-Za-z]")
_LINES = 50


class Terminal:
    """A running command and what its terminal shows: standard output and standard error."""

    def __init__(self, process: subprocess.Popen[bytes], ours: int) -> None:
        self.process = process
        self._ours = ours
        self._written = b""
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        # The end of a terminal is an error: nobody is at its other side any more.
        with contextlib.suppress(OSError):
            while read := os.read(self._ours, 4096):
                self._written += read

    @property
    def text(self) -> str:
        """What is written, without styles and what moves the cursor."""
        return _CONTROL.sub("", self._written.decode("utf-8", "replace")).replace("\r", "")

    def says(self, text: str, patience_s: float = 20.0) -> None:
        """Return when ``text`` is shown, or the command has ended."""
        ended = self.process.poll
        eventually(lambda: text in self.text or ended() is not None, patience_s)
        assert text in self.text, self.text

    def ended(self) -> int:
        """Wait for the end of the command; return its exit code."""
        code = self.process.wait(60)
        self._reader.join(5)
        return code


@contextlib.contextmanager
def on_a_terminal(*arguments: str, columns: int, **settings: str) -> Generator[Terminal]:
    """Start the command on a terminal of so many columns, and end it."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", _LINES, columns, 0, 0))
    variables = environment(**settings) | {"TERM": "xterm"}
    del variables["COLUMNS"]  # the terminal knows
    process = subprocess.Popen(
        [COMMAND, *arguments], env=variables, stdin=theirs, stdout=theirs, stderr=theirs
    )
    os.close(theirs)
    terminal = Terminal(process, ours)
    try:
        yield terminal
    finally:
        if process.poll() is None:
            process.terminate()
        terminal.ended()
        os.close(ours)


def widest(text: str) -> int:
    """Return how many columns the widest line takes."""
    return max(map(cell_len, text.splitlines()), default=0)


def words(text: str) -> list[str]:
    """Return what stands between white space, wherever lines end."""
    return text.split()
