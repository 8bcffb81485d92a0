"""The options of ``replay``: their names, what they take, and what they mean."""

from pathlib import Path
from typing import Annotated

import typer

from bridge.reader.selection import Source

From = Annotated[
    Source,
    typer.Option(
        "--from",
        help="`events`: the topics of the types. `journal`: every callback as it came.",
    ),
]
Since = Annotated[
    str | None,
    typer.Option(
        help="Received then or later: 2h, 30m, 1d ago, or 2026-03-07T14:00+01:00; UTC without an "
        "offset.",
        metavar="TIME",
    ),
]
Until = Annotated[
    str | None, typer.Option(help="Received before then; the same forms.", metavar="TIME")
]
Types = Annotated[
    list[str] | None,
    typer.Option(
        "--type",
        help="Only this callback type, such as voice.call.hangup. Repeatable.",
        metavar="TYPE",
    ),
]
Calls = Annotated[
    list[str] | None,
    typer.Option(
        "--call",
        help="Only what names this call: its UUID. Repeatable. With --message: what names both.",
        metavar="UUID",
    ),
]
Messages = Annotated[
    list[str] | None,
    typer.Option(
        "--message", help="Only what names this message: its UUID. Repeatable.", metavar="UUID"
    ),
]
Accounts = Annotated[
    list[str] | None,
    typer.Option(
        "--account",
        help="Only this account or subaccount: its auth id. Repeatable.",
        metavar="AUTH_ID",
    ),
]
OffsetRanges = Annotated[
    list[str] | None,
    typer.Option(
        "--offsets",
        help="Only these offsets of this topic, both included; without TO to the end. Repeatable.",
        metavar="TOPIC:PARTITION:FROM-TO",
    ),
]
Out = Annotated[
    Path | None,
    typer.Option(
        help="Keep the plan in this file, which must not be there yet, for `run --plan`.",
        metavar="FILE",
    ),
]
PlanFile = Annotated[
    Path | None, typer.Option("--plan", help="A plan of `replay plan --out`.", metavar="FILE")
]
ToLive = Annotated[
    bool,
    typer.Option(
        "--to-live",
        help="Into the topics themselves, behind what is there. Kafka deletes there what is older "
        "than the topic keeps.",
    ),
]
ToJsonl = Annotated[
    Path | None,
    typer.Option(
        help="Into a file of JSON lines, with FILE.manifest.json beside it. It is FILE.….partial "
        "until it is whole.",
        metavar="FILE",
    ),
]
ToCsv = Annotated[Path | None, typer.Option(help="Into a CSV file, likewise.", metavar="FILE")]
ToParquet = Annotated[
    Path | None,
    typer.Option(
        help="Into Parquet files in a folder, with FOLDER.manifest.json beside it. Needs "
        r"`pip install '.\[export]'` in a checkout of the project.",
        metavar="FOLDER",
    ),
]
ToUrl = Annotated[
    str | None,
    typer.Option(
        help="The requests themselves, to this URL. Needs `--from journal`.", metavar="URL"
    ),
]
PaceOption = Annotated[
    str | None,
    typer.Option(
        "--pace",
        help="100/s, or 2x for twice the original speed. Default: as fast as possible.",
        metavar="PACE",
    ),
]
ProgressFile = Annotated[
    Path | None,
    typer.Option(
        "--progress",
        help="Where progress is kept: a replay that is not finished goes on. Default: the name of the "
        "file, the folder or the plan with `.progress.json` behind it, else "
        "`replay-<replay id>.progress.json`. Without a terminal --to-live and --to-url need this or "
        "--plan.",
        metavar="FILE",
    ),
]
Skipped = Annotated[
    list[str] | None,
    typer.Option(
        "--skip",
        help="Leave this record out, such as one that an URL answers 500 for ever. Repeatable; it is "
        "noted with the progress, and exit code 1 at the end.",
        metavar="TOPIC:PARTITION:OFFSET",
    ),
]
Yes = Annotated[bool, typer.Option("--yes", help="Do not ask before `--to-live`.")]
Diff = Annotated[bool, typer.Option("--diff", help="Show what would change, field by field.")]
Verify = Annotated[bool, typer.Option("--verify", help="Check every stored signature again.")]
TokensFile = Annotated[
    Path | None,
    typer.Option(
        help="Old tokens for --verify, in the form of BRIDGE_ACCOUNTS_FILE.", metavar="FILE"
    ),
]
Write = Annotated[
    bool,
    typer.Option(
        "--write",
        help="Publish what is changed or new, into topics made for it, `<topic>.derived.<id>`: "
        "they are yours to delete.",
    ),
]
Everything = Annotated[
    bool,
    typer.Option(
        "--all",
        help="Publish every event that can be derived: what is unchanged, and what is no longer "
        "on its topic, too.",
    ),
]
WriteToLive = Annotated[
    bool,
    typer.Option(
        "--to-live",
        help="Publish into the live topics instead. Kafka deletes there what is older than the "
        "topic keeps.",
    ),
]
