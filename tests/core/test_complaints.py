"""Complaints of Plivo: each is counted once, and unverified ones are not counted."""

from typing import Any

import pytest

from bridge.core.catalogue import Catalogue
from bridge.core.complaints import FALLBACK, MEANINGS, find_complaint
from bridge.core.outcome import Outcome
from bridge.core.request import RawCallback, index_headers
from bridge.emulator.sign import sign_headers
from bridge.normalise.hangup import CAUSES
from bridge.publish import RecordTooLarge, Unavailable
from tests.support.intake_harness import ANSWER, AUTH_ID, NOW, TOKEN, URL, Fake, Walk
from tests.support.memory_spool import MemorySpool

HANGUP = f"CallUUID=1&Event=Hangup&ParentAuthID={AUTH_ID}&HangupCauseCode="
DIALLED = f"CallUUID=1&DialAction=hangup&DialALegUUID=1&DialBLegUUID=2&ParentAuthID={AUTH_ID}"
CODES = sorted(MEANINGS.keys() - {FALLBACK})


def counted(walk: Walk) -> dict[str, float]:
    """Return how often each complaint was counted, those that were."""
    counts = {code: walk.metrics.value("plivo_complaints_total", code=code) for code in MEANINGS}
    assert sum(counts.values()) == walk.metrics.value("plivo_complaints_total")
    return {code: times for code, times in counts.items() if times}


def signed_by(scheme: str, form: str, path: str) -> RawCallback:
    """Return a callback that has the headers of one scheme."""
    headers = sign_headers("POST", URL + path, form, TOKEN)
    kept = [(name, of) for name, of in headers.items() if scheme in name.lower()]
    assert kept
    return RawCallback("POST", URL, URL, path, "", index_headers(kept), form.encode(), "", NOW)


def test_every_complaint_is_a_code_that_plivo_lists() -> None:
    blamed = {code for code, (_, group) in CAUSES.items() if group in {"url", "xml"}}
    assert set(CODES) == blamed - {"4010"}  # the end of a document is no complaint
    for code in CODES:
        ours = {"1": "answer", "2": "action", "3": "transfer", "4": "redirect"}[code[-1]]
        assert ours in MEANINGS[code]
        assert ours in CAUSES[code][0].lower()


@pytest.mark.parametrize(
    ("type_name", "data", "code"),
    [
        ("voice.call.hangup", {"hangup": {"code": "7011"}}, "7011"),
        ("voice.call.hangup", {"hangup": {"code": " 8011 "}}, "8011"),
        ("voice.dial.hangup", {"hangup": {"code": "8012"}}, "8012"),
        ("voice.call.hangup", {"hangup": {"code": "4000"}}, None),
        ("voice.call.hangup", {"hangup": {"code": "fallback"}}, None),
        ("voice.call.hangup", {"hangup": {"code": None}}, None),
        ("voice.call.hangup", {"hangup": None}, None),
        ("voice.call.hangup", {"hangup": "7011"}, None),
        ("voice.call.hangup", {}, None),
        ("voice.call.answer", {}, None),
        ("voice.call.fallback", {}, FALLBACK),
        ("masking.session.status", {"hangup": {"code": "7011"}}, None),
        ("", {}, None),
    ],
)
def test_a_complaint_is_recognised_by_its_code_or_by_the_fallback_path(
    type_name: str, data: dict[str, Any], code: str | None
) -> None:
    assert find_complaint(type_name, data) == code


@pytest.mark.parametrize("code", CODES)
async def test_a_hangup_with_such_a_code_is_counted_by_it(types: Catalogue, code: str) -> None:
    walk = Walk(types, Fake())
    await walk.take(HANGUP + code, "voice.call.hangup")
    assert counted(walk) == {code: 1}


async def test_a_dialled_legs_hangup_is_counted_too(types: Catalogue) -> None:
    walk = Walk(types, Fake())
    await walk.take(f"{DIALLED}&DialBLegHangupCauseCode=7012", "voice.dial.hangup")
    assert counted(walk) == {"7012": 1}


