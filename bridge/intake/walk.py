"""The walk of a callback: from the request to its one outcome."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final, Literal, NamedTuple

from bridge.callbacks.model import CallbackType, Reply
from bridge.core.dead_letter import Stage, to_dead_letter, to_publish_dead_letter
from bridge.core.event import ContractNames, EventRecord, to_event
from bridge.core.journal import Asked, SentReply, to_journal
from bridge.core.outcome import Outcome, RefusalCause
from bridge.core.parameters import Parameters, collect_parameters, parse_parameters
from bridge.core.parse import Callback, NoEvent, NoEventReason, Parser
from bridge.core.record import Record
from bridge.core.request import RawCallback
from bridge.core.url_mismatch import UrlMismatch, to_loggable_url
from bridge.core.verify import Unverified, VerificationFault, Verified, Verifier
from bridge.intake.anomalies import AnomalyRecorder
from bridge.intake.asking import Asking
from bridge.intake.delivery import Delivery, NotDurable, StoredIn
from bridge.intake.outcome_log import CallbackResult, choose_label
from bridge.intake.rejections import RejectionSampler
from bridge.publish import RecordRefused
from bridge.reply.chosen import Ask, Given
from bridge.reply.replies import Replies
from bridge.telemetry.metric_defs import Metric
from bridge.telemetry.metrics import Metrics

Policy = Literal["enforce", "report", "off"]

# A tuple, not a set: the hash of an enumeration's member is a Python function.
_WAITED_FOR: Final = (Reply.XML, Reply.SOUND)
_NO_PARAMETERS: Final = collect_parameters((), ())


@dataclass(frozen=True, slots=True)
class IntakeRules:
    """Configured rules of the walk.

    Kafka has ``ack_timeout_s`` to acknowledge, and ``control_ack_timeout_s`` where a caller waits for
    the answer. ``parameters_max`` None: there is no limit.
    """

    policy: Policy
    ack_timeout_s: float
    control_ack_timeout_s: float
    parameters_max: int | None = None

    def deadline_s(self, kind: CallbackType | None) -> float:
        """Return the time to acknowledge a type. None: the type is unknown, so a caller may wait."""
        is_waited_for = kind is None or kind.reply in _WAITED_FOR
        return self.control_ack_timeout_s if is_waited_for else self.ack_timeout_s


class _Prepared(NamedTuple):
    """A callback's event, its records (the journal record last), and how it is answered."""

    callback: Callback
    event: EventRecord
    records: tuple[Record, Record]
    chosen: Given | Ask


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


@dataclass(frozen=True, slots=True)
class IntakeParts:
    """The stations of the walk, in the order in which a callback meets them, and their rules."""

    rules: IntakeRules
    verifier: Verifier
    rejections: RejectionSampler
    parser: Parser
    replies: Replies
    naming: ContractNames
    delivery: Delivery
    asking: Asking


