"""Let the calls of an account wait that exceed its calls per second.

1. At most ``Conditions.calls_per_s`` calls of a main account with its subaccounts begin in any second.
2. Calls begin in the order in which they were asked for. One that is cancelled while it waits never
   begins; not documented, so inferred: it has no callback and no record.
"""

from collections import deque
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final

from bridge.emulator.machine import calls
from bridge.emulator.machine.calls import CallOrder
from bridge.emulator.machine.world import World

_SECOND: Final = timedelta(seconds=1)


class CallQueue:
    """The calls that wait, by their id, in order."""

    def __init__(self, world: World) -> None:
        self.waiting: dict[str, CallOrder] = {}
        self._world = world
        self._begins: dict[str, deque[datetime]] = {}

    def place(self, order: CallOrder) -> tuple[str, bool]:
        """Begin a call now, or when it may begin. Return its id, and whether it begins now."""
        uuid = order.uuid or self._world.new_uuid()
        order = replace(order, uuid=uuid)
        begins_at = self.reserve(order.account.main_auth_id)
        if begins_at <= self._world.now:
            calls.place(self._world, order)
            return uuid, True
        self.waiting[uuid] = order
        self._world.scheduler.start(self._place_later(uuid, begins_at))
        return uuid, False

    def cancel(self, uuid: str) -> None:
        """Forget a call that waits."""
        del self.waiting[uuid]

    def reserve(self, auth_id: str) -> datetime:
        """Return when the next call of an account begins: rule 1."""
        rate = self._world.conditions.calls_per_s
        begins = self._begins.setdefault(auth_id, deque(maxlen=rate))
        now = self._world.now
        begins_at = max(now, begins[0] + _SECOND) if len(begins) == rate else now
        begins.append(begins_at)
        return begins_at

    async def _place_later(self, uuid: str, at: datetime) -> None:
        await self._world.scheduler.sleep((at - self._world.now).total_seconds())
        order = self.waiting.pop(uuid, None)
        if order is not None:
            calls.place(self._world, order)
