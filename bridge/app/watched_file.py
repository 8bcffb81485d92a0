"""Reload a file while the bridge runs.

1. A file that cannot be read or used changes nothing: what was valid last stays in use, and a metric is
   1 until the file is valid again. Each fault is logged once. A fault of ours counts as one of the file,
   because without the task no later version would be used.
2. A daemon thread reads the file, so neither the event loop nor the shutdown waits for it: to open a
   FIFO, or to read from a dead network file system, can block forever.
"""

import asyncio
import contextlib
import os
import stat
import threading
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Final, Generic, TypeVar

import structlog

from bridge.telemetry.logs import describe_fault
from bridge.telemetry.metric_defs import Metric
from bridge.telemetry.metrics import Metrics

log = structlog.get_logger()

POLL_S: Final = 5.0
_FILE_BYTES_MAX: Final = 16_777_216

Content = TypeVar("Content")


class Unusable(Exception):
    """The file cannot be used; the text says why."""


class WatchedFile(Generic[Content]):
    """Polls a file, and passes its content on when it changes.

    ``read`` returns the content, and is called in a thread. ``use`` takes it, and returns what is logged
    of it. Both raise Unusable. ``loaded`` is the content in use, None if it is not known. ``reloaded``
    and ``reload_failed`` are events of the log, and ``stale`` is the metric.
    """

    def __init__(  # noqa: PLR0913 (by name)
        self,
        name: str,
        *,
        reloaded: str,
        reload_failed: str,
        read: Callable[[], Content],
        use: Callable[[Content], Mapping[str, object]],
        loaded: Content | None,
        stale: Metric,
        metrics: Metrics,
        poll_s: float = POLL_S,
        read_timeout_s: float = POLL_S,
    ) -> None:
        self._name = name
        self._reloaded, self._reload_failed = reloaded, reload_failed
        self._read_content = read
        self._use = use
        self._stale = stale
        self._metrics = metrics
        self._poll_s = poll_s
        self._read_timeout_s = read_timeout_s
        self._fault: str | None = None
        self._rejected: Content | None = None  # the last content that could not be used
        self._loaded = loaded
        self._reading: asyncio.Future[Content] | None = None
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Start polling."""
        self._task = asyncio.create_task(self._run(), name=f"{self._name}-file")

    async def stop(self) -> None:
        """Stop polling."""
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task

    async def _run(self) -> None:
        while True:
            await asyncio.sleep(self._poll_s)
            try:
                self._load(await self._read())
            except Unusable as error:
                self._report_unusable(str(error))
            except Exception as error:  # noqa: BLE001 (rule 1)
                self._report_unusable("the bridge failed to use it", **describe_fault(error))

    async def _read(self) -> Content:
        """Return the content of the file; raises Unusable: rule 2."""
        if self._reading is None:
            loop = asyncio.get_running_loop()
            reading: asyncio.Future[Content] = loop.create_future()
            work = (loop, reading)
            name = f"{self._name}-file"
            # It fails if the process has too many threads. Then the next poll has to start one.
            threading.Thread(target=self._pass_content, args=work, name=name, daemon=True).start()
            self._reading = reading
        await asyncio.wait([self._reading], timeout=self._read_timeout_s)
        if not self._reading.done():
            message = "it cannot be read now: the disk does not answer"
            raise Unusable(message)
        reading, self._reading = self._reading, None
        return reading.result()

    def _pass_content(
        self, loop: asyncio.AbstractEventLoop, answer: "asyncio.Future[Content]"
    ) -> None:
        """Read the file and pass its content, or the error, to ``answer``. Runs in a thread."""
        try:
            pass_on = partial(answer.set_result, self._read_content())
        except Exception as error:  # noqa: BLE001 (``_run`` reports it)
            pass_on = partial(answer.set_exception, error)
        with contextlib.suppress(RuntimeError):  # the loop ended before us
            loop.call_soon_threadsafe(pass_on)

    def _load(self, content: Content) -> None:
        """Use the content if it changed: rule 1."""
        if content == self._rejected or (content == self._loaded and self._fault is None):
            return
        try:
            fields = self._use(content)
        except Unusable as error:
            self._report_unusable(str(error))
            self._rejected = content
            return
        self._loaded, self._rejected, self._fault = content, None, None
        self._metrics.set(self._stale, 0)
        log.info(self._reloaded, **fields)

    def _report_unusable(self, cause: str, **about: object) -> None:
        """Report a fault of the file, each one once: rule 1."""
        self._rejected = None
        if cause != self._fault:
            log.error(self._reload_failed, cause=cause, **about)
            self._metrics.set(self._stale, 1)
        self._fault = cause


def read_regular_file(path: Path) -> bytes:
    """Return the content of a regular file; raises Unusable."""
    try:
        # Without O_NONBLOCK opening a FIFO without a writer blocks forever.
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        try:
            if not stat.S_ISREG(os.fstat(descriptor).st_mode):
                message = "it is not a regular file"
                raise Unusable(message)
            with open(descriptor, "rb", closefd=False) as file:
                content = file.read(_FILE_BYTES_MAX + 1)
        finally:
            os.close(descriptor)
    except (OSError, ValueError) as error:
        message = f"it cannot be read: {getattr(error, 'strerror', None) or error}"
        raise Unusable(message) from error
    if len(content) > _FILE_BYTES_MAX:
        message = f"it is longer than {_FILE_BYTES_MAX} bytes"
        raise Unusable(message)
    return content
