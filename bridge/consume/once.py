"""Each event once, though Kafka and Plivo may bring it twice.

1. An id counts as seen until ``ids_max`` others were seen after it, or, with ``age_max_s``, until
   that long after it was last seen.
2. Within that, an id is new once. Beyond it, it is new again: nothing is ever held back for good.
3. The memory is the process's own. After a restart, what Kafka brings again is new again.
"""

from collections import OrderedDict


class Deduplicator:
    """The ids that were seen lately. Time comes with each call: seconds, of any one clock."""

    def __init__(self, *, ids_max: int, age_max_s: float | None = None) -> None:
        self._ids_max = ids_max
        self._age_max_s = age_max_s
        self._seen_s: OrderedDict[str, float] = OrderedDict()  # the least lately seen first

    def __len__(self) -> int:
        """Return how many ids are remembered."""
        return len(self._seen_s)

    def is_new(self, event_id: str, *, now_s: float = 0.0) -> bool:
        """Say whether the id was not seen lately, and remember it: rules 1 and 2."""
        if self._age_max_s is not None:
            self._forget_before(now_s - self._age_max_s)
        is_new = event_id not in self._seen_s
        self._seen_s[event_id] = now_s
        self._seen_s.move_to_end(event_id)
        if len(self._seen_s) > self._ids_max:
            self._seen_s.popitem(last=False)
        return is_new

    def forget(self, event_id: str) -> None:
        """Make the id new again: what was to be done with its event failed and is tried anew."""
        self._seen_s.pop(event_id, None)

    def _forget_before(self, instant_s: float) -> None:
        while self._seen_s:
            event_id, seen_s = next(iter(self._seen_s.items()))
            if seen_s >= instant_s:
                return
            del self._seen_s[event_id]
