"""Reload BRIDGE_ACCOUNTS_FILE while the bridge runs: tokens rotate without a restart.

Only the accounts are reloaded, and only from this file. The other settings were read at the start; their
variables and file may have changed since, and a fault there must not block new tokens.
"""

import contextlib
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path

from bridge.app.parts import make_accounts
from bridge.app.watched_file import POLL_S, Unusable, WatchedFile, read_regular_file
from bridge.core.keyring import Keyring
from bridge.settings.accounts import AccountSettings
from bridge.settings.load import SettingsRefused, read_accounts
from bridge.telemetry.metric_defs import Metric
from bridge.telemetry.metrics import Metrics


def watch_accounts(  # noqa: PLR0913 (wired once, by name)
    path: Path,
    keyring: Keyring,
    *,
    in_use: Sequence[AccountSettings],
    metrics: Metrics,
    poll_s: float = POLL_S,
    read_timeout_s: float = POLL_S,
) -> WatchedFile[bytes]:
    """Return what polls the file of accounts, and updates the keyring when it changes.

    ``in_use`` are the accounts that the settings have, and so the keyring.
    """
    loaded = None
    with contextlib.suppress(Unusable, SettingsRefused):  # the first poll reports it
        content = read_regular_file(path)
        # The file may have changed since the settings were read.
        if read_accounts(path, content=content) == [*in_use]:
            loaded = content
    return WatchedFile(
        "accounts",
        reloaded="accounts_reloaded",
        reload_failed="accounts_reload_failed",
        read=partial(read_regular_file, path),
        use=partial(_use, path, keyring),
        loaded=loaded,
        stale=Metric.ACCOUNTS_STALE,
        metrics=metrics,
        poll_s=poll_s,
        read_timeout_s=read_timeout_s,
    )


def _use(path: Path, keyring: Keyring, content: bytes) -> Mapping[str, object]:
    try:
        renewed = read_accounts(path, content=content)
    except SettingsRefused as error:
        raise Unusable(str(error)) from error
    if not any(one.has_token for one in renewed):
        message = "the file holds no auth token"
        raise Unusable(message)
    keyring.replace_accounts(make_accounts(renewed))
    return {"accounts": len(renewed)}
