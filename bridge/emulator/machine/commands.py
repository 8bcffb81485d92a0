"""Commands of the call machine to its driver, and the reports that come back."""

from enum import StrEnum
from typing import NamedTuple

Parameters = dict[str, str]


class Fault(StrEnum):
    """Fault of the connection of a request."""

    NONE = ""
    CUT = "cut"
    """It is closed in the middle of the body."""
    SLOW = "slow"
    """The body arrives in small pieces."""


class Request(NamedTuple):
    """An HTTP request to send once. The answer goes to ``Machine.answer`` under the same ``id``.

    ``type`` is the name of the callback type, as ``voice.call.ring``. ``subject`` is the id of the call,
    message or session. ``url`` has no fragment. A GET has ``parameters`` in its query. ``nonces`` are
    those of V2 and V3. ``attempt`` counts from 1 over the tries of one callback, which all have its
    ``callback_id``. ``read_timeout_s`` is for the first byte and for each pause between bytes,
    ``total_timeout_s`` for the whole try.
    """

    id: int
    type: str
    subject: str
    method: str
    url: str
    parameters: Parameters
    auth_id: str
    nonces: tuple[str, str]
    connect_timeout_s: float
    read_timeout_s: float
    attempt: int
    total_timeout_s: float
    callback_id: int
    fault: Fault = Fault.NONE


class Response(NamedTuple):
    """An HTTP answer."""

    status: int
    content_type: str = ""
    body: bytes = b""

    @property
    def is_success(self) -> bool:
        """Return whether the status is 2xx."""
        return 200 <= self.status < 300  # noqa: PLR2004 (the class of the status)


class Failure(NamedTuple):
    """A request without an answer. ``kind``: ``ct`` or ``rt``, a timeout; ``refused``; ``broken``."""

    kind: str
    detail: str = ""


Outcome = Response | Failure


class SetTimer(NamedTuple):
    """Call ``Machine.fire`` with ``id`` after ``delay_s`` of the machine's time."""

    id: int
    delay_s: float


class CancelTimer(NamedTuple):
    """Forget a timer."""

    id: int


class LegEnded(NamedTuple):
    """A leg has ended: cause, code and source as Plivo writes them. Once for each leg."""

    call_uuid: str
    cause: str
    code: str
    name: str
    source: str


class Note(NamedTuple):
    """Something that a developer wants to know, for example an element that Plivo ignores."""

    subject: str
    text: str


Command = Request | SetTimer | CancelTimer | LegEnded | Note
