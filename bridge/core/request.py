"""The callback as it came off the wire, before anything is believed about it."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final

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

# Those that a callback can be verified by: V1 has no nonce, and is refused.
_VERIFIABLE: Final = frozenset({SIGNATURE_V2, SIGNATURE_MA_V2, SIGNATURE_V3, SIGNATURE_MA_V3})

# What an auditor needs to check the signature again and to see which way the request came.
# Everything else (cookies, tracing of strangers) is not ours to keep.
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


@dataclass(frozen=True, slots=True)
class RawCallback:
    """One HTTP request of Plivo's, byte for byte where it matters.

    ``path`` and ``query`` are percent-encoded, as received. ``origin`` is the scheme and authority
    the request reached us under, ``public_origin`` the one Plivo called (and signed), with the
    public path prefix if there is one. Header names are lower case; only ``KEPT_HEADERS`` are here.
    ``received_at`` is aware, UTC.
    """

    method: str
    origin: str
    public_origin: str
    path: str
    query: str
    headers: tuple[Header, ...]
    body: bytes
    remote_address: str
    received_at: datetime

    def header(self, name: str) -> str | None:
        """Return the header ``name`` (lower case), several lines of it joined by commas, or None."""
        values = [value for key, value in self.headers if key == name]
        return ",".join(values) if values else None

    @property
    def is_signed(self) -> bool:
        """Return whether there is a signature that could verify it."""
        return any([name in _VERIFIABLE for name, _ in self.headers])  # noqa: C419 (half the time)

    @property
    def target(self) -> str:
        """Return path and query, as in the request line."""
        return f"{self.path}?{self.query}" if self.query else self.path

    @property
    def url_received(self) -> str:
        """Return the URL as it reached this process."""
        return self.origin + self.target

    @property
    def url_verified(self) -> str:
        """Return the URL as Plivo called it: the one the signature is checked against."""
        return self.public_origin + self.target
