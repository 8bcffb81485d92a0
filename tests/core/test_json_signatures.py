"""A JSON body is verified under any reading of an SDK, and covers only what the reading covers."""

import json
from dataclasses import replace
from urllib.parse import quote_plus, urlencode

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from bridge.core import request as wire
from bridge.core import signature
from bridge.core.nonce_guard import NonceGuard
from bridge.core.parameters import JSON, Pair, parse_parameters
from bridge.core.request import RawCallback
from bridge.core.signed_messages import iter_signed_bodies
from bridge.core.verify import AcceptV2, Scheme, Unverified, VerificationFault, Verified, Verifier
from tests.support.factories import (
    ACCOUNT,
    NONCE,
    SUB_TOKEN,
    TOKEN,
    raw_callback,
    signed,
    verdict_on,
    verifier,
    with_headers,
)

BASE = "https://bridge.example.com/plivo"
AGENTS = "call_uuid=5d0c0f1e&duration=66&hangup_cause=NORMAL_CLEARING"


def signed_over(raw: RawCallback, message: bytes, token: str = TOKEN) -> RawCallback:
    """Return ``raw`` with the V3 signature of ``message``, which ends in the nonce."""
    of = signature.sign(token.encode(), message)
    return with_headers(raw, (wire.SIGNATURE_V3, of), (wire.NONCE_V3, NONCE))


def json_callback(body: str, query: str = "") -> RawCallback:
    return raw_callback(query, body, content_type=JSON)


def covered(raw: RawCallback, by: Verifier | None = None) -> tuple[str, ...] | VerificationFault:
    verdict = verdict_on(raw, by)
    return verdict.covers if isinstance(verdict, Verified) else verdict.fault


WHOLE = ("url", "query", "body")
AS_READ = ("url", "query", "body_as_read")
IN_PART = ("url", "query", "body_in_part")
NO_BODY = ("url", "query")

# A body, what is signed behind the URL, and what is then covered.
SIGNED = [
    ('{"b": "2", "a": 1}', "?a1b2", WHOLE),
    ('{"a": 0.50}', "?a0.50", WHOLE),
    ('{"a": 0.50}', "?a0.5", AS_READ),
    ('{"a": ["2", "1"]}', "?a1a2", AS_READ),
    ('{"a": ["2", "1"]}', '?a["2","1"]', WHOLE),
    ('{"a": true, "b": null}', "?aTruebNone", AS_READ),
    ('{"a": true, "b": null}', "?atruebnull", AS_READ),
    ('{"a": true, "b": null}', "?atrueb", WHOLE),
    ('{"a": {"c": 1, "b": 2}}', "?ab2c1", AS_READ),
    ('{"a": {"c": 1, "b": 2}}', "?a[object Object]", IN_PART),
    ('{"a": []}', "?", IN_PART),
    ('{"a": "1"}', "", ("url",)),
    ("{}", "", WHOLE),
    ('["a"]', "", NO_BODY),
    ('{"a": true}', "?aTRUE", VerificationFault.WRONG_SIGNATURE),
    ('{"a": {"b": 1}}', "?a", VerificationFault.WRONG_SIGNATURE),
    ('{"a": 1e9999999999999999999}', "?a1", VerificationFault.WRONG_SIGNATURE),
]


@pytest.mark.parametrize(("body", "text", "expected"), SIGNED)
def test_a_verified_json_body_is_covered_as_its_reading_states(
    body: str, text: str, expected: tuple[str, ...] | VerificationFault
) -> None:
    message = f"{BASE}{text}.{NONCE}".encode()
    assert covered(signed_over(json_callback(body), message)) == expected


@pytest.mark.parametrize(("text", "expected"), [("a1a2", AS_READ), ("", ("url",))])
def test_the_query_is_covered_beside_a_reading(text: str, expected: tuple[str, ...]) -> None:
    raw = json_callback('{"a": [2, 1]}', "team=blue")
    message = f"{BASE}?team=blue{'.' + text if text else ''}.{NONCE}".encode()
    assert covered(signed_over(raw, message)) == expected
    assert (
        covered(signed_over(raw._replace(query="team=red"), message))
        is VerificationFault.WRONG_SIGNATURE
    )


