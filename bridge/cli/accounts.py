"""Reload BRIDGE_ACCOUNTS_FILE while the bridge runs: tokens rotate without a restart."""

import asyncio
import contextlib
from collections.abc import Callable
from pathlib import Path
from typing import Final

import structlog

from bridge.cli.build import accounts
from bridge.keyring import Keyring
from bridge.settings import SettingsRefused, read_accounts

log = structlog.get_logger()

LOOK_S: Final = 5.0


class AccountsFile:
    """Looks at BRIDGE_ACCOUNTS_FILE, and hands what changed to the keyring."""

    def __init__(
        self,
        path: Path,
        keyring: Keyring,
        *,
        look_s: float = LOOK_S,
        on_stale: Callable[[bool], None] = lambda _: None,
    ) -> None:
        self._path = path
        self._keyring = keyring
        self._look_s = look_s
        self._on_stale = on_stale
        self._seen = self._content()
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin to look."""
        self._task = asyncio.create_task(self._run(), name="accounts-file")

    async def stop(self) -> None:
        """Look no more."""
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task

    def _content(self) -> bytes | None:
        try:
            return self._path.read_bytes()
        except OSError:
            return None  # between two mounts of a secret; what we know stays

    async def _run(self) -> None:
        while True:
            await asyncio.sleep(self._look_s)
            content = await asyncio.to_thread(self._content)
            if content is not None and content != self._seen:
                self._seen = content
                self._renew()

    def _renew(self) -> None:
        """Take the file's accounts; a file that cannot be used changes nothing.

        Only the accounts are read. The other settings were read at the start, from variables and a
        settings file that may both have changed since: they must not keep new tokens out.
        """
        try:
            renewed = read_accounts(self._path)
        except SettingsRefused as error:
            log.error("accounts_not_renewed", cause=str(error))  # noqa: TRY400 (the text says it all)
            self._on_stale(True)  # noqa: FBT003 (the one thing it is told)
            return
        if not any(one.has_token for one in renewed):
            log.error("accounts_not_renewed", cause="the file holds no auth token")
            self._on_stale(True)  # noqa: FBT003 (the same)
            return
        self._keyring.renew(accounts(renewed))
        self._on_stale(False)  # noqa: FBT003 (the same)
        log.info("accounts_renewed", accounts=len(renewed))
