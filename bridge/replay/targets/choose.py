"""Create the target of a replay from its destination."""

import contextlib
from collections.abc import AsyncGenerator, Mapping, Sequence
from pathlib import Path
from typing import assert_never

from bridge.core import catalogue
from bridge.derived.own_records import list_event_types
from bridge.publish.connection import KafkaConnection
from bridge.reader.selection import Source
from bridge.replay import ReplayRun, Target
from bridge.replay.manifest import Manifest, describe_plan
from bridge.replay.progress import IN_FILES, Destination, Progress
from bridge.replay.targets.columns import build_event_table, build_journal_table, select_types
from bridge.replay.targets.file import (
    LineFile,
    encode_csv_header,
    encode_json_lines,
    make_csv_encoder,
)
from bridge.replay.targets.http import HttpTarget, create_client
from bridge.replay.targets.new_topic import create_topics, name_new_topics, plan_new_topics
from bridge.replay.targets.parquet import ParquetFolder
from bridge.replay.targets.topic import open_topics, route


def map_topics(progress: Progress) -> dict[str, str]:
    """Return the target topic of each source topic; empty for other destinations."""
    sources = progress.plan.topics
    if progress.destination.kind == "live":
        return dict(zip(sources, sources, strict=True))
    if progress.destination.kind == "new-topic":
        return name_new_topics(sources, progress.run.id)
    return {}


@contextlib.asynccontextmanager
async def open_target(
    connection: KafkaConnection, progress: Progress, *, idempotence: bool, at_once: bool
) -> AsyncGenerator[Target]:
    """Run the target of a replay, continuing at its last flush.

    Raises CannotWrite, TargetExists, InUse, ParquetUnavailable and ProvisioningRefused.
    """
    kind = progress.destination.kind
    match kind:
        case "new-topic" | "live":
            names = map_topics(progress)
            if names and kind == "new-topic":
                planned = await plan_new_topics(connection, names)
                await create_topics(connection, planned, has_records=progress.records > 0)
            async with open_topics(
                connection,
                route(progress.plan.ranges, names),
                run=progress.run,
                idempotence=idempotence,
                at_once=at_once,
            ) as target:
                yield target
        case "jsonl" | "csv" | "parquet":
            file = _create_file(progress)
            try:
                file.open(progress.state)
                yield file
            finally:
                file.close()
        case "url":
            async with create_client() as http:
                url = HttpTarget(http, progress.destination.location, progress.run)
                url.open(progress.state)
                yield url
        case _:
            assert_never(kind)


def is_output_intact(progress: Progress) -> bool:
    """Return True if the files of a finished replay still exist; always True for other destinations."""
    if progress.destination.kind not in IN_FILES or progress.state is None:
        return True
    return _create_file(progress).is_complete(progress.state)


def _create_file(progress: Progress) -> LineFile | ParquetFolder:
    origin = describe_plan(progress.plan, progress.skipped)
    query = progress.plan.query
    return create_file_target(
        progress.destination, query.source, query.types, origin=origin, run=progress.run
    )


def create_file_target(
    destination: Destination,
    source: Source,
    types: Sequence[str],
    *,
    origin: Mapping[str, object],
    run: ReplayRun,
) -> LineFile | ParquetFolder:
    """Return the target for a file, or for a folder of files; raises ParquetUnavailable.

    ``source`` and ``types`` determine the columns.
    """
    path = Path(destination.location)
    if destination.kind == "jsonl":
        return LineFile(path, encode_json_lines, head=b"", manifest=Manifest(origin, run))
    is_journal = source == "journal"
    table = (
        build_journal_table()
        if is_journal
        else build_event_table(select_types(list_event_types(catalogue.load_catalogue()), types))
    )
    if destination.kind == "csv":
        manifest = Manifest(origin, run, table.columns)
        return LineFile(
            path, make_csv_encoder(table), head=encode_csv_header(table), manifest=manifest
        )
    return ParquetFolder(path, table, Manifest(origin, run, table.typed_columns, is_typed=True))
