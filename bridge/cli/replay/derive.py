"""``callback-bridge replay derive``: process the journal with today's code, and compare the events."""

import asyncio
import contextlib
import secrets
from collections.abc import AsyncGenerator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import typer

from bridge.app.parts import make_accounts, make_naming, make_replay_connection
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
from bridge.cli.exit_codes import EXIT_DIFFERS
from bridge.cli.kafka import existing_topics, open_publisher
from bridge.cli.options import SettingsFile, confirm_on_terminal
from bridge.cli.output import JsonOption
from bridge.cli.replay import options
from bridge.cli.replay.derive_output import show_bad_signature, show_difference, show_summary
from bridge.cli.replay.options import (
    Filters,
    parse_destination,
    query_topics,
    resolve_window,
    take_filters,
)
from bridge.cli.replay.output import ProgressBar
from bridge.cli.replay.retention import find_journal_retention_loss
from bridge.core import catalogue
from bridge.core.journal import JOURNAL_TOPIC
from bridge.core.parse import Parser
from bridge.normalise.time import to_rfc3339
from bridge.publish import PublishRules
from bridge.reader.journal import NotAJournalRecord, parse_journal_record
from bridge.reader.merged_reader import count_offsets
from bridge.reader.selection import Query, parse_offsets
from bridge.replay import ReplayRun, TargetExists
from bridge.replay.progress import Destination
from bridge.replay.targets.choose import create_file_target
from bridge.settings.accounts import AccountSettings
from bridge.settings.load import Need, Settings, load, read_accounts
from bridge.telemetry import logs

_ACK_TIMEOUT_S: Final = 60.0
_PUBLISHED_STATES: Final = frozenset({DeriveState.CHANGED, DeriveState.NEW})
# Paragraphs, because typer joins the lines of one.
_EXAMPLES: Final = """
callback-bridge replay derive --since 2026-03-03 --until 2026-03-04 --diff --verify

callback-bridge replay derive --type voice.call.hangup --since 1d --write

callback-bridge replay derive --type voice.call.hangup --since 90d --to-parquet hangups
"""

app = typer.Typer(add_completion=False)


@dataclass(frozen=True, slots=True)
class DeriveRequest:
    """The options of ``replay derive``, parsed."""

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
    """The file or folder for every event that can be derived."""

    @property
    def writes_all(self) -> bool:
        """Return True if every event is written, not only changed and new ones."""
        return self.write_all or self.destination is not None


@app.command(epilog=_EXAMPLES)
@take_filters
def derive(  # noqa: PLR0913 (a command's options)
    *,
    filters: Filters,
    diff: options.Diff = False,
    verify: options.Verify = False,
    tokens_file: options.TokensFile = None,
    write: options.Write = False,
    everything: options.Everything = False,
    to_live: options.WriteToLive = False,
    to_jsonl: options.ToJsonl = None,
    to_csv: options.ToCsv = None,
    to_parquet: options.ToParquet = None,
    yes: options.Yes = False,
    json: JsonOption = False,
    settings_file: SettingsFile = None,
) -> None:
    """Derive events from the journal again, and count what would change. Writes nothing by default.

    --to-jsonl, --to-csv and --to-parquet write every event that can be derived, each once, to files
    like those of `replay run`. They cannot be resumed: a run that stops deletes its files.

    Exit codes: 0 nothing would change; 1 something would, a record is not a journal record, or a
    verified signature is wrong now or its key is missing; 2 wrong usage; 3 cannot use Kafka or the disk.
    """
    _require_with("--verify", verify, {"--tokens-file": tokens_file is not None})
    _require_with("--write", write, {"--all": everything, "--to-live": to_live})
    destination = parse_destination(
        live=False, jsonl=to_jsonl, csv=to_csv, parquet=to_parquet, url=None
    )
    if write and destination is not None:
        message = (
            "publishes to topics, and cannot be combined with --to-jsonl, --to-csv or --to-parquet"
        )
        raise typer.BadParameter(message, param_hint="--write")
    query = filters.make_query("journal")
    request = DeriveRequest(
        query=query,
        diff=diff,
        verify=verify,
        tokens_file=tokens_file,
        write=write,
        write_all=everything,
        to_live=to_live,
        yes=yes,
        as_json=json,
        destination=destination,
    )
    if asyncio.run(derive_journal(load(settings_file, Need.KAFKA), request)).list_faults():
        raise typer.Exit(EXIT_DIFFERS)


def _require_with(option: str, is_given: bool, more: Mapping[str, bool]) -> None:  # noqa: FBT001 (two words of a sentence)
    """Raise BadParameter for an option that needs another one."""
    for name, is_there in more.items():
        if is_there and not is_given:
            message = f"needs {option}"
            raise typer.BadParameter(message, param_hint=name)


