"""A process that appends until it is killed, and prints the name of every stored callback.

``python -m tests.spool.append_until_killed DIRECTORY FIRST``: names are numbers from FIRST on, keys
their last digit. A printed callback was fsynced.
"""

import asyncio
import itertools
import sys
from pathlib import Path

from tests.support.spool import callback, opened

AT_ONCE = 8


async def append(directory: Path, first: int) -> None:
    numbers = itertools.count(first)
    async with opened(directory, bytes_max=10**9, records_max=10**7) as spool:
        print("open", flush=True)  # noqa: T201 (to the test)

        async def worker() -> None:
            for number in numbers:
                name = str(number)
                await spool.append(callback(name, name[-1].encode(), padding=number % 3000))
                print(name, flush=True)  # noqa: T201 (to the test)

        await asyncio.gather(*(worker() for _ in range(AT_ONCE)))


if __name__ == "__main__":
    asyncio.run(append(Path(sys.argv[1]), int(sys.argv[2])))
