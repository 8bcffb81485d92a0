"""Answers of a connection without the application: malformed, too slow, too large, overloaded."""

from http import HTTPStatus
from typing import Final

from bridge.ingress.exchange import answer_bytes
from bridge.ingress.problem import CONTENT_TYPE, RETRY_AFTER_S, problem

_RETRIED: Final = frozenset({HTTPStatus.SERVICE_UNAVAILABLE, HTTPStatus.TOO_MANY_REQUESTS})
_PROBLEMS: Final = {
    HTTPStatus.BAD_REQUEST: ("malformed-request", "The bytes are not an HTTP/1.1 request."),
    HTTPStatus.REQUEST_TIMEOUT: ("too-slow", "The request did not arrive in time."),
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE: ("body-too-large", "The body is over its limit."),
    HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE: (
        "head-too-large",
        "The request line, headers or trailers are over their limit.",
    ),
    HTTPStatus.TOO_MANY_REQUESTS: (
        "overloaded",
        "Too many callbacks are in flight. Send the callback again later.",
    ),
    HTTPStatus.SERVICE_UNAVAILABLE: (
        "overloaded",
        "Too many requests are incomplete. Send the callback again later.",
    ),
}


def refusal_bytes(status: HTTPStatus) -> bytes:
    """Return the last answer of a connection."""
    headers = [(b"content-type", CONTENT_TYPE)]
    if status in _RETRIED:
        headers.append((b"retry-after", str(RETRY_AFTER_S).encode()))
    return answer_bytes(status, headers, problem(status, *_PROBLEMS[status]), keep_alive=False)
