"""A shell in which a test types the commands of a page, as a reader does."""

import contextlib
import os
import signal
import subprocess
import threading
from pathlib import Path
from typing import Final

from tests.support.bridge import eventually

# A bound on each step that ends a hang, and says nothing of how fast a step must be.
PATIENCE_S: Final = 120.0


def readers_environment(**more: str) -> dict[str, str]:
    """Return the machine's environment without ours: no settings, no ``make``, no ``.venv``."""
    ours = ("BRIDGE_", "PLIVO_", "MAKE", "MFLAGS", "VIRTUAL_ENV", "ARGS", "PARALLEL", "PYTEST_")
    inherited = os.environ  # noqa: TID251 (what a process is started with)
    kept = {name: of for name, of in inherited.items() if not name.startswith(ours)}
    folders = kept["PATH"].split(os.pathsep)
    here = [one for one in folders if not (Path(one) / "callback-bridge").exists()]
    return kept | {"PATH": os.pathsep.join(here), "NO_COLOR": "1", "COLUMNS": "120"} | more


class Shell:
    """A shell that ends at the first command that fails, and everything its commands wrote."""

    def __init__(self, folder: Path, environment: dict[str, str]) -> None:
        self._process = subprocess.Popen(
            ["sh", "-e"],
            cwd=folder,
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,  # Ctrl-C is for everything that runs in a terminal, and no more
        )
        self.written = ""
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        self._blocks = 0

    def _read(self) -> None:
        assert self._process.stdout is not None
        with self._process.stdout as lines:
            for line in lines:
                self.written += line

    def run(self, commands: str) -> None:
        """Run commands to their end; fails if one of them does."""
        self._blocks += 1
        end = f"block {self._blocks} of this terminal has ended"
        self._type(f"{commands}\necho '{end}'")
        self._wait_for(end)

    def begin(self, command: str, ready: str) -> None:
        """Run a command that goes on, until it has written that it is ready."""
        begun = len(self.written)
        self._type(command)
        self._wait_for(ready, begun)

    def interrupt(self) -> None:
        """Press Ctrl-C, and return when nothing runs in the terminal any more."""
        self._signal(signal.SIGINT)
        self._close()
        eventually(lambda: not self._signal(0), PATIENCE_S)

    def kill(self) -> None:
        self._signal(signal.SIGKILL)
        self._close()

    def _close(self) -> None:
        assert self._process.stdin is not None
        with contextlib.suppress(BrokenPipeError):
            self._process.stdin.close()
        self._process.wait(PATIENCE_S)
        self._reader.join(PATIENCE_S)

    def _signal(self, number: int) -> bool:
        try:
            os.killpg(self._process.pid, number)
        except ProcessLookupError:
            return False
        return True

    def _type(self, text: str) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(text + "\n")
        self._process.stdin.flush()

    def _wait_for(self, text: str, begun: int = 0) -> None:
        ended = self._process.poll
        eventually(lambda: text in self.written[begun:] or ended() is not None, PATIENCE_S)
        self._reader.join(0 if ended() is None else PATIENCE_S)
        assert text in self.written[begun:], self.written
