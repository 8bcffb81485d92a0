"""A scenario run on an emulator, and its counts."""

import asyncio

import httpx
import pytest

from bridge.emulator.chaos.options import Chaos
from bridge.emulator.directory import Directory
from bridge.emulator.emulator import Emulator
from bridge.emulator.machine.person import Pickup
from bridge.emulator.scenarios.begin import ReceiverUrls
from bridge.emulator.scenarios.model import CallModel, PersonModel, Scenario
from bridge.emulator.scenarios.run import Tally, run_scenario
from tests.emulator.machines import ACCOUNT, HOST

URLS = ReceiverUrls(f"{HOST}/answer", hangup=f"{HOST}/hangup")
BUSY = Scenario(
    title="Busy", call=CallModel(person=PersonModel(pickup=Pickup.BUSY, answers_after_s=0.1))
)


async def answer(_request: httpx.Request) -> httpx.Response:
    await asyncio.sleep(0.1)
    return httpx.Response(200)


@pytest.mark.parametrize(("speed", "stretched"), [(1_000, 1), (1, 0)])
async def test_answers_that_are_slow_because_of_the_speed_are_counted(
    speed: float, stretched: int
) -> None:
    # 0.1 s is 100 s of emulated time at a speed of 1,000.
    transport = httpx.MockTransport(answer)
    async with Emulator(Directory([ACCOUNT]), speed=speed, transport=transport) as emulator:
        tally = Tally.watch(emulator)
        await run_scenario(emulator, BUSY, ACCOUNT, URLS, tally=tally)
    assert (tally.begun, tally.sent.total(), tally.undelivered) == (1, 1, 0)
    assert tally.stretched == stretched
    assert tally.answer_s_max >= 0.1 * speed * 0.9


async def test_a_callback_that_is_sent_twice_hides_no_other_that_was_not_delivered() -> None:
    answers = iter([503, 200, 200, 200])  # the second call's hangup gets none

    async def reply(_request: httpx.Request) -> httpx.Response:
        return httpx.Response(next(answers, 503))

    urls = ReceiverUrls(f"{HOST}/answer", hangup=f"{HOST}/hangup#rp=all&rc=1")
    chaos, transport = Chaos(duplicated=1.0), httpx.MockTransport(reply)
    async with Emulator(
        Directory([ACCOUNT]), speed=1_000, transport=transport, chaos=chaos
    ) as emulator:
        tally = Tally.watch(emulator)
        for _ in range(2):
            await run_scenario(emulator, BUSY, ACCOUNT, urls, tally=tally)
    assert (tally.sent.total(), tally.delivered.total(), tally.undelivered) == (2, 1, 1)
