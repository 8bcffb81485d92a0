"""Turn a journal record back into its callback and the verdict it got."""

import base64
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Protocol

import orjson
from aiokafka.structs import ConsumerRecord
from pydantic import TypeAdapter, ValidationError

from bridge.core.answer import AnswerValue
from bridge.core.journal import JOURNAL_KIND, EventName, JournalKind, JournalValue
from bridge.core.parameters import parse_parameters
from bridge.core.request import RawCallback, index_headers
from bridge.core.verify import Unverified, Verified, restore_verdict

_VALUE: Final = TypeAdapter(JournalValue)
_ANSWER: Final = TypeAdapter(AnswerValue)
_SOURCE: Final = re.compile(r"/plivo/accounts/([^/]+)(?:/subaccounts/([^/]+))?")


class WithHeaders(Protocol):
    """A record with its headers, from Kafka or to be published."""

    @property
    def headers(self) -> Iterable[tuple[str, bytes | None]] | Mapping[str, bytes]:
        """Return the names and values of the headers."""
        ...


class NotAJournalRecord(Exception):
    """The value is not a journal record. The text says where it differs, and quotes no value."""


@dataclass(frozen=True, slots=True)
class JournalledCallback:
    """A callback read from the journal, with the verdict it got when it arrived."""

    raw: RawCallback
    verdict: Verified | Unverified
    value: JournalValue

    @property
    def event_name(self) -> EventName | None:
        """Return the event that was made of it then: the bridge makes at most one."""
        return next(iter(self.value["events"]), None)


def is_callback(record: WithHeaders) -> bool:
    """Return whether a record of the journal is a callback: it names no other kind of record.

    Records of other topics name none, so they are callbacks too.
    """
    headers = record.headers
    if isinstance(headers, Mapping):
        return JOURNAL_KIND not in headers
    return all(name != JOURNAL_KIND for name, _ in headers)


def is_answer(record: ConsumerRecord) -> bool:
    """Return whether a record of the journal is the answer of a customer's application."""
    return (JOURNAL_KIND, JournalKind.ANSWER.encode()) in record.headers


def parse_answer_record(value: bytes) -> AnswerValue:
    """Return the answer in a record of that kind; raises NotAJournalRecord."""
    try:
        return _ANSWER.validate_json(value)
    except ValidationError as error:
        raise NotAJournalRecord(_describe_faults(error)) from error


def parse_journal_record(value: bytes) -> JournalledCallback:
    """Return the callback in a journal record or dead letter, from its value alone.

    Raises NotAJournalRecord.
    """
    try:
        parsed: object = orjson.loads(value)
    except orjson.JSONDecodeError as error:
        message = "not JSON"
        raise NotAJournalRecord(message) from error
    checked = _validate(parsed)
    raw = _build_raw_callback(checked)
    owner = _SOURCE.fullmatch(checked["source"])
    if owner is None:
        message = "source: not an account"
        raise NotAJournalRecord(message)
    account = None if owner[1] == "unknown" else owner[1]
    try:
        verdict = restore_verdict(
            raw,
            parse_parameters(raw),
            checked["verification"],
            (account, owner[2], checked["zone"]),
        )
    except ValueError as error:
        message = "verification: not a verdict of the bridge"
        raise NotAJournalRecord(message) from error
    return JournalledCallback(raw, verdict, checked)


def to_raw_callback(value: object) -> RawCallback:
    """Return the callback of a journal record's JSON, byte for byte.

    Raises NotAJournalRecord.
    """
    return _build_raw_callback(_validate(value))


def _validate(value: object) -> JournalValue:
    try:
        return _VALUE.validate_python(value)
    except ValidationError as error:
        raise NotAJournalRecord(_describe_faults(error)) from error


def _describe_faults(error: ValidationError) -> str:
    faults = error.errors(include_url=False, include_context=False, include_input=False)
    return "; ".join(
        f"{'.'.join(map(str, one['loc'])) or 'value'}: {one['type']}" for one in faults
    )


def _build_raw_callback(value: JournalValue) -> RawCallback:
    target = value["path"] + (f"?{value['query']}" if value["query"] else "")
    if not value["url_received"].endswith(target):
        message = "url_received: does not end in path and query"
        raise NotAJournalRecord(message)
    try:
        received_at = datetime.fromisoformat(value["received_at"])
    except ValueError as error:
        message = "received_at: not a time"
        raise NotAJournalRecord(message) from error
    if received_at.tzinfo is None:
        message = "received_at: without an offset"
        raise NotAJournalRecord(message)
    try:
        body = decode_body(value)
    except (KeyError, ValueError) as error:
        message = "body: neither text nor base64"
        raise NotAJournalRecord(message) from error
    return RawCallback(
        method=value["method"],
        origin=value["url_received"].removesuffix(target),
        public_origin=value["public_origin"],
        path=value["path"],
        query=value["query"],
        headers=index_headers(value["headers"]),
        body=body,
        remote_address=value["remote_address"],
        received_at=received_at,
    )


def decode_body(value: Mapping[str, Any]) -> bytes:
    """Return the body in a journal record's JSON; raises KeyError, TypeError or ValueError."""
    if "body" in value:
        return str(value["body"]).encode()
    return base64.b64decode(value["body_base64"], validate=True)
