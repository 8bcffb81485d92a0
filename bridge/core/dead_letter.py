"""Dead letters: callbacks that cannot become an event, and records that Kafka rejects.

1. The value of a dead letter is the callback's journal record. So one reader serves both, and a
   redrive needs nothing else.
2. Its headers give the stage that failed (``dlq_stage``), the reason (``dlq_reason``), the number
   of tries to publish (``dlq_tries``), and the topics that lack their record (``dlq_topic``,
   separated by commas; blank if the topic is not known). ``callback_type`` and the id of the event,
   or of the callback if there is no event, are those of the journal record.
3. A dead letter of stage ``parse`` has its journal record beside it. So has one of stage
   ``publish``, unless ``dlq_topic`` names the journal. One of stage ``forward`` is made of its journal
   record: no topic lacks a record, only the application that the header ``forward_to`` names.
4. The key of a dead letter and of its journal record is the identifier of the call, if it is known,
   so that they are stored with the other records of that call. Otherwise it is the callback's id.
5. Stages and reasons are stable codes. This file defines their meanings.
6. The id of a verified callback that cannot become an event is computed from what its signature
   covers. So one captured signature has one id, whatever content type is written beside it. If the
   signature covers the content, the id is a digest of the message without the nonce: Plivo's retry
   has the same id as the first. If it covers less (V2, or a JSON body in another reading), the id
   is a digest of the path and the nonce, which no other request of Plivo shares. The id of an
   unverified callback is a digest of all its parameters.
"""

import hashlib
from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import Final

from bridge.callbacks.model import CallbackType
from bridge.core.event import ContractNames, compute_callback_id, find_nonce, to_epoch_ms
from bridge.core.identity import find_callback_identifier
from bridge.core.journal import (
    DEAD_LETTER_TOPIC,
    JOURNAL_TOPIC,
    JSON_CONTENT_TYPE,
    Asked,
    SentReply,
    to_journal_value,
)
from bridge.core.parameters import Parameters
from bridge.core.parse import NoEventReason
from bridge.core.record import Record, RecordHeader, encode_json
from bridge.core.signature import join_form, join_query, join_v3_message
from bridge.core.verify import Unverified, Verified

STAGE: Final = "dlq_stage"
REASON: Final = "dlq_reason"
TRIES: Final = "dlq_tries"
TOPIC: Final = "dlq_topic"
CALLBACK_TYPE: Final = "callback_type"
EVENT_ID: Final = "event_id"
CALLBACK_ID: Final = "callback_id"


class Stage(StrEnum):
    """The stage at which a callback failed."""

    PARSE = "parse"
    PUBLISH = "publish"
    FORWARD = "forward"


class PublishReason(StrEnum):
    """Why Kafka rejects a record, every time it is tried."""

    RECORD_TOO_LARGE = "record_too_large"
    RECORD_INVALID = "record_invalid"
    POLICY_VIOLATION = "policy_violation"


class ForwardReason(StrEnum):
    """Why a notification could not be sent on to the customer's application."""

    REFUSED_CONNECTION = "refused_connection"
    TIMEOUT = "timeout"
    CUT_OFF = "cut_off"
    BUSY = "busy"
    STATUS = "status"
    REDIRECT = "redirect"
    NOT_CONFIGURED = "not_configured"
    NOT_A_JOURNAL_RECORD = "not_a_journal_record"
    BRIDGE_FAULT = "bridge_fault"


MEANINGS: Final[Mapping[Stage, Mapping[str, str]]] = {
    Stage.PARSE: {
        NoEventReason.NO_IDENTITY: "It has no identifier of a call, a message or a session, or none "
        "that can be used: repeated with several values, unreadable, or too long.",
        NoEventReason.CONTENT_TYPE: "Its body is neither a form nor JSON.",
        NoEventReason.CONTENT_ENCODING: "Its body is compressed, which Plivo does not do.",
        NoEventReason.MALFORMED_JSON: "Its content type is JSON, but its body is not a JSON object.",
        NoEventReason.BRIDGE_FAULT: "The bridge failed to process it: a bug, please report it.",
    },
    Stage.PUBLISH: {
        PublishReason.RECORD_TOO_LARGE: "The record is larger than its topic or the broker allows "
        "(`max.message.bytes`).",
        PublishReason.RECORD_INVALID: "The broker considers the record damaged or invalid.",
        PublishReason.POLICY_VIOLATION: "A policy of the cluster forbids the record.",
    },
    Stage.FORWARD: {
        ForwardReason.REFUSED_CONNECTION: "The application cannot be connected to.",
        ForwardReason.TIMEOUT: "The application did not answer in time.",
        ForwardReason.CUT_OFF: "The connection to the application broke off.",
        ForwardReason.BUSY: "The application already had as many requests as it may have at once.",
        ForwardReason.STATUS: "The application answered with a status other than 2xx.",
        ForwardReason.REDIRECT: "The application answered with a redirect, which is not followed.",
        ForwardReason.NOT_CONFIGURED: "The rules no longer say where the application is.",
        ForwardReason.NOT_A_JOURNAL_RECORD: "The bridge did not write the journal record.",
        ForwardReason.BRIDGE_FAULT: "The bridge failed to send it on: a bug, please report it.",
    },
}


