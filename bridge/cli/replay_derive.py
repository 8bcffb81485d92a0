"""``callback-bridge replay derive``: the journal through today's code, beside what was published."""

import asyncio
from pathlib import Path
from typing import Annotated

import typer

from bridge.cli import replay_options as options
from bridge.cli.options import SettingsFile
from bridge.cli.replay_asked import query_of
from bridge.cli.replay_deriving import Asked, derived
from bridge.cli.showing import Json
from bridge.settings import for_kafka, load

_DIFFERS = 1


def derive(  # noqa: PLR0913 (a command's options)
    *,
    since: options.Since = None,
    until: options.Until = None,
    types: options.Types = None,
    calls: options.Calls = None,
    messages: options.Messages = None,
    accounts: options.Accounts = None,
    offsets: options.OffsetRanges = None,
    diff: Annotated[
        bool, typer.Option("--diff", help="Show what would change, field by field.")
    ] = False,
    verify: Annotated[
        bool, typer.Option("--verify", help="Check every stored signature again.")
    ] = False,
    tokens_file: Annotated[
        Path | None,
        typer.Option(
            help="Old tokens for --verify, in the form of BRIDGE_ACCOUNTS_FILE.", metavar="FILE"
        ),
    ] = None,
    write: Annotated[
        bool,
        typer.Option(
            "--write",
            help="Publish what is changed or new, into topics made for it, `<topic>.derived.<id>`: "
            "they are yours to delete.",
        ),
    ] = False,
    everything: Annotated[
        bool,
        typer.Option(
            "--all",
            help="Publish every event that can be derived: what is unchanged, and what is no longer "
            "on its topic, too.",
        ),
    ] = False,
    to_live: Annotated[
        bool,
        typer.Option(
            "--to-live",
            help="Publish into the live topics instead. Kafka deletes there what is older than the "
            "topic keeps.",
        ),
    ] = False,
    yes: options.Yes = False,
    json: Json = False,
    settings_file: SettingsFile = None,
) -> None:
    """Derive events from the journal again, and count what would change. Writes nothing by itself.

    Exit codes: 0 nothing would change; 1 something would, a record is no journal record, or a signature
    that was verified does not hold or lacks its key; 2 wrong usage; 3 Kafka or the disk cannot be had.
    """
    if tokens_file is not None and not verify:
        message = "is for --verify"
        raise typer.BadParameter(message, param_hint="--tokens-file")
    for given, name in ((everything, "--all"), (to_live, "--to-live")):
        if given and not write:
            message = "is for --write"
            raise typer.BadParameter(message, param_hint=name)
    query = query_of(
        source="journal",
        since=since,
        until=until,
        types=types,
        calls=calls,
        messages=messages,
        accounts=accounts,
        offsets=offsets,
    )
    asked = Asked(
        query=query,
        diff=diff,
        verify=verify,
        tokens_file=tokens_file,
        write=write,
        everything=everything,
        to_live=to_live,
        yes=yes,
        as_json=json,
    )
    if asyncio.run(derived(for_kafka(load(settings_file)), asked)).faults():
        raise typer.Exit(_DIFFERS)
