"""Find the other URL that a wrong signature was made for. This is the most common fault in the field.

Nearly every wrong signature is Plivo's own, over a URL that a proxy between Plivo and the bridge
changed. This module tells an operator what was changed. It verifies nothing.

1. The result is a word of a closed set: the parts of the URL that differ. It is not a verdict and
   not part of one, and it contains nothing of the callback.
2. The tried URLs are those that a proxy or a setting would have made of the URL that Plivo called:
   first with one part changed, then with several, in the order below, and at most ``TRIES_MAX`` for
   each token. URLs with the same message are tried once.
3. Only the URL is varied, and whether it had a query. Body, nonce and token stay as received, so a
   client without a token cannot get a result. The memory of V2 nonces is not consulted. A JSON body
   is tried in its other readings too (``bridge.core.signed_messages``), at most ``TRIES_MAX`` times
   in all.
4. The URLs to try come from headers that an unauthenticated client may have written. So all tries
   together hash at most ``DIAGNOSIS_HASHED_BYTES_MAX``, counted as in ``bridge.core.keyring``.
   Nothing is tried for a body of more than ``DIAGNOSIS_BODY_BYTES_MAX`` or for more parameters than
   ``DIAGNOSIS_PARAMETERS_MAX``. Tokens are tried in the same order as for verification.
5. Some words name no URL. The signature matches this URL, and a setting rejects it: ``json_body``
   (the body is JSON and only the URL is signed), ``agentstack_v3`` (the scheme of Plivo's agent
   SDKs). Or the signer put a dot between URL and body where Plivo's SDKs put a question mark, which
   is an easy mistake for a URL without a query: ``separator``, and ``json_separator`` if the body
   is JSON.
6. If only ``BRIDGE_PUBLIC_URL`` is wrong, the result names its right value: scheme, host, port and
   prefix. The value has neither query nor user information, and only characters of a plain URL.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from enum import StrEnum
from itertools import islice
from typing import Final

from bridge.core import request as wire
from bridge.core import signature
from bridge.core.keyring import (
    SIGNATURES_MAX,
    GivenSignatures,
    HashBudget,
    SigningKey,
    find_signer,
)
from bridge.core.origins import DEFAULT_PORTS, list_equal_origins, split_authority, split_origin
from bridge.core.parameters import Pair, Parameters
from bridge.core.request import RawCallback
from bridge.core.signed_messages import iter_agentstack_messages, iter_signed_bodies
from bridge.core.verify import AcceptV2, Verifier, find_named_account

TRIES_MAX: Final = 32
DIAGNOSIS_HASHED_BYTES_MAX: Final = 1_048_576
DIAGNOSIS_BODY_BYTES_MAX: Final = 8_192
DIAGNOSIS_PARAMETERS_MAX: Final = 100

_HOSTS_MAX: Final = 2
_PUBLIC_URL: Final = re.compile(
    r"https?://([A-Za-z0-9.-]{1,253}|\[[0-9A-Fa-f:.]{2,45}\])(:[0-9]{1,5})?(/[A-Za-z0-9._~/-]{0,200})?"
)
_PORT: Final = re.compile(r"[0-9]{1,5}")
_FORWARDED_HOST: Final = re.compile(r'(?:^|[;,\s])host="?([^";,\s]+)', re.IGNORECASE)
_OTHER_SCHEME: Final = {"http": "https", "https": "http"}


class MismatchVariant(StrEnum):
    """What differs between the URL that was checked and the one that was signed."""

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
    JSON_BODY = "json_body"
    AGENTSTACK_V3 = "agentstack_v3"
    SEPARATOR = "separator"
    JSON_SEPARATOR = "json_separator"


@dataclass(frozen=True, slots=True)
class UrlMismatch:
    """What differs (rule 1), and the ``BRIDGE_PUBLIC_URL`` that would verify it, if there is one."""

    variant: MismatchVariant
    public_url: str | None = None


@dataclass(frozen=True, slots=True)
class _Url:
    """The parts of a URL that are varied. ``port`` includes its colon, or is empty."""

    scheme: str
    host: str
    port: str
    prefix: str
    path: str
    query: tuple[Pair, ...]

    @property
    def base(self) -> str:
        return self.origin + self.path

    @property
    def origin(self) -> str:
        return f"{self.scheme}://{self.host}{self.port}{self.prefix}"

    def compare(self, other: "_Url") -> MismatchVariant:
        pairs = (
            ("scheme", self.scheme != other.scheme),
            ("port", self.port != other.port),
            ("host", self.host != other.host),
            ("path", self.prefix + self.path != other.prefix + other.path),
            ("query", self.query != other.query),
        )
        return MismatchVariant("+".join(name for name, differs in pairs if differs))

    def public_url(self, called: "_Url") -> str | None:
        """Return the setting that turns the called URL into this one: rule 6."""
        if (self.path, self.query) != (called.path, called.query):
            return None
        return to_loggable_url(self.origin)


def to_loggable_url(url: str) -> str | None:
    """Return ``url`` if it may be logged: no user information, no query, nothing to escape."""
    return url if _PUBLIC_URL.fullmatch(url) else None


@dataclass(frozen=True, slots=True)
class _SignatureTrial:
    """Tries messages with every key, each message once and at most ``TRIES_MAX`` of them."""

    keys: tuple[SigningKey, ...]
    given: GivenSignatures
    budget: HashBudget
    tried: set[bytes]

    def matches(self, message: bytes) -> bool:
        """Return whether one of the signatures belongs to ``message``."""
        self.tried.add(message)
        for key in self.keys:
            given = self.given.plain if key.subaccount else (*self.given.plain, *self.given.ma)
            if not self.budget.spend(message, len(given)):
                return False
            if find_signer((key,), message, given):
                return True
        return False

    def matches_any(self, messages: Iterable[bytes]) -> bool:
        """Return whether one of the signatures belongs to one of the messages not tried yet."""
        return any(self.matches(message) for message in messages if message not in self.tried)

    def find_first(self, messages: Iterable[tuple[bytes, _Url]]) -> _Url | None:
        """Return the URL of the first message that is signed."""
        new = ((message, url) for message, url in messages if message not in self.tried)
        for message, url in islice(new, TRIES_MAX):
            if self.matches(message):
                return url
            # Building the next message costs about as much as hashing it.
            if not self.budget.spend(message, 0):
                return None
        return None


def find_url_mismatch(
    raw: RawCallback, parameters: Parameters, verifier: Verifier
) -> UrlMismatch | None:
    """Return how the signed URL differs from the called one; None if no tried URL was signed.

    For callbacks whose fault is ``wrong_signature``.
    """
    count = len(parameters.query) + len(parameters.body)
    if len(raw.body) > DIAGNOSIS_BODY_BYTES_MAX or count > DIAGNOSIS_PARAMETERS_MAX:
        return None
    if not {wire.SIGNATURE_V3, wire.SIGNATURE_MA_V3}.isdisjoint(raw.headers.values):
        return _find_url_mismatch_v3(raw, parameters, verifier)
    nonce = raw.headers.values.get(wire.NONCE_V2)
    if not nonce or verifier.accept_v2 is AcceptV2.NONE:
        return None
    called = _split_url(raw, parameters.query)
    trial = _start_trial(raw, parameters, verifier, (wire.SIGNATURE_V2, wire.SIGNATURE_MA_V2))
    trial.tried.update(
        signature.build_v2_message(url.base, nonce) for url in _list_spellings(called)
    )
    messages = (
        (signature.build_v2_message(url.base, nonce), url) for url in _iter_variants(called, raw)
    )
    return _to_mismatch(trial.find_first(messages), called)


def _find_url_mismatch_v3(
    raw: RawCallback, parameters: Parameters, verifier: Verifier
) -> UrlMismatch | None:
    nonce = raw.headers.values.get(wire.NONCE_V3)
    if not nonce or "." in nonce:
        return None
    called = _split_url(raw, parameters.query)
    trial = _start_trial(raw, parameters, verifier, (wire.SIGNATURE_V3, wire.SIGNATURE_MA_V3))
    bodies = iter_signed_bodies(raw.method, parameters, allow_url_only=True)
    texts = [text for text, _, _ in bodies]
    query = signature.join_query(parameters.sorted_query)

    def message(url: _Url, text: str | None) -> bytes:
        return signature.join_v3_message(url.base, query if url.query else None, text, nonce)

    # A body that cannot be decoded is probably not signed: its last reading is None.
    likely = texts[-1] if parameters.body_fault else texts[0] if texts else None
    trial.tried.update(message(url, likely) for url in _list_spellings(called))
    found = _to_mismatch(
        trial.find_first((message(url, likely), url) for url in _iter_variants(called, raw)), called
    )
    if found is not None:
        return found
    if parameters.json is not None:
        # The other readings. They match this URL only if a setting rejected them in verification.
        urls = [called, *_iter_variants(called, raw)]
        other_messages = (
            (message(url, text), url) for url in urls for text in texts if text != likely
        )
        found = _to_mismatch(trial.find_first(other_messages), called)
    if found is not None:
        return found
    if not verifier.accept_agentstack:
        agentstack = iter_agentstack_messages(raw, parameters, nonce)
        if trial.matches_any(message.bytes for message in agentstack):
            return UrlMismatch(MismatchVariant.AGENTSTACK_V3)
    if not parameters.query:
        dotted = (
            signature.build_v2_message(url.base, f".{text}.{nonce}")
            for url in _list_spellings(called)
            for text in texts
            if text
        )
        if trial.matches_any(dotted):
            is_form = parameters.json is None
            separator = MismatchVariant.SEPARATOR if is_form else MismatchVariant.JSON_SEPARATOR
            return UrlMismatch(separator)
    return None


def _to_mismatch(url: _Url | None, called: _Url) -> UrlMismatch | None:
    if url is None:
        return None
    if url == called:
        return UrlMismatch(MismatchVariant.JSON_BODY)
    return UrlMismatch(url.compare(called), url.public_url(called))


def _start_trial(
    raw: RawCallback, parameters: Parameters, verifier: Verifier, names: tuple[str, str]
) -> _SignatureTrial:
    keys = verifier.keyring.list_candidates(find_named_account(parameters))
    given = GivenSignatures.parse(*(raw.headers.values.get(name) for name in names))
    return _SignatureTrial(keys, given, HashBudget(DIAGNOSIS_HASHED_BYTES_MAX), set())


def _split_url(raw: RawCallback, query: tuple[Pair, ...]) -> _Url:
    return _Url(*split_origin(raw.public_origin), raw.path, query)


def _list_spellings(called: _Url) -> list[_Url]:
    """Return the URLs that ``bridge.core.verify`` has tried."""
    return [
        _Url(*split_origin(one), called.path, called.query)
        for one in list_equal_origins(called.origin)
    ]


def _iter_variants(called: _Url, raw: RawCallback) -> Iterator[_Url]:
    """Yield the URLs to try: one part changed, then several, the likelier ones first (rule 2)."""
    other = replace(called, scheme=_OTHER_SCHEME.get(called.scheme, called.scheme))
    paths = list(_iter_paths(called, raw))
    named = list(islice(_iter_authorities(called, raw), _HOSTS_MAX))
    without_query = replace(called, query=())
    yield other
    yield from _iter_ports(called, raw)
    yield from paths
    for host, _ in named:
        yield replace(called, host=host)
    yield without_query
    for url in (other, called):
        for host, port in named:
            moved = replace(url, host=host, port=port)
            yield moved
            yield from islice(_iter_paths(moved, raw), 1)
    yield from _iter_ports(other, raw)
    for host, _ in named:
        yield replace(other, host=host)
    for path in paths:
        yield replace(path, scheme=other.scheme)
    yield replace(other, query=())
    for path in paths:
        yield replace(path, query=())


def _iter_ports(url: _Url, raw: RawCallback) -> Iterator[_Url]:
    """Yield the URL without its port or with the default one, with Host's port, and with the proxy's."""
    yield replace(url, port="" if url.port else DEFAULT_PORTS.get(url.scheme, ""))
    yield replace(url, port=split_authority(raw.headers.values.get("host") or "")[1])
    port = _find_forwarded_port(raw)
    if port:
        yield replace(url, port=port)


def _find_forwarded_port(raw: RawCallback) -> str:
    """Return the port that the first proxy names, with its colon, or an empty string."""
    for port in _split_header(raw.headers.values.get("x-forwarded-port"))[:1]:
        if _PORT.fullmatch(port):
            return f":{port}"
    return ""


def _iter_authorities(called: _Url, raw: RawCallback) -> Iterator[tuple[str, str]]:
    """Yield the other hosts that headers name, each with its port, the one nearest to Plivo first."""
    seen = {called.host}
    proxied = _find_forwarded_port(raw)
    proxied = "" if proxied in DEFAULT_PORTS.values() else proxied
    named = [(one, proxied) for one in _split_header(raw.headers.values.get("x-forwarded-host"))]
    named += [
        (one, "") for one in _FORWARDED_HOST.findall(raw.headers.values.get("forwarded") or "")
    ]
    named += [(one, "") for one in _split_header(raw.headers.values.get("host"))]
    for authority, port_elsewhere in named:
        host, port = split_authority(authority.lower())
        if host and host not in seen:
            seen.add(host)
            yield host, port or port_elsewhere


def _iter_paths(url: _Url, raw: RawCallback) -> Iterator[_Url]:
    """Yield the URL with a prefix that a proxy removed, with another last slash, without our prefix."""
    for prefix in _split_header(raw.headers.values.get("x-forwarded-prefix"))[:1]:
        yield replace(url, prefix=url.prefix + "/" + prefix.strip("/"))
    path = url.path.removesuffix("/") if url.path.endswith("/") else url.path + "/"
    yield replace(url, path=path)
    if url.prefix:
        yield replace(url, prefix="")
        yield replace(url, prefix=url.prefix * 2)


def _split_header(header: str | None) -> list[str]:
    """Return the entries of a header that proxies append to, the first proxy's entry first."""
    found: Iterable[str] = (header or "").split(",", SIGNATURES_MAX)[:SIGNATURES_MAX]
    return [one.strip() for one in found if one.strip()]