def list_meanings() -> list[tuple[str, str, str]]:
    """Return every stage, reason and meaning: the rows of the reference page."""
    return [
        (stage, reason, text)
        for stage, reasons in MEANINGS.items()
        for reason, text in reasons.items()
    ]


def find_meaning(stage: str, reason: str) -> str:
    """Return the meaning of a stage and reason; empty for codes that this version does not know."""
    return next((text for *codes, text in list_meanings() if codes == [stage, reason]), "")


def compute_dead_letter_id(verdict: Verified | Unverified) -> str:
    """Return the 32 hex digits that identify a callback that cannot become an event: rule 6."""
    raw, parameters = verdict.raw, verdict.parameters
    if isinstance(verdict, Unverified):
        return compute_callback_id(verdict.account, raw.path, parameters)
    if verdict.covers_content:
        return compute_covered_id(verdict.account, raw.path, parameters)
    return _compute_digest(verdict.account, "nonce", f"{raw.path} {find_nonce(verdict)}".encode())


def compute_covered_id(account: str, path: str, parameters: Parameters) -> str:
    """Return the id of a callback whose signature covers ``path`` and ``parameters``: rule 6."""
    query = join_query(parameters.sorted_query)
    text = join_form(parameters.sorted_body) if parameters.body else None
    return _compute_digest(account, "content", join_v3_message(path, query, text, nonce=""))


def _compute_digest(account: str, what: str, signed: bytes) -> str:
    return hashlib.blake2b(f"{account}\n{what}\n".encode() + signed, digest_size=16).hexdigest()


def to_dead_letter(
    verdict: Verified | Unverified,
    reason: NoEventReason,
    naming: ContractNames,
    reply: SentReply | Asked,
    *,
    route: CallbackType | None = None,
) -> tuple[str, tuple[Record, Record]]:
    """Return the id of a callback that cannot become an event, its dead letter and its journal record.

    ``route`` is the type of the callback's path, if the path belongs to one.
    """
    identity = compute_dead_letter_id(verdict)
    key = find_callback_identifier(verdict.raw, verdict.parameters) or identity
    journal = Record(
        topic=naming.topic_prefix + JOURNAL_TOPIC,
        key=key.encode(),
        value=encode_json(to_journal_value(verdict, event=None, reply=reply)),
        headers=(
            JSON_CONTENT_TYPE,
            (CALLBACK_TYPE, route.name.encode() if route else b""),
            (CALLBACK_ID, identity.encode()),
        ),
        timestamp_ms=to_epoch_ms(verdict.raw.received_at),
    )
    topics = [naming.topic_prefix + route.topic] if route else []
    headers = _build_headers(Stage.PARSE, reason, 0, topics)
    return identity, (_to_letter(journal, headers, naming), journal)


def to_publish_dead_letter(
    records: Sequence[Record],
    refused: Sequence[Record],
    reason: str,
    *,
    tries: int,
    naming: ContractNames,
) -> Record:
    """Return the dead letter of a callback whose ``refused`` records Kafka rejects.

    ``records`` are all records of the callback, the journal record last. Value and key of the dead
    letter are those of the journal record. ``reason`` is a ``PublishReason``, from
    ``RecordRefused``. The caller still has to publish the records that are not in ``refused``.
    """
    topics = [record.topic for record in refused]
    headers = _build_headers(Stage.PUBLISH, reason, tries, topics)
    return _to_letter(records[-1], headers, naming)


def to_forward_dead_letter(
    journal: Record, reason: ForwardReason, *, tries: int, naming: ContractNames
) -> Record:
    """Return the dead letter of a notification that its application did not take."""
    return _to_letter(journal, _build_headers(Stage.FORWARD, reason, tries, ()), naming)


def _to_letter(journal: Record, headers: Sequence[RecordHeader], naming: ContractNames) -> Record:
    content_type, *about = journal.headers
    return Record(
        topic=naming.topic_prefix + DEAD_LETTER_TOPIC,
        key=journal.key,
        value=journal.value,
        headers=(content_type, *headers, *about),
        timestamp_ms=journal.timestamp_ms,
    )


def _build_headers(
    stage: Stage, reason: str, tries: int, topics: Sequence[str]
) -> list[RecordHeader]:
    headers = {STAGE: stage, REASON: reason, TRIES: str(tries), TOPIC: ",".join(topics)}
    return [(name, value.encode()) for name, value in headers.items()]
