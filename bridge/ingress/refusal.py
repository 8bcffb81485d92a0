"""The answers a connection gives by itself: to what is malformed, too slow, too big or too much."""

from http import HTTPStatus
from typing import Final

from bridge.ingress.exchange import answer_bytes
from bridge.ingress.problem import CONTENT_TYPE, RETRY_AFTER_S, problem

_RETRIED: Final = frozenset({HTTPStatus.SERVICE_UNAVAILABLE, HTTPStatus.TOO_MANY_REQUESTS})
_PROBLEMS: Final = {
    HTTPStatus.BAD_REQUEST: ("malformed-request", "The bytes are no request of HTTP/1.1."),
    HTTPStatus.REQUEST_TIMEOUT: ("too-slow", "The request did not arrive in time."),
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE: ("body-too-large", "The body is larger than is taken."),
    HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE: (
        "head-too-large",
        "Request line, headers or trailers are longer than is taken.",
    ),
    HTTPStatus.TOO_MANY_REQUESTS: (
        "overloaded",
        "Too much is under way. Send the callback again later.",
    ),
    HTTPStatus.SERVICE_UNAVAILABLE: (
        "overloaded",
        "Too many requests are unfinished. Send the callback again later.",
    ),
}


def refusal_bytes(status: HTTPStatus) -> bytes:
    """Return the answer with ``status``, which is a connection's last."""
    headers = [(b"content-type", CONTENT_TYPE)]
    if status in _RETRIED:
        headers.append((b"retry-after", str(RETRY_AFTER_S).encode()))
    return answer_bytes(status, headers, problem(status, *_PROBLEMS[status]), keep_alive=False)
