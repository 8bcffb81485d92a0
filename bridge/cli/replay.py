"""``callback-bridge replay``: records of the topics, again: planned, then run."""

import asyncio
from pathlib import Path
from typing import Annotated

import typer

from bridge.cli import replay_derive
from bridge.cli import replay_options as options
from bridge.cli.options import SettingsFile
from bridge.cli.replay_options import Asked
from bridge.cli.replay_running import NOT_ALL, planned, replayed
from bridge.cli.replay_shown import show_plan
from bridge.cli.showing import Json
from bridge.replay import TargetExists
from bridge.replay.files import write_durably
from bridge.replay.plan import to_json
from bridge.replay.selection import Query
from bridge.settings import for_kafka, load

app = typer.Typer(
    help="Replay what was received: into topics, into files, or to an URL.", no_args_is_help=True
)


app.command("derive")(replay_derive.derive)


@app.command("plan")
def plan(  # noqa: PLR0913 (a command's options)
    *,
    source: options.From = "events",
    since: options.Since = None,
    until: options.Until = None,
    types: options.Types = None,
    calls: options.Calls = None,
    messages: options.Messages = None,
    accounts: options.Accounts = None,
    offsets: options.OffsetRanges = None,
    out: Annotated[
        Path | None, typer.Option(help="Keep the plan in this file, for `run --plan`.")
    ] = None,
    json: Json = False,
    settings_file: SettingsFile = None,
) -> None:
    """Count what a replay would read, and fix where it ends. Writes nothing to Kafka.

    Exit code 1 if there is nothing.
    """
    query = options.query_of(
        source=source,
        since=since,
        until=until,
        types=types,
        calls=calls,
        messages=messages,
        accounts=accounts,
        offsets=offsets,
    )
    if out is not None and out.exists():  # said before everything is read
        raise _there(out)
    made = asyncio.run(planned(for_kafka(load(settings_file)), query))
    if out is not None:
        try:
            write_durably(out, [to_json(made)], anew=True)
        except FileExistsError as error:
            raise _there(out) from error
        except OSError as error:
            message = f"{out}: {error.strerror}"
            raise typer.BadParameter(message, param_hint="--out") from error
    show_plan(made, as_json=json)
    if not made.records:
        raise typer.Exit(NOT_ALL)


def _there(out: Path) -> TargetExists:
    return TargetExists(f"{out} is there already")


@app.command("run")
def run_replay(  # noqa: PLR0913 (a command's options)
    *,
    plan_file: Annotated[
        Path | None, typer.Option("--plan", help="A plan of `replay plan --out`.")
    ] = None,
    source: options.From = "events",
    since: options.Since = None,
    until: options.Until = None,
    types: options.Types = None,
    calls: options.Calls = None,
    messages: options.Messages = None,
    accounts: options.Accounts = None,
    offsets: options.OffsetRanges = None,
    to_live: Annotated[
        bool, typer.Option("--to-live", help="Into the topics themselves, behind what is there.")
    ] = False,
    to_jsonl: Annotated[Path | None, typer.Option(help="Into a file of JSON lines.")] = None,
    to_csv: Annotated[Path | None, typer.Option(help="Into a CSV file.")] = None,
    to_parquet: Annotated[Path | None, typer.Option(help="Into a folder of Parquet.")] = None,
    to_url: Annotated[
        str | None,
        typer.Option(help="The requests themselves, to this URL. Needs `--from journal`."),
    ] = None,
    pace: options.PaceOption = None,
    progress_file: Annotated[
        Path | None,
        typer.Option(
            "--progress", help="Where progress is kept. One that is not finished is gone on with."
        ),
    ] = None,
    skipped: options.Skipped = None,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask before `--to-live`.")] = False,
    settings_file: SettingsFile = None,
) -> None:
    """Replay a plan, or what the options select: into new topics unless a --to option says else.

    What is durable is noted in a progress file. Say the same again with that file, after a crash or
    Ctrl-C, and it goes on where it was: `--plan`, and the options for files, name one by themselves.
    Exit code 1 if not everything that was planned could be replayed, or an URL answered anything
    but 2xx.
    """
    query = options.query_of(
        source=source,
        since=since,
        until=until,
        types=types,
        calls=calls,
        messages=messages,
        accounts=accounts,
        offsets=offsets,
    )
    if plan_file is not None and query != Query():
        message = "a plan says what to read: leave the options that select out"
        raise typer.BadParameter(message, param_hint="--plan")
    asked = Asked(
        query=query,
        plan_file=plan_file,
        destination=options.destination_of(
            live=to_live, jsonl=to_jsonl, csv=to_csv, parquet=to_parquet, url=to_url
        ),
        pace=options.pace_of(pace),
        progress_file=progress_file,
        skipped=options.skipped_of(skipped),
        yes=yes,
    )
    try:
        code = asyncio.run(replayed(for_kafka(load(settings_file)), asked))
    except asyncio.CancelledError:
        raise KeyboardInterrupt from None
    if code:
        raise typer.Exit(code)