async def derive_journal(settings: Settings, request: DeriveRequest) -> DeriveSummary:
    """Derive the journal again: show and write the results, and return the totals.

    Raises BadParameter, and errors that have an exit code.
    """
    logs.configure("console", "error")
    journal = settings.topic_prefix + JOURNAL_TOPIC
    if any(parse_offsets(text).topic != journal for text in request.query.offsets):
        message = f"only offsets of {journal} can be derived again"
        raise typer.BadParameter(message, param_hint="--offsets")
    reverifier = (
        Reverifier(make_accounts(_accounts_with_old_tokens(settings, request.tokens_file)))
        if request.verify
        else None
    )
    kafka = make_replay_connection(settings)
    derived_at = datetime.now(UTC)  # noqa: TID251 (a command reads the clock)
    of_events = replace(request.query, source="events")
    scope = DeriveScope(
        journal=journal,
        events=await existing_topics(kafka, query_topics(of_events, settings.topic_prefix)),
        query=request.query,
        within=resolve_window(request.query),
    )
    journal_input = await find_derive_input(kafka, scope)
    if request.to_live and not request.yes:
        confirm_on_terminal(
            "Publish derived events into the live topics?", "--to-live", instead="--yes"
        )
    deriver = Deriver(
        Parser(catalogue.load_catalogue(), settings.context_parameters), make_naming(settings)
    )
    replay = ReplayRun(secrets.token_hex(4), to_rfc3339(derived_at))
    summary = DeriveSummary()
    origin: dict[str, object] = {
        "derived": True,
        "query": scope.query,
        "window": scope.within,
        "journal": [one for one in journal_input.ranges if one.topic == journal],
    }
    async with _open_target(settings, replay, request, origin) as target:
        run = _DeriveRun(request, deriver, summary, derived_at, reverifier, target)
        await run.run(settings, journal_input)
        # The counts are known only now. The manifest has them, and is written when the target closes.
        origin["callbacks"] = {state.value: summary.states[state] for state in DeriveState}
    loss = None
    if not request.query.offsets:
        loss = await find_journal_retention_loss(kafka, journal, scope.within.since_ms)
    show_summary(
        summary,
        loss,
        as_json=request.as_json,
        verified=reverifier is not None,
        written=(replay.id, target.written, target.targets) if target is not None else None,
    )
    return summary


@dataclass(eq=False, slots=True)
class _DeriveRun:
    """One pass over the journal and its events."""

    request: DeriveRequest
    deriver: Deriver
    summary: DeriveSummary
    derived_at: datetime
    reverifier: Reverifier | None
    target: DerivedTopics | DerivedFile | None
    unwritten: list[SourcedEvent] = field(default_factory=list[SourcedEvent])

    async def run(self, settings: Settings, journal_input: DeriveInput) -> None:
        """Derive, show and write every record."""
        total = count_offsets(journal_input.ranges)
        with ProgressBar("deriving", total) as bar:
            hooks = DeriveHooks(
                self.derived_at,
                bar.add,
                self._reverify,
                self._queue_in_journal_order,
                self.summary.add_other_record,
            )
            found = derive_journal_records(
                make_replay_connection(settings), journal_input, self.deriver, hooks
            )
            async with contextlib.aclosing(found):
                async for chunk in found:
                    for result in chunk:
                        self._handle(result)
                    await self._write()

    def _reverify(self, source: str, value: bytes) -> None:
        """Verify a journal record's signature again, if requested."""
        if self.reverifier is None:
            return
        try:
            reverified = self.reverifier.reverify(parse_journal_record(value))
        except NotAJournalRecord:
            return
        self.summary.add_reverified(reverified)
        if reverified.verdict is ReverifyVerdict.DOES_NOT_HOLD:
            show_bad_signature(reverified, source, as_json=self.request.as_json)

    def _queue_in_journal_order(self, source: str, value: bytes) -> None:
        """Queue a journal record's event, if every event is written.

        Here, and not in ``_handle``, so that the events are in the journal's order.
        """
        if self.request.writes_all:
            with contextlib.suppress(NotAJournalRecord, CannotDerive):
                event = self.deriver.derive_event(parse_journal_record(value), self.derived_at)
                self.unwritten.append((event, source))

    def _handle(self, result: DeriveResult) -> None:
        self.summary.add(result)
        if self.request.diff and result.state not in {DeriveState.UNCHANGED, DeriveState.REPEATED}:
            show_difference(result, as_json=self.request.as_json)
        if (
            result.event is not None
            and result.state in _PUBLISHED_STATES
            and not self.request.writes_all
        ):
            self.unwritten.append((result.event, result.source))

    async def _write(self) -> None:
        if self.target is not None:
            await self.target.write(self.unwritten)
        self.unwritten = []


def _accounts_with_old_tokens(settings: Settings, file: Path | None) -> list[AccountSettings]:
    """Return the accounts of the settings and of a file. Raises SettingsRefused."""
    more = read_accounts(file, "--tokens-file") if file is not None else []
    return [*settings.accounts, *more]


@contextlib.asynccontextmanager
async def _open_target(
    settings: Settings, replay: ReplayRun, request: DeriveRequest, origin: Mapping[str, object]
) -> AsyncGenerator[DerivedTopics | DerivedFile | None]:
    """Open the target of derived events, None without one.

    Raises CannotWrite, TargetExists, InUse and ParquetUnavailable.
    """
    if request.destination is not None:
        async with _open_file_target(
            request.destination, request.query.types, replay, origin
        ) as file:
            yield file
    elif request.write:
        async with _open_topic_target(settings, replay, to_live=request.to_live) as topics:
            yield topics
    else:
        yield None


@contextlib.asynccontextmanager
async def _open_file_target(
    destination: Destination, types: Sequence[str], replay: ReplayRun, origin: Mapping[str, object]
) -> AsyncGenerator[DerivedFile]:
    file = create_file_target(destination, "events", types, origin=origin, run=replay)
    try:
        file.open(None)
        derived_file = DerivedFile(file, replay, destination.location)
        yield derived_file
        await derived_file.finish()
    except TargetExists:
        file.close()  # keep it: it may be complete, and the error names it
        raise
    except BaseException:
        file.discard()
        raise


@contextlib.asynccontextmanager
async def _open_topic_target(
    settings: Settings, replay: ReplayRun, *, to_live: bool
) -> AsyncGenerator[DerivedTopics]:
    kafka = make_replay_connection(settings)
    opened = open_publisher(
        kafka,
        PublishRules(settings.kafka.idempotence, _ACK_TIMEOUT_S),
        flush_timeout_s=_ACK_TIMEOUT_S,
    )
    async with opened as publisher:
        yield DerivedTopics(kafka, publisher, replay, to_live=to_live)
