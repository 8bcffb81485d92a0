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

from bridge.app.build import accounts, connection, naming
from bridge.audit.derive import CannotDerive, Deriver, Judged, State, Tally
from bridge.audit.file import DerivedFile
from bridge.audit.publish import Derived, Sourced
from bridge.audit.reverify import Checked, Keys
from bridge.audit.run import Reading, Scope, Watch, judgements, to_derive
from bridge.cli import output
from bridge.cli.replay import request
from bridge.cli.replay.derive_output import show_judged, show_recheck, show_sums
from bridge.cli.replay.output import Counting, there_of
from bridge.cli.replay.retention import find_journal_loss
from bridge.core import catalogue
from bridge.core.event import JOURNAL_TOPIC
from bridge.core.parse import Parser
from bridge.normalise.time import rfc3339
from bridge.publish.publisher import KafkaPublisher
from bridge.reader.journal import NotAJournalRecord, journalled
from bridge.reader.selection import Query, offsets_from
from bridge.replay import CannotWrite, Stamp, TargetExists
from bridge.replay.progress import Destination
from bridge.replay.targets.choose import file_target
from bridge.settings.accounts import Account
from bridge.settings.load import Settings, read_accounts
from bridge.telemetry import logs

_ACK_TIMEOUT_S: Final = 60.0
_CONNECT_S: Final = 20.0
_WRITTEN: Final = frozenset({State.CHANGED, State.NEW})


@dataclass(frozen=True, slots=True)
class Asked:
    """What ``replay derive`` was asked for."""

    query: Query
    diff: bool
    verify: bool
    tokens_file: Path | None
    write: bool
    everything: bool
    to_live: bool
    yes: bool
    as_json: bool
    destination: Destination | None = None
    """A file, or a folder of files, for every event that can be derived."""

    @property
    def is_all(self) -> bool:
        """Say whether every event is to be written, and not only what changed."""
        return self.everything or self.destination is not None


async def derived(settings: Settings, asked: Asked) -> Tally:
    """Return what was found, everything shown and written; raises BadParameter and CannotRead."""
    logs.configure("console", "error")
    journal = settings.topic_prefix + JOURNAL_TOPIC
    if any(offsets_from(text).topic != journal for text in asked.query.offsets):
        message = f"only {journal} is derived again: choose among its offsets"
        raise typer.BadParameter(message, param_hint="--offsets")
    keys = Keys(accounts(_with_tokens(settings, asked.tokens_file))) if asked.verify else None
    kafka = connection(settings)
    at = datetime.now(UTC)  # noqa: TID251 (the doorway's clock)
    of_events = replace(asked.query, source="events")
    scope = Scope(
        journal=journal,
        events=await there_of(kafka, request.topics_of(of_events, settings.topic_prefix)),
        query=asked.query,
        within=request.window_of(asked.query),
    )
    reading = await to_derive(kafka, scope)
    if asked.to_live and not asked.yes:
        _ask()
    deriver = Deriver(Parser(catalogue.load(), settings.context_parameters), naming(settings))
    stamp = Stamp(secrets.token_hex(4), rfc3339(at))
    tally = Tally()
    origin: dict[str, object] = {
        "derived": True,
        "query": scope.query,
        "window": scope.within,
        "journal": [one for one in reading.stretches if one.topic == journal],
    }
    async with _writing(settings, stamp, asked, origin) as target:
        run = _Run(asked, deriver, tally, at=at, keys=keys, target=target)
        await run.through(settings, reading)
        # Counted only now; the manifest is written at the end, and is to have it.
        origin["callbacks"] = {state.value: tally.states[state] for state in State}
    loss = None
    if not asked.query.offsets:
        loss = await find_journal_loss(kafka, journal, scope.within.since_ms)
    show_sums(
        tally,
        loss,
        as_json=asked.as_json,
        verified=keys is not None,
        written=(stamp.id, target.written, target.places) if target is not None else None,
    )
    return tally


