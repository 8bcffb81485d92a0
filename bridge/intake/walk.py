"""The walk of a callback: from the request to its one outcome."""

import re
from collections import OrderedDict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final, Literal

import structlog

from bridge.callbacks.model import CallbackType, Reply
from bridge.core.complaints import FALLBACK, complaint_of
from bridge.core.dead_letter import Stage, to_dead_letter, to_publish_dead_letter
from bridge.core.event import Event, GivenReply, Naming, to_event, to_journal
from bridge.core.outcome import Outcome, RefusalCause
from bridge.core.parameters import Parameters, parameters_of
from bridge.core.parse import Callback, NoEvent, NoEventReason, Parser
from bridge.core.record import Record
from bridge.core.request import RawCallback
from bridge.core.url_mismatch import NearMiss, plain_url
from bridge.core.verify import Fault, Unverified, Verified, Verifier
from bridge.intake.delivery import Durable, NotDurable, Place
from bridge.intake.outcome_log import Ends
from bridge.intake.rejections import Rejections
from bridge.publish import RecordRefused
from bridge.reply.document import ACKNOWLEDGEMENT, Replies
from bridge.telemetry.metrics import Metrics

Policy = Literal["enforce", "report", "off"]

log = structlog.get_logger()

_NAME: Final = re.compile(r"(?![Xx]-[Pp][Hh]-)[A-Za-z][A-Za-z_-]{0,63}[0-9]{0,2}", re.ASCII)
_NAMED_MAX: Final = 1000
_RECENT_MAX: Final = 10_000
_UNDECODED: Final = Parameters((), ())


@dataclass(frozen=True, slots=True)
class Deadlines:
    """How long Kafka may take; ``control_s`` is for types whose answer a caller waits for."""

    notification_s: float
    control_s: float

    def of(self, kind: CallbackType | None) -> float:
        """Return the deadline of a type; on the shared path it may yet be one that is waited for."""
        waited_for = kind is None or kind.reply in {Reply.XML, Reply.SOUND}
        return self.control_s if waited_for else self.notification_s


@dataclass(frozen=True, slots=True)
class Taken:
    """How a callback ended, and what Plivo is answered if it is durable."""

    outcome: Outcome
    reply: GivenReply
    event_id: str | None = None


@dataclass(frozen=True, slots=True)
class _Made:
    """A callback's event and journal record, and what it is answered."""

    callback: Callback
    event: Event
    journal: Record
    reply: GivenReply

    @property
    def records(self) -> tuple[Record, Record]:
        return self.event.record, self.journal


@dataclass(frozen=True, slots=True)
class _Dead:
    """A callback that ends as a dead letter, by its id, and why."""

    label: str
    raw: RawCallback
    id: str
    stage: Stage
    reason: str
    deadline_s: float
    key: bytes | None = None
    fault: BaseException | None = None


def _shown(near: NearMiss | None, raw: RawCallback) -> dict[str, str]:
    """Return the log's keys about a near miss: what differs, and the two public URLs."""
    if near is None:
        return {}
    shown = {"holds_for_another": near.variant.value}
    checked = plain_url(raw.public_origin)
    if near.public_url is not None and checked is not None:
        shown["public_url_checked"] = checked
    if near.public_url is not None:
        shown["public_url_that_would_verify"] = near.public_url
    return shown


