"""Reload BRIDGE_ACCOUNTS_FILE while the bridge runs: tokens rotate without a restart.

1. Only the accounts are reloaded, and only from this file. The other settings were read at the start;
   their variables and file may have changed since, and a fault there must not block new tokens.
2. A file that is missing, not a regular file, unreadable or without usable accounts changes nothing: the
   last valid accounts stay in use, and ``accounts_stale`` is 1 until the file is valid again.
3. A daemon thread reads the file, so neither the event loop nor the shutdown waits for it: to open a
   FIFO, or to read from a dead network file system, can block forever.
"""

import asyncio
import contextlib
import os
import stat
import threading
from pathlib import Path
from typing import Final

import structlog

from bridge.app.parts import make_accounts
from bridge.core.keyring import Keyring
from bridge.settings.load import SettingsRefused, read_accounts
from bridge.telemetry.metric_defs import Metric
from bridge.telemetry.metrics import Metrics

log = structlog.get_logger()

POLL_S: Final = 5.0
_FILE_BYTES_MAX: Final = 16_777_216


class _Unusable(Exception):
    """The file cannot be used; the text says why."""


class AccountsFile:
    """Polls BRIDGE_ACCOUNTS_FILE and updates the keyring when it changes."""

    def __init__(
        self,
        path: Path,
        keyring: Keyring,
        *,
        metrics: Metrics,
        poll_s: float = POLL_S,
        read_timeout_s: float = POLL_S,
    ) -> None:
        self._path = path
        self._keyring = keyring
        self._poll_s = poll_s
        self._read_timeout_s = read_timeout_s
        self._metrics = metrics
        self._fault: str | None = None
        self._rejected: bytes | None = None  # the last content with unusable accounts
        self._loaded: bytes | None = None  # the content of the accounts in use
        self._reading: asyncio.Future[bytes] | None = None
        self._task: asyncio.Task[None] | None = None
        with contextlib.suppress(_Unusable):  # the first poll reports it
            self._loaded = _read_regular_file(path)

    def start(self) -> None:
        """Start polling."""
        self._task = asyncio.create_task(self._run(), name="accounts-file")

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
            except _Unusable as error:
                self._report_unusable(str(error))

    async def _read(self) -> bytes:
        """Return the content of the file; raises _Unusable: rule 3."""
        if self._reading is None:
            loop = asyncio.get_running_loop()
            self._reading = loop.create_future()
            work = (self._path, loop, self._reading)
            threading.Thread(target=_read, args=work, name="accounts-file", daemon=True).start()
        await asyncio.wait([self._reading], timeout=self._read_timeout_s)
        if not self._reading.done():
            message = "it cannot be read now: the disk does not answer"
            raise _Unusable(message)
        reading, self._reading = self._reading, None
        return reading.result()

    def _load(self, content: bytes) -> None:
        """Load the accounts if the file changed: rule 1."""
        if content == self._rejected or (content == self._loaded and self._fault is None):
            return
        try:
            renewed = read_accounts(self._path, content=content)
        except SettingsRefused as error:
            self._report_unusable(str(error))
            self._rejected = content
            return
        if not any(one.has_token for one in renewed):
            self._report_unusable("the file holds no auth token")
            self._rejected = content
            return
        self._keyring.replace_accounts(make_accounts(renewed))
        self._loaded, self._rejected, self._fault = content, None, None
        self._metrics.set(Metric.ACCOUNTS_STALE, 0)
        log.info("accounts_reloaded", accounts=len(renewed))

    def _report_unusable(self, cause: str) -> None:
        """Report a fault of the file, each one once: rule 2."""
        self._rejected = None
        if cause != self._fault:
            log.error("accounts_reload_failed", cause=cause)
            self._metrics.set(Metric.ACCOUNTS_STALE, 1)
        self._fault = cause


def _read(path: Path, loop: asyncio.AbstractEventLoop, answer: asyncio.Future[bytes]) -> None:
    """Read the file and pass its content, or the error, to ``answer``. Runs in a thread."""
    with contextlib.suppress(RuntimeError):  # the loop ended before us
        try:
            content = _read_regular_file(path)
        except _Unusable as error:
            loop.call_soon_threadsafe(answer.set_exception, error)
        else:
            loop.call_soon_threadsafe(answer.set_result, content)


def _read_regular_file(path: Path) -> bytes:
    """Return the content of a regular file; raises _Unusable."""
    try:
        # Without O_NONBLOCK opening a FIFO without a writer blocks forever.
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        try:
            if not stat.S_ISREG(os.fstat(descriptor).st_mode):
                message = "it is not a regular file"
                raise _Unusable(message)
            with open(descriptor, "rb", closefd=False) as file:
                content = file.read(_FILE_BYTES_MAX + 1)
        finally:
            os.close(descriptor)
    except OSError as error:
        message = f"it cannot be read: {error.strerror}"
        raise _Unusable(message) from error
    if len(content) > _FILE_BYTES_MAX:
        message = f"it is longer than {_FILE_BYTES_MAX} bytes"
        raise _Unusable(message)
    return content
