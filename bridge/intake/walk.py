"""The walk of a callback: from the request to its one outcome."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from bridge.callbacks.model import CallbackType, Reply
from bridge.core.dead_letter import Stage, to_dead_letter, to_publish_dead_letter
from bridge.core.event import ContractNames
from bridge.core.journal import Asked, SentReply
from bridge.core.outcome import Outcome, RefusalCause
from bridge.core.parse import NoEvent
from bridge.core.record import Record
from bridge.core.request import RawCallback
from bridge.core.url_mismatch import UrlMismatch, to_loggable_url
from bridge.core.verify import Unverified, Verified
from bridge.intake.anomalies import AnomalyRecorder
from bridge.intake.asking import Asking
from bridge.intake.delivery import Delivery, NotDurable, StoredIn
from bridge.intake.outcome_log import CallbackResult, choose_label
from bridge.intake.preparation import Preparation, Prepared, Rejected, WithoutEvent
from bridge.intake.rejections import RejectionSampler
from bridge.publish import RecordRefused
from bridge.reply.chosen import Given
from bridge.reply.replies import Replies
from bridge.telemetry.metric_defs import Metric
from bridge.telemetry.metrics import Metrics

# A tuple, not a set: the hash of an enumeration's member is a Python function.
_WAITED_FOR: Final = (Reply.XML, Reply.SOUND)


@dataclass(frozen=True, slots=True)
class AckTimeouts:
    """How long Kafka has to acknowledge: less (``control_ack_timeout_s``) where a caller waits."""

    ack_timeout_s: float
    control_ack_timeout_s: float

    def deadline_s(self, kind: CallbackType | None) -> float:
        """Return the time to acknowledge a type. None: the type is unknown, so a caller may wait."""
        is_waited_for = kind is None or kind.reply in _WAITED_FOR
        return self.control_ack_timeout_s if is_waited_for else self.ack_timeout_s


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
    """The stations of the walk, in the order in which a callback meets them, and what they share."""

    preparation: Preparation
    rejections: RejectionSampler
    delivery: Delivery
    asking: Asking
    ack_timeouts: AckTimeouts
    replies: Replies
    naming: ContractNames


class Intake:
    """Walks a callback to its outcome: verify, parse, make durable, reply."""

    def __init__(
        self,
        parts: IntakeParts,
        metrics: Metrics,
    ) -> None:
        self._preparation = parts.preparation
        self._rejections = parts.rejections
        self._delivery = parts.delivery
        self._asking = parts.asking
        self._ack_timeouts = parts.ack_timeouts
        self._replies = parts.replies
        self._naming = parts.naming
        self._metrics = metrics
        self._anomalies = AnomalyRecorder(metrics)

    async def receive(self, raw: RawCallback, route: CallbackType | None) -> CallbackResult:
        """Return the result of a callback; ``route`` is its path's type, None on the shared path.

        Raises TooManyParameters, before anything is verified.
        """
        prepared = await self._preparation.prepare(raw, route)
        if isinstance(prepared, Rejected):
            verdict = prepared.verdict
            fields = {
                "fault": verdict.fault.value,
                **_url_mismatch_fields(self._rejections.diagnose(verdict), raw),
            }
            return CallbackResult(choose_label(route), Outcome.REJECTED, fields=fields)
        if isinstance(prepared, WithoutEvent):
            return await self._dead_letter_without_event(*prepared, route)
        chosen = prepared.chosen
        if isinstance(chosen, Given):
            return await self._store(prepared, chosen.reply)
        return await self._asking.ask_while(
            self._store(prepared, chosen.fallback),
            chosen,
            raw,
            kind=prepared.event.type,
            journal=prepared.records[-1],
        )

    async def _store(self, prepared: Prepared, reply: SentReply) -> CallbackResult:
        """Make a callback durable, and return its result with this reply."""
        label, event = prepared.event.type.name, prepared.event
        key, fields = event.record.key, {"event_id": event.id}
        deadline_s = self._ack_timeouts.deadline_s(prepared.event.type)
        try:
            stored_in = await self._delivery.deliver(prepared.records, deadline_s=deadline_s)
        except RecordRefused as error:
            fields = _dead_letter_fields(event.id, Stage.PUBLISH, error.reason)
            result = CallbackResult(label, Outcome.DEAD_LETTERED, reply, key=key, fields=fields)
            records = self._replace_refused(prepared.records, error)
            return await self._dead_letter(result, records, deadline_s)
        except NotDurable as error:
            return _not_durable(label, key, fields, error)
        self._anomalies.record(label, event.id, prepared.anomalies)
        outcome = Outcome.SPOOLED if stored_in is StoredIn.SPOOL else Outcome.PUBLISHED
        out_of_order = stored_in is StoredIn.KAFKA_OUT_OF_ORDER
        if out_of_order:
            fields["out_of_order"] = "older records of its key are in the spool"
        return CallbackResult(label, outcome, reply, key=key, fields=fields, notable=out_of_order)

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
        storing = self._dead_letter(result, records, self._ack_timeouts.deadline_s(route))
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
