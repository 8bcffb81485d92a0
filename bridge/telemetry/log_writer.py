"""Log lines on their way to a descriptor: a bounded queue, and one thread that writes.

1. Whoever logs appends a line to the queue and goes on. A pipe that nobody reads, a paused terminal or
   a hanging disk block the thread and nothing else. The descriptor is left in blocking mode:
   O_NONBLOCK belongs to the open file description, which the process may share with a shell.
2. Lines that do not fit into the queue are lost, the newest first, and so are lines that the
   descriptor refuses (a closed pipe, a full disk). Lost lines are counted, and a line with their
   number follows as soon as one can be written. The other lines keep their order.
3. Lines below a warning are gathered for GATHER_S, so that one write takes many: waking a thread for
   each would cost more than the write. A warning or an error is written at once.
4. At the end the thread has CLOSE_TIMEOUT_S for what is left.
"""

import contextlib
import os
import select
import threading
from collections.abc import Callable
from typing import Final

QUEUE_BYTES_MAX: Final = 4_194_304
BATCH_DELAY_S: Final = 0.01
CLOSE_TIMEOUT_S: Final = 1.0
_POLL_MS: Final = 100


class LineQueue:
    """Takes lines from any thread, never blocks, and writes them to ``descriptor`` in a thread.

    ``lost_line`` renders the line that reports how many were lost. Without a descriptor (standard
    error was closed before the process began) every line is lost.
    """

    def __init__(
        self,
        descriptor: int | None,
        *,
        lost_line: Callable[[int], str],
        bytes_max: int = QUEUE_BYTES_MAX,
    ) -> None:
        self._descriptor = descriptor
        self._lost_line = lost_line
        self._bytes_max = bytes_max
        self._lock = threading.Lock()
        self._lines: list[bytes] = []
        self._bytes = 0  # of the lines in the queue and of those that are being written
        self._lost = 0
        self._unreported = 0
        self._on_lost: Callable[[int], None] | None = None
        self._waiting = threading.Event()
        self._write_now = threading.Event()
        self._closing = False
        self._within_line = False
        self._thread = threading.Thread(target=self._run, name="log-writer", daemon=True)
        self._thread.start()

    @property
    def lost(self) -> int:
        """Return how many lines were lost so far."""
        return self._lost

    def set_on_lost(self, call: Callable[[int], None]) -> None:
        """Have ``call`` called with the number of lines that are lost from now on, and were so far."""
        with self._lock:
            self._on_lost = call
            so_far = self._lost
        if so_far:
            call(so_far)

    def put(self, text: str, *, at_once: bool = False) -> None:
        """Queue a line: rules 1 to 3."""
        line = text.encode("utf-8", "backslashreplace") + b"\n"
        with self._lock:
            fits = self._bytes + len(line) <= self._bytes_max and not self._closing
            if fits:
                self._lines.append(line)
                self._bytes += len(line)
        if not fits:
            self._count_lost(1)
        if at_once:
            self._write_now.set()
        if not self._waiting.is_set():
            self._waiting.set()

    def close(self, timeout_s: float = CLOSE_TIMEOUT_S) -> None:
        """Write what is left: rule 4."""
        with self._lock:
            self._closing = True
        self._write_now.set()
        self._waiting.set()
        self._thread.join(timeout_s)

    def _count_lost(self, count: int) -> None:
        with self._lock:
            self._lost += count
            self._unreported += count
            call = self._on_lost
        if call is not None:
            call(count)

    def _run(self) -> None:
        closing = False
        while not closing:
            self._waiting.wait()
            self._write_now.wait(BATCH_DELAY_S)
            closing = self._closing  # before the lines are taken: none is added after it
            self._write_now.clear()
            self._waiting.clear()
            with self._lock:
                lines, self._lines = self._lines, []
            data = b"".join(lines)
            self._count_unwritten(data)
            with self._lock:
                self._bytes -= len(data)
                unreported = self._unreported
            if unreported and self._report(unreported):
                with self._lock:
                    self._unreported -= unreported

    def _count_unwritten(self, data: bytes) -> None:
        written = self._write(data)
        if written < len(data):
            self._count_lost(data.count(b"\n", written))

    def _report(self, lost: int) -> bool:
        line = self._lost_line(lost).encode("utf-8", "backslashreplace") + b"\n"
        return self._write(line) == len(line)

    def _write(self, data: bytes) -> int:
        """Return how many bytes the descriptor took."""
        if self._descriptor is None or not data:
            return 0
        # A line that a full disk took half of is ended, so that the next can be read.
        begun = b"\n" if self._within_line else b""
        rest = memoryview(begun + data)
        with contextlib.suppress(OSError):
            while rest:
                try:
                    rest = rest[os.write(self._descriptor, rest) :]
                except BlockingIOError:  # somebody else made the description non-blocking
                    self._wait_for_room()
        written = len(begun) + len(data) - len(rest)
        if written:
            self._within_line = bool(rest) and (begun + data)[written - 1 : written] != b"\n"
        return max(0, written - len(begun))

    def _wait_for_room(self) -> None:
        poll = select.poll()
        if self._descriptor is not None:
            poll.register(self._descriptor, select.POLLOUT)
            poll.poll(_POLL_MS)
