"""The id of a callback that cannot become an event: one id per captured signature."""

from urllib.parse import urlencode

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.core import request as wire
from bridge.core.catalogue import Catalogue
from bridge.core.dead_letter import compute_dead_letter_id
from bridge.core.journal import SentReply, to_journal_value
from bridge.core.keyring import Account
from bridge.core.parameters import FORM, JSON
from bridge.core.request import RawCallback, index_headers
from bridge.core.verify import Verified
from bridge.reader.journal import parse_journal_record
from tests.support.factories import (
    AUTH_ID,
    TOKEN,
    ZONE,
    raw_callback,
    signed,
    v2_of,
    verdict_on,
    verifier,
    with_headers,
)
from tests.support.intake_harness import Fake, Walk

TYPES = [FORM, "text/plain;a=1", "text/plain;a=2", JSON, "application/octet-stream", None]


def id_of(raw: RawCallback) -> str | None:
    """Return the id of a verified callback, as a process would find it that knows no other."""
    verdict = verdict_on(raw)
    return compute_dead_letter_id(verdict) if isinstance(verdict, Verified) else None


def retyped(raw: RawCallback, content_type: str | None, encoding: str | None) -> RawCallback:
    kept = [one for one in raw.headers.lines if not one[0].startswith("content-")]
    kept += [("content-type", content_type)] if content_type else []
    kept += [("content-encoding", encoding)] if encoding else []
    return raw._replace(headers=index_headers(kept))


@pytest.mark.parametrize("encoding", [None, "gzip", "identity", "br"])
@pytest.mark.parametrize("content_type", TYPES)
def test_the_same_signed_body_has_the_same_id_whatever_its_type_and_encoding(
    content_type: str | None, encoding: str | None
) -> None:
    captured = signed(raw_callback("team=blue", "Event=Ring&Odd=1"))
    assert id_of(retyped(captured, content_type, encoding)) == id_of(captured) is not None


# A captured request, and what else its signature holds for.
PRESENTED = [
    (raw_callback("a=1", method="GET"), raw_callback("a=1", '["b"]', content_type=JSON)),
    (raw_callback("a=1"), raw_callback("a=1", "b", content_type="text/plain")),
    (raw_callback("a=1"), raw_callback("a=1", "\xff", content_type="image/png")),
]


@pytest.mark.parametrize(("plivos", "presented"), PRESENTED)
def test_bodies_that_the_signature_does_not_cover_share_the_id_of_the_signature(
    plivos: RawCallback, presented: RawCallback
) -> None:
    genuine = signed(plivos)
    forged = with_headers(presented, *genuine.headers.lines[-2:])
    other = forged._replace(body=forged.body + b"more")
    assert id_of(forged) == id_of(other) is not None
    # Another signature of Plivo's is another callback, although its body is unsigned too.
    anew = with_headers(presented, *signed(plivos, nonce="1234567890").headers.lines[-2:])
    assert id_of(anew) not in {id_of(forged), None}


@given(st.lists(st.tuples(st.text("ab=&.", max_size=3), st.text("ab=&.", max_size=3)), max_size=3))
def test_one_v3_signature_has_one_id_for_every_cut_of_its_text(
    pairs: list[tuple[str, str]],
) -> None:
    genuine = signed(raw_callback("", urlencode([*pairs, ("Event", "Ring")])))
    text = "".join(key + of for key, of in sorted([*pairs, ("Event", "Ring")]))
    ids = {id_of(genuine)}
    for cut in range(len(text) + 1):
        ids.add(id_of(genuine._replace(body=urlencode([(text[:cut], text[cut:])]).encode())))
        if cut:
            as_query = urlencode([(text[: cut - 1], text[cut:])])
            ids.add(id_of(genuine._replace(query=as_query, body=b"")))
    assert len(ids - {None}) == 1


def test_a_retry_with_another_nonce_has_the_same_id_if_the_content_is_covered() -> None:
    for raw in (raw_callback("a=1", "b=2"), raw_callback("a=1", method="GET"), raw_callback()):
        assert id_of(signed(raw)) == id_of(signed(raw, nonce="1")) is not None


def test_a_v2_signature_has_one_id_with_any_content() -> None:
    raw = raw_callback("", "a=1")
    by_v2 = with_headers(
        raw, (wire.SIGNATURE_V2, v2_of(raw)), (wire.NONCE_V2, "05429567804466091622")
    )
    assert id_of(by_v2) == id_of(by_v2._replace(body=b"b=2", query="c=3")) is not None


def test_ids_differ_by_account_path_and_content() -> None:
    other = Account("MA0000000000TEST0002", ZONE, (TOKEN,))
    raw = signed(raw_callback("a=1", "b=2"))
    ids = [
        id_of(raw),
        compute_dead_letter_id(verdict_on(raw, verifier(other))),
        id_of(signed(raw_callback("a=1", "b=2", path="/plivo/voice/call/ring"))),
        id_of(signed(raw_callback("a=2", "b=2"))),
        id_of(signed(raw_callback("a=1", "b=3"))),
        id_of(signed(raw_callback("a=1"))),
    ]
    assert len({*ids}) == len(ids)
    assert None not in ids


def test_an_unverified_callback_is_identified_by_all_its_parameters() -> None:
    texts = ["ab=c", "a=bc", "a=b&c="]
    ids = {compute_dead_letter_id(verdict_on(raw_callback("", text))) for text in texts}
    assert len(ids) == 3


@pytest.mark.parametrize("scheme", ["v3", "v2", "url"])
def test_the_id_is_the_same_when_it_is_derived_from_the_journal(scheme: str) -> None:
    raw = raw_callback("a=1", "b=2", headers=[("x-request-id", AUTH_ID)])
    if scheme == "v2":
        v2 = (wire.SIGNATURE_V2, v2_of(raw))
        raw = with_headers(raw, v2, (wire.NONCE_V2, "05429567804466091622"))
    elif scheme == "url":
        bare = signed(raw_callback("a=1"))
        raw = with_headers(raw_callback("a=1", "[1]", content_type=JSON), *bare.headers.lines[-2:])
    else:
        raw = signed(raw)
    verdict = verdict_on(raw)
    assert isinstance(verdict, Verified)
    value = to_journal_value(verdict, event=None, reply=SentReply(200, None, b""))
    stored = parse_journal_record(orjson.dumps(value))
    assert compute_dead_letter_id(stored.verdict) == compute_dead_letter_id(verdict)


async def test_a_repeated_dead_letter_is_kept_again_and_counted_as_repeated(
    types: Catalogue,
) -> None:
    walk = Walk(types, Fake())
    taken = [await walk.take("Event=Ring") for _ in range(3)]
    assert len({one.fields["callback_id"] for one in taken}) == 1
    assert walk.ends() == {"dead_lettered": 3}
    assert walk.metrics.value("repeated_total", type="voice.call.ring") == 2
