"""The options of ``replay``: their names, what they take, and what they mean."""

from pathlib import Path
from typing import Annotated

import typer

from bridge.reader.selection import Source

From = Annotated[
    Source,
    typer.Option(
        "--from",
        help="`events`: the topics of the types. `journal`: every callback as it was received.",
    ),
]
Since = Annotated[
    str | None,
    typer.Option(
        help="Only received then or later: 2h, 30m or 1d ago, or 2026-03-07T14:00+01:00; UTC "
        "without an offset.",
        metavar="TIME",
    ),
]
Until = Annotated[
    str | None, typer.Option(help="Only received before then; same forms.", metavar="TIME")
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
        help="Only records of this call: its UUID. Repeatable. With --message: records of both.",
        metavar="UUID",
    ),
]
Messages = Annotated[
    list[str] | None,
    typer.Option(
        "--message", help="Only records of this message: its UUID. Repeatable.", metavar="UUID"
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
        help="Only these offsets, both included; to the end without TO. Repeatable.",
        metavar="TOPIC:PARTITION:FROM-TO",
    ),
]
Out = Annotated[
    Path | None,
    typer.Option(
        help="Write the plan to this new file, for `run --plan`.",
        metavar="FILE",
    ),
]
PlanFile = Annotated[
    Path | None,
    typer.Option("--plan", help="A plan that `replay plan --out` wrote.", metavar="FILE"),
]
ToLive = Annotated[
    bool,
    typer.Option(
        "--to-live",
        help="Append to the live topics. Kafka deletes records there that are older than the topic's "
        "retention.",
    ),
]
ToJsonl = Annotated[
    Path | None,
    typer.Option(
        help="Write a file of JSON lines, with FILE.manifest.json beside it. It is named "
        "FILE.….partial until it is complete.",
        metavar="FILE",
    ),
]
ToCsv = Annotated[Path | None, typer.Option(help="Write a CSV file, likewise.", metavar="FILE")]
ToParquet = Annotated[
    Path | None,
    typer.Option(
        help="Write Parquet files to a folder, with FOLDER.manifest.json beside it. Needs "
        r"`pip install '.\[export]'` in a checkout of the project.",
        metavar="FOLDER",
    ),
]
ToUrl = Annotated[
    str | None,
    typer.Option(help="Send the requests to this URL. Needs `--from journal`.", metavar="URL"),
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
        help="Progress file, from which an unfinished replay resumes. Default: the name of the file, "
        "the folder or the plan with `.progress.json` appended, else "
        "`replay-<replay id>.progress.json`. Without a terminal, --to-live and --to-url need "
        "this or --plan.",
        metavar="FILE",
    ),
]
Skipped = Annotated[
    list[str] | None,
    typer.Option(
        "--skip",
        help="Leave this record out, for example one that a URL always answers with 500. "
        "Repeatable. The exit code is then 1.",
        metavar="TOPIC:PARTITION:OFFSET",
    ),
]
Yes = Annotated[bool, typer.Option("--yes", help="Do not ask for confirmation of `--to-live`.")]
Diff = Annotated[bool, typer.Option("--diff", help="Show every change, field by field.")]
Verify = Annotated[bool, typer.Option("--verify", help="Check every stored signature again.")]
TokensFile = Annotated[
    Path | None,
    typer.Option(
        help="Old tokens for --verify, in the format of BRIDGE_ACCOUNTS_FILE.", metavar="FILE"
    ),
]
Write = Annotated[
    bool,
    typer.Option(
        "--write",
        help="Publish changed and new events to new topics, `<topic>.derived.<id>`. Delete them "
        "when you no longer need them.",
    ),
]
Everything = Annotated[
    bool,
    typer.Option(
        "--all",
        help="Publish every event that can be derived, also unchanged and expired ones.",
    ),
]
WriteToLive = Annotated[
    bool,
    typer.Option(
        "--to-live",
        help="Publish to the live topics instead. Kafka deletes records there that are older than "
        "the topic's retention.",
    ),
]
