"""How much is under way, and what is refused when it is too much.

1. A callback takes room in two ways: its body, from its first byte to its end, and itself, from its
   last byte to its end. So a slow client takes no callback's place, only what it really sent.
2. Informational callbacks may use three quarters of either bound, all others the whole of it: what
   hurts least to lose is shed first.
3. The class follows from the route. On the shared path it is not known before the body is read, and
   it may be any: such a callback is shed last.
4. At the bound of bytes the requests whose bodies are not whole give way, the oldest first, so that
   whoever holds bodies back keeps out nobody who sends theirs. A request that is not whole itself
   makes only older ones give way: where it is the oldest, it is shed.
"""

from collections.abc import Callable
from enum import StrEnum
from typing import Final, Self

from bridge.callbacks.model import CallbackType

_INFORMATIONAL_SHARE: Final = 0.75


class ShedClass(StrEnum):
    """Which callbacks are shed when."""

    INFORMATIONAL = "informational"
    """From three quarters of a bound on."""

    ESSENTIAL = "essential"
    """At the bound, and never before."""


def shed_class_for(route: CallbackType | None) -> ShedClass:
    """Return the class of a route's callbacks; rule 3."""
    informational = route is not None and route.shed_first
    return ShedClass.INFORMATIONAL if informational else ShedClass.ESSENTIAL


class Overloaded(Exception):
    """There is no room for this callback now. It may be sent again later."""


class Load:
    """What is under way in this process, and how much may be."""

    def __init__(self, *, callbacks_max: int, bytes_max: int) -> None:
        self.callbacks = 0
        self.bytes = 0
        self._callbacks_max = {
            ShedClass.INFORMATIONAL: int(callbacks_max * _INFORMATIONAL_SHARE),
            ShedClass.ESSENTIAL: callbacks_max,
        }
        self._bytes_max = {
            ShedClass.INFORMATIONAL: int(bytes_max * _INFORMATIONAL_SHARE),
            ShedClass.ESSENTIAL: bytes_max,
        }
        # The places whose bodies are not whole, in the order of their first bytes.
        self.unfinished: dict[Slot, None] = {}

    def reserve(self, shed_class: ShedClass, shed: Callable[[], bool] | None = None) -> "Slot":
        """Return the place of a callback whose body is to be read; raises Overloaded.

        ``give_way`` ends the request, and returns False if its body is whole by now. None: the
        request cannot be ended.
        """
        callbacks_max = self._callbacks_max[shed_class]
        bytes_max = self._bytes_max[shed_class]
        is_full = self.bytes >= bytes_max and not self.unfinished
        if self.callbacks >= callbacks_max or is_full:
            raise Overloaded
        return Slot(self, callbacks_max, bytes_max, shed)

    def make_room(self, size: int, bytes_max: int, newcomer: "Slot") -> None:
        """Have unfinished requests give way until ``size`` bytes fit; rule 4. Raises Overloaded."""
        while self.bytes + size > bytes_max:
            oldest = next(iter(self.unfinished), None)
            if oldest is None or oldest is newcomer:
                raise Overloaded
            oldest.shed()


class Slot:
    """What one callback takes of a load, and gives back at its end."""

    __slots__ = ("_bytes", "_bytes_max", "_callbacks", "_callbacks_max", "_load", "_shed")

    def __init__(
        self, load: Load, callbacks_max: int, bytes_max: int, shed: Callable[[], bool] | None
    ) -> None:
        self._load = load
        self._callbacks_max = callbacks_max
        self._bytes_max = bytes_max
        self._shed = shed
        self._bytes = 0
        self._callbacks = 0

    def take_bytes(self, size: int, *, is_last: bool = False) -> None:
        """Count a piece of the body; raises Overloaded, and does not count it."""
        load = self._load
        if is_last:
            load.unfinished.pop(self, None)
        if load.bytes + size > self._bytes_max:
            load.make_room(size, self._bytes_max, self)
        load.bytes += size
        self._bytes += size
        if size and not is_last and self._shed is not None:
            load.unfinished.setdefault(self)

    def take_callback(self) -> None:
        """Count the callback, whose body is whole; raises Overloaded, and does not count it."""
        if self._load.callbacks >= self._callbacks_max:
            raise Overloaded
        self._load.callbacks += 1
        self._callbacks = 1

    def shed(self) -> None:
        """End the request, and give its bytes back, unless its body is whole by now."""
        if self._shed is not None and self._shed():
            self._release()
        else:
            del self._load.unfinished[self]

    def _release(self) -> None:
        self._load.unfinished.pop(self, None)
        self._load.bytes -= self._bytes
        self._bytes = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._load.callbacks -= self._callbacks
        self._release()