class Intake:
    """Walks a callback to its outcome: verify, parse, make durable, reply."""

    def __init__(
        self,
        parts: IntakeParts,
        metrics: Metrics,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),  # noqa: TID251 (the server reads the clock)
    ) -> None:
        self._rules = parts.rules
        self._verifier = parts.verifier
        self._rejections = parts.rejections
        self._parser = parts.parser
        self._replies = parts.replies
        self._naming = parts.naming
        self._delivery = parts.delivery
        self._asking = parts.asking
        self._metrics = metrics
        self._now = now
        self._anomalies = AnomalyRecorder(metrics)

    async def receive(self, raw: RawCallback, route: CallbackType | None) -> CallbackResult:
        """Return the result of a callback; ``route`` is its path's type, None on the shared path.

        Raises TooManyParameters, before anything is verified.
        """
        verdict = self._verify(raw, route)
        if isinstance(verdict, Unverified) and self._rules.policy == "enforce":
            fields = {
                "fault": verdict.fault.value,
                **_url_mismatch_fields(self._rejections.diagnose(verdict), raw),
            }
            return CallbackResult(choose_label(route), Outcome.REJECTED, fields=fields)
        try:
            prepared = self._prepare(verdict, route)
        except NoEvent as error:
            return await self._dead_letter_without_event(verdict, error, route)
        chosen = prepared.chosen
        if isinstance(chosen, Given):
            return await self._store(prepared, route, chosen.reply)
        return await self._asking.ask_while(
            self._store(prepared, route, chosen.fallback),
            chosen,
            raw,
            kind=prepared.callback.type,
            journal=prepared.records[-1],
        )

    async def _store(
        self, prepared: _Prepared, route: CallbackType | None, reply: SentReply
    ) -> CallbackResult:
        """Make a callback durable, and return its result with this reply."""
        label, event = prepared.callback.type.name, prepared.event
        key, fields = event.record.key, {"event_id": event.id}
        deadline_s = self._rules.deadline_s(prepared.callback.type)
        try:
            stored_in = await self._delivery.deliver(prepared.records, deadline_s=deadline_s)
        except RecordRefused as error:
            fields = _dead_letter_fields(event.id, Stage.PUBLISH, error.reason)
            result = CallbackResult(label, Outcome.DEAD_LETTERED, reply, key=key, fields=fields)
            records = self._replace_refused(prepared.records, error)
            return await self._dead_letter(result, records, deadline_s)
        except NotDurable as error:
            return _not_durable(label, key, fields, error)
        self._anomalies.record(prepared.callback, event.id, route)
        outcome = Outcome.SPOOLED if stored_in is StoredIn.SPOOL else Outcome.PUBLISHED
        out_of_order = stored_in is StoredIn.KAFKA_OUT_OF_ORDER
        if out_of_order:
            fields["out_of_order"] = "older records of its key are in the spool"
        return CallbackResult(label, outcome, reply, key=key, fields=fields, notable=out_of_order)

    def _prepare(self, verdict: Verified | Unverified, route: CallbackType | None) -> _Prepared:
        """Return the records to publish; raises NoEvent if there is no event."""
        try:
            callback = self._parser.parse(verdict, route)
            rules = self._replies.rules
            chosen = rules.choose(callback)
            reply = chosen.reply if isinstance(chosen, Given) else Asked(chosen.application)
            event = to_event(callback, self._naming, self._now())
            forward_to = rules.find_forward(callback)
            journal = to_journal(callback, event, self._naming, reply, forward_to=forward_to)
            return _Prepared(callback, event, (event.record, journal), chosen)
        except NoEvent:
            raise
        except Exception as error:
            # Plivo does not retry a voice callback, so a fault of ours must not lose it.
            raise NoEvent(NoEventReason.BRIDGE_FAULT) from error

    def _verify(self, raw: RawCallback, route: CallbackType | None) -> Verified | Unverified:
        if self._rules.policy == "enforce" and not raw.is_signed:
            # It will be rejected anyway, so spend no time on decoding it.
            parameters = _NO_PARAMETERS
        else:
            parameters = parse_parameters(raw, self._rules.parameters_max)
        if self._rules.policy == "off":
            verdict: Verified | Unverified = self._verifier.mark_unverified(
                raw, parameters, VerificationFault.NOT_CHECKED
            )
        else:
            verdict = self._verifier.verify(
                raw, parameters, may_be_voice=lambda: self._may_be_voice(parameters, route)
            )
        if isinstance(verdict, Verified):
            scheme, key_id = verdict.scheme, verdict.key_id
            self._metrics.count(Metric.VERIFICATIONS_TOTAL, scheme, "verified", key_id)
        else:
            self._metrics.count(Metric.VERIFICATIONS_TOTAL, "", verdict.fault, "")
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
        # One dead letter stands for all refused records, so drop its repetitions and keep the order.
        return list(dict.fromkeys(letter if one in refused else one for one in left))

    async def _dead_letter_without_event(
        self, verdict: Verified | Unverified, error: NoEvent, route: CallbackType | None
    ) -> CallbackResult:
        chosen = self._replies.rules.choose_without_event(verdict, route)
        reply = chosen.reply if isinstance(chosen, Given) else Asked(chosen.application)
        identity, records = to_dead_letter(verdict, error.reason, self._naming, reply, route=route)
        result = CallbackResult(
            choose_label(route),
            Outcome.DEAD_LETTERED,
            chosen.reply if isinstance(chosen, Given) else chosen.fallback,
            key=records[0].key,
            fields=_dead_letter_fields(identity, Stage.PARSE, error.reason),
            fault=error.__cause__,
        )
        storing = self._dead_letter(result, records, self._rules.deadline_s(route))
        if isinstance(chosen, Given):
            return await storing
        return await self._asking.ask_while(
            storing, chosen, verdict.raw, kind=route, journal=records[-1]
        )

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
        self._metrics.count(Metric.DEAD_LETTERS_TOTAL, fields["stage"], fields["reason"])
        self._anomalies.record_repeated(result.label, fields["callback_id"])
        return result
