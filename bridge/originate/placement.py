"""The outcome of a request that dials.

1. Plivo's answer with a status of 2xx is ``accepted``, any other answer below 500 is ``refused``.
2. A timeout, a broken connection and an answer of 5xx are ``unknown``: Plivo may have dialled. Such a
   request is never repeated; the callbacks that arrive tell, and Plivo's list of calls.
3. A request that certainly never left (no connection was made) is ``refused``.
"""

from enum import StrEnum
from typing import NamedTuple


class PlacementOutcome(StrEnum):
    """Whether Plivo took a request."""

    ACCEPTED = "accepted"
    REFUSED = "refused"
    UNKNOWN = "unknown"


class Placement(NamedTuple):
    """One request to Plivo, and its outcome.

    ``reference`` is our own id of the request, which its URLs carry. ``request_uuids`` are Plivo's, in
    the order of ``destinations`` if there is one for each; empty unless the outcome is ``accepted``.
    ``status`` is the HTTP status, None without an answer. ``explanation`` says in words what happened
    and what to do.
    """

    reference: str
    destinations: tuple[str, ...]
    outcome: PlacementOutcome
    request_uuids: tuple[str, ...]
    api_id: str | None
    status: int | None
    explanation: str
