"""Callbacks, verdicts and events to test with: unremarkable unless a test says otherwise."""

import string
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from functools import cache
from urllib.parse import parse_qsl, urlencode

from hypothesis import strategies as st

from bridge.callbacks.model import CallbackType
from bridge.core import request as wire
from bridge.core import signature
from bridge.core.catalogue import Catalogue
from bridge.core.event import ContractNames, EventRecord, to_event
from bridge.core.keyring import Account, Keyring, Subaccount
from bridge.core.nonce_guard import NonceGuard
from bridge.core.parameters import FORM, Pair, parse_form, parse_parameters
from bridge.core.parse import Callback, Parser
from bridge.core.request import Header, RawCallback, index_headers
from bridge.core.signed_messages import COVERS_ALL
from bridge.core.verify import AcceptV2, Scheme, Unverified, Verified, Verifier

AUTH_ID = "MAXXXXXXXXXXXXXXXXXX"
TOKEN = "main-token-of-these-tests"
SUB_ID = "SAXXXXXXXXXXXXXXXXXX"
SUB_TOKEN = "sub-token-of-these-tests"
ZONE = "America/New_York"
NONCE = "05429567804466091622"
ORIGIN = "https://bridge.example.com"
RECEIVED = datetime(2026, 3, 7, 14, 14, 44, 250_000, tzinfo=UTC)
RECORDED = datetime(2026, 3, 7, 14, 14, 44, 251_000, tzinfo=UTC)
NAMING = ContractNames(topic_prefix="test.", schema_base="https://schemas.example.com/")
ACCOUNT = Account(AUTH_ID, ZONE, (TOKEN,), (Subaccount(SUB_ID, (SUB_TOKEN,)),))

UUID = "5d0c0f1e-3d0b-4a6f-9c55-0d5a3c1c7a01"
HANGUP = (
    ("AnswerTime", "2026-03-07 09:13:38"),
    ("CallStatus", "completed"),
    ("CallUUID", UUID),
    ("Direction", "outbound"),
    ("Duration", "66"),
    ("EndTime", "2026-03-07 09:14:43"),
    ("Event", "Hangup"),
    ("From", "+14155550100"),
    ("ParentAuthID", AUTH_ID),
    ("STIRVerification", "Not Verified"),
    ("SessionStart", "2026-03-07 14:13:30.910772"),
    ("StartTime", "2026-03-07 09:13:28"),
    ("To", "sip:agent@phone.plivo.com"),
)

# Any text but lone surrogates: what a form or a JSON text in UTF-8 can hold.
TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
PAIRS = st.lists(st.tuples(TEXT, TEXT), max_size=6)
# Names as they are on the wire, and values as they might be.
WORD = st.text(string.ascii_letters + string.digits + "_-", min_size=1, max_size=8)


def raw_callback(
    query: str = "",
    body: bytes | str = b"",
    *,
    method: str = "POST",
    path: str = "/plivo",
    headers: Iterable[Header] = (),
    content_type: str | None = FORM,
    origin: str = ORIGIN,
) -> RawCallback:
    kept = list(headers)
    if content_type is not None:
        kept.append(("content-type", content_type))
    return RawCallback(
        method=method,
        origin="http://10.0.0.7:8080",
        public_origin=origin,
        path=path,
        query=query,
        headers=index_headers(kept),
        body=body.encode() if isinstance(body, str) else body,
        remote_address="192.0.2.7",
        received_at=RECEIVED,
    )


def v3_of(raw: RawCallback, token: str = TOKEN, nonce: str = NONCE) -> str:
    """Return the V3 signature that Plivo would send with ``raw``."""
    query, _ = parse_form(raw.query)
    body, _ = parse_form(raw.body.decode("utf-8", "surrogateescape"))
    base = raw.public_origin + raw.path
    message = signature.build_v3_message(raw.method, base, query, body, nonce)
    return signature.sign(token.encode(), message)


def v2_of(raw: RawCallback, token: str = TOKEN, nonce: str = NONCE) -> str:
    """Return the V2 signature that Plivo would send with ``raw``."""
    message = signature.build_v2_message(raw.public_origin + raw.path, nonce)
    return signature.sign(token.encode(), message)


def with_headers(raw: RawCallback, *headers: Header) -> RawCallback:
    """Return ``raw`` with more headers."""
    return raw._replace(headers=index_headers((*raw.headers.lines, *headers)))


def signed(raw: RawCallback, token: str = TOKEN, nonce: str = NONCE) -> RawCallback:
    """Return ``raw`` as the holder of ``token`` would sign it by V3."""
    return with_headers(raw, (wire.SIGNATURE_V3, v3_of(raw, token, nonce)), (wire.NONCE_V3, nonce))


def verifier(*accounts: Account, accept_v2: AcceptV2 = AcceptV2.ALL) -> Verifier:
    return Verifier(Keyring(accounts or (ACCOUNT,)), NonceGuard(), accept_v2=accept_v2)


def verdict_on(raw: RawCallback, by: Verifier | None = None) -> Verified | Unverified:
    """Return the verdict on ``raw``, its parameters decoded as at the door."""
    return (by or verifier()).verify(raw, parse_parameters(raw))


def vouched(raw: RawCallback, *, zone: str | None = ZONE) -> Verified:
    """Return ``raw`` as if its signature held."""
    return Verified(
        raw, parse_parameters(raw), AUTH_ID, None, zone, Scheme.V3, "00000000", COVERS_ALL
    )


@cache
def parser(types: Catalogue, *context_names: str) -> Parser:
    """Return the parser of a catalogue; to make one takes longer than most tests."""
    return Parser(types, context_names)


def parsed(
    types: Catalogue,
    pairs: Sequence[Pair] = HANGUP,
    *,
    query: str = "",
    route: CallbackType | None = None,
    zone: str | None = ZONE,
) -> Callback:
    """Return the callback that a form body of ``pairs`` is."""
    return parser(types).parse(vouched(raw_callback(query, urlencode(pairs)), zone=zone), route)


def event_of(callback: Callback) -> EventRecord:
    return to_event(callback, NAMING, RECORDED)


def samples(types: Catalogue) -> list[tuple[CallbackType, list[Pair]]]:
    """Return every sample of every type, decoded."""
    return [
        (kind, parse_qsl(sample, keep_blank_values=True))
        for kind in types.all_types
        for sample in kind.samples.values()
    ]
