"""``callback-bridge tail``: events as they arrive."""

import asyncio
import contextlib
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Annotated

import typer

from bridge.cli import output
from bridge.cli.options import SettingsFile, parse_time
from bridge.cli.timeline import print_records
from bridge.core import catalogue
from bridge.core.journal import JOURNAL_TOPIC
from bridge.derived.own_records import PublishedType, list_event_types
from bridge.settings.load import Need, load

app = typer.Typer(add_completion=False)


@app.command()
def tail(  # noqa: PLR0913 (a command's options)
    *,
    kinds: Annotated[
        list[str] | None,
        typer.Option(
            "--type",
            help="Only this callback type, for example voice.call.hangup. Repeatable.",
        ),
    ] = None,
    call: Annotated[
        str | None,
        typer.Option(help="Only this call or message: its UUID, which is the records' key."),
    ] = None,
    since: Annotated[
        str | None,
        typer.Option(
            help="Start in the past: 2h, 30m or 1d ago, or 2026-03-07T14:00Z. Default: now."
        ),
    ] = None,
    raw: Annotated[
        bool,
        typer.Option(
            "--raw",
            help="Show the journal instead: every callback as received, and its other records.",
        ),
    ] = False,
    follow: Annotated[
        bool, typer.Option(help="Wait for new records until Ctrl-C, or stop at the present end.")
    ] = True,
    settings_file: SettingsFile = None,
) -> None:
    """Show events as they arrive: a timeline on a terminal, JSON lines in a pipe.

    The timeline shows the time, UTC, when the bridge received each callback. It does not join a consumer
    group, and moves no offsets.
    """
    settings = load(settings_file, Need.KAFKA)
    now = datetime.now(UTC)  # noqa: TID251 (a command reads the clock)
    begin = parse_time(since, now, "--since") if since else None
    types = catalogue.load_catalogue()
    listed = "`callback-bridge callbacks list`"
    known: Mapping[str, PublishedType] = types.by_name if raw else list_event_types(types)
    chosen = [output.lookup(name, known, "type", listed) for name in kinds or ()]
    names = [JOURNAL_TOPIC] if raw else [one.topic for one in chosen or known.values()]
    topics = list(dict.fromkeys(settings.topic_prefix + name for name in names))
    wanted = {one.name for one in chosen} if raw else set[str]()
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(print_records(settings, topics, begin, follow=follow, call=call, kinds=wanted))
