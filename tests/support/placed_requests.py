"""Requests that dial, as the bridge stores them, and the other records that a journal holds."""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import orjson

from bridge.audit.derive import Deriver
from bridge.calls.request import RequestRecords, RequestState
from bridge.core.answer import Answered, to_answer_record
from bridge.core.event import ContractNames, to_epoch_ms
from bridge.core.journal import JOURNAL_KIND, JOURNAL_TOPIC, SentReply
from bridge.core.record import Record
from bridge.core.requested import Outcome, PlacedRequest, to_request_records
from tests.support.call_stories import at, changed
from tests.support.emulated_call import EmulatedCall, answered_call
from tests.support.factories import AUTH_ID, ZONE, parser
from tests.support.stored_calls import PLACED, SCHEMAS, TYPES, Taken, taken
from tests.support.stored_records import stored_of

REFERENCE = "0c7f6a52d1e84b6f9b1d3a2c5e4f7081"
BRIDGE = "https://bridge.example.com/plivo/voice/call"


ANNA, BEN, SIP = "14155550123", "14155550177", "sip:cara@phone.plivo.com"
A, B, C = (f"a39290d0-2b5c-4c0e-9a34-5e7e2c0d1f0{n}" for n in range(3))
SOON = at(120)
DERIVER = Deriver(parser(TYPES), ContractNames("", SCHEMAS))


def wired(reference: str, *names: str) -> dict[str, str]:
    """Return the URLs of these callbacks, such as ``hangup``, each with the reference."""
    return {
        f"{name}_url": f"{BRIDGE}/{name}?bridge_reference={reference}#rp=all&rc=5" for name in names
    }


def placed(
    destinations: Sequence[str] = ("14155550123",),
    uuids: Sequence[str] = (),
    *,
    reference: str = REFERENCE,
    outcome: Outcome = "accepted",
    requested_at: datetime = PLACED,
    urls: Sequence[str] = ("answer", "ring", "hangup"),
    **more: Any,
) -> PlacedRequest:
    """Return a request after its outcome; ``urls`` are the callbacks that it asks for."""
    return PlacedRequest(
        account=AUTH_ID,
        reference=reference,
        client="callback-bridge/1.0",
        requested_at=requested_at,
        body={"from": "14155550100", "to": "<".join(destinations), **wired(reference, *urls)},
        destinations=tuple(destinations),
        outcome=outcome,
        request_uuids=tuple(uuids),
        api_id=None,
        status=201 if outcome == "accepted" else None,
        explanation="call fired",
    )._replace(**more)


def call_of(
    number: str,
    uuid: str,
    *,
    reference: str | None = REFERENCE,
    prefix: str = "",
    placed_at: datetime = PLACED,
    kinds: Sequence[str] = ("ring", "answer", "hangup"),
    is_verified: bool = True,
    **changes: str | None,
) -> list[Taken]:
    """Return callbacks of an answered call to a destination, as they are stored.

    ``reference`` is in the query of their URLs, unless it is None. ``changes`` are other parameters.
    """
    call = EmulatedCall(UUID(uuid), AUTH_ID, ZoneInfo(ZONE), placed_at, callee=number)
    query = f"bridge_reference={reference}" if reference else ""
    return [
        taken(
            changed(step, **changes),
            at(seconds, placed_at),
            prefix=prefix,
            query=query,
            is_verified=is_verified,
        )
        for step, seconds in zip(answered_call(call), (2, 5, 70), strict=True)
        if step.path.rpartition("/")[2] in kinds
    ]


def records_of(request: PlacedRequest, prefix: str = "") -> tuple[Record, ...]:
    """Return the records of a request: its events, then its journal record."""
    at = request.requested_at + timedelta(milliseconds=300)
    return to_request_records(request, ContractNames(prefix, SCHEMAS), at)


def other_records(prefix: str = "", at: datetime = PLACED) -> list[Record]:
    """Return journal records that are no callbacks: a request, an answer, a kind of a later version."""
    later = Record(
        prefix + JOURNAL_TOPIC,
        b"a39290d0-2b5c-4c0e-9a34-5e7e2c0d1f00",
        orjson.dumps({"rule": "all", "received_at": "2026-03-07T14:13:28Z"}),
        (("content-type", b"application/json"), (JOURNAL_KIND, b"tomorrow")),
        to_epoch_ms(at),
    )
    answered = Answered("all", "ivr", "application", 41, None, SentReply(200, None, b""))
    return [
        records_of(placed(requested_at=at), prefix)[-1],
        to_answer_record(later, answered),
        later,
    ]


def collected(
    *parts: Iterable[Record] | Iterable[Taken], account: str | None = None
) -> RequestRecords:
    """Return the records of a request, each added if it concerns the request."""
    records = RequestRecords(REFERENCE, DERIVER, account)
    number = 0
    for part in parts:
        for one in part:
            for record in one.records[-1:] if isinstance(one, Taken) else [one]:
                found = stored_of(record, number := number + 1)
                if records.concerns(found):
                    records.add(found)
    return records


def state_of(*parts: Iterable[Record] | Iterable[Taken], now: datetime = SOON) -> RequestState:
    return collected(*parts).build_state(now)
