"""Answers as bytes, and problem documents (RFC 9457).

A problem document never repeats anything the client sent.
"""

from collections.abc import Iterable
from http import HTTPStatus
from typing import Final

import orjson

CONTENT_TYPE: Final = b"application/problem+json"
_URN: Final = "urn:callback-bridge:problem:"

RETRY_AFTER_S: Final = 5
_STATUS_LINES: Final = {
    status.value: f"HTTP/1.1 {status.value} {status.phrase}\r\n".encode() for status in HTTPStatus
}
# A value that contains one of these differs from its translation. ``in`` takes four times as long.
_BREAKS: Final = b"\r\n\0"
_WITHOUT_BREAKS: Final = bytes.maketrans(_BREAKS, b" " * len(_BREAKS))
_WITHOUT_BODY: Final = frozenset({HTTPStatus.NO_CONTENT, HTTPStatus.NOT_MODIFIED})
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


def problem(status: HTTPStatus, name: str, detail: str) -> bytes:
    """Return a problem document; ``name`` is the stable part of its ``type``."""
    return orjson.dumps(
        {"type": _URN + name, "title": status.phrase, "status": status.value, "detail": detail}
    )


def answer_bytes(
    status: int, headers: Iterable[tuple[bytes, bytes]], body: bytes, *, keep_alive: bool
) -> bytes:
    """Return an answer as bytes of HTTP/1.1, with a ``content-length`` if it has none."""
    parts = [_STATUS_LINES[status]]
    has_length = status in _WITHOUT_BODY
    for name, value in headers:
        if value.translate(_WITHOUT_BREAKS) != value:
            # It would let whoever controls the value add headers, or a second answer.
            message = "an answer's header contains a line break"
            raise ValueError(message)
        if name == b"content-length":
            has_length = True
        parts += (name, b": ", value, b"\r\n")
    if not has_length:
        parts.append(b"content-length: %d\r\n" % len(body))
    parts += (b"\r\n" if keep_alive else b"connection: close\r\n\r\n", body)
    return b"".join(parts)


def refusal_bytes(status: HTTPStatus) -> bytes:
    """Return the last answer of a connection."""
    headers = [(b"content-type", CONTENT_TYPE)]
    if status in _RETRIED:
        headers.append((b"retry-after", str(RETRY_AFTER_S).encode()))
    return answer_bytes(status, headers, problem(status, *_PROBLEMS[status]), keep_alive=False)
