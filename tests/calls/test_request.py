"""A request that dials, and what the records say about each of its destinations."""

from collections.abc import Sequence
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.calls import request as requesting
from bridge.calls.request import CallState, DestinationState, RequestState
from bridge.calls.request_document import build_request_document
from bridge.core.requested import Outcome
from bridge.originate.entry import LedgerEntry, PartEntry
from bridge.originate.errors import ApiAnswer
from bridge.originate.placement import Sent, place_from_answer
from tests.support.call_stories import at
from tests.support.factories import AUTH_ID
from tests.support.placed_requests import (
    ANNA,
    BEN,
    REFERENCE,
    SIP,
    SOON,
    A,
    B,
    C,
    call_of,
    collected,
    other_records,
    placed,
    records_of,
    state_of,
    wired,
)
from tests.support.second_account import OTHER
from tests.support.stored_records import stored

THREE = (ANNA, BEN, SIP)


def only(state: RequestState) -> DestinationState:
    (one,) = state.destinations
    return one


def test_an_answered_call_that_ended_has_all_that_its_callbacks_say() -> None:
    state = state_of(records_of(placed([ANNA], [A])), call_of(ANNA, A))
    one = only(state)
    assert (one.state, one.was_answered, one.calls) == (CallState.ENDED, True, (A,))
    assert (one.cost, one.is_cost_verified, one.missing, one.gaps) == ("0.01000", True, (), ())
    assert (state.has_ended, state.total_cost, state.unmatched) == (True, "0.01000", ())
    document = build_request_document(state)
    (found,) = document["destinations"]
    assert found["hangup"]["name"] == "Normal Hangup"
    assert (found["duration_s"], found["answered"], found["request_uuid"]) == (65, True, A)
    assert document["counts"] == {"destinations": 1, "answered": 1, "ended": 1}
    assert (document["account"], document["client"]) == (AUTH_ID, "callback-bridge/1.0")


@pytest.mark.parametrize(
    ("outcome", "kinds", "expected"),
    [
        ("accepted", (), CallState.QUEUED),
        ("refused", (), CallState.NOT_PLACED),
        ("unknown", (), CallState.UNKNOWN),
        ("accepted", ("ring",), CallState.RINGING),
        ("unknown", ("ring",), CallState.RINGING),
        ("accepted", ("ring", "answer"), CallState.IN_PROGRESS),
        ("accepted", ("answer",), CallState.IN_PROGRESS),
        ("accepted", ("hangup",), CallState.ENDED),
        ("accepted", ("ring", "answer", "hangup"), CallState.ENDED),
    ],
)
def test_the_state_follows_from_the_outcome_and_the_callbacks(
    outcome: Outcome, kinds: Sequence[str], expected: CallState
) -> None:
    uuids = [A] if outcome == "accepted" else []
    request = placed([ANNA], uuids, outcome=outcome)
    state = state_of(records_of(request), call_of(ANNA, A, kinds=kinds))
    assert only(state).state is expected
    assert state.has_ended is (expected in {CallState.ENDED, CallState.NOT_PLACED})
    assert only(state).is_resolved is (outcome == "unknown" and bool(kinds))


@pytest.mark.parametrize("path", ["/plivo/voice/call/fallback", "/plivo/voice/call/answer"])
def test_a_call_that_the_fallback_url_answered_is_in_progress(path: str) -> None:
    (answer,) = call_of(ANNA, A, kinds=["answer"])
    assert answer.event is not None
    record = answer.journal._replace(
        value=answer.journal.value.replace(b"/plivo/voice/call/answer", path.encode())
    )
    one = only(state_of(records_of(placed([ANNA], [A])), [record]))
    assert (one.state, one.was_answered) == (CallState.IN_PROGRESS, True)


def test_the_calls_of_a_request_whose_answer_was_lost_are_found_by_who_was_called() -> None:
    request = placed(THREE, outcome="unknown")
    state = state_of(
        records_of(request),
        call_of(BEN, B),
        call_of(SIP, C, kinds=["ring"]),
    )
    found = {one.destination.number: one for one in state.destinations}
    assert {number: one.calls for number, one in found.items()} == {ANNA: (), BEN: (B,), SIP: (C,)}
    assert [found[one].is_resolved for one in THREE] == [False, True, True]
    assert (found[ANNA].state, state.has_ended) == (CallState.UNKNOWN, False)


def test_callbacks_that_are_not_verified_do_not_resolve_a_request() -> None:
    request = records_of(placed([ANNA], outcome="unknown"))
    one = only(state_of(request, call_of(ANNA, A, is_verified=False)))
    assert (one.calls, one.is_resolved, one.is_cost_verified) == ((A,), False, False)
    assert "not_verified" in {gap.code for gap in one.gaps}
    mixed = [*call_of(ANNA, A, is_verified=False, kinds=["ring"]), *call_of(ANNA, A)]
    assert only(state_of(request, mixed)).is_resolved