def test_a_subaccounts_token_verifies_a_reading_too() -> None:
    raw = json_callback('{"a": [2, 1]}')
    verdict = verdict_on(signed_over(raw, f"{BASE}?a1a2.{NONCE}".encode(), SUB_TOKEN))
    assert isinstance(verdict, Verified)
    assert verdict.subaccount is not None


def test_a_json_body_with_a_signed_url_only_needs_v2_to_be_accepted() -> None:
    raw = signed_over(json_callback('{"a": "1"}'), f"{BASE}.{NONCE}".encode())
    assert covered(raw, verifier(accept_v2=AcceptV2.NONE)) is VerificationFault.WRONG_SIGNATURE
    listed = signed_over(json_callback('{"a": ["1"]}'), f"{BASE}?a1.{NONCE}".encode())
    assert covered(listed, verifier(accept_v2=AcceptV2.NONE)) == AS_READ


def test_a_form_body_with_a_signed_url_only_is_rejected() -> None:
    raw = signed_over(raw_callback("", "a=1"), f"{BASE}.{NONCE}".encode())
    assert covered(raw) is VerificationFault.WRONG_SIGNATURE


def test_a_message_that_does_not_cover_the_body_is_accepted_with_one_body() -> None:
    by = verifier()
    message = f"{BASE}?a1a2.{NONCE}".encode()
    first, second = json_callback('{"a": [1, 2]}'), json_callback('{"a": [2, 1]}')
    assert covered(signed_over(first, message), by) == AS_READ
    assert covered(signed_over(first, message), by) == AS_READ  # a retry
    assert covered(signed_over(second, message), by) is VerificationFault.NONCE_REUSED


# What Plivo signed and delivered, and what a forger then sends with its signature.
FORGED = [
    (raw_callback("", "a=1&a=2"), json_callback('{"a": ["1", "2"]}')),
    (raw_callback("", "Text=None"), json_callback('{"Text": null}')),
    (raw_callback("", "Text=true"), json_callback('{"Text": [true]}')),
    (raw_callback("", "Text=[object Object]"), json_callback('{"Text": {"Event": "Hangup"}}')),
    (raw_callback("", "TotalCost=0.5"), json_callback('{"TotalCost": 5e-1}')),
    (raw_callback("a=1", method="GET"), json_callback('{"Event": "Hangup"}', "a=1")),
    (raw_callback("a=1"), json_callback('{"Event": "Hangup"}', "a=1")),
    (raw_callback(""), json_callback('{"Event": "Hangup"}')),
    (raw_callback("", "a=1"), json_callback('{"a": 1, "b": []}')),
]


@pytest.mark.parametrize(("plivos", "forged"), FORGED, ids=range(len(FORGED)))
def test_a_delivered_signature_is_not_accepted_with_other_content(
    plivos: RawCallback, forged: RawCallback
) -> None:
    by = verifier()
    genuine = signed(plivos)
    assert isinstance(verdict_on(genuine, by), Verified)
    headers = genuine.headers.lines[-2:]
    verdict = verdict_on(with_headers(forged, *headers), by)
    assert isinstance(verdict, Unverified)
    assert verdict.fault is VerificationFault.NONCE_REUSED
    # A process that has not seen the delivery claims no more than it can know.
    claimed = covered(with_headers(forged, *headers), verifier())
    assert "body" not in claimed
    assert claimed != NO_BODY  # as of a GET, which would mean that everything is covered


def test_a_message_that_does_not_cover_an_undecodable_body_is_accepted_with_one_body() -> None:
    by = verifier()
    message = f"{BASE}.{NONCE}".encode()
    first, second = (signed_over(json_callback(body), message) for body in ('["a"]', '["b"]'))
    assert covered(first, by) == covered(first, by) == NO_BODY
    assert covered(second, by) is VerificationFault.NONCE_REUSED


