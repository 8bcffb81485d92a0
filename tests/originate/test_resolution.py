"""What Plivo's list of calls says about a request whose outcome is unknown."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from bridge.originate.listed import ListedCall
from bridge.originate.originator import Resolution
from bridge.originate.resolution import Search, Verdict, judge_calls
from tests.originate.dialling import CALLEE, CALLER, OTHERS, Dial, Dialled, emulated
from tests.originate.faults import Fault
from tests.originate.originators import Office, Wrapped, make_request, open_office

AT = datetime(2026, 3, 7, 14, 0, tzinfo=UTC)
SEARCH = Search(f"+{CALLER}", (CALLEE, "sip:Bob@phone.plivo.com"), AT, AT + timedelta(hours=1))
CALL = ListedCall(
    call_uuid="a",
    state="ended",
    caller=CALLER,
    callee=f"+{CALLEE}",
    direction="outbound",
    began_at=AT + timedelta(minutes=1),
    ended_at=None,
    duration_s=None,
    body={},
)


@pytest.mark.parametrize(
    ("calls", "verdict"),
    [
        ([], Verdict.NOT_FOUND),
        ([CALL], Verdict.FOUND),
        ([CALL._replace(began_at=None, state="queued")], Verdict.FOUND),
        ([CALL._replace(state="live"), CALL], Verdict.FOUND),
        ([CALL, CALL._replace(call_uuid="b")], Verdict.SEVERAL),
        ([CALL._replace(caller="14155550199")], Verdict.NOT_FOUND),
        ([CALL._replace(callee="14155550199")], Verdict.NOT_FOUND),
        ([CALL._replace(direction="inbound")], Verdict.NOT_FOUND),
        ([CALL._replace(began_at=AT - timedelta(seconds=1))], Verdict.NOT_FOUND),
        ([CALL._replace(began_at=AT + timedelta(minutes=61))], Verdict.NOT_FOUND),
    ],
)
def test_calls_that_fit_are_found(calls: list[ListedCall], verdict: Verdict) -> None:
    number, sip = judge_calls(SEARCH, calls)
    assert (number.destination, number.verdict) == (CALLEE, verdict)
    assert sip.verdict is Verdict.NOT_FOUND


def test_a_sip_address_is_found_whatever_its_case() -> None:
    _, sip = judge_calls(SEARCH, [CALL._replace(callee="sip:bob@phone.plivo.com")])
    assert sip.verdict is Verdict.FOUND


@pytest.mark.parametrize("verdict", Verdict)
def test_no_verdict_is_that_plivo_did_not_dial(verdict: Verdict) -> None:
    assert "not_dialled" not in verdict
    (found, _) = judge_calls(SEARCH, [])
    assert "no proof" in found.explanation


async def place_unknown(
    plivo: Dialled, directory: Path, *destinations: str
) -> tuple[Office, Resolution]:
    office = open_office(plivo, directory)
    placed = await office.originator.place(make_request(*destinations))
    assert placed.placements[0].outcome == "unknown"
    return office, await office.originator.resolve(placed.reference)


async def test_calls_that_were_dialled_are_found_in_every_state(tmp_path: Path) -> None:
    destinations = OTHERS[:3]
    async with emulated(calls_per_s=2, speed=0.001, wrap=Wrapped(Fault.READ_TIMEOUT)) as plivo:
        office, first = await place_unknown(plivo, tmp_path, *destinations)
        ended, live, queued = first.findings
        assert [one.verdict for one in first.findings] == [Verdict.FOUND] * 3
        assert [one.calls[0].state for one in (live, queued)] == ["live", "queued"]
        await plivo.calls().hang_up(ended.calls[0].call_uuid)
        second = await office.originator.resolve(first.reference)
    assert [one.calls[0].state for one in second.findings] == ["ended", "live", "queued"]
    assert [one.destination for one in second.findings] == list(destinations)
    assert second.is_complete
    assert second.reference == first.reference


async def test_a_call_that_was_not_dialled_is_not_found_and_that_is_no_proof(
    tmp_path: Path,
) -> None:
    wrapped = Wrapped(Fault.READ_TIMEOUT)
    async with emulated(wrap=wrapped) as plivo:
        wrapped.transport.swallows = True
        _, found = await place_unknown(plivo, tmp_path, CALLEE)
    (finding,) = found.findings
    assert (finding.verdict, finding.calls) == (Verdict.NOT_FOUND, ())


async def test_the_calls_of_other_requests_are_left_out(tmp_path: Path) -> None:
    async with emulated(wrap=Wrapped(Fault.NONE, Fault.SERVER_ERROR, Fault.NONE)) as plivo:
        office = open_office(plivo, tmp_path)
        await office.originator.place(make_request())
        _, found = await place_unknown(plivo, tmp_path, CALLEE)
        assert [one.verdict for one in found.findings] == [Verdict.FOUND]
        # A call that the ledger does not know may as well be the request's.
        await plivo.calls().place(Dial(), "elsewhere")
        again = await office.originator.resolve(found.reference)
    assert [(one.verdict, len(one.calls)) for one in again.findings] == [(Verdict.SEVERAL, 2)]


async def test_a_request_with_an_outcome_has_nothing_to_be_resolved(tmp_path: Path) -> None:
    async with emulated() as plivo:
        office = open_office(plivo, tmp_path)
        placed = await office.originator.place(make_request())
        found = await office.originator.resolve(placed.reference)
    assert (found.findings, found.is_complete) == ((), True)


async def test_a_list_that_is_too_long_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bridge.originate.client._PAGE_CALLS", 1)
    monkeypatch.setattr("bridge.originate.originator.PAGES_MAX", 1)
    async with emulated(wrap=Wrapped(Fault.CUT)) as plivo:
        office, found = await place_unknown(plivo, tmp_path, *OTHERS[:2])
        for one in found.findings:
            await plivo.calls().hang_up(one.calls[0].call_uuid)
        again = await office.originator.resolve(found.reference)
    assert found.is_complete
    assert not again.is_complete
    assert sorted(one.verdict for one in again.findings) == [Verdict.FOUND, Verdict.NOT_FOUND]
