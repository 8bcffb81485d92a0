"""Processes that are measured: each on a core of its own, ended by its own process id.

1. The first core belongs to the servers. The load generator (this process) and the broker have the
   others, so that they do not take the server's time. A machine with one core shares it.
2. CPU is user and system time of the whole process, as the kernel counts it.
3. The kernel ends a process whose parent is gone.
"""

import contextlib
import os
import signal
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tests.bench.load import NotAnswered
from tests.kafka.cluster import die_with_parent

READY_S: Final = 60.0
_STOP_S: Final = 20.0
_TICK_S: Final = 1 / os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True, slots=True)
class Command:
    """How a server is started. One without ``ready_port`` is ready when it listens."""

    arguments: Sequence[str]
    environment: Mapping[str, str]
    port: int
    ready_port: int | None = None


@dataclass(frozen=True, slots=True)
class Server:
    """A running server."""

    process: subprocess.Popen[bytes]
    port: int
    ready_port: int | None

    def cpu_s(self) -> float:
        """Return user and system time of the process, all threads."""
        text = Path(f"/proc/{self.process.pid}/stat").read_text()
        fields = text.rpartition(")")[2].split()  # the name may hold spaces
        return (int(fields[11]) + int(fields[12])) * _TICK_S

    def rss_mib(self, name: str = "VmRSS") -> float:
        """Return the resident memory."""
        text = Path(f"/proc/{self.process.pid}/status").read_text()
        return int(text.partition(f"{name}:")[2].split()[0]) / 1024

    def wait_until_ready(self) -> float:
        """Return after how many seconds the server was ready; raises NotAnswered."""
        begun_s = time.monotonic()
        while not self._is_ready():
            if self.process.poll() is not None:
                message = f"{self.process.args!r}: ended with {self.process.returncode}"
                raise NotAnswered(message)
            if time.monotonic() > begun_s + READY_S:
                message = f"{self.process.args!r}: not ready in {READY_S:.0f} s"
                raise NotAnswered(message)
            time.sleep(0.01)
        return time.monotonic() - begun_s

    def _is_ready(self) -> bool:
        try:
            if self.ready_port is None:
                socket.create_connection(("127.0.0.1", self.port), timeout=1).close()
            else:
                url = f"http://127.0.0.1:{self.ready_port}/readyz"
                with urllib.request.urlopen(url, timeout=1):
                    pass
        except (OSError, urllib.error.URLError):
            return False
        return True

    def metrics(self) -> str:
        """Return the metrics of a bridge."""
        with urllib.request.urlopen(
            f"http://127.0.0.1:{self.ready_port}/metrics", timeout=5
        ) as read:
            return str(read.read().decode())


@dataclass(frozen=True, slots=True)
class Cores:
    """Which cores belong to whom: rule 1."""

    servers: frozenset[int]
    others: frozenset[int]


@contextlib.contextmanager
def divided_cores() -> Generator[Cores]:
    """Move this process, and the processes that it starts by default, off the first core."""
    cores = sorted(os.sched_getaffinity(0))
    divided = Cores(frozenset(cores[:1]), frozenset(cores[1:] or cores))
    os.sched_setaffinity(0, divided.others)
    try:
        yield divided
    finally:
        os.sched_setaffinity(0, cores)


@contextlib.contextmanager
def running(
    command: Command, cores: frozenset[int], *, log: Path | None = None
) -> Generator[Server]:
    """Run a server; its log lines go to ``log``, or nowhere. It may not be ready yet."""

    def prepare() -> None:
        die_with_parent()
        os.sched_setaffinity(0, cores)

    with (log or Path(os.devnull)).open("ab") as lines:
        process = subprocess.Popen(
            command.arguments,
            env=dict(command.environment),
            stdin=subprocess.DEVNULL,
            stdout=lines,
            stderr=lines,
            preexec_fn=prepare,  # noqa: PLW1509 (it calls the kernel and nothing else)
        )
    try:
        yield Server(process, command.port, command.ready_port)
    finally:
        process.send_signal(signal.SIGCONT)
        process.terminate()
        try:
            process.wait(_STOP_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
