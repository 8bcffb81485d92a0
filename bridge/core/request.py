"""The HTTP request of a callback, as received. Nothing in it is trusted yet."""

from collections.abc import Iterable
from datetime import datetime
from typing import Final, NamedTuple

Header = tuple[str, str]

SIGNATURE_V1: Final = "x-plivo-signature"
SIGNATURE_V2: Final = "x-plivo-signature-v2"
SIGNATURE_MA_V2: Final = "x-plivo-signature-ma-v2"
NONCE_V2: Final = "x-plivo-signature-v2-nonce"
SIGNATURE_V3: Final = "x-plivo-signature-v3"
SIGNATURE_MA_V3: Final = "x-plivo-signature-ma-v3"
NONCE_V3: Final = "x-plivo-signature-v3-nonce"

SIGNATURE_NAMES: Final = (
    SIGNATURE_V1,
    SIGNATURE_V2,
    SIGNATURE_MA_V2,
    SIGNATURE_V3,
    SIGNATURE_MA_V3,
)

# Signatures that can verify a callback. V1 is not one of them: it has no nonce.
_VERIFIABLE: Final = frozenset({SIGNATURE_V2, SIGNATURE_MA_V2, SIGNATURE_V3, SIGNATURE_MA_V3})

# An auditor needs these to check the signature again and to see the request's route. All other
# headers (cookies, tracing ids) are dropped: they may hold personal data, and nothing here needs them.
KEPT_HEADERS: Final = frozenset(
    {
        SIGNATURE_V1,
        SIGNATURE_V2,
        SIGNATURE_MA_V2,
        NONCE_V2,
        SIGNATURE_V3,
        SIGNATURE_MA_V3,
        NONCE_V3,
        "content-encoding",
        "content-type",
        "forwarded",
        "host",
        "user-agent",
        "x-forwarded-for",
        "x-forwarded-host",
        "x-forwarded-port",
        "x-forwarded-prefix",
        "x-forwarded-proto",
        "x-request-id",
    }
)


class Headers(NamedTuple):
    """The headers of a request, made by ``index_headers``.

    ``lines`` are as received, with names in lower case. ``values`` has them by name, repeated lines
    joined by commas (RFC 9110, section 5.3).
    """

    lines: tuple[Header, ...]
    values: dict[str, str]


def index_headers(lines: Iterable[Header]) -> Headers:
    """Return the headers of the lines of a request."""
    lines = tuple(lines)
    values = dict(lines)
    if len(values) < len(lines):
        values = {name: ",".join([value for key, value in lines if key == name]) for name in values}
    return Headers(lines, values)


class RawCallback(NamedTuple):
    """One HTTP request from Plivo, with the exact bytes that were signed.

    ``path`` and ``query`` are percent-encoded, as received. ``origin`` is the scheme and authority
    under which the request reached this process. ``public_origin`` is the scheme, the authority and
    the path prefix, if any, that Plivo called and signed. Only ``KEPT_HEADERS`` are in ``headers``.
    ``received_at`` is timezone-aware UTC.
    """

    method: str
    origin: str
    public_origin: str
    path: str
    query: str
    headers: Headers
    body: bytes
    remote_address: str
    received_at: datetime

    @property
    def is_signed(self) -> bool:
        """Return whether the request has a signature header that can verify it."""
        return not _VERIFIABLE.isdisjoint(self.headers.values)

    @property
    def target(self) -> str:
        """Return path and query, as in the request line."""
        return f"{self.path}?{self.query}" if self.query else self.path
