"""An emulator on an event loop."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import httpx
import pytest

from bridge.emulator.directory import Application, Directory, Number
from bridge.emulator.emulator import Emulator, NoApplication
from bridge.emulator.history import Match
from bridge.emulator.machine.calls import CallOrder
from bridge.emulator.machine.commands import LegEnded
from bridge.emulator.machine.person import HangUp, Person
from bridge.emulator.stories import tell_calls
from tests.emulator.machines import ACCOUNT, CALLEE, CALLER, URLS
from tests.support.waiting import PATIENCE_S

NUMBER, UNANSWERED = "14155550177", "14155550178"
START = datetime(2026, 3, 7, 9, 13, 30, tzinfo=ZoneInfo("America/New_York"))
ORDER = CallOrder(ACCOUNT, CALLER, CALLEE, URLS)
DOCUMENT = b"<Response><Wait length='50'/></Response>"


def answer(_request: httpx.Request) -> httpx.Response:
    return httpx.Response(200, headers={"content-type": "application/xml"}, content=DOCUMENT)


@pytest.fixture
async def emulator() -> AsyncIterator[Emulator]:
    directory = Directory(
        [ACCOUNT],
        [Application("1", ACCOUNT.auth_id, URLS)],
        [Number(NUMBER, ACCOUNT.auth_id, "1"), Number(UNANSWERED, ACCOUNT.auth_id)],
    )
    transport = httpx.MockTransport(answer)
    async with Emulator(directory, start=START, speed=1_000, transport=transport) as emulator:
        yield emulator


async def wait_for_end(emulator: Emulator) -> LegEnded:
    assert await emulator.wait_until(lambda: bool(emulator.history.ends()), PATIENCE_S)
    return emulator.history.ends()[0].end


async def wait_for_hangup(emulator: Emulator) -> None:
    hangup = Match("hangup")
    assert await emulator.wait_until(lambda: bool(emulator.history.answered(hangup)), PATIENCE_S)


async def test_a_placed_call_runs_to_its_end(emulator: Emulator) -> None:
    leg = emulator.place_call(ORDER)
    await wait_for_hangup(emulator)
    assert (await wait_for_end(emulator)).call_uuid == leg.uuid
    assert [one.type for one in emulator.history.sent()] == [
        "voice.call.ring",
        "voice.call.answer",
        "voice.call.hangup",
    ]


async def test_a_received_call_is_answered_by_the_application_of_its_number(
    emulator: Emulator,
) -> None:
    leg = emulator.receive_call("+" + CALLER, "+" + NUMBER, Person(hang_up=HangUp(5)))
    assert (await wait_for_end(emulator)).source == "Caller"
    assert (leg.direction, leg.caller, leg.callee) == ("inbound", CALLER, NUMBER)


async def test_a_condition_that_never_holds_ends_with_its_time(emulator: Emulator) -> None:
    assert not await emulator.wait_until(lambda: False, 0.01)


async def test_whoever_waits_for_the_end_of_everything_is_woken_by_the_last_timer(
    emulator: Emulator,
) -> None:
    # The callee hangs up in the middle of the document, whose timer fires later and does nothing.
    emulator.place_call(replace(ORDER, person=Person(hang_up=HangUp(20))))
    async with asyncio.timeout(PATIENCE_S):
        assert await emulator.wait_until(lambda: emulator.is_idle, 1_000 * PATIENCE_S)
        await emulator.wait_until_idle()
    assert len(emulator.history.ends()) == 1


async def test_an_emulator_that_rests_is_fast_only_during_calls() -> None:
    loop = asyncio.get_running_loop()
    transport = httpx.MockTransport(answer)
    directory = Directory([ACCOUNT])
    async with Emulator(directory, speed=1_000, transport=transport, rests=True) as emulator:
        for _ in range(2):
            before_s, before = loop.time(), emulator.now
            await asyncio.sleep(0.02)
            passed_s = (emulator.now - before).total_seconds()
            assert 0 < passed_s <= loop.time() - before_s + 0.001
            began = emulator.now
            # The callee waits for the end of the document, however long its fetch takes at this speed.
            emulator.place_call(replace(ORDER, person=Person(hang_up=None)))
            await emulator.wait_until_idle()
            assert emulator.now - began > timedelta(seconds=54)
    assert [one.end.code for one in emulator.history.ends()] == ["4010", "4010"]


async def test_a_call_is_told_as_a_story(emulator: Emulator) -> None:
    leg = emulator.place_call(replace(ORDER, person=Person(hang_up=HangUp(20))))
    await wait_for_hangup(emulator)
    title, *lines = tell_calls(emulator.history, emulator.world.legs.values())[leg.uuid]
    assert title == f"outbound call {leg.uuid} from {CALLER} to {CALLEE}: completed"
    assert [line.partition(" s  ")[2] for line in lines] == [
        "voice.call.ring -> 200 application/xml",
        "voice.call.answer -> 200 application/xml",
        "ended: 4000 Normal Hangup (Callee)",
        "voice.call.hangup -> 200 application/xml",
    ]
    assert [line.split(" s ")[0].strip() for line in lines] == ["1.2", "4.0", "24.0", "24.0"]


@pytest.mark.parametrize("number", [UNANSWERED, "14155550199"])
async def test_a_number_that_nobody_answers_takes_no_call(emulator: Emulator, number: str) -> None:
    with pytest.raises(NoApplication):
        emulator.receive_call(CALLER, number)


async def test_a_reset_forgets_everything_and_repeats_the_ids(emulator: Emulator) -> None:
    forgotten: list[bool] = []
    emulator.on_reset(lambda: forgotten.append(True))
    first = emulator.place_call(ORDER)
    await emulator.reset()
    assert (emulator.history.sent(), emulator.world.legs, forgotten) == ([], {}, [True])
    assert emulator.place_call(ORDER).uuid == first.uuid


async def test_durations_do_not_depend_on_how_late_the_loop_is(emulator: Emulator) -> None:
    leg = emulator.place_call(replace(ORDER, person=Person(hang_up=HangUp(20.5))))
    await wait_for_end(emulator)
    assert leg.answered_at is not None
    assert leg.ended_at == leg.answered_at + timedelta(seconds=20.5)


async def test_the_clock_begins_at_its_start(emulator: Emulator) -> None:
    leg = emulator.place_call(ORDER)
    assert leg.started_at >= START
    assert (leg.started_at - START).days == 0


@pytest.mark.parametrize(
    ("applications", "numbers", "fault"),
    [
        ([Application("1", "MAOTHER", URLS)], [], "application 1 names account MAOTHER"),
        ([], [Number(NUMBER, "MAOTHER")], f"number {NUMBER} names account MAOTHER"),
        ([], [Number(NUMBER, ACCOUNT.auth_id, "7")], f"number {NUMBER} names application 7"),
    ],
)
def test_a_directory_refuses_names_of_nothing(
    applications: list[Application], numbers: list[Number], fault: str
) -> None:
    with pytest.raises(ValueError, match=fault):
        Directory([ACCOUNT], applications, numbers)
