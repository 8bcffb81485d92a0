"""Limit the callbacks in flight, and shed callbacks over the limit.

1. Two things are counted: the bytes of a callback's body, from its first byte until the callback ends,
   and the callback itself, from its last byte until it ends. So a slow client does not occupy the slot
   of a callback, only the bytes that it really sent.
2. Informational callbacks may use three quarters of either limit, all others the whole limit: the
   callbacks whose loss hurts least are shed first.
3. The class follows from the route. On the shared path the type is unknown until the body is read, and
   may be any: such a callback is shed last.
4. At the limit of bytes, requests with incomplete bodies are shed, the oldest first, so that a client
   that withholds a body cannot keep out a client that sends one. An incomplete request causes only
   older ones to be shed: if it is the oldest, it is shed itself.
"""

from collections.abc import Callable
from enum import StrEnum
from typing import Final, Self

from bridge.callbacks.model import CallbackType

_INFORMATIONAL_SHARE: Final = 0.75


class ShedClass(StrEnum):
    """Class of callbacks by when they are shed."""

    INFORMATIONAL = "informational"
    """Shed over three quarters of a limit."""

    ESSENTIAL = "essential"
    """Shed only at the limit."""


def shed_class_for(route: CallbackType | None) -> ShedClass:
    """Return the class of a route's callbacks: rule 3."""
    informational = route is not None and route.shed_first
    return ShedClass.INFORMATIONAL if informational else ShedClass.ESSENTIAL


class Overloaded(Exception):
    """There is no room for this callback now; the sender may retry later."""


class Load:
    """The callbacks and bytes in flight in this process, and their limits."""

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
        # Slots with incomplete bodies, in the order of their first bytes.
        self.unfinished: dict[Slot, None] = {}

    def reserve(self, shed_class: ShedClass, shed: Callable[[], bool] | None = None) -> "Slot":
        """Return the slot of a callback whose body is about to be read; raises Overloaded.

        ``shed`` refuses the request, or returns False if its body is complete by now. None: the
        request cannot be shed.
        """
        callbacks_max = self._callbacks_max[shed_class]
        bytes_max = self._bytes_max[shed_class]
        # With incomplete requests there is something to shed: rule 4.
        is_full = self.bytes >= bytes_max and not self.unfinished
        if self.callbacks >= callbacks_max or is_full:
            raise Overloaded
        return Slot(self, callbacks_max, bytes_max, shed)

    def make_room(self, size: int, bytes_max: int, newcomer: "Slot") -> None:
        """Shed incomplete requests until ``size`` bytes fit: rule 4. Raises Overloaded."""
        while self.bytes + size > bytes_max:
            oldest = next(iter(self.unfinished), None)
            if oldest is None or oldest is newcomer:
                raise Overloaded
            oldest.shed()


class Slot:
    """A callback's share of the load, released on exit."""

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
        """Count a piece of the body; raises Overloaded, and then does not count it."""
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
        """Count the callback, whose body is complete; raises Overloaded, and then does not count it."""
        load = self._load
        if load.callbacks >= self._callbacks_max:
            raise Overloaded
        load.callbacks += 1
        self._callbacks = 1

    def shed(self) -> None:
        """Refuse the request and release its bytes, unless its body is complete by now."""
        if self._shed is not None and self._shed():
            self._load.bytes -= self._bytes
            self._bytes = 0
        # Else ``make_room`` would try it again and again.
        self._load.unfinished.pop(self, None)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        load = self._load
        load.callbacks -= self._callbacks
        load.bytes -= self._bytes
        load.unfinished.pop(self, None)
