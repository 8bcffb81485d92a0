"""A process that adopts until nothing is left, then prints what it has: for a race of two."""

import asyncio
import json
import sys
from pathlib import Path

from bridge.spool import locking
from tests.support.spool import held_names, opened
from tests.support.waiting import until


async def main(directory: Path) -> None:
    print("ready", flush=True)  # noqa: T201 (to the test)
    await asyncio.to_thread(sys.stdin.readline)
    async with opened(directory, scan_s=0.01) as spool:
        # Two are left at last: each process's own.
        await until(lambda: len(locking.spool_files(directory)) <= 2)
        print(json.dumps(await held_names(spool)), flush=True)  # noqa: T201 (to the test)
        # Neither may end while the other still looks: it would leave a file behind.
        await asyncio.to_thread(sys.stdin.read)


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1])))
