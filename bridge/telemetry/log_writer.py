"""Write log lines without blocking: a bounded queue, and one thread that writes to a descriptor.

1. The caller appends a line to the queue and continues. A pipe that nobody reads, a paused terminal or a
   hanging disk blocks only the thread. The descriptor stays in blocking mode: O_NONBLOCK belongs to the
   open file description, which the process may share with a shell.
2. A line that does not fit into the queue is lost, and so are lines that the descriptor refuses (closed
   pipe, full disk). Lost lines are counted, and the next write reports their number. All other lines
   keep their order.
3. Lines below warning are collected for BATCH_DELAY_S and written together: waking the thread for each
   would cost more than the write. A warning or an error is written without delay.
4. On close the thread has CLOSE_TIMEOUT_S to write the rest.
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
    """Queue of log lines from any thread, written to ``descriptor`` by a thread of its own.

    ``lost_line`` renders the line that reports how many lines were lost. Without a descriptor (standard
    error was closed before the process started) every line is lost.
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
        self._bytes = 0  # of the lines in the queue, and of those being written
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
        """Return the number of lines lost so far."""
        return self._lost

    def set_on_lost(self, call: Callable[[int], None]) -> None:
        """Call ``call`` with the number of lines lost so far, and whenever more are lost."""
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
        """Write the rest of the queue: rule 4."""
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
            closing = self._closing  # read before the lines are taken: none is added after it
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
        """Return the number of bytes written."""
        if self._descriptor is None or not data:
            return 0
        # If a full disk cut a line in half, end it first, so that the next line can be parsed.
        line_end = b"\n" if self._within_line else b""
        rest = memoryview(line_end + data)
        with contextlib.suppress(OSError):
            while rest:
                try:
                    rest = rest[os.write(self._descriptor, rest) :]
                except BlockingIOError:  # another process made the shared description non-blocking
                    self._wait_for_room()
        written = len(line_end) + len(data) - len(rest)
        if written:
            self._within_line = bool(rest) and (line_end + data)[written - 1 : written] != b"\n"
        return max(0, written - len(line_end))

    def _wait_for_room(self) -> None:
        poll = select.poll()
        if self._descriptor is not None:
            poll.register(self._descriptor, select.POLLOUT)
            poll.poll(_POLL_MS)
