"""Place calls: write the request down, send it, write its outcome down, publish that.

Crash points, with what exists if the process dies there:

1. Before ``ledger.begin`` is committed: nothing. Nothing was sent, and the idempotency key is free.
2. After that, before ``ledger.begin_part``: the request, with parts that were not sent. The key is used.
3. After that, before the outcome is written, whether or not Plivo had the request or has answered: a
   part without an outcome, which counts as unknown. Nobody sends it again. ``publish_pending`` gives it
   the outcome unknown, and records that say so, once no process can be waiting for its answer.
4. After ``ledger.end_part``: the outcome and its records for Kafka, written together. If Kafka has not
   acknowledged them, ``publish_pending`` publishes them.
5. After Kafka acknowledged, before the records are removed: they are published again, with the same ids.
6. Between two parts: the earlier ones have their outcome, the later ones were not sent (as in 2).

In every case Plivo was asked at most once for each part.

7. Parts are sent one after another. After a part whose refusal is about the account, or whose outcome is
   unknown, the others are not sent: they would most likely end in the same way. Their outcome is
   ``refused``, and its code ``not_reached``.
"""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from typing import Final, NamedTuple
from uuid import uuid4

from bridge import __version__
from bridge.core.event import ContractNames
from bridge.core.record import Record
from bridge.core.requested import PlacedRequest, to_request_records
from bridge.originate.client import PAGES_MAX, PlivoCalls
from bridge.originate.entry import (
    LedgerEntry,
    LedgerUnusable,
    NewRequest,
    PartEntry,
    UnpublishedRecord,
)
from bridge.originate.errors import ABANDONED, NOT_REACHED
from bridge.originate.ledger import RequestLedger
from bridge.originate.listed import CallsWanted, IncompleteList, ListedCall
from bridge.originate.placement import Placement, PlacementOutcome, Sent, place_without_answer
from bridge.originate.request import CallRequest
from bridge.originate.resolution import Finding, Resolution, Search, judge_calls
from bridge.originate.wiring import wire
from bridge.publish import Publisher, RecordRefused, Unavailable
from bridge.reply.application_paths import is_application_name

# Longer than a request can take, so that no process waits for its answer any more.
ABANDONED_AFTER: Final = timedelta(minutes=15)
_BATCH_RECORDS: Final = 500
# Of clocks, ours and Plivo's.
_SKEW: Final = timedelta(minutes=2)
_CALL_MAX: Final = timedelta(hours=25)
_OF_THE_ACCOUNT: Final = frozenset({
    HTTPStatus.UNAUTHORIZED,
    HTTPStatus.PAYMENT_REQUIRED,
    HTTPStatus.TOO_MANY_REQUESTS,
})  # fmt: skip


@dataclass(frozen=True, slots=True)
class OriginatorRules:
    """How requests are made and published.

    ``bridge_url`` is the URL that Plivo calls the bridge by. ``client`` is the program that places
    calls, with its version. ``destinations_per_request`` None: all in one request to Plivo.
    ``application`` is the one that answers. ``is_asynchronous``: Plivo sends the API's answer to the
    bridge.
    """

    bridge_url: str
    naming: ContractNames
    client: str = f"bridge.originate/{__version__}"
    destinations_per_request: int | None = None
    application: str | None = None
    is_asynchronous: bool = False
    ack_timeout_s: float = 10.0

    def __post_init__(self) -> None:
        if self.destinations_per_request is not None and self.destinations_per_request < 1:
            message = "destinations_per_request must be at least 1"
            raise ValueError(message)
        if self.application is not None and not is_application_name(self.application):
            message = f"{self.application!r} is not the name of an application"
            raise ValueError(message)


class PlacedCalls(NamedTuple):
    """A request that was sent, with the outcome of each part.

    ``unpublished`` is how many records of the ledger Kafka has not acknowledged; the next request, or
    ``publish_pending``, publishes them.
    """

    reference: str
    placements: tuple[Placement, ...]
    unpublished: int


class Published(NamedTuple):
    """How many records Kafka has acknowledged now, how many it has not, and why not."""

    published: int
    unpublished: int
    fault: str = ""


class OutcomeNotRecorded(Exception):
    """A part was sent, and its outcome could not be written down: ``placement``."""

    def __init__(self, placement: Placement) -> None:
        super().__init__(
            f"the outcome of {placement.reference} is {placement.outcome}, but the ledger does not take "
            "it; it will count as unknown"
        )
        self.placement = placement


