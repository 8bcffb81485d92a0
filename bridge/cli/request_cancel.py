"""``callback-bridge request cancel``: take back calls that wait at Plivo, or ring."""

import asyncio
from collections.abc import Mapping
from typing import Annotated, NamedTuple

import typer

from bridge.cli import output
from bridge.cli.api_account import choose_account, connect
from bridge.cli.exit_codes import EXIT_CANNOT_CONNECT, EXIT_DIFFERS, EXIT_UNKNOWN, EXIT_USAGE
from bridge.cli.ledger import open_existing_ledger
from bridge.cli.options import AccountOption, SettingsFile
from bridge.cli.output import JsonOption
from bridge.originate.client import PlivoCalls
from bridge.originate.entry import LedgerEntry
from bridge.originate.errors import NotSent, OutcomeUnknown, RequestRefused
from bridge.settings.load import load

app = typer.Typer(add_completion=False)


class _Cancelled(NamedTuple):
    """One of Plivo's requests, whether it was cancelled (None: unknown), and why not.

    ``request_uuid`` None: Plivo's answer with it was lost, or did not have it.
    """

    request_uuid: str | None
    to: str | None
    is_cancelled: bool | None
    explanation: str


@app.command("cancel", epilog="callback-bridge request cancel 0c7f6a52-d1e8-4b6f-9b1d-3a2c5e4f7081")
def cancel_request(
    identity: Annotated[
        str,
        typer.Argument(
            metavar="ID", help="The reference of a request, or one of Plivo's request UUIDs."
        ),
    ],
    *,
    account: AccountOption = None,
    settings_file: SettingsFile = None,
    json: JsonOption = False,
) -> None:
    """Cancel the calls of a request that nobody has answered yet.

    A reference that the ledger knows stands for all calls of its request. One whose request UUID is not
    in the ledger cannot be cancelled by it, and counts as unknown. A call that was answered goes on:
    `call hangup` ends it.

    Exit codes: 0 all were cancelled; 1 Plivo refused some; 2 wrong usage; 3 cannot use Plivo's API or
    the disk; 4 unknown.
    """
    settings = load(settings_file)
    with open_existing_ledger(settings) as ledger:
        entry = ledger.find(identity) if ledger else None
    unnamed: list[_Cancelled] = []
    if entry is None:
        requests: dict[str, str | None] = {identity: None}
    else:
        account = account or entry.account
        requests = _list_requests(entry)
        unnamed = _list_unnamed(entry)
        if not (requests or unnamed):
            output.print_stderr(f"Plivo took no call of {identity}: {entry.summary}")
            raise typer.Exit(EXIT_USAGE)
    chosen = choose_account(settings, account)
    as_json = output.wants_json(json)
    done: list[_Cancelled] = []
    try:
        asyncio.run(_cancel_all(connect(settings, chosen), requests, done))
    except NotSent as fault:
        if not done:
            raise
        _print_cancelled([*done, *unnamed], as_json=as_json)
        left = len(requests) - len(done)
        output.print_stderr(
            f"{left:,} of {len(requests):,} calls were not cancelled: {fault}", style="red"
        )
        raise typer.Exit(EXIT_CANNOT_CONNECT) from None
    done += unnamed
    _print_cancelled(done, as_json=as_json)
    if any(one.is_cancelled is None for one in done):
        raise typer.Exit(EXIT_UNKNOWN)
    if not all(one.is_cancelled for one in done):
        raise typer.Exit(EXIT_DIFFERS)


def _list_requests(entry: LedgerEntry) -> dict[str, str | None]:
    """Return the destination of each of Plivo's requests, None if it is not known."""
    found: dict[str, str | None] = {}
    for part in entry.parts:
        if part.placement is None:
            continue
        found |= dict.fromkeys(part.placement.request_uuids)
        pairs = part.placement.pair_destinations()
        found |= {uuid: destination for destination, uuid in pairs if uuid is not None}
    return found


def _list_unnamed(entry: LedgerEntry) -> list[_Cancelled]:
    """Return the destinations that Plivo may call, and whose request UUID the ledger does not have."""
    explanation = (
        "not cancelled, because Plivo's id of it is not in the ledger: `callback-bridge request show "
        f"{entry.reference}` shows the calls whose callbacks came; cancel each by its id"
    )
    return [
        _Cancelled(None, to, is_cancelled=None, explanation=explanation)
        for part in entry.parts
        if part.state in {"accepted", "unknown"}
        and len(part.placement.request_uuids if part.placement else ()) < len(part.destinations)
        for to in part.destinations
    ]


def _print_cancelled(done: list[_Cancelled], *, as_json: bool) -> None:
    if as_json:
        output.emit_json_lines(one._asdict() for one in done)
        return
    rows = [
        (one.request_uuid or "-", one.to or "-", one.explanation or "cancelled") for one in done
    ]
    output.show(output.make_table(("request", "to", "outcome"), rows))


async def _cancel_all(
    plivo: PlivoCalls, requests: Mapping[str, str | None], done: list[_Cancelled]
) -> None:
    """Cancel requests one after the other, and add each to ``done``. Raises NotSent."""
    async with plivo:
        for uuid, to in requests.items():
            done.append(await _cancel(plivo, uuid, to))


async def _cancel(plivo: PlivoCalls, request_uuid: str, to: str | None) -> _Cancelled:
    """Cancel one request. What Plivo answers does not keep the others. Raises NotSent."""
    try:
        await plivo.cancel(request_uuid)
    except RequestRefused as refused:
        return _Cancelled(request_uuid, to, is_cancelled=False, explanation=str(refused))
    except OutcomeUnknown as unknown:
        return _Cancelled(request_uuid, to, is_cancelled=None, explanation=str(unknown))
    return _Cancelled(request_uuid, to, is_cancelled=True, explanation="")
