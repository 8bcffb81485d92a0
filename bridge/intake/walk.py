"""The walk of a callback: from the request to its one outcome."""

import re
from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final, Literal

import structlog

from bridge.callbacks.model import CallbackType, Reply
from bridge.core.complaints import FALLBACK, find_complaint
from bridge.core.dead_letter import Stage, to_dead_letter, to_publish_dead_letter
from bridge.core.event import ContractNames, EventRecord, SentReply, to_event, to_journal
from bridge.core.outcome import Outcome, RefusalCause
from bridge.core.parameters import Parameters, parse_parameters
from bridge.core.parse import Callback, NoEvent, NoEventReason, Parser
from bridge.core.record import Record
from bridge.core.request import RawCallback
from bridge.core.url_mismatch import UrlMismatch, to_loggable_url
from bridge.core.verify import Unverified, VerificationFault, Verified, Verifier
from bridge.intake.delivery import Delivery, NotDurable, StoredIn
from bridge.intake.outcome_log import CallbackResult, label_of
from bridge.intake.rejections import RejectionSampler
from bridge.publish import RecordRefused
from bridge.reply.document import ACKNOWLEDGEMENT, Replies
from bridge.telemetry.metrics import Metrics

Policy = Literal["enforce", "report", "off"]

log = structlog.get_logger()

_PLIVO_NAME: Final = re.compile(r"(?![Xx]-[Pp][Hh]-)[A-Za-z][A-Za-z_-]{0,63}[0-9]{0,2}", re.ASCII)
_LOGGED_PARAMETERS_MAX: Final = 1000
_RECENT_IDS_MAX: Final = 10_000
_NO_PARAMETERS: Final = Parameters((), ())


@dataclass(frozen=True, slots=True)
class AckDeadlines:
    """Time that Kafka has to acknowledge; ``control_s`` where a caller waits for the answer."""

    notification_s: float
    control_s: float

    def for_type(self, kind: CallbackType | None) -> float:
        """Return the deadline of a type. None: the type is unknown, so a caller may be waiting."""
        waited_for = kind is None or kind.reply in {Reply.XML, Reply.SOUND}
        return self.control_s if waited_for else self.notification_s


@dataclass(frozen=True, slots=True)
class _Prepared:
    """A callback's event and journal record, and its reply."""

    callback: Callback
    event: EventRecord
    journal: Record
    reply: SentReply

    @property
    def records(self) -> tuple[Record, Record]:
        return self.event.record, self.journal


def _url_mismatch_fields(mismatch: UrlMismatch | None, raw: RawCallback) -> dict[str, str]:
    """Return the log fields of a URL mismatch: what differs, and the two public URLs."""
    if mismatch is None:
        return {}
    fields = {"url_mismatch": mismatch.variant.value}
    checked = to_loggable_url(raw.public_origin)
    if mismatch.public_url is not None and checked is not None:
        fields["public_url_checked"] = checked
    if mismatch.public_url is not None:
        fields["public_url_that_would_verify"] = mismatch.public_url
    return fields


def _dead_letter_fields(identity: str, stage: Stage, reason: str) -> dict[str, str]:
    return {"callback_id": identity, "stage": stage, "reason": reason}


def _not_durable(
    label: str, key: bytes | None, fields: Mapping[str, str], error: NotDurable
) -> CallbackResult:
    return CallbackResult(
        label,
        Outcome.REFUSED,
        key=key,
        fields={**fields, "why": str(error)},
        cause=RefusalCause.NOT_DURABLE,
    )