def test_a_request_uuid_leads_to_a_call_whose_urls_are_the_customers_own() -> None:
    request = placed([ANNA, BEN], [A, B], urls=())
    stranger = call_of(BEN, C, reference=None)
    state = state_of(records_of(request), call_of(ANNA, A, reference=None), stranger)
    assert [one.calls for one in state.destinations] == [(A,), ()]
    assert (state.callbacks, state.unmatched) == (3, ())


def test_a_call_with_the_reference_that_fits_no_destination_is_listed_apart() -> None:
    state = state_of(records_of(placed([ANNA], [A])), call_of(ANNA, A), call_of(BEN, B))
    (other,) = state.unmatched
    assert (other.id, other.state) == (B, CallState.ENDED)
    (listed,) = build_request_document(state)["calls_of_no_destination"]
    assert (listed["id"], listed["to"]["e164"]) == (B, "+14155550177")


def test_two_calls_to_one_destination_are_a_gap_and_both_cost() -> None:
    request = placed([ANNA], outcome="unknown")
    state = state_of(records_of(request), call_of(ANNA, A), call_of(ANNA, B, kinds=["ring"]))
    one = only(state)
    assert (one.calls, one.state) == ((A, B), CallState.RINGING)
    assert "several_calls" in {gap.code for gap in one.gaps}
    both = only(state_of(records_of(request), call_of(ANNA, A), call_of(ANNA, B)))
    assert (both.cost, both.state) == ("0.02000", CallState.ENDED)


@pytest.mark.parametrize(
    ("urls", "kinds", "missing"),
    [
        (("answer", "ring", "hangup"), ("answer", "hangup"), ("voice.call.ring",)),
        (("answer", "hangup"), ("answer", "hangup"), ()),
        (("answer", "ring", "hangup"), ("ring", "hangup"), ("voice.call.answer",)),
        (("ring", "hangup"), ("ring", "hangup"), ()),
        (("answer", "ring", "hangup"), ("ring", "answer"), ()),
    ],
)
def test_a_callback_is_missing_only_if_its_url_was_requested_with_the_reference(
    urls: Sequence[str], kinds: Sequence[str], missing: Sequence[str]
) -> None:
    one = only(state_of(records_of(placed([ANNA], [A], urls=urls)), call_of(ANNA, A, kinds=kinds)))
    assert one.missing == missing


@pytest.mark.parametrize(
    ("urls", "kinds", "missing"),
    [
        (("answer", "ring", "hangup"), ("ring", "answer"), ("voice.call.hangup",)),
        (("answer", "ring"), ("ring", "answer"), ()),
        (("answer", "ring", "hangup"), (), ("voice.call.hangup",)),
        (("answer",), (), ()),
    ],
)
def test_a_call_without_a_hangup_for_too_long_is_unknown(
    urls: Sequence[str], kinds: Sequence[str], missing: Sequence[str]
) -> None:
    records = records_of(placed([ANNA], [A], urls=urls)), call_of(ANNA, A, kinds=kinds)
    assert only(state_of(*records, now=at(3 * 3600))).state is not CallState.UNKNOWN
    one = only(state_of(*records, now=at(5 * 3600)))
    assert (one.state, one.missing) == (CallState.UNKNOWN, missing)


def test_callbacks_of_another_account_count_for_nothing() -> None:
    forged = records_of(placed([ANNA], [A], account=OTHER))
    state = state_of(forged, call_of(ANNA, A))
    assert (only(state).calls, state.callbacks, state.callbacks_of_other_accounts) == ((), 0, 3)
    assert state.account == OTHER


def test_the_parts_of_a_bulk_request_are_one_request() -> None:
    first = placed([ANNA, BEN], [A, B], parts=2)
    second = placed([SIP], [C], part=2, parts=2, requested_at=at(1))
    assert not state_of(records_of(first), call_of(ANNA, A), call_of(BEN, B)).has_ended
    state = state_of(
        records_of(second), records_of(first), call_of(ANNA, A), call_of(BEN, B), call_of(SIP, C)
    )
    assert [one.destination.number for one in state.destinations] == list(THREE)
    assert (state.parts_found, state.parts, state.has_ended) == (2, 2, True)
    assert state.requested_at == first.requested_at


def test_events_alone_are_enough_and_so_is_the_journal_alone() -> None:
    *events, journal = records_of(placed([ANNA, BEN], [A, B]))
    calls = [*call_of(ANNA, A), *call_of(BEN, B, kinds=["answer", "hangup"])]
    whole, of_events, of_journal = (
        build_request_document(state_of(records, calls))
        for records in ([*events, journal], events, [journal])
    )
    assert whole == of_events == of_journal
    assert whole["destinations"][1]["missing"] == ["voice.call.ring"]


