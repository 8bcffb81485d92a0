"""``callback-bridge replay derive``: the journal through today's code, beside what was published."""

import asyncio
from pathlib import Path
from typing import Annotated

import typer

from bridge.cli import replay_options as options
from bridge.cli.options import SettingsFile
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
        typer.Option(help="Old tokens for --verify, in the form of BRIDGE_ACCOUNTS_FILE."),
    ] = None,
    write: Annotated[
        bool,
        typer.Option("--write", help="Publish what is changed or new, into topics made for it."),
    ] = False,
    everything: Annotated[
        bool, typer.Option("--all", help="Publish what is unchanged too.")
    ] = False,
    to_live: Annotated[
        bool, typer.Option("--to-live", help="Publish into the live topics instead.")
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask before `--to-live`.")] = False,
    json: Json = False,
    settings_file: SettingsFile = None,
) -> None:
    """Derive events from the journal again, and count what would change. Writes nothing by itself.

    Exit code 1 if anything would change, or a signature that was verified does not verify.
    """
    if tokens_file is not None and not verify:
        message = "is for --verify"
        raise typer.BadParameter(message, param_hint="--tokens-file")
    for given, name in ((everything, "--all"), (to_live, "--to-live")):
        if given and not write:
            message = "is for --write"
            raise typer.BadParameter(message, param_hint=name)
    query = options.query_of(
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
