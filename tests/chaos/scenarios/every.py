"""All scenarios, in their order."""

from typing import Final

from tests.chaos.scenarios import applications, bridges, brokers, disks, outside, slips
from tests.chaos.stage import Scenario

SCENARIOS: Final[tuple[Scenario, ...]] = (
    bridges.QUIET,
    bridges.KILLED,
    brokers.ONE_KILLED,
    brokers.TWO_KILLED,
    brokers.ALL_KILLED,
    brokers.RESTARTED,
    brokers.FROZEN,
    brokers.HALF_OPEN,
    brokers.FLAPPING,
    disks.FULL,
    disks.READ_ONLY,
    disks.TORN,
    disks.FULL_BESIDE_KAFKA,
    disks.HANGING,
    bridges.ENDED,
    bridges.REPLACED,
    bridges.ADOPTED,
    outside.CLOCK,
    outside.DELETED,
    outside.TOO_SMALL,
    outside.PASSWORD_CHANGED,
    bridges.OVERLOADED_BRIDGE,
    slips.FILES_REMOVED,
    slips.DIRECTORY_MOVED,
    slips.LOG_BLOCKED,
    slips.FROZEN,
    applications.SLOW,
    applications.HANGING,
    applications.DYING,
    applications.GARBAGE,
    applications.LOSING,
)
