"""What happens to brokers, and to the way to them."""

from tests.chaos.site import PROXIED
from tests.chaos.stage import Scenario, Stage
from tests.kafka.three_brokers import BROKERS


def _some(stage: Stage, count: int) -> list[int]:
    return stage.chance.sample(BROKERS, count)


async def _killed(stage: Stage, count: int) -> None:
    """Kill brokers, and start them again after a while."""
    victims = _some(stage, count)
    stage.fault_begins()
    stage.site.kafka.kill(*victims)
    if count > 1:  # fewer in-sync replicas are left than there must be
        await stage.until_spooling()
    await stage.pause(4, 6)
    await stage.site.kafka.start_brokers(*victims)
    stage.fault_ends()


async def _one_killed(stage: Stage) -> None:
    await _killed(stage, 1)


async def _two_killed(stage: Stage) -> None:
    await _killed(stage, 2)


async def _all_killed(stage: Stage) -> None:
    await _killed(stage, len(BROKERS))


async def _restarted_in_turn(stage: Stage) -> None:
    """Restart every broker in order, each when the one before has caught up."""
    stage.fault_begins()
    for broker in _some(stage, len(BROKERS)):
        await stage.site.kafka.stop(broker)
        await stage.site.kafka.start_brokers(broker)
        await stage.site.in_sync()
    stage.fault_ends()


async def _frozen(stage: Stage) -> None:
    """Stop a broker where it is: its connections stay open, and it says nothing."""
    (victim,) = _some(stage, 1)
    stage.fault_begins()
    stage.site.kafka.freeze(victim)
    await stage.pause(6, 8)
    stage.site.kafka.thaw(victim)
    stage.fault_ends()


async def _half_open(stage: Stage) -> None:
    """Swallow what passes to and from one broker, which the cluster goes on taking for alive."""
    (victim,) = _some(stage, 1)
    proxy = stage.site.proxies[victim]
    stage.fault_begins()
    proxy.swallow()
    await stage.until_spooling()
    await stage.pause(3, 5)
    proxy.heal()
    stage.fault_ends()
    stage.notes.append(f"{proxy.swallowed_bytes:,} bytes swallowed")


async def _flapping(stage: Stage) -> None:
    """Have the network come and go, faster than the spool can be sure of it."""
    stage.fault_begins()
    for _ in range(4):
        stage.site.swallow()
        await stage.pause(1, 4)
        stage.site.heal()
        await stage.pause(0.2, 4)
    stage.fault_ends()
    stage.expect(await stage.counted(stage.bridge, "spooled"), "nothing was spooled")


ONE_KILLED = Scenario("2a", "one broker killed", _one_killed)
TWO_KILLED = Scenario("2b", "two brokers killed", _two_killed)
ALL_KILLED = Scenario("2c", "all brokers killed", _all_killed)
RESTARTED = Scenario("3", "brokers restarted in turn", _restarted_in_turn)
FROZEN = Scenario("4a", "a broker frozen", _frozen)
HALF_OPEN = Scenario("4b", "half-open connections", _half_open, door=PROXIED)
FLAPPING = Scenario("4c", "a network that comes and goes", _flapping, door=PROXIED)
