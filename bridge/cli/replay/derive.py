"""``callback-bridge replay derive``: the journal through today's code, beside what was published."""

import asyncio
from collections.abc import Mapping

import typer

from bridge.cli.options import SettingsFile
from bridge.cli.output import JsonOption
from bridge.cli.replay import options
from bridge.cli.replay.derive_run import DeriveRequest, derive_journal
from bridge.cli.replay.request import parse_destination, parse_query
from bridge.settings.load import Need, load

_EXIT_DIFFERS = 1


def derive(  # noqa: PLR0913 (a command's options)
    *,
    since: options.Since = None,
    until: options.Until = None,
    types: options.Types = None,
    calls: options.Calls = None,
    messages: options.Messages = None,
    accounts: options.Accounts = None,
    offsets: options.OffsetRanges = None,
    diff: options.Diff = False,
    verify: options.Verify = False,
    tokens_file: options.TokensFile = None,
    write: options.Write = False,
    everything: options.Everything = False,
    to_live: options.WriteToLive = False,
    to_jsonl: options.ToJsonl = None,
    to_csv: options.ToCsv = None,
    to_parquet: options.ToParquet = None,
    yes: options.Yes = False,
    json: JsonOption = False,
    settings_file: SettingsFile = None,
) -> None:
    """Derive events from the journal again, and count what would change. Writes nothing by itself.

    --to-jsonl, --to-csv and --to-parquet write every event that can be derived, each once, as files of
    `replay run`. They are not resumed: a run that stops deletes what it wrote, and begins anew.

    Exit codes: 0 nothing would change; 1 something would, a record is no journal record, or a signature
    that was verified does not hold or lacks its key; 2 wrong usage; 3 Kafka or the disk cannot be had.
    """
    _require_with("--verify", verify, {"--tokens-file": tokens_file is not None})
    _require_with("--write", write, {"--all": everything, "--to-live": to_live})
    destination = parse_destination(
        live=False, jsonl=to_jsonl, csv=to_csv, parquet=to_parquet, url=None
    )
    if write and destination is not None:
        message = (
            "publishes to topics: leave it out, or leave out --to-jsonl, --to-csv or --to-parquet"
        )
        raise typer.BadParameter(message, param_hint="--write")
    query = parse_query(
        source="journal",
        since=since,
        until=until,
        types=types,
        calls=calls,
        messages=messages,
        accounts=accounts,
        offsets=offsets,
    )
    asked = DeriveRequest(
        query=query,
        diff=diff,
        verify=verify,
        tokens_file=tokens_file,
        write=write,
        write_all=everything,
        to_live=to_live,
        yes=yes,
        as_json=json,
        destination=destination,
    )
    if asyncio.run(derive_journal(load(settings_file, Need.KAFKA), asked)).list_faults():
        raise typer.Exit(_EXIT_DIFFERS)


def _require_with(option: str, is_given: bool, more: Mapping[str, bool]) -> None:  # noqa: FBT001 (two words of a sentence)
    """Refuse the options that are given and mean nothing without another."""
    for name, is_there in more.items():
        if is_there and not is_given:
            message = f"is for {option}"
            raise typer.BadParameter(message, param_hint=name)