class Intake:
    """Takes callbacks in: verify, parse, make durable, and only then a reply."""

    def __init__(  # noqa: PLR0913 (the walk's stations, wired once)
        self,
        *,
        verifier: Verifier,
        policy: Policy,
        parser: Parser,
        durable: Durable,
        deadlines: Deadlines,
        rejections: Rejections,
        replies: Replies,
        naming: Naming,
        metrics: Metrics,
        ends: Ends,
        parameters_max: int | None = None,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),  # noqa: TID251 (the doorway's clock)
    ) -> None:
        self._verifier = verifier
        self._policy = policy
        self._parser = parser
        self._durable = durable
        self._deadlines = deadlines
        self._rejections = rejections
        self._replies = replies
        self._naming = naming
        self._metrics = metrics
        self._ends = ends
        self._parameters_max = parameters_max
        self._now = now
        self._named: set[tuple[str, str]] = set()
        self._set_aside: set[tuple[str, str]] = set()
        self._recent: OrderedDict[str, None] = OrderedDict()

    async def take(self, raw: RawCallback, route: CallbackType | None) -> Taken:
        """Return how the callback ended; ``route`` is its path's type, None on the shared path.

        Raises TooManyParameters, before anything is verified or made of it.
        """
        verdict = self._verdict(raw, route)
        label = route.name if route else "shared"
        if isinstance(verdict, Unverified) and self._policy == "enforce":
            told = {"fault": verdict.fault.value, **_shown(self._rejections.note(verdict), raw)}
            self._ends.note(label, raw.method, Outcome.REJECTED, told=told)
            return Taken(Outcome.REJECTED, ACKNOWLEDGEMENT)
        try:
            made = self._make(verdict, route)
        except NoEvent as error:
            return await self._without_event(verdict, error, route)
        label, key = made.callback.type.name, made.event.record.key
        deadline_s = self._deadlines.of(made.callback.type)
        try:
            place = await self._durable.keep(made.records, deadline_s=deadline_s)
        except RecordRefused as error:
            return await self._dead_letter(
                _Dead(label, raw, made.event.id, Stage.PUBLISH, error.reason, deadline_s, key=key),
                self._with_letter(made.records, error),
                made.reply,
            )
        except NotDurable as error:
            told = {"event_id": made.event.id, "why": str(error)}
            self._ends.refused(label, raw.method, RefusalCause.NOT_DURABLE, key=key, told=told)
            return Taken(Outcome.REFUSED, ACKNOWLEDGEMENT)
        self._noticed(made, route)
        outcome = Outcome.SPOOLED if place is Place.SPOOL else Outcome.PUBLISHED
        told = {"event_id": made.event.id}
        overtook = place is Place.KAFKA_FIRST
        if overtook:
            told["overtook"] = "older ones of its key"
        self._ends.note(label, raw.method, outcome, key=key, told=told, remarkable=overtook)
        return Taken(outcome, made.reply, made.event.id)

    def _make(self, verdict: Verified | Unverified, route: CallbackType | None) -> _Made:
        """Return what is to be published; raises NoEvent where that cannot be made."""
        try:
            callback = self._parser.parse(verdict, route)
            reply = self._replies.of(callback.type)
            event = to_event(callback, self._naming, self._now())
            journal = to_journal(callback, event, self._naming, reply)
            return _Made(callback, event, journal, reply)
        except NoEvent:
            raise
        except Exception as error:
            # Plivo will not send it again, so a fault of ours must not cost the callback.
            raise NoEvent(NoEventReason.BRIDGE_FAULT) from error

    def _verdict(self, raw: RawCallback, route: CallbackType | None) -> Verified | Unverified:
        if self._policy == "enforce" and not raw.is_signed:
            # Nobody could vouch for it, so a stranger's bytes are not even decoded.
            parameters = _UNDECODED
        else:
            parameters = parameters_of(raw, self._parameters_max)
        if self._policy == "off":
            verdict: Verified | Unverified = self._verifier.unverified(
                raw, parameters, Fault.NOT_CHECKED
            )
        else:
            verdict = self._verifier.verify(
                raw, parameters, may_be_voice=lambda: self._may_be_voice(parameters, route)
            )
        if isinstance(verdict, Verified):
            scheme, key_id = verdict.scheme, verdict.key_id
            self._metrics.count("verifications_total", scheme, "verified", key_id)
        else:
            self._metrics.count("verifications_total", "", verdict.fault, "")
        return verdict

    def _may_be_voice(self, parameters: Parameters, route: CallbackType | None) -> bool:
        """Return whether a callback is one of voice by path or parameters, or of no known type.

        V2 covers the path but not the parameters. On the path of another product no voice callback was
        signed, and what is of no known type is taken for one of that product. On the shared path,
        what is of no known type may be of any product.
        """
        kind = self._parser.kind_of(parameters, route)
        return kind is None or "voice" in {kind.product, route.product if route else ""}

    def _with_letter(self, records: Sequence[Record], error: RecordRefused) -> list[Record]:
        """Return what is left to keep, with a dead letter in the place of what Kafka does not take."""
        refused = [one for one in records if one.topic == error.topic] or records
        letter = to_publish_dead_letter(
            records, refused, error.reason, tries=1, naming=self._naming
        )
        left = [one for one in records if one not in error.acknowledged]
        return list(dict.fromkeys(letter if one in refused else one for one in left))

    async def _without_event(
        self, verdict: Verified | Unverified, error: NoEvent, route: CallbackType | None
    ) -> Taken:
        reply = self._replies.of(route) if route else ACKNOWLEDGEMENT
        identity, records = to_dead_letter(verdict, error.reason, self._naming, reply, route=route)
        dead = _Dead(
            label=route.name if route else "shared",
            raw=verdict.raw,
            id=identity,
            stage=Stage.PARSE,
            reason=error.reason,
            deadline_s=self._deadlines.of(route),
            key=records[0].key,
            fault=error.__cause__,
        )
        return await self._dead_letter(dead, records, reply)

    async def _dead_letter(
        self, dead: _Dead, records: Sequence[Record], reply: GivenReply
    ) -> Taken:
        try:
            try:
                await self._durable.keep(records, deadline_s=dead.deadline_s)
            except RecordRefused:
                await self._durable.set_aside(records)
        except NotDurable as error:
            told = {"callback_id": dead.id, "why": str(error)}
            self._ends.refused(
                dead.label, dead.raw.method, RefusalCause.NOT_DURABLE, key=dead.key, told=told
            )
            return Taken(Outcome.REFUSED, ACKNOWLEDGEMENT)
        self._metrics.count("dead_letters_total", dead.stage, dead.reason)
        if self._came_before(dead.id):
            self._metrics.count("repeated_total", dead.label)
        self._ends.note(
            dead.label,
            dead.raw.method,
            Outcome.DEAD_LETTERED,
            key=dead.key,
            told={"callback_id": dead.id, "stage": dead.stage, "reason": dead.reason},
            fault=dead.fault,
        )
        return Taken(Outcome.DEAD_LETTERED, reply, dead.id)

    def _came_before(self, identity: str) -> bool:
        """Return whether a callback of this id came lately, and remember it."""
        known = identity in self._recent
        self._recent[identity] = None
        if len(self._recent) > _RECENT_MAX:
            self._recent.popitem(last=False)
        return known

    def _noticed(self, made: _Made, route: CallbackType | None) -> None:
        """Count what an operator should look at."""
        callback = made.callback
        name = callback.type.name
        if self._came_before(made.event.id):
            self._metrics.count("repeated_total", name)
        else:
            self._count_complaint(callback)
        if callback.undeclared:
            self._metrics.count("undeclared_total", name, by=len(callback.undeclared))
            self._name_once(name, callback.undeclared)
        if callback.unreadable:
            self._metrics.count("unreadable_total", name, by=len(callback.unreadable))
        if callback.zone_mismatch is not None:
            self._metrics.count("zone_mismatches_total", name)
        if route is not None and route is not callback.type:
            self._metrics.count("path_mismatches_total", name)
        self._name_set_aside(callback)

    def _name_set_aside(self, callback: Callback) -> None:
        """Log each parameter taken for the customer's own, the first time it comes with a type."""
        for parameter in callback.recognition.set_aside:
            known = (callback.type.name, parameter) in self._set_aside
            if known or len(self._set_aside) >= _NAMED_MAX:
                continue
            self._set_aside.add((callback.type.name, parameter))
            log.warning(
                "parameter_set_aside",
                callback_type=callback.type.name,
                parameter=parameter,
                remedy="BRIDGE_CONTEXT_PARAMETERS, or another name in the URL at Plivo",
            )

    def _count_complaint(self, callback: Callback) -> None:
        """Count what Plivo reports about us, unless somebody else may have said it.

        V2 covers neither query nor body, so whoever saw one signed request could put any code into it.
        Which path a callback came on is covered by every scheme.
        """
        code = complaint_of(callback.type.name, callback.fields)
        if code is None or isinstance(callback.verdict, Unverified):
            return
        said_in = "query" if callback.verdict.raw.method == "GET" else "body"
        if code == FALLBACK or said_in in callback.verdict.covers:
            self._metrics.count("plivo_complaints_total", code)

    def _name_once(self, type_name: str, parameters: Iterable[str]) -> None:
        """Log each parameter no declaration knows, the first time it comes with a type.

        That is how an operator learns of a new one of Plivo's the day it appears. A name that does
        not look like one of Plivo's is somebody's content, and stays out of the log.
        """
        for parameter in parameters:
            known = (type_name, parameter) in self._named
            if known or len(self._named) >= _NAMED_MAX or not _NAME.fullmatch(parameter):
                continue
            self._named.add((type_name, parameter))
            log.warning("parameter_undeclared", callback_type=type_name, parameter=parameter)
