"""A journal derived again as the command line runs it: read, judged, shown and, if asked, written."""

import asyncio
import contextlib
import secrets
import sys
from collections.abc import AsyncGenerator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import typer

from bridge.app.build import make_accounts, make_naming, make_replay_connection
from bridge.audit.derive import (
    CannotDerive,
    DeriveHooks,
    DeriveInput,
    Deriver,
    DeriveResult,
    DeriveScope,
    DeriveState,
    DeriveSummary,
    derive_journal_records,
    find_derive_input,
)
from bridge.audit.derived_output import DerivedFile, DerivedTopics, SourcedEvent
from bridge.audit.reverify import Reverifier, ReverifyVerdict
from bridge.cli import output
from bridge.cli.replay import request
from bridge.cli.replay.derive_output import show_bad_signature, show_difference, show_summary
from bridge.cli.replay.output import ProgressBar, existing_topics
from bridge.cli.replay.retention import find_journal_retention_loss
from bridge.core import catalogue
from bridge.core.event import JOURNAL_TOPIC
from bridge.core.parse import Parser
from bridge.normalise.time import to_rfc3339
from bridge.publish.publisher import KafkaPublisher
from bridge.reader.journal import NotAJournalRecord, parse_journal_record
from bridge.reader.merged_reader import count_offsets
from bridge.reader.selection import Query, parse_offsets
from bridge.replay import CannotWrite, ReplayRun, TargetExists
from bridge.replay.progress import Destination
from bridge.replay.targets.choose import create_file_target
from bridge.settings.accounts import AccountSettings
from bridge.settings.load import Settings, read_accounts
from bridge.telemetry import logs

_ACK_TIMEOUT_S: Final = 60.0
_CONNECT_S: Final = 20.0
_PUBLISHED_STATES: Final = frozenset({DeriveState.CHANGED, DeriveState.NEW})


@dataclass(frozen=True, slots=True)
class DeriveRequest:
    """What ``replay derive`` was asked for."""

    query: Query
    diff: bool
    verify: bool
    tokens_file: Path | None
    write: bool
    write_all: bool
    to_live: bool
    yes: bool
    as_json: bool
    destination: Destination | None = None
    """A file, or a folder of files, for every event that can be derived."""

    @property
    def writes_all(self) -> bool:
        """Say whether every event is to be written, and not only what changed."""
        return self.write_all or self.destination is not None


async def derive_journal(settings: Settings, asked: DeriveRequest) -> DeriveSummary:
    """Return what was found, everything shown and written; raises BadParameter and CannotRead."""
    logs.configure("console", "error")
    journal = settings.topic_prefix + JOURNAL_TOPIC
    if any(parse_offsets(text).topic != journal for text in asked.query.offsets):
        message = f"only {journal} is derived again: choose among its offsets"
        raise typer.BadParameter(message, param_hint="--offsets")
    keys = (
        Reverifier(make_accounts(_accounts_with_old_tokens(settings, asked.tokens_file)))
        if asked.verify
        else None
    )
    kafka = make_replay_connection(settings)
    at = datetime.now(UTC)  # noqa: TID251 (the doorway's clock)
    of_events = replace(asked.query, source="events")
    scope = DeriveScope(
        journal=journal,
        events=await existing_topics(kafka, request.query_topics(of_events, settings.topic_prefix)),
        query=asked.query,
        within=request.resolve_window(asked.query),
    )
    reading = await find_derive_input(kafka, scope)
    if asked.to_live and not asked.yes:
        _confirm_live()
    deriver = Deriver(
        Parser(catalogue.load_catalogue(), settings.context_parameters), make_naming(settings)
    )
    stamp = ReplayRun(secrets.token_hex(4), to_rfc3339(at))
    tally = DeriveSummary()
    origin: dict[str, object] = {
        "derived": True,
        "query": scope.query,
        "window": scope.within,
        "journal": [one for one in reading.ranges if one.topic == journal],
    }
    async with _open_target(settings, stamp, asked, origin) as target:
        run = _DeriveRun(asked, deriver, tally, at=at, keys=keys, target=target)
        await run.run(settings, reading)
        # Counted only now; the manifest is written at the end, and is to have it.
        origin["callbacks"] = {state.value: tally.states[state] for state in DeriveState}
    loss = None
    if not asked.query.offsets:
        loss = await find_journal_retention_loss(kafka, journal, scope.within.since_ms)
    show_summary(
        tally,
        loss,
        as_json=asked.as_json,
        verified=keys is not None,
        written=(stamp.id, target.written, target.targets) if target is not None else None,
    )
    return tally


