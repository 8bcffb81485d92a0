"""From where a replay goes to, to the target that takes it there."""

import contextlib
from collections.abc import AsyncGenerator, Mapping, Sequence
from pathlib import Path
from typing import assert_never

from bridge.core import catalogue
from bridge.publish.connection import Connection
from bridge.reader.selection import Source
from bridge.replay import Stamp, Target
from bridge.replay.manifest import Manifest, origin_of
from bridge.replay.progress import IN_FILES, Destination, Progress
from bridge.replay.targets.columns import of_events, of_journal, types_of
from bridge.replay.targets.file import File, csv_head, csv_lines, json_lines
from bridge.replay.targets.http import Url, client
from bridge.replay.targets.new_topic import create, names_for, planned_like
from bridge.replay.targets.parquet import Parquet
from bridge.replay.targets.topic import topics


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
    origin = origin_of(progress.plan, progress.skipped)
    query = progress.plan.query
    return file_target(
        progress.destination, query.source, query.types, origin=origin, stamp=progress.stamp
    )


def file_target(
    destination: Destination,
    source: Source,
    types: Sequence[str],
    *,
    origin: Mapping[str, object],
    stamp: Stamp,
) -> File | Parquet:
    """Return the target that writes a file, or a folder of files; raises NoParquet.

    ``source`` and ``types`` are what the records are, which says which columns there are.
    """
    path = Path(destination.place)
    if destination.kind == "jsonl":
        return File(path, json_lines, head=b"", manifest=Manifest(origin, stamp))
    is_journal = source == "journal"
    table = of_journal() if is_journal else of_events(types_of(catalogue.load().by_name, types))
    if destination.kind == "csv":
        manifest = Manifest(origin, stamp, table.columns)
        return File(path, csv_lines(table), head=csv_head(table), manifest=manifest)
    return Parquet(path, table, Manifest(origin, stamp, table.typed_columns, is_typed=True))
