"""The walk of a callback: from the request to its one outcome."""

import re
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final, Literal

import structlog

from bridge.callbacks.model import CallbackType
from bridge.event import Event, GivenReply, Naming, to_dead_letter, to_event, to_journal
from bridge.logs import where
from bridge.metrics import Metrics
from bridge.outcome import Outcome
from bridge.parameters import parameters_of
from bridge.parse import Callback, NoEvent, NoEventReason, Parser
from bridge.publish import Publisher, RecordTooLarge, Unavailable
from bridge.raw import RawCallback
from bridge.record import Record
from bridge.reply.document import ACKNOWLEDGEMENT, Replies
from bridge.verify import Fault, Unverified, Verified, Verifier

Policy = Literal["enforce", "report", "off"]

log = structlog.get_logger()

_NAME: Final = re.compile(r"(?![Xx]-[Pp][Hh]-)[A-Za-z][A-Za-z_-]{0,63}[0-9]{0,2}", re.ASCII)
_NAMED_MAX: Final = 1000


@dataclass(frozen=True, slots=True)
class Taken:
    """How a callback ended, and what Plivo is answered if it is on Kafka."""

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


class Intake:
    """Takes callbacks in: verify, parse, publish, and only then a reply."""

    def __init__(  # noqa: PLR0913 (the walk's stations, wired once)
        self,
        *,
        verifier: Verifier,
        policy: Policy,
        parser: Parser,
        publisher: Publisher,
        replies: Replies,
        naming: Naming,
        metrics: Metrics,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),  # noqa: TID251 (the doorway's clock)
    ) -> None:
        self._verifier = verifier
        self._policy = policy
        self._parser = parser
        self._publisher = publisher
        self._replies = replies
        self._naming = naming
        self._metrics = metrics
        self._now = now
        self._named: set[tuple[str, str]] = set()

    async def take(self, raw: RawCallback, route: CallbackType | None) -> Taken:
        """Return how the callback ended; ``route`` is its path's type, None on the shared path."""
        verdict = self._verdict(raw)
        label = route.name if route else "shared"
        if isinstance(verdict, Unverified) and self._policy == "enforce":
            self._ended(label, raw, Outcome.REJECTED, fault=verdict.fault)
            return Taken(Outcome.REJECTED, ACKNOWLEDGEMENT)
        reply = self._replies.of(route) if route else ACKNOWLEDGEMENT
        try:
            made = self._make(verdict, route)
            label = made.callback.type.name
            reply = made.reply
            try:
                await self._publish((made.event.record, made.journal))
            except RecordTooLarge as error:
                raise NoEvent(NoEventReason.TOO_LARGE) from error
        except NoEvent as error:
            return await self._dead_letter(verdict, error.reason, label, reply)
        except Unavailable as error:
            self._ended(label, raw, Outcome.REFUSED, cause=str(error))
            return Taken(Outcome.REFUSED, ACKNOWLEDGEMENT)
        self._noticed(made.callback, route)
        self._ended(label, raw, Outcome.PUBLISHED, event_id=made.event.id)
        return Taken(Outcome.PUBLISHED, reply, made.event.id)

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
            log.error("event_not_made", error=type(error).__name__, where=where(error))  # noqa: TRY400
            raise NoEvent(NoEventReason.BRIDGE_FAULT) from error

    def _verdict(self, raw: RawCallback) -> Verified | Unverified:
        parameters = parameters_of(raw)
        if self._policy == "off":
            verdict: Verified | Unverified = self._verifier.unverified(
                raw, parameters, Fault.NOT_CHECKED
            )
        else:
            verdict = self._verifier.verify(raw, parameters)
        if isinstance(verdict, Verified):
            self._metrics.count("verifications_total", verdict.scheme, "verified")
        else:
            self._metrics.count("verifications_total", "", verdict.fault)
        return verdict

    async def _dead_letter(
        self, verdict: Verified | Unverified, reason: NoEventReason, label: str, reply: GivenReply
    ) -> Taken:
        raw = verdict.raw
        identity, records = to_dead_letter(verdict, reason, self._naming, reply)
        try:
            await self._publish(records)
        except (Unavailable, RecordTooLarge) as error:
            self._ended(label, raw, Outcome.REFUSED, cause=str(error))
            return Taken(Outcome.REFUSED, ACKNOWLEDGEMENT)
        self._ended(label, raw, Outcome.DEAD_LETTERED, callback_id=identity, reason=reason)
        return Taken(Outcome.DEAD_LETTERED, reply, identity)

    async def _publish(self, records: tuple[Record, ...]) -> None:
        started = time.perf_counter()
        await self._publisher.publish(records)
        self._metrics.publish_took(time.perf_counter() - started)
        for record in records:
            self._metrics.count("records_total", record.topic)
            self._metrics.count("record_bytes_total", record.topic, by=len(record.value))

    def _noticed(self, callback: Callback, route: CallbackType | None) -> None:
        """Count what an operator should look at."""
        name = callback.type.name
        if callback.undeclared:
            self._metrics.count("undeclared_total", name, by=len(callback.undeclared))
            self._name_once(name, callback.undeclared)
        if callback.unreadable:
            self._metrics.count("unreadable_total", name, by=len(callback.unreadable))
        if callback.zone_mismatch is not None:
            self._metrics.count("zone_mismatches_total", name)
        if route is not None and route is not callback.type:
            self._metrics.count("path_mismatches_total", name)

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

    def _ended(self, label: str, raw: RawCallback, outcome: Outcome, **keys: str) -> None:
        self._metrics.count("callbacks_total", label, raw.method, outcome)
        level = "info" if outcome is Outcome.PUBLISHED else "warning"
        getattr(log, level)(f"callback_{outcome}", callback_type=label, method=raw.method, **keys)
