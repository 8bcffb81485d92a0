"""Place calls: once, written down, published. Crash points are those of the originator's docstring."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import orjson
import pytest

from bridge.emulator.history import Match
from bridge.originate import originator as originator_module
from bridge.originate.entry import AlreadyRequested, LedgerEntry, LedgerUnusable
from bridge.originate.originator import (
    Originator,
    OriginatorRules,
    OutcomeNotRecorded,
    PlacingStopped,
    UnknownReference,
)
from bridge.originate.parameter import RequestFaults
from bridge.originate.placement import Placement, PlacementOutcome
from tests.originate.dialling import CALLEE, OTHERS, Dialled, emulated
from tests.originate.faults import Fault
from tests.originate.originators import (
    BRIDGE,
    NAMING,
    Office,
    Wrapped,
    make_request,
    open_office,
)

ACCEPTED, REFUSED, UNKNOWN = (
    PlacementOutcome.ACCEPTED,
    PlacementOutcome.REFUSED,
    PlacementOutcome.UNKNOWN,
)


class Crashed(BaseException):
    """The process died."""


@pytest.fixture
async def plivo() -> AsyncIterator[Dialled]:
    async with emulated() as dialled:
        yield dialled


@pytest.fixture
async def office(plivo: Dialled, tmp_path: Path) -> Office:
    return open_office(plivo, tmp_path)


def entry_of(office: Office, key: str = "key") -> LedgerEntry:
    found = office.ledger.find_by_key(key)
    assert found is not None
    return found


# A request


async def test_a_call_is_placed_written_down_and_published(office: Office) -> None:
    placed = await office.originator.place(make_request(), idempotency_key="key")
    (placement,) = placed.placements
    assert (placement.outcome, placed.unpublished) == (ACCEPTED, 0)
    entry = entry_of(office)
    assert (entry.reference, entry.parts[0].placement) == (placed.reference, placement)
    (event,) = office.events
    assert event["subject"] == placement.request_uuids[0]
    assert event["data"]["reference"] == placed.reference
    assert event["data"]["client"] == "tests/1"
    journal = office.publisher.records[-1]
    assert (journal.topic, journal.key) == ("plivo.journal.v1", placed.reference.encode())
    assert orjson.loads(journal.value)["body"] == entry.body
    assert office.ledger.count_unpublished() == 0


async def test_the_urls_of_a_request_carry_its_reference(office: Office) -> None:
    await office.originator.place(make_request(), reference="mine")
    emulator = office.plivo.emulator
    assert await emulator.wait_until(lambda: bool(emulator.history.sent(Match("ring"))), 5)
    (ring,) = emulator.history.sent(Match("ring"))
    assert ring.request.url == f"{BRIDGE}/plivo/voice/call/ring?bridge_reference=mine"


async def test_an_originator_places_for_an_application_and_asynchronously(
    plivo: Dialled, office: Office
) -> None:
    rules = OriginatorRules(BRIDGE, NAMING, application="shop", is_asynchronous=True)
    originator = Originator(plivo.calls(), office.ledger, office.publisher, rules=rules)
    (placement,) = (await originator.place(make_request(), idempotency_key="key")).placements
    assert (placement.outcome, placement.code) == (ACCEPTED, "spawned")
    body = entry_of(office).body
    assert "/applications/shop/" in str(body["answer_url"])
    assert "async_response" in str(body["callback_url"])
    assert office.outcomes == [(CALLEE, "accepted")]


async def test_a_request_with_faults_leaves_nothing_behind(plivo: Dialled, office: Office) -> None:
    rules = OriginatorRules("ftp://bridge", NAMING)
    originator = Originator(plivo.calls(), office.ledger, office.publisher, rules=rules)
    with pytest.raises(RequestFaults):
        await originator.place(make_request(), idempotency_key="key")
    assert office.ledger.find_by_key("key") is None
    assert plivo.requested == []


async def test_a_key_holds_across_ledgers_and_whatever_the_outcome(
    plivo: Dialled, tmp_path: Path
) -> None:
    first, second = open_office(plivo, tmp_path), open_office(plivo, tmp_path)
    placed = await first.originator.place(make_request(), idempotency_key="key")
    with pytest.raises(AlreadyRequested, match="1 accepted") as told:
        await second.originator.place(make_request(*OTHERS), idempotency_key="key")
    assert told.value.entry.parts[0].placement == placed.placements[0]
    assert plivo.requested == [CALLEE]


async def test_of_many_requests_with_one_key_at_once_one_dials(
    plivo: Dialled, tmp_path: Path
) -> None:
    offices = [open_office(plivo, tmp_path) for _ in range(5)]
    found = await asyncio.gather(
        *(one.originator.place(make_request(), idempotency_key="key") for one in offices),
        return_exceptions=True,
    )
    assert sorted(type(one).__name__ for one in found) == ["AlreadyRequested"] * 4 + ["PlacedCalls"]
    assert plivo.requested == [CALLEE]


# Parts


async def test_a_bulk_request_is_sent_in_parts_with_one_reference(
    plivo: Dialled, tmp_path: Path
) -> None:
    office = open_office(plivo, tmp_path, destinations_per_request=3)
    told = list[Placement]()
    placed = await office.originator.place(make_request(*OTHERS[:8]), on_part=told.append)
    assert [one.destinations for one in told] == [OTHERS[:3], OTHERS[3:6], OTHERS[6:8]]
    assert tuple(told) == placed.placements
    assert {one.reference for one in told} == {placed.reference}
    assert office.outcomes == [(one, "accepted") for one in OTHERS[:8]]
    assert [(one["data"]["part"], one["data"]["parts"]) for one in office.events] == [
        (part, 3) for part in (1, 1, 1, 2, 2, 2, 3, 3)
    ]


@pytest.mark.parametrize(
    ("faults", "outcomes", "codes"),
    [
        (
            [Fault.NO_CONNECTION],
            [REFUSED, REFUSED, REFUSED],
            ["no_connection", "not_reached", "not_reached"],
        ),
        (
            [Fault.NONE, Fault.READ_TIMEOUT],
            [ACCEPTED, UNKNOWN, REFUSED],
            ["fired", "no_answer", "not_reached"],
        ),
        (
            [Fault.TOO_MANY],
            [REFUSED, REFUSED, REFUSED],
            ["too_many_requests", "not_reached", "not_reached"],
        ),
        # A refusal that may be about the destinations of a part says nothing about others.
        (
            [Fault.FORBIDDEN],
            [REFUSED, ACCEPTED, ACCEPTED],
            ["forbidden", "fired", "fired"],
        ),
    ],
)
async def test_after_a_part_that_dooms_the_others_they_are_not_sent(
    faults: list[Fault],
    outcomes: list[PlacementOutcome],
    codes: list[str],
    tmp_path: Path,
) -> None:
    wrapped = Wrapped(*faults)
    async with emulated(wrap=wrapped) as plivo:
        office = open_office(plivo, tmp_path, destinations_per_request=1)
        placed = await office.originator.place(make_request(*OTHERS[:3]))
        assert [one.outcome for one in placed.placements] == outcomes
        assert [one.code for one in placed.placements] == codes
        assert len(wrapped.transport.attempts) == 3 - codes.count("not_reached")
        assert office.outcomes == list(zip(OTHERS[:3], outcomes, strict=True))


def test_parts_of_nothing_are_a_mistake() -> None:
    with pytest.raises(ValueError, match="at least 1"):
        OriginatorRules(BRIDGE, NAMING, destinations_per_request=0)


def test_an_application_has_the_name_that_rules_can_give_it() -> None:
    with pytest.raises(ValueError, match="'the/shop' is not the name"):
        OriginatorRules(BRIDGE, NAMING, application="the/shop")


# Crash points


async def test_crash_point_1_leaves_nothing(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(originator_module, "NewRequest", crash)
        with pytest.raises(Crashed):
            await office.originator.place(make_request(), idempotency_key="key")
    assert office.ledger.find_by_key("key") is None
    assert office.plivo.requested == []
    placed = await office.originator.place(make_request(), idempotency_key="key")
    assert placed.placements[0].outcome is ACCEPTED


def crash(*_: object, **__: object) -> Any:
    raise Crashed


@pytest.mark.parametrize(
    ("where", "found"),
    [
        pytest.param(("ledger", "begin_part"), ("not_sent", 0), id="2"),
        pytest.param(("calls", "_exchange"), ("unknown", 0), id="3 before Plivo has it"),
        pytest.param(("ledger", "end_part"), ("unknown", 1), id="3 after the answer"),
    ],
)
async def test_a_crash_before_the_outcome_is_written_dials_at_most_once(
    where: tuple[str, str],
    found: tuple[str, int],
    *,
    office: Office,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    (owner, name), (state, dialled) = where, found
    target = office.ledger if owner == "ledger" else office.originator._calls
    with monkeypatch.context() as patch:
        patch.setattr(target, name, crash)
        with pytest.raises(Crashed):
            await office.originator.place(make_request(), idempotency_key="key")
    later = open_office(office.plivo, tmp_path)
    assert [one.state for one in entry_of(later).parts] == [state]
    with pytest.raises(AlreadyRequested, match=state.replace("_", " ")):
        await later.originator.place(make_request(), idempotency_key="key")
    assert len(office.plivo.requested) == dialled
    # As long as a process may wait for the answer, nothing is said.
    assert (await later.originator.publish_pending()).published == 0
    assert later.events == []
    # Afterwards the outcome is unknown, and stays so. What was not sent is not mentioned.
    last = open_office(office.plivo, tmp_path, later_by=timedelta(minutes=16))
    for _ in range(2):
        await last.originator.publish_pending()
    assert last.outcomes == ([(CALLEE, "unknown")] if state == "unknown" else [])
    assert [one.state for one in entry_of(last).parts] == [state]


async def test_crash_point_3_while_the_answer_is_on_its_way(
    office: Office, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls = office.originator._calls
    exchange = calls._exchange

    async def lose(*given: Any, **more: Any) -> Any:
        await exchange(*given, **more)
        raise Crashed

    monkeypatch.setattr(calls, "_exchange", lose)
    with pytest.raises(Crashed):
        await office.originator.place(make_request(), idempotency_key="key")
    later = open_office(office.plivo, tmp_path)
    with pytest.raises(AlreadyRequested, match="1 unknown"):
        await later.originator.place(make_request(), idempotency_key="key")
    assert office.plivo.requested == [CALLEE]


async def test_crash_point_4_leaves_records_that_the_next_command_publishes(
    office: Office, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(office.publisher, "publish", crash)
        with pytest.raises(Crashed):
            await office.originator.place(make_request(), idempotency_key="key")
    later = open_office(office.plivo, tmp_path)
    assert entry_of(later).summary == "1 accepted"
    published = await later.originator.publish_pending()
    assert published == (2, 0, "")
    assert later.outcomes == [(CALLEE, "accepted")]


async def test_crash_point_5_publishes_the_same_again(
    office: Office, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(office.ledger, "remove_published", crash)
        with pytest.raises(Crashed):
            await office.originator.place(make_request())
    later = open_office(office.plivo, tmp_path)
    await later.originator.publish_pending()
    assert later.publisher.records == office.publisher.records != []


async def test_crash_point_6_leaves_the_later_parts_unsent(plivo: Dialled, tmp_path: Path) -> None:
    office = open_office(plivo, tmp_path, destinations_per_request=1)
    with pytest.raises(Crashed):
        await office.originator.place(
            make_request(*OTHERS[:3]), idempotency_key="key", on_part=crash
        )
    entry = entry_of(open_office(plivo, tmp_path))
    assert entry.summary == "1 accepted, 2 not sent"
    assert entry.list_destinations("not_sent") == OTHERS[1:3]
    assert plivo.requested == [OTHERS[0]]


async def test_a_cancelled_request_is_unknown(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun = asyncio.Event()

    async def hang(*_: object, **__: object) -> None:
        begun.set()
        await asyncio.Event().wait()

    monkeypatch.setattr(office.originator._calls, "_exchange", hang)
    placing = asyncio.create_task(
        office.originator.place(make_request(), idempotency_key="key"),
    )
    await begun.wait()
    placing.cancel()
    with pytest.raises(asyncio.CancelledError):
        await placing
    assert entry_of(office).summary == "1 unknown"


async def test_an_outcome_that_the_disk_does_not_take_is_told(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fill(*_: object) -> bool:
        raise LedgerUnusable

    monkeypatch.setattr(office.ledger, "end_part", fill)
    with pytest.raises(OutcomeNotRecorded, match="is accepted") as told:
        await office.originator.place(make_request(), idempotency_key="key")
    assert told.value.placement.request_uuids
    assert entry_of(office).summary == "1 unknown"


async def test_without_a_ledger_nothing_is_sent(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fill(*_: object) -> None:
        raise LedgerUnusable

    for name in ("begin_part", "begin"):
        monkeypatch.setattr(office.ledger, name, fill)
        with pytest.raises(LedgerUnusable):
            await office.originator.place(make_request())
    assert office.plivo.requested == []


@pytest.mark.parametrize("method", ["begin_part", "list_unpublished"])
async def test_parts_that_were_sent_are_told_if_the_ledger_fails_afterwards(
    plivo: Dialled, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, method: str
) -> None:
    office = open_office(plivo, tmp_path, destinations_per_request=1)

    def fill(*_: object, **__: object) -> None:
        message = "the disk is full"
        raise LedgerUnusable(message)

    def fail_from_now_on(_: Placement) -> None:
        monkeypatch.setattr(office.ledger, method, fill)

    with pytest.raises(PlacingStopped, match=r"1 accepted.*the disk is full") as told:
        await office.originator.place(
            make_request(*OTHERS[:2]), idempotency_key="key", on_part=fail_from_now_on
        )
    assert [one.outcome for one in told.value.placements] == [ACCEPTED]
    assert plivo.requested == [OTHERS[0]]
    assert entry_of(office).summary == "1 accepted, 1 not sent"


# Unknown outcomes


async def test_what_nobody_requested_cannot_be_resolved(office: Office) -> None:
    with pytest.raises(UnknownReference):
        await office.originator.resolve("nothing")
