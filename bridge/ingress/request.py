"""From an ASGI scope to a RawCallback, with every limit on the way."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from http import HTTPStatus
from ipaddress import IPv4Network, IPv6Network, ip_address
from typing import Any, Final, Protocol

from starlette.types import Receive, Scope

from bridge.core.origins import is_allowed_host, is_authority
from bridge.core.outcome import RefusalCause
from bridge.core.request import KEPT_HEADERS, Header, RawCallback

_SCHEMES: Final = frozenset({"http", "https"})

# What the nearest proxy says of the URL that Plivo called. Of two lines one may be the client's.
_FORWARDED_HEADERS: Final = ("x-forwarded-proto", "x-forwarded-host")

_NO_FIELDS: Final[Mapping[str, str]] = {}


class RequestRefused(Exception):
    """The request is not accepted; ``status`` and ``cause`` say why.

    ``fields`` are for the log alone.
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
    """Counts a piece of a body."""

    def __call__(self, size: int, *, is_last: bool) -> None:
        """Count ``size`` bytes."""
        ...


class ClientDisconnected(Exception):
    """The client left before its request was complete."""


@dataclass(frozen=True, slots=True)
class RequestLimits:
    """The most a request may have, and the most that may be under way at once.

    Intake counts the parameters, because nothing is decoded of a callback without a signature.
    """

    body_bytes_max: int
    url_bytes_max: int
    parameters_max: int
    in_flight_max: int
    in_flight_bytes_max: int


@dataclass(frozen=True, slots=True)
class PublicUrlPolicy:
    """How to know the URL Plivo called: configured, or by ``Host`` and proxies that are trusted.

    Without ``public_url``, a host that is none of ``allowed_hosts`` is refused. If there are none, any
    host is allowed.
    """

    public_url: str | None
    trusted_proxies: tuple[IPv4Network | IPv6Network, ...]
    allowed_hosts: tuple[str, ...] = ()

    def trusts(self, address: str) -> bool:
        """Say whether forwarded headers from ``address`` are to be believed."""
        try:
            remote = ip_address(address)
        except ValueError:
            return False
        # A client of an IPv6 socket that came by IPv4 has its address wrapped.
        remote = getattr(remote, "ipv4_mapped", None) or remote
        return any(remote in network for network in self.trusted_proxies)


async def read_body(receive: Receive, bytes_max: int, count: CountPiece) -> bytes:
    """Return the whole body; ``count`` gets the size of each piece as it comes, and may raise.

    Raises Refused as soon as the body is longer than ``bytes_max``, and ClientGone.
    """
    read = bytearray()  # a list of pieces would let a client send a byte and cost us sixty
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
    """Return the entry the nearest proxy wrote."""
    return value.rpartition(",")[2].strip() or None if value else None


def _public_origin(
    headers: Sequence[Header], origin: str, remote: str, policy: PublicUrlPolicy
) -> str:
    """Return the origin that Plivo called; raises Refused for a host that is none, or not allowed."""
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


def _forwarded_origin(headers: Sequence[Header], origin: str) -> str:
    """Return the origin as a trusted proxy names it."""
    names = [name for name, _ in headers]
    for name in _FORWARDED_HEADERS:
        if names.count(name) > 1:
            raise RequestRefused(
                HTTPStatus.BAD_REQUEST,
                RefusalCause.AMBIGUOUS_HEADERS,
                f"There is more than one {name} line.",
            )
    named = dict(headers)
    scheme, _, host = origin.partition("://")
    # A scheme has no case (RFC 3986, section 3.1), and URLs are written with a small one. A value that
    # is no scheme of HTTP says nothing.
    forwarded = (_last_entry(named.get("x-forwarded-proto")) or "").lower()
    scheme = forwarded if forwarded in _SCHEMES else scheme
    host = _last_entry(named.get("x-forwarded-host")) or host
    _check_authority(host)
    return f"{scheme}://{host}"


def _check_authority(host: str) -> None:
    """Raise Refused if ``host`` is no host with a port (rules 5 and 6 of ``bridge.core.origins``)."""
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
    """Return the callback of a request whose body was read; raises Refused when it is over a limit."""
    raw_path: bytes = scope["raw_path"]
    query_string: bytes = scope["query_string"]
    if len(raw_path) + len(query_string) > limits.url_bytes_max:
        raise RequestRefused(
            HTTPStatus.REQUEST_URI_TOO_LONG,
            RefusalCause.URL_TOO_LONG,
            f"Path and query are longer than {limits.url_bytes_max} bytes.",
        )
    headers: list[Header] = []
    host = ""
    raw_headers: list[tuple[bytes, bytes]] = scope["headers"]
    for raw_name, raw_value in raw_headers:
        name = raw_name.decode("latin-1")
        if name in KEPT_HEADERS:
            value = raw_value.decode("latin-1")
            headers.append((name, value))
            if name == "host":
                host = value
    _check_authority(host)
    query = query_string.decode("ascii")  # the server refuses what is not
    client: Any = scope.get("client")
    remote = str(client[0]) if client else ""
    origin = f"{scope['scheme']}://{host}"
    return RawCallback(
        method=scope["method"],
        origin=origin,
        public_origin=_public_origin(headers, origin, remote, public_url_policy),
        path=raw_path.decode("ascii"),
        query=query,
        headers=tuple(headers),
        body=body,
        remote_address=remote,
        received_at=received_at,
    )