class PlacingStopped(Exception):
    """The ledger failed after parts were sent. ``placements`` are the outcomes of those, in order."""

    def __init__(self, placements: Sequence[Placement], why: LedgerUnusable) -> None:
        counts = Counter[str]()
        for one in placements:
            counts[one.outcome.value] += len(one.destinations)
        summary = ", ".join(f"{count:,} {outcome}" for outcome, count in counts.items())
        super().__init__(
            f"{placements[0].reference} was sent: {summary}. Nothing more was sent, because {why}"
        )
        self.placements = tuple(placements)


class UnknownReference(LookupError):
    """The ledger has no request with a reference."""


def _read_utc() -> datetime:
    return datetime.now(UTC)  # noqa: TID251 (a client reads the clock)


class Originator:
    """Places calls for one account, at most once each.

    ``publisher`` None: the records of outcomes stay in the ledger.
    """

    def __init__(
        self,
        calls: PlivoCalls,
        ledger: RequestLedger,
        publisher: Publisher | None,
        *,
        rules: OriginatorRules,
        now: Callable[[], datetime] = _read_utc,
    ) -> None:
        self._calls, self._ledger, self._publisher = calls, ledger, publisher
        self._rules, self._now = rules, now
        self._publishing = asyncio.Lock()

    # Placing

    async def place(
        self,
        request: CallRequest,
        *,
        idempotency_key: str | None = None,
        reference: str | None = None,
        on_part: Callable[[Placement], object] | None = None,
    ) -> PlacedCalls:
        """Send a request once, in parts if the rules say so; return the outcomes.

        ``reference`` None: a new one. ``on_part`` is called with the outcome of each part. Raises
        RequestFaults, AlreadyRequested and LedgerUnusable before anything is sent, and
        OutcomeNotRecorded and PlacingStopped afterwards.
        """
        reference = reference or str(uuid4())
        wired = wire(
            request,
            self._rules.bridge_url,
            reference,
            application=self._rules.application,
            is_asynchronous=self._rules.is_asynchronous,
        )
        written = NewRequest(
            reference=reference,
            idempotency_key=idempotency_key,
            account=self._calls.auth_id,
            client=self._rules.client,
            body=wired.to_body(),
            parts=_split(wired.destinations, self._rules.destinations_per_request),
            requested_at=self._now(),
        )
        await asyncio.to_thread(self._ledger.begin, written)
        placements: list[Placement] = []
        published = Published(0, 0)
        try:
            for part in range(1, len(written.parts) + 1):
                goes_on = not placements or _goes_on(placements[-1])
                placement = await self._place_part(wired, written, part, is_sent=goes_on)
                placements.append(placement)
                if on_part is not None:
                    on_part(placement)
                # While Kafka is away, the other parts do not wait for it: one more try at the end.
                if part == len(written.parts) or not published.fault:
                    published = await self.publish_pending()
        except LedgerUnusable as error:
            if not placements:
                raise
            raise PlacingStopped(placements, error) from error
        return PlacedCalls(reference, tuple(placements), published.unpublished)

    async def _place_part(
        self, wired: CallRequest, request: NewRequest, part: int, *, is_sent: bool
    ) -> Placement:
        """Send one part, and write its outcome down with its records: crash points 3 and 4."""
        destinations = request.parts[part - 1]

        async def begin(at: datetime) -> None:
            await asyncio.to_thread(self._ledger.begin_part, request.reference, part, at)

        if is_sent:
            placement = await self._calls.place(
                wired, request.reference, destinations=destinations, on_turn=begin
            )
        else:
            sent = Sent(request.reference, destinations, self._now())
            placement = place_without_answer(sent, PlacementOutcome.REFUSED, NOT_REACHED)
        records = self._make_records(request, placement, part)
        try:
            await asyncio.to_thread(self._ledger.end_part, part, placement, records)
        except LedgerUnusable as error:
            raise OutcomeNotRecorded(placement) from error
        return placement

    def _make_records(
        self, request: NewRequest | LedgerEntry, placement: Placement, part: int
    ) -> tuple[Record, ...]:
        placed = PlacedRequest(
            account=request.account,
            reference=request.reference,
            client=request.client,
            requested_at=placement.sent_at,
            body={**request.body, "to": "<".join(placement.destinations)},
            destinations=placement.destinations,
            outcome=placement.outcome.value,
            request_uuids=placement.request_uuids,
            api_id=placement.api_id,
            status=placement.status,
            explanation=placement.explanation,
            part=part,
            parts=len(request.parts),
        )
        return to_request_records(placed, self._rules.naming, self._now())

    # Publishing

    async def publish_pending(self) -> Published:
        """Publish what the ledger has for Kafka, also of other processes: crash points 3 to 5.

        Does not raise if Kafka is away; what it did not acknowledge stays in the ledger.
        """
        abandoned = await asyncio.to_thread(
            self._ledger.find_open_parts, self._now() - ABANDONED_AFTER
        )
        for entry, part in abandoned:
            await self._end_abandoned(entry, part)
        async with self._publishing:
            published, fault = await self._publish_all()
        return Published(published, await asyncio.to_thread(self._ledger.count_unpublished), fault)

    async def _end_abandoned(self, entry: LedgerEntry, part: PartEntry) -> None:
        sent = Sent(entry.reference, part.destinations, part.begun_at or entry.requested_at)
        placement = place_without_answer(sent, PlacementOutcome.UNKNOWN, ABANDONED)
        records = self._make_records(entry, placement, part.part)
        await asyncio.to_thread(self._ledger.end_part, part.part, placement, records)

    async def _publish_all(self) -> tuple[int, str]:
        """Publish in order, in batches. Return how many were acknowledged, and what went wrong."""
        published, last, faults = 0, 0, list[str]()
        while batch := await asyncio.to_thread(
            self._ledger.list_unpublished, _BATCH_RECORDS, after=last
        ):
            last = batch[-1].number
            try:
                published += await self._publish(batch)
            except RecordRefused:
                # One of them is refused: the others must not wait for it.
                for one in batch:
                    try:
                        published += await self._publish([one])
                    except RecordRefused as error:
                        faults.append(f"record {one.number} is refused: {error}")
                    except Unavailable as error:
                        return published, str(error)
            except Unavailable as error:
                return published, str(error)
        return published, "; ".join(faults)

    async def _publish(self, batch: Sequence[UnpublishedRecord]) -> int:
        if self._publisher is None:
            message = "no Kafka is configured"
            raise Unavailable(message)
        await self._publisher.publish(
            [one.record for one in batch], deadline_s=self._rules.ack_timeout_s
        )
        await asyncio.to_thread(self._ledger.remove_published, [one.number for one in batch])
        return len(batch)

    # Unknown outcomes

    async def resolve(
        self, reference: str, *, window: timedelta = timedelta(hours=1)
    ) -> Resolution:
        """Return what Plivo's list of calls says about the destinations whose outcome is unknown.

        Calls are searched that began up to ``window`` after the request was sent. Raises
        UnknownReference, and a PlivoError if Plivo does not list its calls.
        """
        entry = await asyncio.to_thread(self._ledger.find, reference)
        if entry is None:
            raise UnknownReference(reference)
        begun = [one.begun_at for one in entry.parts if one.state == "unknown" and one.begun_at]
        since = min(begun, default=entry.requested_at) - _SKEW
        search = Search(
            caller=str(entry.body.get("from", "")),
            destinations=entry.list_destinations("unknown"),
            since=since,
            until=max(begun, default=entry.requested_at) + window,
        )
        found: list[ListedCall] = []
        is_complete = True
        if search.destinations:
            try:
                async for call in self._list_calls(search):
                    if not await self._is_of_another(call, reference):
                        found.append(call)  # noqa: PERF401 (what came before the limit counts)
            except IncompleteList:
                is_complete = False
        findings: tuple[Finding, ...] = judge_calls(search, found)
        return Resolution(reference, findings, search.since, search.until, is_complete)

    async def _list_calls(self, search: Search) -> AsyncIterator[ListedCall]:
        """Yield the calls of the caller: those that wait, go on, and have ended.

        In this order, because a call that begins or ends meanwhile is then seen twice, not missed.
        """
        only = search.destinations[0] if len(search.destinations) == 1 else ""
        callee = "" if only.startswith("sip") else only
        async for call in self._calls.list_ongoing_calls("queued"):
            yield call
        async for call in self._calls.list_ongoing_calls(
            "live", from_number=search.caller, to_number=callee
        ):
            yield call
        wanted = CallsWanted(
            from_number=search.caller,
            to_number=callee,
            direction="outbound",
            ended_from=search.since,
            ended_before=search.until + _CALL_MAX,
        )
        async for call in self._calls.list_calls(wanted, pages_max=PAGES_MAX):
            yield call

    async def _is_of_another(self, call: ListedCall, reference: str) -> bool:
        owner = await asyncio.to_thread(self._ledger.find_by_request_uuid, call.call_uuid)
        return owner is not None and owner.reference != reference


def _split(
    destinations: tuple[str, ...], destinations_max: int | None
) -> tuple[tuple[str, ...], ...]:
    size = len(destinations) if destinations_max is None else destinations_max
    starts = range(0, len(destinations), size)
    return tuple(destinations[start : start + size] for start in starts)


def _goes_on(placement: Placement) -> bool:
    """Return True if the next part is worth sending: rule 7."""
    if placement.outcome is PlacementOutcome.REFUSED:
        return placement.status is not None and placement.status not in _OF_THE_ACCOUNT
    return placement.outcome is PlacementOutcome.ACCEPTED
