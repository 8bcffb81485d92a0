"""Which other URL a wrong signature holds for: the commonest fault in the field, by its name.

Nearly every wrong signature is Plivo's own, over a URL that something between Plivo and the bridge
changed. This tells an operator what it changed. It verifies nothing.

1. What comes back is a word of a closed set, made of the parts of the URL that differ. It is no
   verdict, no part of one, and holds nothing of the callback.
2. The URLs tried are those a proxy or a setting would have made of the one Plivo called: the parts
   singly, then together, in the order below, and never more than ``TRIES_MAX`` for each token. What
   is signed alike is tried once.
3. Only the URL is varied, and whether it had a query. Body, nonce and token are as they came, so who
   holds no token has no near miss, and the memory of V2 nonces is not asked.
4. Headers a stranger may have written say what to try, which costs a bounded number of HMACs.
"""

import hmac
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from enum import StrEnum
from itertools import islice
from typing import Final

from bridge import raw as wire
from bridge import signature
from bridge.parameters import Pair, Parameters
from bridge.raw import RawCallback
from bridge.verify import SIGNATURES_MAX, Verifier, claimed_account

TRIES_MAX: Final = 32

_HOSTS_MAX: Final = 2
_AUTHORITY: Final = re.compile(r"(?P<host>.*?)(?P<port>:[0-9]{1,5})?", re.DOTALL)
_PORT: Final = re.compile(r"[0-9]{1,5}")
_FORWARDED_HOST: Final = re.compile(r'(?:^|[;,\s])host="?([^";,\s]+)', re.IGNORECASE)
_DEFAULT_PORTS: Final = {"http": ":80", "https": ":443"}
_OTHER_SCHEME: Final = {"http": "https", "https": "http"}


class Variant(StrEnum):
    """What differs between the URL that was checked and the one the signature holds for."""

    SCHEME = "scheme"
    PORT = "port"
    HOST = "host"
    PATH = "path"
    QUERY = "query"
    SCHEME_PORT = "scheme+port"
    SCHEME_HOST = "scheme+host"
    SCHEME_PATH = "scheme+path"
    SCHEME_QUERY = "scheme+query"
    PORT_HOST = "port+host"
    HOST_PATH = "host+path"
    PATH_QUERY = "path+query"
    SCHEME_PORT_HOST = "scheme+port+host"
    SCHEME_HOST_PATH = "scheme+host+path"
    PORT_HOST_PATH = "port+host+path"
    SCHEME_PORT_HOST_PATH = "scheme+port+host+path"


@dataclass(frozen=True, slots=True)
class _Url:
    """A URL in the parts that are varied. ``port`` has its colon, or is empty."""

    scheme: str
    host: str
    port: str
    prefix: str
    path: str
    query: tuple[Pair, ...]

    @property
    def base(self) -> str:
        return f"{self.scheme}://{self.host}{self.port}{self.prefix}{self.path}"

    def differs_from(self, other: "_Url") -> Variant:
        pairs = (
            ("scheme", self.scheme != other.scheme),
            ("port", self.port != other.port),
            ("host", self.host != other.host),
            ("path", self.prefix + self.path != other.prefix + other.path),
            ("query", self.query != other.query),
        )
        return Variant("+".join(name for name, differs in pairs if differs))


def near_miss(raw: RawCallback, parameters: Parameters, verifier: Verifier) -> Variant | None:
    """Return what differs in the URL that a wrong signature holds for; None where none of them does.

    Asked of a callback whose fault is ``wrong_signature``.
    """
    v3 = (wire.SIGNATURE_V3, wire.SIGNATURE_MA_V3, wire.NONCE_V3)
    v2 = (wire.SIGNATURE_V2, wire.SIGNATURE_MA_V2, wire.NONCE_V2)
    by_v3 = any(raw.header(name) is not None for name in v3[:2])
    plain_name, ma_name, nonce_name = v3 if by_v3 else v2
    nonce = raw.header(nonce_name)
    if not nonce or (by_v3 and "." in nonce) or not (by_v3 or verifier.accept_v2):
        return None
    plain, ma = _signatures(raw.header(plain_name)), _signatures(raw.header(ma_name))
    # As in bridge.verify: a body nobody could have signed is not part of what is signed.
    body = () if parameters.bare or parameters.body_fault else parameters.body

    def message(url: _Url) -> bytes:
        if by_v3:
            return signature.v3_message(raw.method, url.base, url.query, body, nonce)
        return signature.v2_message(url.base, nonce)

    here = _url_of(raw, parameters.query)
    keys = tuple(verifier.keyring.candidates(claimed_account(parameters), main_only=False))
    tried = {message(here)}
    for url in _variants(here, raw):
        candidate = message(url)
        if candidate in tried:
            continue
        if len(tried) > TRIES_MAX:
            break
        tried.add(candidate)
        for key in keys:
            expected = signature.signature(key.token, candidate).encode()
            given = plain if key.subaccount else (*plain, *ma)
            if any([hmac.compare_digest(expected, one) for one in given]):  # noqa: C419 (as verify)
                return url.differs_from(here)
    return None


