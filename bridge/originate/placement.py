"""The outcome of a request that dials.

1. ``accepted``: the answer has a status of 2xx, and names the calls (``request_uuid``) or says that the
   real answer follows (asynchronous mode). A 2xx with anything else in it may come from something
   between us and Plivo, or was cut off: it is ``unknown``.
2. ``refused``: an answer of 4xx, except 408 and 499. With those two, something between us and Plivo says
   that it gave up, and Plivo may have the request.
3. ``unknown``: everything else that may have reached Plivo, that is a timeout, a broken connection, a
   redirect and an answer of 5xx. Such a request is never repeated; the callbacks that arrive tell, and
   Plivo's list of calls.
4. A request that certainly never left (no connection was made) is ``refused``.
5. For several destinations ``request_uuid`` is a list, for one it is a text. If there is not one for
   each destination, nobody can tell which call is whose.
"""

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from typing import Final, NamedTuple, Protocol, cast

from bridge.originate.errors import (
    NOT_PLIVO,
    ApiAnswer,
    Explanation,
    explain_refusal,
    explain_unknown,
)

_SPAWNED: Final = "async api spawned"


class PlacementOutcome(StrEnum):
    """Whether Plivo took a request."""

    ACCEPTED = "accepted"
    REFUSED = "refused"
    UNKNOWN = "unknown"


class DialRequest(Protocol):
    """A request that dials, as the client sees it."""

    @property
    def destinations(self) -> tuple[str, ...]:
        """Return who is called."""
        ...

    def to_body(self) -> Mapping[str, object]:
        """Return Plivo's JSON."""
        ...


class Placement(NamedTuple):
    """One request to Plivo, and its outcome.

    ``reference`` is our own id of the request, which its URLs carry. ``request_uuids`` are Plivo's, in
    the order of ``destinations`` if there is one for each; empty unless the outcome is ``accepted``.
    ``status`` is the HTTP status, None without an answer. ``explanation`` says in words what happened
    and what to do, and ``code`` is its stable code. ``message`` is Plivo's own, such as ``call queued``.
    ``sent_at`` is when the request was sent, or would have been.
    """

    reference: str
    destinations: tuple[str, ...]
    outcome: PlacementOutcome
    request_uuids: tuple[str, ...]
    api_id: str | None
    status: int | None
    explanation: str
    code: str
    message: str
    sent_at: datetime

    @property
    def waits(self) -> bool:
        """Return True if Plivo lets calls wait, because they are more than its rate."""
        return self.message == "call queued"

    def pair_destinations(self) -> tuple[tuple[str, str | None], ...]:
        """Return each destination with its request uuid; None if it is not known: rule 5."""
        if len(self.request_uuids) != len(self.destinations):
            return tuple((one, None) for one in self.destinations)
        return tuple(zip(self.destinations, self.request_uuids, strict=True))


class Sent(NamedTuple):
    """A request that was sent: our reference, the destinations, and when."""

    reference: str
    destinations: tuple[str, ...]
    at: datetime


def place_from_answer(sent: Sent, answer: ApiAnswer) -> Placement:
    """Return the outcome of a request that was answered: rules 1 to 3."""
    uuids = _read_uuids(answer.body)
    is_accepted = bool(uuids) or answer.message == _SPAWNED
    if answer.is_success:
        if is_accepted:
            return _make(
                sent, PlacementOutcome.ACCEPTED, _explain_acceptance(answer), answer, uuids
            )
        return _make(sent, PlacementOutcome.UNKNOWN, NOT_PLIVO, answer)
    if answer.is_refusal:
        return _make(sent, PlacementOutcome.REFUSED, explain_refusal(answer), answer)
    return _make(sent, PlacementOutcome.UNKNOWN, explain_unknown(answer), answer)


def place_without_answer(
    sent: Sent, outcome: PlacementOutcome, explanation: Explanation
) -> Placement:
    """Return the outcome of a request without an answer: rules 3 and 4."""
    return _make(sent, outcome, explanation, None)


def _make(
    sent: Sent,
    outcome: PlacementOutcome,
    explanation: Explanation,
    answer: ApiAnswer | None,
    uuids: tuple[str, ...] = (),
) -> Placement:
    return Placement(
        reference=sent.reference,
        destinations=sent.destinations,
        outcome=outcome,
        request_uuids=uuids,
        api_id=answer.api_id if answer else None,
        status=answer.status if answer else None,
        explanation=explanation.text,
        code=explanation.code,
        message=answer.message if answer else "",
        sent_at=sent.at,
    )


def _explain_acceptance(answer: ApiAnswer) -> Explanation:
    if answer.message == _SPAWNED:
        return Explanation(
            "spawned", "Plivo took the request", "its real answer goes to the callback_url"
        )
    if answer.message == "call queued":
        return Explanation(
            "queued", "Plivo took the request", "calls above the account's rate wait at Plivo"
        )
    return Explanation("fired", "Plivo took the request", "")


def _read_uuids(body: Mapping[str, object] | None) -> tuple[str, ...]:
    """Return the request uuids of an answer: rule 5."""
    found = (body or {}).get("request_uuid")
    values = cast("list[object]", found) if isinstance(found, list) else [found]
    if all(isinstance(one, str) and one for one in values):
        return tuple(cast("list[str]", values))
    return ()
