"""Drop duplicates: Kafka and Plivo may deliver an event more than once.

1. An id counts as seen until ``ids_max`` other ids were seen after it. With ``age_max_s`` it also
   expires that long after it was last seen.
2. Until then the id is a duplicate. After that it is new again: no event is suppressed for ever.
3. The memory belongs to the process. After a restart, ids that Kafka delivers again are new.
"""

from collections import OrderedDict


class Deduplicator:
    """Remembers the ids that were seen lately. Each call passes the time: seconds, of any one clock."""

    def __init__(self, *, ids_max: int, age_max_s: float | None = None) -> None:
        self._ids_max = ids_max
        self._age_max_s = age_max_s
        self._seen_s: OrderedDict[str, float] = OrderedDict()  # the least recently seen first

    def __len__(self) -> int:
        """Return how many ids are remembered."""
        return len(self._seen_s)

    def is_new(self, event_id: str, *, now_s: float = 0.0) -> bool:
        """Return whether the id was not seen lately, and remember it: rules 1 and 2."""
        if self._age_max_s is not None:
            self._forget_before(now_s - self._age_max_s)
        is_new = event_id not in self._seen_s
        self._seen_s[event_id] = now_s
        self._seen_s.move_to_end(event_id)
        if len(self._seen_s) > self._ids_max:
            self._seen_s.popitem(last=False)
        return is_new

    def forget(self, event_id: str) -> None:
        """Make the id new again: processing of its event failed and will be retried."""
        self._seen_s.pop(event_id, None)

    def _forget_before(self, instant_s: float) -> None:
        while self._seen_s:
            event_id, seen_s = next(iter(self._seen_s.items()))
            if seen_s >= instant_s:
                return
            del self._seen_s[event_id]
