"""What happens to the bridge's own process."""

import asyncio

from tests.chaos.bridge import BridgeProcess
from tests.chaos.site import PROXIED
from tests.chaos.stage import Scenario, Stage

# Longer than the balancer takes to notice, and any request to be on its way.
_DELAY_S = 1.5
OVERLOADED = 429


async def _nobody_touches_anything(stage: Stage) -> None:
    await stage.pause(5, 6)


async def _restarted(bridge: BridgeProcess) -> None:
    bridge.start()
    await bridge.ready()


async def _killed(stage: Stage) -> None:
    """Kill it while Kafka is there, while all it takes is in the spool, and while that is drained."""
    stage.fault_begins()
    await stage.kill()
    await stage.pause(0.2, 1)
    await _restarted(stage.bridge)
    await stage.pause(1, 2)
    stage.site.swallow()
    await stage.until_spooling()
    await stage.pause(0, 1)
    await stage.kill()
    await stage.pause(0.2, 1)
    stage.bridge.start()
    await stage.until_spooling()
    stage.site.heal()
    await stage.pause(0, 3)
    await stage.kill()
    await _restarted(stage.bridge)
    stage.fault_ends()


async def _ended(stage: Stage) -> None:
    """End it in order while Kafka is there, and again while Kafka is away."""
    stage.fault_begins()
    await stage.end()
    await _restarted(stage.bridge)
    await stage.pause(1, 2)
    stage.site.swallow()
    await stage.until_spooling()
    await stage.end()
    stage.bridge.start()
    await stage.until_spooling()
    stage.site.heal()
    stage.fault_ends()


async def _replaced_in_turn(stage: Stage) -> None:
    """End two bridges in turn and start them again, as the balancer believes what each says."""
    stage.fault_begins()
    for slot, bridge in stage.bridges.items():
        ending = asyncio.create_task(stage.end(slot))
        while await bridge.says_ready():  # noqa: ASYNC110 (as balancers do)
            await asyncio.sleep(0.1)
        stage.balancer.take_out(slot)
        await ending
        await _restarted(bridge)
        stage.balancer.take_in(slot)
        await stage.pause(0.5, 1)
    stage.fault_ends()


async def _one_of_two_killed(stage: Stage) -> None:
    """Kill one of two that share a directory, while its spool is not empty; it never comes back."""
    stage.fault_begins()
    stage.site.swallow()
    await stage.until_spooling()
    await stage.pause(0, 1)
    left_behind = await stage.bridge.metric("spool_callbacks")
    await stage.kill("one")
    await asyncio.sleep(0.5)  # the balancer takes as long to notice
    stage.balancer.take_out("one")
    stage.notes.append(f"{left_behind or 0:.0f} callbacks left behind")
    await stage.pause(1, 3)
    stage.site.heal()
    stage.fault_ends()


async def _more_than_fits(stage: Stage) -> None:
    """Have more callbacks under way than may be: each waits for a Kafka that does not answer."""
    stage.fault_begins()
    for _ in range(3):
        before = len(stage.load.attempts)
        stage.site.swallow()

        async def shedding(since: int = before) -> bool:
            return any(one.status == OVERLOADED for one in stage.load.attempts[since:])

        await stage.until(shedding, "nothing was turned away, though there was no room")
        await stage.until_spooling()
        stage.site.heal()
        await stage.until_drained()
    stage.fault_ends()
    shed = {
        one: await stage.bridge.metric("shed_total", **{"class": one}) or 0
        for one in ("informational", "essential")
    }
    stage.notes.append("turned away: " + ", ".join(f"{shed[one]:.0f} {one}" for one in shed))


QUIET = Scenario("0", "nobody touches anything", _nobody_touches_anything)
KILLED = Scenario("1", "bridge killed, started again", _killed, door=PROXIED, silent=True)
ENDED = Scenario("6a", "the only bridge: SIGTERM under load", _ended, door=PROXIED, silent=True)
REPLACED = Scenario(
    "6b",
    "two bridges: SIGTERM in turn",
    _replaced_in_turn,
    bridges=2,
    settings=lambda _: {"shutdown_delay_s": str(_DELAY_S)},
)
OVERLOADED_BRIDGE = Scenario(
    "11",
    "more callbacks than can be worked on",
    _more_than_fits,
    door=PROXIED,
    refuses=True,
    settings=lambda _: {"in_flight_max": "10"},
)
ADOPTED = Scenario(
    "7", "one of two bridges killed", _one_of_two_killed, door=PROXIED, bridges=2, silent=True
)