def _signatures(header: str | None) -> tuple[bytes, ...]:
    if not header:
        return ()
    return tuple(one.strip().encode() for one in header.split(",", SIGNATURES_MAX)[:SIGNATURES_MAX])


def _url_of(raw: RawCallback, query: tuple[Pair, ...]) -> _Url:
    scheme, _, rest = raw.public_origin.partition("://")
    authority, slash, prefix = rest.partition("/")
    return _Url(scheme, *_split(authority), slash + prefix, raw.path, query)


def _split(authority: str) -> tuple[str, str]:
    """Return host and port of an authority, whatever a stranger wrote there."""
    found = _AUTHORITY.fullmatch(authority)
    return (found["host"], found["port"] or "") if found else (authority, "")


def _variants(here: _Url, raw: RawCallback) -> Iterator[_Url]:
    """Yield the URLs to try: the parts singly, then together, the likelier first (rule 2)."""
    other = replace(here, scheme=_OTHER_SCHEME.get(here.scheme, here.scheme))
    paths = list(_paths(here, raw))
    named = list(islice(_authorities(here, raw), _HOSTS_MAX))
    without_query = replace(here, query=())
    yield other
    yield from _with_ports(here, raw)
    yield from paths
    for host, _ in named:
        yield replace(here, host=host)
    yield without_query
    for url in (other, here):
        for host, port in named:
            moved = replace(url, host=host, port=port)
            yield moved
            yield from islice(_paths(moved, raw), 1)
    yield from _with_ports(other, raw)
    for host, _ in named:
        yield replace(other, host=host)
    for path in paths:
        yield replace(path, scheme=other.scheme)
    yield replace(other, query=())
    for path in paths:
        yield replace(path, query=())


def _with_ports(url: _Url, raw: RawCallback) -> Iterator[_Url]:
    """Yield the URL without its port or with the default one, with Host's, and with the proxy's."""
    yield replace(url, port="" if url.port else _DEFAULT_PORTS.get(url.scheme, ""))
    yield replace(url, port=_split(raw.header("host") or "")[1])
    port = _forwarded_port(raw)
    if port:
        yield replace(url, port=port)


def _forwarded_port(raw: RawCallback) -> str:
    """Return the port of the first proxy, with its colon, if it says one."""
    for port in _listed(raw.header("x-forwarded-port"))[:1]:
        if _PORT.fullmatch(port):
            return f":{port}"
    return ""


def _authorities(here: _Url, raw: RawCallback) -> Iterator[tuple[str, str]]:
    """Yield the other hosts that headers name, each with its port, the one nearest to Plivo first."""
    seen = {here.host}
    proxied = _forwarded_port(raw)
    proxied = "" if proxied in _DEFAULT_PORTS.values() else proxied
    named = [(one, proxied) for one in _listed(raw.header("x-forwarded-host"))]
    named += [(one, "") for one in _FORWARDED_HOST.findall(raw.header("forwarded") or "")]
    named += [(one, "") for one in _listed(raw.header("host"))]
    for authority, port_elsewhere in named:
        host, port = _split(authority)
        if host and host not in seen:
            seen.add(host)
            yield host, port or port_elsewhere


def _paths(url: _Url, raw: RawCallback) -> Iterator[_Url]:
    """Yield the URL with the prefix a proxy took off, with or without its last slash, or our prefix."""
    for prefix in _listed(raw.header("x-forwarded-prefix"))[:1]:
        yield replace(url, prefix=url.prefix + "/" + prefix.strip("/"))
    path = url.path.removesuffix("/") if url.path.endswith("/") else url.path + "/"
    yield replace(url, path=path)
    if url.prefix:
        yield replace(url, prefix="")
        yield replace(url, prefix=url.prefix * 2)


def _listed(header: str | None) -> list[str]:
    """Return the entries of a header that proxies add to, the first proxy's first."""
    found: Iterable[str] = (header or "").split(",", SIGNATURES_MAX)[:SIGNATURES_MAX]
    return [one.strip() for one in found if one.strip()]
