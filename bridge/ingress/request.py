"""Make a RawCallback of an ASGI request, within all limits."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from http import HTTPStatus
from ipaddress import IPv4Network, IPv6Network, ip_address
from typing import Final, Protocol

from starlette.types import Receive, Scope

from bridge.core.origins import is_allowed_host, is_authority
from bridge.core.outcome import RefusalCause
from bridge.core.request import KEPT_HEADERS, Headers, RawCallback, index_headers

_KEPT: Final = {name.encode(): name for name in KEPT_HEADERS}
_SCHEMES: Final = frozenset({"http", "https"})

# In these the nearest proxy names the URL that Plivo called. A second line may be the client's own.
_FORWARDED_HEADERS: Final = ("x-forwarded-proto", "x-forwarded-host")

_NO_FIELDS: Final[Mapping[str, str]] = {}


class RequestRefused(Exception):
    """The request is refused; ``status`` and ``cause`` say why.

    ``fields`` are only for the log.
    """

    def __init__(
        self,
        status: HTTPStatus,
        cause: RefusalCause,
        detail: str,
        fields: Mapping[str, str] = _NO_FIELDS,
    ) -> None:
        super().__init__(cause)
        self.status = status
        self.cause = cause
        self.detail = detail
        self.fields = fields


class CountPiece(Protocol):
    """Callback for each piece of a body."""

    def __call__(self, size: int, *, is_last: bool) -> None:
        """Count ``size`` bytes."""
        ...


class ClientDisconnected(Exception):
    """The client disconnected before its request was complete."""


@dataclass(frozen=True, slots=True)
class RequestLimits:
    """Limits of one request.

    ``intake`` counts the parameters: an unsigned callback is never decoded.
    """

    body_bytes_max: int
    url_bytes_max: int
    parameters_max: int


@dataclass(frozen=True, slots=True)
class PublicUrlPolicy:
    """How to find the URL that Plivo called: configured, or from ``Host`` and trusted proxies.

    Without ``public_url`` a host outside ``allowed_hosts`` is refused; an empty ``allowed_hosts`` allows
    every host.
    """

    public_url: str | None
    trusted_proxies: tuple[IPv4Network | IPv6Network, ...]
    allowed_hosts: tuple[str, ...] = ()

    def trusts(self, address: str) -> bool:
        """Return whether forwarded headers from ``address`` are trusted."""
        try:
            remote = ip_address(address)
        except ValueError:
            return False
        # On an IPv6 socket an IPv4 client has a mapped address: ::ffff:192.0.2.1.
        remote = getattr(remote, "ipv4_mapped", None) or remote
        return any(remote in network for network in self.trusted_proxies)


async def read_body(receive: Receive, bytes_max: int, count: CountPiece) -> bytes:
    """Return the whole body; ``count`` gets the size of each piece as it arrives, and may raise.

    Raises RequestRefused as soon as the body is longer than ``bytes_max``, and ClientDisconnected.
    """
    read = bytearray()  # in a list of pieces, each byte of a slow client would occupy sixty
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ClientDisconnected
        piece: bytes = message.get("body", b"")
        if len(read) + len(piece) > bytes_max:
            raise RequestRefused(
                HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
                RefusalCause.BODY_TOO_LARGE,
                f"The body is longer than {bytes_max} bytes.",
            )
        is_last = not message.get("more_body", False)
        count(len(piece), is_last=is_last)
        if is_last:
            return bytes(read + piece) if read else piece
        read += piece


def _last_entry(value: str | None) -> str | None:
    """Return the last entry, which the nearest proxy added. The client can write the others."""
    return value.rpartition(",")[2].strip() or None if value else None


def _public_origin(headers: Headers, origin: str, remote: str, policy: PublicUrlPolicy) -> str:
    """Return the origin that Plivo called; raises RequestRefused if its host may not be called."""
    if policy.public_url is not None:
        return policy.public_url
    if policy.trusted_proxies and policy.trusts(remote):
        origin = _forwarded_origin(headers, origin)
    if policy.allowed_hosts and not is_allowed_host(origin, policy.allowed_hosts):
        raise RequestRefused(
            HTTPStatus.MISDIRECTED_REQUEST,
            RefusalCause.HOST_NOT_ALLOWED,
            "This host is not one that callbacks are accepted for.",
            {"host": origin.partition("://")[2]},
        )
    return origin


def _forwarded_origin(headers: Headers, origin: str) -> str:
    """Return the origin that a trusted proxy names."""
    names = [name for name, _ in headers.lines]
    for name in _FORWARDED_HEADERS:
        if names.count(name) > 1:
            raise RequestRefused(
                HTTPStatus.BAD_REQUEST,
                RefusalCause.AMBIGUOUS_HEADERS,
                f"There is more than one {name} line.",
            )
    scheme, _, host = origin.partition("://")
    # Schemes are case-insensitive (RFC 3986, section 3.1); Plivo signs the lower-case form. Any other
    # value is ignored.
    forwarded = (_last_entry(headers.values.get("x-forwarded-proto")) or "").lower()
    scheme = forwarded if forwarded in _SCHEMES else scheme
    host = _last_entry(headers.values.get("x-forwarded-host")) or host
    _check_authority(host)
    return f"{scheme}://{host}"


def _check_authority(host: str) -> None:
    """Raise RequestRefused unless ``host`` is valid: rules 5 and 6 of ``bridge.core.origins``."""
    if not is_authority(host):
        raise RequestRefused(
            HTTPStatus.BAD_REQUEST,
            RefusalCause.INVALID_HOST,
            "The host that was called is no host name or address with a port.",
        )


def read_request(
    scope: Scope,
    body: bytes,
    received_at: datetime,
    limits: RequestLimits,
    public_url_policy: PublicUrlPolicy,
) -> RawCallback:
    """Return the callback of a request; raises RequestRefused if it is over a limit."""
    raw_path: bytes = scope["raw_path"]
    query_string: bytes = scope["query_string"]
    if len(raw_path) + len(query_string) > limits.url_bytes_max:
        raise RequestRefused(
            HTTPStatus.REQUEST_URI_TOO_LONG,
            RefusalCause.URL_TOO_LONG,
            f"Path and query are longer than {limits.url_bytes_max} bytes.",
        )
    received: list[tuple[bytes, bytes]] = scope["headers"]
    headers = index_headers(
        [(_KEPT[name], value.decode("latin-1")) for name, value in received if name in _KEPT]
    )
    host = headers.values.get("host", "")
    _check_authority(host)
    client: tuple[str, int] | None = scope["client"]
    remote = client[0] if client else ""
    origin = f"{scope['scheme']}://{host}"
    public_origin = _public_origin(headers, origin, remote, public_url_policy)
    path, query = raw_path.decode("ascii"), query_string.decode("ascii")  # checked by ``framing``
    # Without keywords: they double the time.
    return RawCallback(
        scope["method"], origin, public_origin, path, query, headers, body, remote, received_at
    )
