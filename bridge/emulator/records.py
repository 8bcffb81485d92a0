"""Records of calls that have ended, newest first.

1. A record is written when a leg ends, from the leg. It does not change afterwards.
2. The oldest record is forgotten when a new one exceeds the limit.
"""

from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Generic, TypeVar
from zoneinfo import ZoneInfo

from bridge.emulator.machine.causes import Cause
from bridge.emulator.machine.commands import Command, LegEnded
from bridge.emulator.machine.fields import bill_duration_s, compute_cost
from bridge.emulator.machine.leg import Leg
from bridge.emulator.machine.world import Conditions, World

T = TypeVar("T")
RECORDS_MAX: Final = 20_000


class Recent(Generic[T]):
    """The newest ``limit`` values by their id: rule 2."""

    def __init__(self, limit: int = RECORDS_MAX) -> None:
        self._limit = limit
        self._values: OrderedDict[str, T] = OrderedDict()

    def __len__(self) -> int:
        return len(self._values)

    def __iter__(self) -> Iterator[T]:
        """Return the values, newest first."""
        return iter(reversed(self._values.values()))

    def get(self, key: str) -> T | None:
        """Return a value; None if it is not there, or not any more."""
        return self._values.get(key)

    def add(self, key: str, value: T) -> None:
        """Add a value as the newest."""
        self._values[key] = value
        if len(self._values) > self._limit:
            self._values.popitem(last=False)

    def clear(self) -> None:
        """Forget all values."""
        self._values.clear()


@dataclass(frozen=True, slots=True)
class CallRecord:
    """A leg that has ended. Numbers are without ``+``; times are instants in UTC.

    ``rate`` is the price of a minute; ``amount`` is that of the leg.
    """

    call_uuid: str
    request_uuid: str
    parent_uuid: str
    auth_id: str
    main_auth_id: str
    zone: ZoneInfo
    direction: str
    caller: str
    callee: str
    began_at: datetime
    answered_at: datetime | None
    ended_at: datetime
    cause: Cause
    duration_s: int
    billed_s: int
    rate: str
    amount: str
    stir_verification: str
    stir_attestation: str


def record_call(leg: Leg, conditions: Conditions) -> CallRecord:
    """Return the record of a leg that has ended: rule 1."""
    billed_s = bill_duration_s(leg.duration_s, conditions)
    a_leg_uuid = leg.a_leg.uuid if leg.a_leg is not None else ""
    return CallRecord(
        call_uuid=leg.uuid,
        request_uuid=leg.request_uuid,
        parent_uuid=a_leg_uuid or leg.parent_uuid,
        auth_id=leg.account.auth_id,
        main_auth_id=leg.account.main_auth_id,
        zone=leg.account.zone,
        direction=leg.direction,
        caller=leg.caller.removeprefix("+"),
        callee=leg.callee.removeprefix("+"),
        began_at=leg.started_at,
        answered_at=leg.answered_at,
        ended_at=leg.ended_at or leg.started_at,
        cause=leg.ended.value,
        duration_s=leg.duration_s,
        billed_s=billed_s,
        rate=conditions.bill_rate,
        amount=compute_cost(billed_s, conditions),
        stir_verification=conditions.stir_verification,
        stir_attestation=conditions.stir_attestation,
    )


class Records:
    """The records of one emulated Plivo."""

    def __init__(self, limit: int = RECORDS_MAX) -> None:
        self.calls: Recent[CallRecord] = Recent(limit)

    def observe(self, world: World, command: Command) -> None:
        """Record what a command of the machine ends."""
        if isinstance(command, LegEnded):
            leg = world.legs.get(command.call_uuid)
            if leg is not None:  # a world that forgets it at once keeps no record either
                self.calls.add(leg.uuid, record_call(leg, world.conditions))

    def clear(self) -> None:
        """Forget everything."""
        self.calls.clear()