async def test_a_fallback_is_counted_and_an_answer_is_not(types: Catalogue) -> None:
    walk = Walk(types, Fake())
    await walk.take(ANSWER, "voice.call.answer")
    assert counted(walk) == {}
    await walk.take(ANSWER, "voice.call.fallback")
    assert counted(walk) == {FALLBACK: 1}


@pytest.mark.parametrize("code", ["4000", "4010", "5010", "7015", "7010", "", "none"])
async def test_any_other_end_of_a_call_is_no_complaint(types: Catalogue, code: str) -> None:
    walk = Walk(types, Fake())
    await walk.take(HANGUP + code, "voice.call.hangup")
    assert walk.ends() == {"published": 1}
    assert counted(walk) == {}


async def test_a_complaint_that_plivo_sends_again_is_counted_once(types: Catalogue) -> None:
    walk = Walk(types, Fake())
    for _ in range(3):
        await walk.take(f"{HANGUP}8011", "voice.call.hangup")
    assert counted(walk) == {"8011": 1}
    await walk.take(f"{HANGUP}8011".replace("CallUUID=1", "CallUUID=2"), "voice.call.hangup")
    assert counted(walk) == {"8011": 2}


async def test_a_spooled_complaint_is_counted(types: Catalogue) -> None:
    topics = ("plivo.voice.call.hangup.v1", "plivo.journal.v1")
    walk = Walk(types, Fake(dict.fromkeys(topics, Unavailable("away"))), spool=MemorySpool())
    await walk.take(f"{HANGUP}7014", "voice.call.hangup")
    assert walk.ends() == {"spooled": 1}
    assert counted(walk) == {"7014": 1}


async def test_an_unpublished_complaint_is_not_counted(types: Catalogue) -> None:
    walk = Walk(types, Fake({"plivo.voice.call.hangup.v1": RecordTooLarge("too large")}))
    taken = await walk.take(f"{HANGUP}7014", "voice.call.hangup")
    assert taken.outcome is Outcome.DEAD_LETTERED
    assert counted(walk) == {}


@pytest.mark.parametrize("policy", ["enforce", "report", "off"])
async def test_an_unverified_complaint_is_not_counted(types: Catalogue, policy: Any) -> None:
    walk = Walk(types, Fake(), policy=policy)
    await walk.take(f"{HANGUP}7011", "voice.call.hangup", token="another")
    await walk.take(ANSWER, "voice.call.fallback", token="another")
    assert walk.ends() == ({"rejected": 2} if policy == "enforce" else {"published": 2})
    assert counted(walk) == {}


@pytest.mark.parametrize(("scheme", "times"), [("v3", 1), ("v2", 0)])
async def test_a_code_counts_only_if_the_signature_covers_it(
    types: Catalogue, scheme: str, times: int
) -> None:
    walk, route = Walk(types, Fake()), types.by_name["voice.call.hangup"]
    await walk.receive(signed_by(scheme, f"{HANGUP}7011", route.path), route)
    assert walk.ends() == {"published": 1}
    assert walk.metrics.value("plivo_complaints_total") == times


@pytest.mark.parametrize("scheme", ["v3", "v2"])
async def test_a_fallback_counts_by_its_path_which_every_signature_covers(
    types: Catalogue, scheme: str
) -> None:
    walk, route = Walk(types, Fake()), types.by_name["voice.call.fallback"]
    await walk.receive(signed_by(scheme, ANSWER, route.path), route)
    assert counted(walk) == {FALLBACK: 1}


async def test_a_code_in_a_signed_query_counts(types: Catalogue) -> None:
    walk, route = Walk(types, Fake()), types.by_name["voice.call.hangup"]
    query = f"{HANGUP}7013"
    headers = sign_headers("GET", f"{URL}{route.path}?{query}", "", TOKEN)
    raw = RawCallback(
        "GET", URL, URL, route.path, query, index_headers(headers.items()), b"", "", NOW
    )
    await walk.receive(raw, route)
    assert counted(walk) == {"7013": 1}
