"""Group the writes of one turn of the event loop into one job of the writer.

In a turn many callbacks are appended, or found on Kafka. Each of them waits for one future; the job, its
deadline and the way to the writer's thread are paid once for all of them.
"""

import asyncio
from collections.abc import Callable, Sequence
from typing import Generic, TypeVar

from bridge.spool import SpoolUnwritable

T = TypeVar("T")


class Waiters:
    """The callers that wait for one job."""

    def __init__(self) -> None:
        self._futures: list[asyncio.Future[None]] = []

    def add(self, future: asyncio.Future[None]) -> None:
        """Add a caller."""
        self._futures.append(future)

    @property
    def done(self) -> bool:
        """Return True if no caller waits any more."""
        return all(future.done() for future in self._futures)

    def settle(self, cause: str | None) -> None:
        """Give the callers their result; ``cause`` says why nothing was written."""
        for future in self._futures:
            if future.done():  # its caller went away, or did not wait so long
                continue
            if cause is None:
                future.set_result(None)
            else:
                future.set_exception(SpoolUnwritable(cause))


class Turn(Generic[T]):
    """Collects the items of one turn of the loop, and submits them at its end."""

    def __init__(self, submit: Callable[[Sequence[T], Waiters], None]) -> None:
        self._submit = submit
        self._loop = asyncio.get_running_loop()
        self._items: list[T] = []
        self._waiters: Waiters | None = None

    def add(self, items: Sequence[T]) -> asyncio.Future[None]:
        """Return the future of items that are written together."""
        if self._waiters is None:
            self._waiters = Waiters()
            self._loop.call_soon(self.submit)
        self._items += items
        future: asyncio.Future[None] = self._loop.create_future()
        self._waiters.add(future)
        return future

    def submit(self) -> None:
        """Submit the items."""
        items, waiters = self._items, self._waiters
        self._items, self._waiters = [], None
        if waiters is not None:
            self._submit(items, waiters)
