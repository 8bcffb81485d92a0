"""The command line, run in one of three ways.

``run`` calls its entry point in this process; ``run_process`` waits for a process of its own and
``started`` starts one, for tests with the marker ``system``. Each has an environment of its own.
"""

import contextlib
import io
import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Generator
from pathlib import Path
from typing import IO
from unittest.mock import patch

import pytest

from bridge.cli import main
from bridge.dev.account import ACCOUNTS
from tests.support.bridge import eventually
from tests.support.logs import logging_restored
from tests.support.ports import free_port
from tests.support.waiting import PATIENCE_S

COMMAND = Path(sys.executable).with_name("callback-bridge")


def environment(**settings: str) -> dict[str, str]:
    """Return an environment without settings but these; names without their prefix."""
    inherited = os.environ  # noqa: TID251 (what a process is started with)
    kept = {name: of for name, of in inherited.items() if not name.startswith("BRIDGE_")}
    # A terminal's width and colours are the test's, not the machine's.
    kept |= {"COLUMNS": "200", "NO_COLOR": "1", "TERM": "dumb"}
    return kept | {f"BRIDGE_{name.upper()}": value for name, value in settings.items()}


def run(
    *arguments: str | Path, stdin: str | bytes = b"", **settings: str
) -> subprocess.CompletedProcess[str]:
    """Run the command to its end in this process: the same entry point, and ten times as fast."""
    out, err = _Written(), _Written()
    typed = io.TextIOWrapper(io.BytesIO(stdin.encode() if isinstance(stdin, str) else stdin))
    with (
        patch.object(sys, "argv", ["callback-bridge", *map(str, arguments)]),
        patch.object(sys, "stdin", typed),
        patch.dict("os.environ", environment(**settings), clear=True),
        contextlib.redirect_stdout(out),
        contextlib.redirect_stderr(err),
        logging_restored(),
        pytest.raises(SystemExit) as ended,
    ):
        main.run()
    return subprocess.CompletedProcess(
        arguments, int(ended.value.code or 0), out.text(), err.text()
    )


class _Written(io.TextIOWrapper):
    """Standard output or standard error of a command that is no process."""

    def __init__(self) -> None:
        super().__init__(io.BytesIO(), encoding="utf-8", write_through=True)

    def text(self) -> str:
        """Return what was written, as a process that is read in text mode gives it."""
        self.seek(0)
        return self.read()


def run_process(*arguments: str | Path, **settings: str) -> subprocess.CompletedProcess[str]:
    """Run the command to its end as a process of its own."""
    return subprocess.run(
        [COMMAND, *arguments],
        env=environment(**settings),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
        check=False,
    )


class Started:
    """A running command, and what it has written so far."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process = process
        self.out: list[str] = []
        self.err: list[str] = []
        self._readers = [
            threading.Thread(target=self._read, args=pair, daemon=True)
            for pair in ((process.stdout, self.out), (process.stderr, self.err))
        ]
        for reader in self._readers:
            reader.start()

    @staticmethod
    def _read(stream: IO[str], lines: list[str]) -> None:
        with stream:
            for line in stream:
                lines.append(line.rstrip("\n"))  # noqa: PERF401 (others read it meanwhile)

    @property
    def written(self) -> str:
        return "\n".join([*self.out, *self.err])

    def says(self, text: str, patience_s: float = PATIENCE_S) -> None:
        """Return when ``text`` was written, or the process has ended."""
        ended = self.process.poll
        eventually(lambda: text in self.written or ended() is not None, patience_s)
        assert text in self.written, self.written

    def end(self, number: signal.Signals = signal.SIGTERM, patience_s: float = PATIENCE_S) -> int:
        """Signal the process, by its own id, and return its exit code."""
        if self.process.poll() is None:
            self.process.send_signal(number)
        code = self.process.wait(patience_s)
        for reader in self._readers:
            reader.join(PATIENCE_S)
        return code


@contextlib.contextmanager
def started(*arguments: str, **settings: str) -> Generator[Started]:
    """Start the command; it is killed at the end if the test did not end it."""
    process = subprocess.Popen(
        [COMMAND, *arguments],
        env=environment(**settings),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    command = Started(process)
    try:
        yield command
    finally:
        if process.poll() is None:
            process.kill()
        command.end()


def read_servers(dev: Started) -> str:
    """Return the address of Kafka that a running ``dev`` has printed."""
    start = "export BRIDGE_KAFKA_BOOTSTRAP_SERVERS="
    return next(line.removeprefix(start) for line in dev.err if line.startswith(start))


def serving(kafka: str, **more: str) -> dict[str, str]:
    """Return the settings of a bridge on free ports that has no spool, and what ``more`` sets."""
    port = str(free_port())
    ports = {"port": port, "management_port": str(free_port())}
    given = {
        "host": "127.0.0.1",
        "allowed_hosts": f"127.0.0.1:{port}",
        "kafka_bootstrap_servers": kafka,
        "accounts": json.dumps(ACCOUNTS),
        "spool_enabled": "false",
    }
    return {**given, **ports, **more}
