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
from bridge.emulator.machine.calls import CallOrder
from bridge.emulator.machine.commands import Command, LegEnded
from bridge.emulator.machine.person import HangUp, Person
from tests.emulator.machines import ACCOUNT, CALLEE, CALLER, URLS

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
    ended: asyncio.Future[LegEnded] = asyncio.get_running_loop().create_future()

    def observe(command: Command) -> None:
        if isinstance(command, LegEnded) and not ended.done():
            ended.set_result(command)

    emulator.observe(observe)
    return await ended


async def test_a_placed_call_runs_to_its_end(emulator: Emulator) -> None:
    leg = emulator.place_call(ORDER)
    assert (await wait_for_end(emulator)).call_uuid == leg.uuid
    assert [one.request.type for one in emulator.history.sent] == [
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


@pytest.mark.parametrize("number", [UNANSWERED, "14155550199"])
async def test_a_number_that_nobody_answers_takes_no_call(emulator: Emulator, number: str) -> None:
    with pytest.raises(NoApplication):
        emulator.receive_call(CALLER, number)


async def test_a_reset_forgets_everything_and_repeats_the_ids(emulator: Emulator) -> None:
    forgotten: list[bool] = []
    emulator.on_reset(lambda: forgotten.append(True))
    first = emulator.place_call(ORDER)
    await emulator.reset()
    assert (emulator.history.sent, emulator.world.legs, forgotten) == ([], {}, [True])
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
