"""From where a replay goes to, to the target that takes it there."""

import contextlib
from collections.abc import AsyncGenerator
from pathlib import Path
from typing import assert_never

from bridge import catalogue
from bridge.publish.connection import Connection
from bridge.replay import Target
from bridge.replay.columns import Table, of_events, of_journal, types_of
from bridge.replay.manifest import Manifest
from bridge.replay.new_topic import create, names_for, planned_like
from bridge.replay.plan import Plan
from bridge.replay.progress import IN_FILES, Progress
from bridge.replay.to_file import File, csv_head, csv_lines, json_lines
from bridge.replay.to_parquet import Parquet
from bridge.replay.to_topic import topics
from bridge.replay.to_url import Url, client


def topic_names(progress: Progress) -> dict[str, str]:
    """Return the topic each source topic is replayed into; none for other destinations."""
    sources = progress.plan.topics
    if progress.destination.kind == "live":
        return dict(zip(sources, sources, strict=True))
    if progress.destination.kind == "new-topic":
        return names_for(sources, progress.stamp.id)
    return {}


@contextlib.asynccontextmanager
async def opened(
    connection: Connection, progress: Progress, *, idempotence: bool, at_once: bool
) -> AsyncGenerator[Target]:
    """Run the target of a replay, gone on with where it settled.

    Raises CannotWrite, TargetExists, InUse, NoParquet and ProvisioningRefused.
    """
    kind = progress.destination.kind
    match kind:
        case "new-topic" | "live":
            names = topic_names(progress)
            if names and kind == "new-topic":
                planned = await planned_like(connection, names)
                await create(connection, planned, written=progress.records > 0)
            async with topics(
                connection,
                progress.plan.stretches,
                names,
                stamp=progress.stamp,
                idempotence=idempotence,
                at_once=at_once,
            ) as target:
                yield target
        case "jsonl" | "csv" | "parquet":
            file = _file(progress)
            try:
                file.open(progress.state)
                yield file
            finally:
                file.close()
        case "url":
            async with client() as http:
                url = Url(http, progress.destination.place, progress.stamp)
                url.open(progress.state)
                yield url
        case _:
            assert_never(kind)


def is_there(progress: Progress) -> bool:
    """Say whether the files a finished replay made are still there; of other places nothing is said."""
    if progress.destination.kind not in IN_FILES or progress.state is None:
        return True
    return _file(progress).is_complete(progress.state)


def _file(progress: Progress) -> File | Parquet:
    path = Path(progress.destination.place)
    table = None if progress.destination.kind == "jsonl" else _table(progress.plan)
    is_typed = progress.destination.kind == "parquet"
    columns = None
    if table is not None:
        columns = table.typed_columns if is_typed else table.columns
    manifest = Manifest(
        progress.plan, progress.stamp, columns, is_typed=is_typed, skipped=progress.skipped
    )
    if table is None:
        return File(path, json_lines, head=b"", manifest=manifest)
    if progress.destination.kind == "csv":
        return File(path, csv_lines(table), head=csv_head(table), manifest=manifest)
    return Parquet(path, table, manifest)


def _table(plan: Plan) -> Table:
    if plan.query.source == "journal":
        return of_journal()
    return of_events(types_of(catalogue.load().by_name, plan.query.types))