def test_a_partial_message_keeps_its_content_longer_than_the_messages_that_cover_all() -> None:
    by = replace(verifier(), complete_messages=NonceGuard(nonces_max=1))
    message = f"{BASE}.{NONCE}".encode()
    first, second = (signed_over(json_callback(body), message) for body in ('["a"]', '["b"]'))
    assert covered(first, by) == NO_BODY
    assert covered(signed(raw_callback("", "a=1")), by) == WHOLE
    assert covered(second, by) is VerificationFault.NONCE_REUSED


LETTERS = st.text("ab", max_size=2)
LEAVES = LETTERS | st.sampled_from([None, True, False, 0.5, 1, "None", "true", "[object Object]"])
MEMBERS = st.dictionaries(
    LETTERS,
    st.recursive(
        LEAVES,
        lambda one: st.lists(one, max_size=2) | st.dictionaries(LETTERS, one, max_size=2),
        max_leaves=3,
    ),
    max_size=3,
)
FORMS = st.lists(st.tuples(LETTERS, LETTERS | st.sampled_from(["None", "true"])), max_size=3)
CALLBACKS = st.one_of(
    FORMS.map(lambda pairs: raw_callback("", urlencode(pairs))),
    MEMBERS.map(lambda members: json_callback(json.dumps(members))),
)


def texts_of(raw: RawCallback) -> list[str | None]:
    """Return what Plivo may have signed of the body."""
    return [
        text
        for text, _, _ in iter_signed_bodies(raw.method, parse_parameters(raw), allow_url_only=True)
    ]


@given(CALLBACKS, CALLBACKS)
@example(*FORGED[0])
@example(*FORGED[1])
def test_no_signed_message_covers_a_body_that_plivos_scheme_would_not_accept(
    plivos: RawCallback, presented: RawCallback
) -> None:
    for text in texts_of(plivos):
        message = signature.join_v3_message(BASE, None, text, NONCE)
        verdict = verdict_on(signed_over(presented, message))
        if isinstance(verdict, Verified) and "body" in verdict.covers:
            # The parameters of the event, sent as a form, have this very message in Plivo's scheme.
            parameters = verdict.parameters.body
            assert signature.build_v3_message("POST", BASE, (), parameters, NONCE) == message


@given(CALLBACKS, CALLBACKS)
@example(*FORGED[0])
@example(json_callback('{"a": ["1", "2"]}'), json_callback('{"a": "1a2"}'))
@example(json_callback('{"a": ["1", "2"]}'), raw_callback("", "a=1a2"))
def test_after_a_delivery_no_other_content_is_accepted_with_its_message(
    plivos: RawCallback, presented: RawCallback
) -> None:
    for text in texts_of(plivos):
        by = verifier()
        message = signature.join_v3_message(BASE, None, text, NONCE)
        assert isinstance(verdict_on(signed_over(plivos, message), by), Verified)
        verdict = verdict_on(signed_over(presented, message), by)
        if isinstance(verdict, Verified) and presented.body != plivos.body:
            # The same form, its parameters in another order.
            assert sorted(verdict.parameters.body) == sorted(parse_parameters(plivos).body)
            assert presented.headers == plivos.headers


def agents(
    encoded: str, body: str, query: str = "", *, content_type: str | None = JSON
) -> RawCallback:
    """Return a callback that is signed as Plivo's agent SDKs check it."""
    raw = raw_callback(query, body, content_type=content_type)
    called = BASE + (f"?{query}" if query else "")
    return signed_over(raw, f"{called}{'.' + encoded if encoded else ''}.{NONCE}".encode())


def accepting() -> Verifier:
    return replace(verifier(ACCOUNT), accept_agentstack=True)