class Intake:
    """Walks a callback to its outcome: verify, parse, make durable, reply."""

    def __init__(  # noqa: PLR0913 (the walk's stations, wired once)
        self,
        *,
        verifier: Verifier,
        policy: Policy,
        parser: Parser,
        delivery: Delivery,
        deadlines: AckDeadlines,
        rejections: RejectionSampler,
        replies: Replies,
        naming: ContractNames,
        metrics: Metrics,
        parameters_max: int | None = None,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),  # noqa: TID251 (the doorway's clock)
    ) -> None:
        self._verifier = verifier
        self._policy = policy
        self._parser = parser
        self._delivery = delivery
        self._deadlines = deadlines
        self._rejections = rejections
        self._replies = replies
        self._naming = naming
        self._metrics = metrics
        self._parameters_max = parameters_max
        self._now = now
        self._undeclared_logged: set[tuple[str, str]] = set()
        self._set_aside_logged: set[tuple[str, str]] = set()
        self._recent_ids: OrderedDict[str, None] = OrderedDict()

    async def receive(self, raw: RawCallback, route: CallbackType | None) -> CallbackResult:
        """Return the result of a callback; ``route`` is its path's type, None on the shared path.

        Raises TooManyParameters, before anything is verified.
        """
        verdict = self._verify(raw, route)
        if isinstance(verdict, Unverified) and self._policy == "enforce":
            fields = {
                "fault": verdict.fault.value,
                **_url_mismatch_fields(self._rejections.diagnose(verdict), raw),
            }
            return CallbackResult(label_of(route), Outcome.REJECTED, fields=fields)
        try:
            prepared = self._prepare(verdict, route)
        except NoEvent as error:
            return await self._dead_letter_without_event(verdict, error, route)
        label, event = prepared.callback.type.name, prepared.event
        key, fields = event.record.key, {"event_id": event.id}
        deadline_s = self._deadlines.for_type(prepared.callback.type)
        try:
            stored_in = await self._delivery.deliver(prepared.records, deadline_s=deadline_s)
        except RecordRefused as error:
            fields = _dead_letter_fields(event.id, Stage.PUBLISH, error.reason)
            result = CallbackResult(
                label, Outcome.DEAD_LETTERED, prepared.reply, key=key, fields=fields
            )
            records = self._replace_refused(prepared.records, error)
            return await self._dead_letter(result, records, deadline_s)
        except NotDurable as error:
            return _not_durable(label, key, fields, error)
        self._count_anomalies(prepared, route)
        outcome = Outcome.SPOOLED if stored_in is StoredIn.SPOOL else Outcome.PUBLISHED
        out_of_order = stored_in is StoredIn.KAFKA_OUT_OF_ORDER
        if out_of_order:
            fields["out_of_order"] = "older ones of its key"
        return CallbackResult(
            label, outcome, prepared.reply, key=key, fields=fields, notable=out_of_order
        )

    def _prepare(self, verdict: Verified | Unverified, route: CallbackType | None) -> _Prepared:
        """Return the records to publish; raises NoEvent if there is no event."""
        try:
            callback = self._parser.parse(verdict, route)
            reply = self._replies.reply_to(callback.type)
            event = to_event(callback, self._naming, self._now())
            journal = to_journal(callback, event, self._naming, reply)
            return _Prepared(callback, event, journal, reply)
        except NoEvent:
            raise
        except Exception as error:
            # Plivo does not retry a voice callback, so a fault of ours must not lose it.
            raise NoEvent(NoEventReason.BRIDGE_FAULT) from error

    def _verify(self, raw: RawCallback, route: CallbackType | None) -> Verified | Unverified:
        if self._policy == "enforce" and not raw.is_signed:
            # It will be rejected anyway, so spend no time on decoding it.
            parameters = _NO_PARAMETERS
        else:
            parameters = parse_parameters(raw, self._parameters_max)
        if self._policy == "off":
            verdict: Verified | Unverified = self._verifier.mark_unverified(
                raw, parameters, VerificationFault.NOT_CHECKED
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
        """Return whether a callback may be a voice callback, judged by its path and parameters.

        V2 covers the path but not the parameters. A callback of no known type counts as one of the
        product of its path; on the shared path it may be of any product.
        """
        kind = self._parser.find_type(parameters, route)
        return kind is None or "voice" in {kind.product, route.product if route else ""}

    def _replace_refused(self, records: Sequence[Record], error: RecordRefused) -> list[Record]:
        """Return the records still to store, with a dead letter instead of the refused ones."""
        refused = [one for one in records if one.topic == error.topic] or records
        letter = to_publish_dead_letter(
            records, refused, error.reason, tries=1, naming=self._naming
        )
        left = [one for one in records if one not in error.acknowledged]
        return list(dict.fromkeys(letter if one in refused else one for one in left))

    async def _dead_letter_without_event(
        self, verdict: Verified | Unverified, error: NoEvent, route: CallbackType | None
    ) -> CallbackResult:
        reply = self._replies.reply_to(route) if route else ACKNOWLEDGEMENT
        identity, records = to_dead_letter(verdict, error.reason, self._naming, reply, route=route)
        result = CallbackResult(
            label_of(route),
            Outcome.DEAD_LETTERED,
            reply,
            key=records[0].key,
            fields=_dead_letter_fields(identity, Stage.PARSE, error.reason),
            fault=error.__cause__,
        )
        return await self._dead_letter(result, records, self._deadlines.for_type(route))

    async def _dead_letter(
        self, result: CallbackResult, records: Sequence[Record], deadline_s: float
    ) -> CallbackResult:
        """Store the records, of which one is a dead letter; return ``result`` if that succeeds."""
        fields = result.fields
        try:
            try:
                await self._delivery.deliver(records, deadline_s=deadline_s)
            except RecordRefused:
                await self._delivery.spool(records)
        except NotDurable as error:
            return _not_durable(
                result.label, result.key, {"callback_id": fields["callback_id"]}, error
            )
        self._metrics.count("dead_letters_total", fields["stage"], fields["reason"])
        if self._is_repeated(fields["callback_id"]):
            self._metrics.count("repeated_total", result.label)
        return result

    def _is_repeated(self, identity: str) -> bool:
        """Return whether a callback with this id came recently, and remember the id."""
        known = identity in self._recent_ids
        self._recent_ids[identity] = None
        if len(self._recent_ids) > _RECENT_IDS_MAX:
            self._recent_ids.popitem(last=False)
        return known

    def _count_anomalies(self, prepared: _Prepared, route: CallbackType | None) -> None:
        """Count the anomalies of a published callback."""
        callback = prepared.callback
        name = callback.type.name
        if self._is_repeated(prepared.event.id):
            self._metrics.count("repeated_total", name)
        else:
            self._count_complaint(callback)
        if callback.undeclared:
            self._metrics.count("undeclared_total", name, by=len(callback.undeclared))
            self._log_undeclared(name, callback.undeclared)
        if callback.unreadable:
            self._metrics.count("unreadable_total", name, by=len(callback.unreadable))
        if callback.zone_mismatch is not None:
            self._metrics.count("zone_mismatches_total", name)
        if route is not None and route is not callback.type:
            self._metrics.count("path_mismatches_total", name)
        self._log_set_aside(callback)

    def _log_set_aside(self, callback: Callback) -> None:
        """Log each parameter that was taken for the customer's own, once for each type."""
        for parameter in callback.recognition.ignored_parameters:
            known = (callback.type.name, parameter) in self._set_aside_logged
            if known or len(self._set_aside_logged) >= _LOGGED_PARAMETERS_MAX:
                continue
            self._set_aside_logged.add((callback.type.name, parameter))
            log.warning(
                "parameter_set_aside",
                callback_type=callback.type.name,
                parameter=parameter,
                remedy="BRIDGE_CONTEXT_PARAMETERS, or another name in the URL at Plivo",
            )

    def _count_complaint(self, callback: Callback) -> None:
        """Count a complaint of Plivo about the customer's URLs, if the signature covers it.

        V2 covers neither query nor body, so anyone who saw one signed request could insert any code. The
        path, which identifies a fallback, is covered by every scheme.
        """
        code = find_complaint(callback.type.name, callback.fields)
        if code is None or isinstance(callback.verdict, Unverified):
            return
        said_in = "query" if callback.verdict.raw.method == "GET" else "body"
        if code == FALLBACK or said_in in callback.verdict.covers:
            self._metrics.count("plivo_complaints_total", code)

    def _log_undeclared(self, type_name: str, parameters: Iterable[str]) -> None:
        """Log each undeclared parameter, once for each type.

        So operators learn of new parameters on the day Plivo introduces them. A name that does not look
        like Plivo's may be content, and is not logged.
        """
        for parameter in parameters:
            known = (type_name, parameter) in self._undeclared_logged
            if (
                known
                or len(self._undeclared_logged) >= _LOGGED_PARAMETERS_MAX
                or not _PLIVO_NAME.fullmatch(parameter)
            ):
                continue
            self._undeclared_logged.add((type_name, parameter))
            log.warning("parameter_undeclared", callback_type=type_name, parameter=parameter)
