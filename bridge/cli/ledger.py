"""The local ledger of requests, as commands read it that place no calls."""

import contextlib
from collections.abc import Generator

from bridge.originate.ledger import FILE, RequestLedger
from bridge.settings.load import Settings, find_ledger_directory


@contextlib.contextmanager
def open_existing_ledger(settings: Settings) -> Generator[RequestLedger | None]:
    """Open the ledger; None if there is none, because opening it would make one.

    Raises LedgerUnusable.
    """
    directory = find_ledger_directory(settings)
    if not (directory / FILE).exists():
        yield None
        return
    with RequestLedger(directory) as ledger:
        yield ledger
