"""Waiting for something to become true, for as long as a busy machine may need and no longer."""

import asyncio
from collections.abc import Callable
from typing import Final

# No assertion about time: a bound, so that a test that waits for what never comes fails.
PATIENCE_S: Final = 120.0


async def until(condition: Callable[[], bool]) -> None:
    """Return when ``condition`` holds; raises TimeoutError."""
    async with asyncio.timeout(PATIENCE_S):
        while not condition():  # noqa: ASYNC110 (nothing tells when)
            await asyncio.sleep(0.02)