class _Run:
    """One reading of the journal and its events."""

    def __init__(  # noqa: PLR0913 (wired once, by name)
        self,
        asked: Asked,
        deriver: Deriver,
        tally: Tally,
        *,
        at: datetime,
        keys: Keys | None,
        target: Derived | DerivedFile | None,
    ) -> None:
        self._asked = asked
        self._deriver = deriver
        self._tally = tally
        self._at = at
        self._keys = keys
        self._target = target
        self._unwritten: list[Sourced] = []

    async def through(self, settings: Settings, reading: Reading) -> None:
        """Judge, show and write what is read."""
        read = 0
        of = sum(one.end - one.begin for one in reading.stretches)
        with Counting("deriving", of) as counting:

            def count(records: int) -> None:
                nonlocal read
                read += records
                counting.at(read)

            watch = Watch(self._at, count, self._recheck, self._note)
            found = judgements(connection(settings), reading, self._deriver, watch)
            async with contextlib.aclosing(found):
                async for chunk in found:
                    for judged in chunk:
                        self._judged(judged)
                    await self._write()

    def _recheck(self, source: str, value: bytes) -> None:
        """Check a journal record's signature, if that was asked for."""
        if self._keys is None:
            return
        try:
            recheck = self._keys.recheck(journalled(value))
        except NotAJournalRecord:
            return
        self._tally.add_recheck(recheck)
        if recheck.checked is Checked.DOES_NOT_HOLD:
            show_recheck(recheck, source, as_json=self._asked.as_json)

    def _note(self, source: str, value: bytes) -> None:
        """Note a journal record's event now, if every one is to be written.

        So the order is the journal's, whenever the published event comes by.
        """
        if self._asked.is_all:
            with contextlib.suppress(NotAJournalRecord, CannotDerive):
                event = self._deriver.event_of(journalled(value), self._at)
                self._unwritten.append((event, source))

    def _judged(self, judged: Judged) -> None:
        self._tally.add(judged)
        if self._asked.diff and judged.state not in {State.UNCHANGED, State.REPEATED}:
            show_judged(judged, as_json=self._asked.as_json)
        if judged.event is not None and judged.state in _WRITTEN and not self._asked.is_all:
            self._unwritten.append((judged.event, judged.source))

    async def _write(self) -> None:
        if self._target is not None:
            await self._target.write(self._unwritten)
        self._unwritten = []


def _with_tokens(settings: Settings, file: Path | None) -> list[Account]:
    """Return the settings' accounts, and those of a file; raises SettingsRefused."""
    more = read_accounts(file, "--tokens-file") if file is not None else []
    return [*settings.accounts, *more]


def _ask() -> None:
    if not (output.on_terminal() and sys.stdin.isatty()):
        message = "there is nobody to ask whether this goes into the live topics: say --yes"
        raise typer.BadParameter(message, param_hint="--to-live")
    output.confirm("Publish derived events into the live topics?")


@contextlib.asynccontextmanager
async def _writing(
    settings: Settings, stamp: Stamp, asked: Asked, origin: Mapping[str, object]
) -> AsyncGenerator[Derived | DerivedFile | None]:
    """Run what writes, None where nothing is to be written.

    Raises CannotWrite, TargetExists, InUse and NoParquet.
    """
    if asked.destination is not None:
        async with _to_file(asked.destination, asked.query.types, stamp, origin) as file:
            yield file
    elif asked.write:
        async with _to_topics(settings, stamp, to_live=asked.to_live) as topics:
            yield topics
    else:
        yield None


@contextlib.asynccontextmanager
async def _to_file(
    destination: Destination, types: Sequence[str], stamp: Stamp, origin: Mapping[str, object]
) -> AsyncGenerator[DerivedFile]:
    file = file_target(destination, "events", types, origin=origin, stamp=stamp)
    try:
        file.open(None)
        derived_file = DerivedFile(file, stamp, destination.place)
        yield derived_file
        await derived_file.finish()
    except TargetExists:
        file.close()  # what is under way may be complete, and the error names it
        raise
    except BaseException:
        file.discard()
        raise


@contextlib.asynccontextmanager
async def _to_topics(settings: Settings, stamp: Stamp, *, to_live: bool) -> AsyncGenerator[Derived]:
    kafka = connection(settings)
    kafka = replace(kafka, client_id=f"{kafka.client_id}-replay")
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
        yield Derived(kafka, publisher, stamp, to_live=to_live)
    finally:
        await publisher.stop(_ACK_TIMEOUT_S)
