"""A process that appends and removes, and records what was acknowledged, then ends abruptly.

``python -m tests.chaos.workload FOLDER CALLBACKS SEED``: the spool is FOLDER/spool. FOLDER/acks gets a
line ``+name`` after a callback is acknowledged, and ``-name`` before one is removed: from then on it may
be there or not. A refused callback gets no line.
"""

import asyncio
import os
import sys
from pathlib import Path
from random import Random

from bridge.spool import NotSpooled, SpoolUnwritable, store, writer
from bridge.spool.spool import DiskSpool
from tests.support.spool import callback, disk_spool, name_of

AT_ONCE = 4
# How often a refused callback looks whether the spool can be written again.
TURNS_MAX = 400


async def writable(spool: DiskSpool) -> None:
    """Return when the spool can be written again, or after a while."""
    for _ in range(TURNS_MAX):
        await asyncio.sleep(0.005)
        if spool.writable:
            break


async def work(folder: Path, callbacks: int, chance: Random) -> None:
    acks = os.open(folder / "acks", os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    spool = disk_spool(folder / "spool", bytes_max=10**9, records_max=10**7)
    await spool.open()

    async def append(name: str) -> None:
        try:
            await spool.append(callback(name, name[-1].encode(), padding=chance.randrange(3000)))
        except NotSpooled:
            await writable(spool)
        else:
            os.write(acks, f"+{name}\n".encode())

    async def remove() -> None:
        try:
            page = await spool.read_page(0, callbacks_max=3, bytes_max=10**6)
        except SpoolUnwritable:
            return
        for one in page:
            os.write(acks, f"-{name_of(one.records[0])}\n".encode())
        await spool.remove(page)

    for number in range(0, callbacks, AT_ONCE):
        names = [str(number + more) for more in range(AT_ONCE)]
        await asyncio.gather(*map(append, names))
        if chance.random() < 0.3:
            await remove()
    os._exit(0)  # as a kill: nothing is closed


if __name__ == "__main__":
    # Often enough that a short run has many checkpoints, and faults that end soon.
    store._WAL_PAGES = 25  # type: ignore[misc]  # the tests' own number
    writer.RETRY_S = 0.01  # type: ignore[misc]  # the same
    asyncio.run(work(Path(sys.argv[1]), int(sys.argv[2]), Random(sys.argv[3])))
