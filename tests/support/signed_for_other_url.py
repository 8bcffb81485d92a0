"""Callbacks whose signature holds for another URL than the one they arrived under."""

from typing import Any
from urllib.parse import urlencode

from bridge.core import request as wire
from bridge.core.request import Header, RawCallback
from bridge.core.url_mismatch import MismatchVariant, UrlMismatch, find_url_mismatch
from bridge.core.verify import AcceptV2, Unverified
from tests.support.factories import (
    AUTH_ID,
    NONCE,
    raw_callback,
    v2_of,
    v3_of,
    verdict_on,
    verifier,
    with_headers,
)

FORM = urlencode({"CallUUID": "x", "Event": "Ring", "ParentAuthID": AUTH_ID})
PATH = "/plivo/voice/call/ring"


def called(url: str, *, method: str = "POST") -> RawCallback:
    """Return the callback as Plivo would have sent it, had the bridge been at ``url`` itself."""
    origin, _, target = url.partition("/plivo")
    path, _, query = ("/plivo" + target).partition("?")
    if method == "GET":
        return raw_callback(
            "&".join(filter(None, [query, FORM])), method="GET", path=path, origin=origin
        )
    return raw_callback(query, FORM, path=path, origin=origin)


def arrived(plivos: RawCallback, origin: str, *, scheme: str, **changes: Any) -> RawCallback:
    """Return what came of a signed callback that was checked against another URL."""
    if scheme == "v3":
        signatures = ((wire.SIGNATURE_V3, v3_of(plivos)), (wire.NONCE_V3, NONCE))
    else:
        signatures = ((wire.SIGNATURE_V2, v2_of(plivos)), (wire.NONCE_V2, NONCE))
    more: tuple[Header, ...] = changes.pop("headers", ())
    return with_headers(plivos, *signatures, *more)._replace(public_origin=origin, **changes)


def near(raw: RawCallback, *, accept_v2: AcceptV2 = AcceptV2.ALL) -> UrlMismatch | None:
    by = verifier(accept_v2=accept_v2)
    verdict = verdict_on(raw, by)
    assert isinstance(verdict, Unverified)
    return find_url_mismatch(raw, verdict.parameters, by)


def found(raw: RawCallback, *, accept_v2: AcceptV2 = AcceptV2.ALL) -> MismatchVariant | None:
    miss = near(raw, accept_v2=accept_v2)
    return miss.variant if miss else None
