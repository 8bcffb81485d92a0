"""Events of one call in order, though they come from several topics.

1. An item is held for ``window_s`` after it was pushed. Then it is let go, and before it whatever
   else of its key is held and comes before it.
2. So items of a key come out in order, but for one pushed more than ``window_s`` after an item it
   should have come before. That one comes out late; nothing is lost, nothing comes twice.
3. At most ``items_max`` are held. One more, and the longest held is let go as if its time were up.
"""

import heapq
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Generic, TypeVar, cast

from bridge.callbacks.model import VoiceEvent
from bridge.consume.record import Event

T = TypeVar("T")
# When it happened, then the place Plivo gave it among events of the same time.
SortKey = tuple[datetime, int]


def make_sort_key(event: Event) -> SortKey:
    """Return where an event stands among those of its key."""
    sequence: object = getattr(event.data, "sequence", None)
    return event.envelope.time, sequence if isinstance(sequence, int) else 0


def find_call(event: Event) -> str:
    """Return the key to gather a whole call by, over all its legs; else the event's own key."""
    correlation: Mapping[str, object] = {}
    if isinstance(event.data, VoiceEvent):
        correlation = event.data.correlation
    call = correlation.get("call")
    return cast("str", call) if call else event.envelope.partitionkey


@dataclass(frozen=True, slots=True)
class _Held(Generic[T]):
    """An item that waits. Compared by place, and by when it came where places are equal."""

    sort_key: SortKey
    number: int
    key: str
    until_s: float
    item: T

    def __lt__(self, other: "_Held[T]") -> bool:
        return (self.sort_key, self.number) < (other.sort_key, other.number)


class Reorder(Generic[T]):
    """Holds items for a while and lets them go in order. Time is seconds, of any one clock."""

    def __init__(self, *, window_s: float, items_max: int) -> None:
        self._window_s = window_s
        self._items_max = items_max
        self._by_arrival: OrderedDict[int, _Held[T]] = OrderedDict()  # the longest held first
        self._by_key: dict[str, list[_Held[T]]] = {}  # heaps
        self._pushed = 0
        self._now_s = float("-inf")

    def __len__(self) -> int:
        """Return how many items are held."""
        return len(self._by_arrival)

    def push(self, item: T, *, key: str, sort_key: SortKey, now_s: float) -> list[T]:
        """Take an item in; return what is to be let go by now, in order: rules 1 to 3."""
        ready = self.due(now_s)
        held = _Held(sort_key, self._pushed, key, self._now_s + self._window_s, item)
        self._pushed += 1
        self._by_arrival[held.number] = held
        heapq.heappush(self._by_key.setdefault(key, []), held)
        if len(self._by_arrival) > self._items_max:
            ready += self._release(self._oldest())
        return ready

    def due(self, now_s: float) -> list[T]:
        """Return what was held for the whole window, after what of its key comes before it."""
        self._now_s = max(self._now_s, now_s)  # a clock that is set back holds nothing longer
        ready: list[T] = []
        while self._by_arrival and self._oldest().until_s <= self._now_s:
            ready += self._release(self._oldest())
        return ready

    def flush(self) -> list[T]:
        """Return all that is held, each key in order: nothing more is coming."""
        ready: list[T] = []
        while self._by_arrival:
            ready += self._release(self._oldest())
        return ready

    def _oldest(self) -> _Held[T]:
        return next(iter(self._by_arrival.values()))

    def _release(self, last: _Held[T]) -> list[T]:
        """Return an item after all of its key that come before it (rule 1)."""
        waiting = self._by_key[last.key]
        ready: list[T] = []
        while last.number in self._by_arrival:
            held = heapq.heappop(waiting)
            del self._by_arrival[held.number]
            ready.append(held.item)
        if not waiting:
            del self._by_key[last.key]
        return ready
