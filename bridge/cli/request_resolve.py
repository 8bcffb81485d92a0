"""``callback-bridge request resolve``: look at Plivo for calls whose outcome is unknown.

No call in the list proves nothing, so no destination is reported as not dialled (see ``resolution``).
"""

import asyncio
from collections.abc import Iterator
from typing import Annotated

import typer

from bridge.app.parts import make_naming
from bridge.cli import output
from bridge.cli.api_account import ApiAccount, choose_account, connect
from bridge.cli.exit_codes import EXIT_DIFFERS, EXIT_UNKNOWN
from bridge.cli.ledger import open_existing_ledger
from bridge.cli.options import AccountOption, SettingsFile
from bridge.cli.output import JsonOption
from bridge.normalise.time import to_rfc3339
from bridge.originate.ledger import RequestLedger
from bridge.originate.listed import ListedCall
from bridge.originate.originator import Originator, OriginatorRules
from bridge.originate.resolution import Resolution, Verdict
from bridge.settings.load import Settings, find_ledger_directory, load

app = typer.Typer(add_completion=False)


@app.command(
    "resolve", epilog="callback-bridge request resolve 0c7f6a52-d1e8-4b6f-9b1d-3a2c5e4f7081"
)
def resolve_request(
    reference: Annotated[
        str,
        typer.Argument(metavar="REFERENCE", help="The reference of a request in the local ledger."),
    ],
    *,
    account: AccountOption = None,
    settings_file: SettingsFile = None,
    json: JsonOption = False,
) -> None:
    """Search Plivo's list of calls for the calls of a request whose outcome is unknown.

    Use it if `request show` finds no callbacks of these calls. For each destination it lists the calls
    from the same number that began up to an hour after the request, and that belong to no other request
    of the ledger (BRIDGE_LEDGER_DIRECTORY). If Plivo lists none, that is no proof that it did not dial.

    Exit codes: 0 each has one call, or nothing is unknown; 1 not in the ledger, or Plivo refused to list
    its calls; 2 wrong usage; 3 cannot use Plivo's API or the disk; 4 some are still
    unknown.
    """
    settings = load(settings_file)
    with open_existing_ledger(settings) as ledger:
        entry = ledger.find(reference) if ledger else None
        if ledger is None or entry is None:
            where = find_ledger_directory(settings)
            output.print_stderr(f"no request {reference} is in the ledger in {where}")
            raise typer.Exit(EXIT_DIFFERS)
        if not entry.list_destinations("unknown"):
            output.print_stderr(f"nothing of {reference} is unknown: {entry.summary}")
            return
        chosen = choose_account(settings, account or entry.account)
        found = asyncio.run(_resolve(settings, ledger, chosen, reference))
    if output.wants_json(json):
        output.emit_json_lines(_to_rows(found))
    else:
        _print_table(found)
    output.print_stderr(
        f"searched: calls that began from {to_rfc3339(found.since)} to {to_rfc3339(found.until)}"
    )
    if not found.is_complete:
        output.print_stderr(
            "Plivo has more calls of that time than were read, so one may be missing"
        )
    if any(one.verdict is not Verdict.FOUND for one in found.findings):
        raise typer.Exit(EXIT_UNKNOWN)


async def _resolve(
    settings: Settings, ledger: RequestLedger, account: ApiAccount, reference: str
) -> Resolution:
    """Return what Plivo's list says. Raises PlivoError."""
    rules = OriginatorRules("", make_naming(settings))
    async with connect(settings, account) as plivo:
        return await Originator(plivo, ledger, None, rules=rules).resolve(reference)


def _to_rows(found: Resolution) -> Iterator[dict[str, object]]:
    for one in found.findings:
        yield {
            "reference": found.reference,
            "to": one.destination,
            "verdict": one.verdict,
            "explanation": one.explanation,
            "calls": [_describe_call(call) for call in one.calls],
            "is_list_complete": found.is_complete,
        }


def _describe_call(call: ListedCall) -> dict[str, object]:
    return {
        "call_uuid": call.call_uuid,
        "state": call.state,
        "began_at": None if call.began_at is None else to_rfc3339(call.began_at),
        "ended_at": None if call.ended_at is None else to_rfc3339(call.ended_at),
        "duration_s": call.duration_s,
    }


def _print_table(found: Resolution) -> None:
    rows = [
        (
            one.destination,
            one.verdict.replace("_", " "),
            "\n".join(f"{call.call_uuid} {call.state}" for call in one.calls) or "-",
        )
        for one in found.findings
    ]
    output.show(output.make_table(("to", "verdict", "calls"), rows))
    explained = dict.fromkeys((one.verdict, one.explanation) for one in found.findings)
    for verdict, explanation in explained:
        output.show(f"{verdict.replace('_', ' ')}: {explanation}")
