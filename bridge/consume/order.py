"""Put the events of one call in order, although they come from several topics.

1. An item is held for ``window_s`` after it was pushed. Then it is released, after all held items
   of its key that sort before it.
2. So the items of a key are released in order. The exception is an item that is pushed more than
   ``window_s`` after an item that sorts behind it: it is released late. No item is lost, and none
   is released twice.
3. At most ``items_max`` are held. If one more is pushed, the item held longest is released early.
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
# The time of the event, then Plivo's sequence number among events of the same time.
SortKey = tuple[datetime, int]


def make_sort_key(event: Event) -> SortKey:
    """Return the position of an event among those of its key."""
    sequence: object = getattr(event.data, "sequence", None)
    return event.envelope.time, sequence if isinstance(sequence, int) else 0


def find_call(event: Event) -> str:
    """Return the key that collects a whole call with all its legs; else the event's own key."""
    correlation: Mapping[str, object] = {}
    if isinstance(event.data, VoiceEvent):
        correlation = event.data.correlation
    call = correlation.get("call")
    return cast("str", call) if call else event.envelope.partitionkey


@dataclass(frozen=True, slots=True)
class _Held(Generic[T]):
    """A held item. Compared by sort key, and by arrival if the sort keys are equal."""

    sort_key: SortKey
    number: int
    key: str
    until_s: float
    item: T

    def __lt__(self, other: "_Held[T]") -> bool:
        return (self.sort_key, self.number) < (other.sort_key, other.number)


class Reorder(Generic[T]):
    """Holds items for a while and releases them in order. Time is in seconds, of any one clock."""

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
        """Add an item; return the items to release now, in order: rules 1 to 3."""
        ready = self.due(now_s)
        held = _Held(sort_key, self._pushed, key, self._now_s + self._window_s, item)
        self._pushed += 1
        self._by_arrival[held.number] = held
        heapq.heappush(self._by_key.setdefault(key, []), held)
        if len(self._by_arrival) > self._items_max:
            ready += self._release(self._oldest())
        return ready

    def due(self, now_s: float) -> list[T]:
        """Return the items held for the whole window, each after the items that sort before it."""
        self._now_s = max(self._now_s, now_s)  # if the clock is set back, no item is held longer
        ready: list[T] = []
        while self._by_arrival and self._oldest().until_s <= self._now_s:
            ready += self._release(self._oldest())
        return ready

    def flush(self) -> list[T]:
        """Return all held items, each key in order. Call it when no more items will come."""
        ready: list[T] = []
        while self._by_arrival:
            ready += self._release(self._oldest())
        return ready

    def _oldest(self) -> _Held[T]:
        return next(iter(self._by_arrival.values()))

    def _release(self, last: _Held[T]) -> list[T]:
        """Return an item after all items of its key that sort before it (rule 1)."""
        waiting = self._by_key[last.key]
        ready: list[T] = []
        while last.number in self._by_arrival:
            held = heapq.heappop(waiting)
            del self._by_arrival[held.number]
            ready.append(held.item)
        if not waiting:
            del self._by_key[last.key]
        return ready