class _DeriveRun:
    """One reading of the journal and its events."""

    def __init__(  # noqa: PLR0913 (wired once, by name)
        self,
        asked: DeriveRequest,
        deriver: Deriver,
        tally: DeriveSummary,
        *,
        at: datetime,
        keys: Reverifier | None,
        target: DerivedTopics | DerivedFile | None,
    ) -> None:
        self._asked = asked
        self._deriver = deriver
        self._tally = tally
        self._at = at
        self._keys = keys
        self._target = target
        self._unwritten: list[SourcedEvent] = []

    async def run(self, settings: Settings, reading: DeriveInput) -> None:
        """Judge, show and write what is read."""
        read = 0
        of = count_offsets(reading.ranges)
        with ProgressBar("deriving", of) as counting:

            def count(records: int) -> None:
                nonlocal read
                read += records
                counting.update(read)

            watch = DeriveHooks(self._at, count, self._recheck, self._note)
            found = derive_journal_records(
                make_replay_connection(settings), reading, self._deriver, watch
            )
            async with contextlib.aclosing(found):
                async for chunk in found:
                    for judged in chunk:
                        self._handle(judged)
                    await self._write()

    def _recheck(self, source: str, value: bytes) -> None:
        """Check a journal record's signature, if that was asked for."""
        if self._keys is None:
            return
        try:
            recheck = self._keys.reverify(parse_journal_record(value))
        except NotAJournalRecord:
            return
        self._tally.add_reverified(recheck)
        if recheck.verdict is ReverifyVerdict.DOES_NOT_HOLD:
            show_bad_signature(recheck, source, as_json=self._asked.as_json)

    def _note(self, source: str, value: bytes) -> None:
        """Note a journal record's event now, if every one is to be written.

        So the order is the journal's, whenever the published event comes by.
        """
        if self._asked.writes_all:
            with contextlib.suppress(NotAJournalRecord, CannotDerive):
                event = self._deriver.derive_event(parse_journal_record(value), self._at)
                self._unwritten.append((event, source))

    def _handle(self, judged: DeriveResult) -> None:
        self._tally.add(judged)
        if self._asked.diff and judged.state not in {DeriveState.UNCHANGED, DeriveState.REPEATED}:
            show_difference(judged, as_json=self._asked.as_json)
        if (
            judged.event is not None
            and judged.state in _PUBLISHED_STATES
            and not self._asked.writes_all
        ):
            self._unwritten.append((judged.event, judged.source))

    async def _write(self) -> None:
        if self._target is not None:
            await self._target.write(self._unwritten)
        self._unwritten = []


def _accounts_with_old_tokens(settings: Settings, file: Path | None) -> list[AccountSettings]:
    """Return the settings' accounts, and those of a file; raises SettingsRefused."""
    more = read_accounts(file, "--tokens-file") if file is not None else []
    return [*settings.accounts, *more]


def _confirm_live() -> None:
    if not (output.on_terminal() and sys.stdin.isatty()):
        message = "there is nobody to ask whether this goes into the live topics: say --yes"
        raise typer.BadParameter(message, param_hint="--to-live")
    output.confirm("Publish derived events into the live topics?")


@contextlib.asynccontextmanager
async def _open_target(
    settings: Settings, stamp: ReplayRun, asked: DeriveRequest, origin: Mapping[str, object]
) -> AsyncGenerator[DerivedTopics | DerivedFile | None]:
    """Run what writes, None where nothing is to be written.

    Raises CannotWrite, TargetExists, InUse and NoParquet.
    """
    if asked.destination is not None:
        async with _open_file_target(asked.destination, asked.query.types, stamp, origin) as file:
            yield file
    elif asked.write:
        async with _open_topic_target(settings, stamp, to_live=asked.to_live) as topics:
            yield topics
    else:
        yield None


@contextlib.asynccontextmanager
async def _open_file_target(
    destination: Destination, types: Sequence[str], stamp: ReplayRun, origin: Mapping[str, object]
) -> AsyncGenerator[DerivedFile]:
    file = create_file_target(destination, "events", types, origin=origin, run=stamp)
    try:
        file.open(None)
        derived_file = DerivedFile(file, stamp, destination.location)
        yield derived_file
        await derived_file.finish()
    except TargetExists:
        file.close()  # what is under way may be complete, and the error names it
        raise
    except BaseException:
        file.discard()
        raise


@contextlib.asynccontextmanager
async def _open_topic_target(
    settings: Settings, stamp: ReplayRun, *, to_live: bool
) -> AsyncGenerator[DerivedTopics]:
    kafka = make_replay_connection(settings)
    publisher = KafkaPublisher(
        kafka, idempotence=settings.kafka.idempotence, ack_timeout_s=_ACK_TIMEOUT_S
    )
    publisher.start()
    try:
        try:
            async with asyncio.timeout(_CONNECT_S):
                while not publisher.available:  # noqa: ASYNC110 (once, at the start)
                    await asyncio.sleep(0.02)
        except TimeoutError as error:
            message = f"{settings.kafka.bootstrap_servers}: no connection"
            raise CannotWrite(message) from error
        yield DerivedTopics(kafka, publisher, stamp, to_live=to_live)
    finally:
        await publisher.stop(_ACK_TIMEOUT_S)