def in_ledger(*parts: PartEntry) -> LedgerEntry:
    body = {"from": "14155550100", **wired(REFERENCE, "answer", "hangup")}
    return LedgerEntry(REFERENCE, None, AUTH_ID, "callback-bridge/1.0", body, at(0), parts)


def test_parts_that_no_record_describes_are_those_of_the_ledger() -> None:
    entry = in_ledger(
        PartEntry(1, (ANNA,), at(0), None),
        PartEntry(2, (BEN,), at(1), None),
        PartEntry(3, (SIP,), None, None),
    )
    records = collected(records_of(placed([BEN], [B], part=2, parts=3)), call_of(BEN, B))
    records.set_ledger(entry)
    state = records.build_state(SOON)
    found = {one.destination.number: one for one in state.destinations}
    assert {number: one.state.value for number, one in found.items()} == {
        BEN: "ended",
        ANNA: "unknown",
        SIP: "not_sent",
    }
    assert "no answer of Plivo" in found[ANNA].destination.explanation
    assert "stopped before" in found[SIP].destination.explanation
    assert (state.parts_found, state.parts_only_in_ledger, state.parts) == (1, 2, 3)
    assert not state.has_ended


def test_a_request_that_only_the_ledger_has_ends_without_what_was_not_sent() -> None:
    sent = Sent(REFERENCE, (ANNA,), at(0))
    placement = place_from_answer(
        sent, ApiAnswer(201, {"request_uuid": A, "message": "call fired"})
    )
    parts = (PartEntry(1, (ANNA,), at(0), placement), PartEntry(2, (BEN,), None, None))
    records = collected(call_of(ANNA, A))
    records.set_ledger(in_ledger(*parts))
    state = records.build_state(SOON)
    anna, ben = state.destinations
    assert (anna.state, anna.calls, anna.destination.request_uuid) == (CallState.ENDED, (A,), A)
    assert (ben.state, ben.destination.outcome) == (CallState.NOT_SENT, "not_sent")
    assert (state.has_ended, state.account, state.requested_at) == (True, AUTH_ID, at(0))
    assert build_request_document(state)["parts_only_in_ledger"] == 2


def test_callbacks_alone_name_a_request_that_is_not_stored() -> None:
    state = state_of(call_of(ANNA, A))
    assert (state.destinations, state.has_ended, state.account) == ((), False, AUTH_ID)
    assert [one.id for one in state.unmatched] == [A]
    assert build_request_document(state)["requested_at"] is None


def test_only_records_of_the_request_concern_it() -> None:
    others = other_records()[1:]
    mine = records_of(placed([ANNA], [A]))
    foreign = records_of(placed([ANNA], [B], reference="another-reference"))
    state = state_of(mine, foreign, call_of(ANNA, B, reference="another-reference"), others)
    assert (only(state).state, state.callbacks) == (CallState.QUEUED, 0)


@pytest.mark.parametrize(
    "value",
    [
        b"",
        b"[]",
        b"{}",
        b'{"reference": "%s"}',
        b'{"reference": "%s", "part": "x"}',
        b'{"reference": "%s", "part": 1, "source": 1, "request_uuids": 7}',
        b'{"type": "com.plivo.voice.call.requested.v1", "data": {}}',
        b'{"type": "com.plivo.voice.call.requested.v1", "data": 7}',
        b'{"type": "com.plivo.voice.call.requested.v1"}',
    ],
)
@pytest.mark.parametrize("headers", [(), (("journal_kind", b"request"),)])
def test_a_record_of_any_other_form_is_ignored(
    value: bytes, headers: Sequence[tuple[str, bytes]]
) -> None:
    records = collected(records_of(placed([ANNA], [A])))
    before = build_request_document(records.build_state(SOON))
    records.add(stored(99, value=value.replace(b"%s", REFERENCE.encode()), headers=headers))
    assert build_request_document(records.build_state(SOON)) == before


def test_too_many_callbacks_are_not_kept_and_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(requesting, "CALLBACKS_MAX", 2)
    state = state_of(records_of(placed([ANNA], [A])), call_of(ANNA, A))
    assert (state.is_truncated, state.callbacks) == (True, 2)


@given(order=st.permutations(range(3)), outcome=st.sampled_from(["accepted", "unknown"]))
def test_the_order_in_which_calls_are_read_changes_nothing(
    order: list[int], outcome: Outcome
) -> None:
    """Callbacks of one call keep their order, which their partition gives."""
    request = placed(THREE, [A, B, C] if outcome == "accepted" else [], outcome=outcome)
    calls = [call_of(number, uuid) for number, uuid in zip(THREE, (A, B, C), strict=True)]
    state = state_of(records_of(request), *(calls[number] for number in order))
    assert [one.calls for one in state.destinations] == [(A,), (B,), (C,)]
    assert state.has_ended
    assert state.requested_at == SOON - timedelta(seconds=120)
    assert set(state.destinations[0].destination.parameters) >= set(wired(REFERENCE, "answer"))
