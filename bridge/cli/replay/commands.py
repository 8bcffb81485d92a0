"""``callback-bridge replay``: records of the topics, again: planned, then run."""

import asyncio
from pathlib import Path

import typer

from bridge.cli.options import SettingsFile
from bridge.cli.output import JsonOption
from bridge.cli.replay import derive, options
from bridge.cli.replay.output import show_plan
from bridge.cli.replay.request import (
    RunRequest,
    parse_destination,
    parse_pace_option,
    parse_query,
    parse_skip_option,
    refuse_plan_with_filters,
)
from bridge.cli.replay.retention import journal_plan_command
from bridge.cli.replay.run import EXIT_INCOMPLETE, plan_replay, start_or_resume
from bridge.replay import CannotWrite, TargetExists
from bridge.replay.atomic_file import write_durably
from bridge.replay.plan import dump_plan
from bridge.settings.load import Need, load

app = typer.Typer(
    add_completion=False,
    help="Replay stored records: into topics, into files, or to a URL.",
    epilog="""callback-bridge replay plan --from journal --since 1d --out day.plan

callback-bridge replay run --plan day.plan --to-jsonl day.jsonl

callback-bridge replay derive --since 1d --diff""",
    no_args_is_help=True,
)

# Paragraphs, because lines of one are joined.
_PLAN_EXAMPLES = """
callback-bridge replay plan --from journal --since 2026-03-03 --until 2026-03-04 --out tuesday.plan

callback-bridge replay plan --type voice.call.hangup --account MAXXXXXXXXXXXXXXXXXX --since 2h
"""
_RUN_ENDS = (
    "Exit codes: 0 everything that was planned; 1 not everything, nothing at all, or an URL answered "
    "other than 2xx; 2 wrong usage, or a file that is there already; 3 Kafka, the disk or the URL "
    "cannot be had: go on later; 130 stopped."
    """

callback-bridge replay run --plan tuesday.plan

callback-bridge replay run --from journal --since 2026-03-03 --to-jsonl tuesday.jsonl

callback-bridge replay run --type voice.call.hangup --since 2h --to-live --progress hangups.json

callback-bridge replay run --plan tuesday.plan --to-url http://localhost:8080 --pace 50/s
"""
)
_DERIVE_EXAMPLES = """
callback-bridge replay derive --since 2026-03-03 --until 2026-03-04 --diff --verify

callback-bridge replay derive --type voice.call.hangup --since 1d --write

callback-bridge replay derive --type voice.call.hangup --since 90d --to-parquet hangups
"""


@app.command("plan", epilog=_PLAN_EXAMPLES)
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
    out: options.Out = None,
    json: JsonOption = False,
    settings_file: SettingsFile = None,
) -> None:
    """Count what a replay would read, and fix where it ends. Writes nothing to Kafka.

    If the topics no longer hold the time that is asked for, it says so, with the command that gets it
    from the journal; with --json in `no_longer_held`.

    Exit codes: 0 there is something; 1 there is nothing, or offsets are not there; 2 wrong usage, or a
    file that is there already; 3 Kafka cannot be had.
    """
    query = parse_query(
        source=source,
        since=since,
        until=until,
        types=types,
        calls=calls,
        messages=messages,
        accounts=accounts,
        offsets=offsets,
    )
    if out is not None:  # said before everything is read
        if out.exists():
            raise _there(out)
        if not out.parent.is_dir():
            message = f"{out.parent}: no such folder"
            raise typer.BadParameter(message, param_hint="--out")
    settings = load(settings_file, Need.KAFKA)
    command = journal_plan_command(
        query, prefix=settings.topic_prefix, out=out, settings_file=settings_file
    )
    made, loss = asyncio.run(plan_replay(settings, query, command))
    if out is not None:
        try:
            write_durably(out, [dump_plan(made)], exclusive=True)
        except FileExistsError as error:
            raise _there(out) from error
        except OSError as error:
            message = f"{out}: {error.strerror}"
            raise CannotWrite(message) from error
    show_plan(made, loss, as_json=json)
    if not made.records:
        raise typer.Exit(EXIT_INCOMPLETE)


def _there(out: Path) -> TargetExists:
    return TargetExists(f"{out} is there already")


@app.command("run", epilog=_RUN_ENDS)
def run_replay(  # noqa: PLR0913 (a command's options)
    *,
    plan_file: options.PlanFile = None,
    source: options.From = "events",
    since: options.Since = None,
    until: options.Until = None,
    types: options.Types = None,
    calls: options.Calls = None,
    messages: options.Messages = None,
    accounts: options.Accounts = None,
    offsets: options.OffsetRanges = None,
    to_live: options.ToLive = False,
    to_jsonl: options.ToJsonl = None,
    to_csv: options.ToCsv = None,
    to_parquet: options.ToParquet = None,
    to_url: options.ToUrl = None,
    pace: options.PaceOption = None,
    progress_file: options.ProgressFile = None,
    skipped: options.Skipped = None,
    yes: options.Yes = False,
    settings_file: SettingsFile = None,
) -> None:
    """Replay a plan, or what the options select: into new topics unless a --to option says else.

    A new topic is called `<topic>.replay.<replay id>` and keeps its records: it is yours to delete.
    What is durable is noted in a progress file. Say the same again with that file, after a crash or
    Ctrl-C, and it goes on where it was.
    """
    query = parse_query(
        source=source,
        since=since,
        until=until,
        types=types,
        calls=calls,
        messages=messages,
        accounts=accounts,
        offsets=offsets,
    )
    refuse_plan_with_filters(plan_file, query)
    to = parse_destination(live=to_live, jsonl=to_jsonl, csv=to_csv, parquet=to_parquet, url=to_url)
    asked = RunRequest(
        query=query,
        plan_file=plan_file,
        destination=to,
        pace=parse_pace_option(pace),
        progress_file=progress_file,
        skipped=parse_skip_option(skipped),
        yes=yes,
        settings_file=settings_file,
    )
    _run(asked, settings_file)


def _run(asked: RunRequest, settings_file: Path | None) -> None:
    try:
        code = asyncio.run(start_or_resume(load(settings_file, Need.KAFKA), asked))
    except asyncio.CancelledError:
        raise KeyboardInterrupt from None
    if code:
        raise typer.Exit(code)


app.command("derive", epilog=_DERIVE_EXAMPLES)(derive.derive)
