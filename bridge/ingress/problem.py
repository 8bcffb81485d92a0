"""Problem documents (RFC 9457). They never repeat anything the client sent."""

from http import HTTPStatus
from typing import Final

import orjson

CONTENT_TYPE: Final = b"application/problem+json"
_URN: Final = "urn:callback-bridge:problem:"

RETRY_AFTER_S: Final = 5


def problem(status: HTTPStatus, name: str, detail: str) -> bytes:
    """Return a problem document; ``name`` is the stable part of its ``type``."""
    return orjson.dumps(
        {"type": _URN + name, "title": status.phrase, "status": status.value, "detail": detail}
    )