HANGUP = '{"call_uuid": "5d0c0f1e", "hangup_cause": "NORMAL_CLEARING", "duration": 66}'
# What the agent SDKs sign of a body, the body, the query, and what is covered.
AGENTSTACK = [
    (AGENTS, HANGUP, "", WHOLE),
    ("a=a+b%2B%7E&b=1", '{"b": 1, "a": "a b+~"}', "", None),
    ("a=a+b%2B~&b=1", '{"b": 1, "a": "a b+~"}', "", WHOLE),
    ("a=a%20b%2B~&b=1", '{"b": 1, "a": "a b+~"}', "", WHOLE),
    ("a=%21", '{"a": "!"}', "", WHOLE),
    ("a=!", '{"a": "!"}', "", WHOLE),
    ("a=True", '{"a": true}', "", AS_READ),
    ("a=true", '{"a": true}', "", WHOLE),
    ("a=%5Bobject%20Object%5D", '{"a": {"b": 1}}', "", IN_PART),
    (AGENTS, HANGUP, "team=blue", ("url",)),
    ("", "", "b=2&a=1", ("url",)),
    ("a=1", '{"a": 1, "a": 1}', "", None),
]


@pytest.mark.parametrize(("encoded", "body", "query", "covers"), AGENTSTACK)
def test_the_agent_sdks_scheme_is_accepted_only_if_it_is_set(
    encoded: str, body: str, query: str, covers: tuple[str, ...] | None
) -> None:
    raw = agents(encoded, body, query)
    assert covered(raw) is VerificationFault.WRONG_SIGNATURE
    assert covered(raw, accepting()) == (covers or VerificationFault.WRONG_SIGNATURE)


def test_the_agent_sdks_scheme_has_its_own_name() -> None:
    verdict = verdict_on(agents(AGENTS, HANGUP), accepting())
    assert isinstance(verdict, Verified)
    assert verdict.scheme is Scheme.V3_AGENTSTACK
    assert verdict.scheme == "v3-agentstack"
    plain = verdict_on(signed(raw_callback("", "a=1")), accepting())
    assert isinstance(plain, Verified)
    assert plain.scheme is Scheme.V3


def test_the_agent_sdks_sign_forms_and_gets_too() -> None:
    form = agents("a=%C3%A9&b=1", "b=1&a=%C3%A9", content_type=None)
    assert covered(form, accepting()) == WHOLE
    get = raw_callback("b=2+3&a=1", method="GET")
    assert covered(signed_over(get, f"{BASE}?a=1&b=2+3.{NONCE}".encode()), accepting()) == ("url",)
    twice = agents("a=1&a=1", "a=1&a=1", content_type=None)
    assert covered(twice, accepting()) is VerificationFault.WRONG_SIGNATURE
    unreadable = agents("a=1", "[1]")
    assert covered(unreadable, accepting()) is VerificationFault.WRONG_SIGNATURE


def test_the_agent_sdks_check_the_plain_header_only() -> None:
    raw = agents(AGENTS, HANGUP)
    ma = tuple(
        (wire.SIGNATURE_MA_V3 if "nonce" not in name else name, of)
        for name, of in raw.headers.lines[-2:]
    )
    moved = with_headers(json_callback(HANGUP), *ma)
    assert covered(moved, accepting()) is VerificationFault.WRONG_SIGNATURE


HOSTILE = st.text("ab.=&?%", max_size=8)


@given(st.lists(st.tuples(st.sampled_from(["From", "Text"]), HOSTILE), max_size=3), HOSTILE)
def test_a_v3_message_that_passes_as_an_agent_sdks_covers_neither_query_nor_body(
    pairs: list[Pair], value: str
) -> None:
    form = [("Text", "x.call_uuid=" + quote_plus(value)), *pairs]
    genuine = signed(raw_callback("", urlencode(form)))
    text = signature.join_form(sorted(form))
    for place in [place for place, letter in enumerate(text) if letter == "."]:
        query, encoded = text[:place], text[place + 1 :]
        forged = raw_callback(query, encoded)
        verdict = verdict_on(with_headers(forged, *genuine.headers.lines[-2:]), accepting())
        if isinstance(verdict, Verified) and verdict.scheme is Scheme.V3_AGENTSTACK:
            assert verdict.covers == ("url",)
