"""A disk that can fill up, become read-only and hang: a small file system.

It is in memory, or in a file where it has to be able to hang. It is mounted in a mount namespace of its
own, which nobody else sees: a process in there keeps it, the bridge is started inside, and the tests
reach it by ``/proc``. Where mounting is not allowed there is no such disk: ``NoMounts``.
"""

import asyncio
import contextlib
import errno
import os
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from tests.kafka.cluster import die_with_parent

_IN_MEMORY: Final = 'mount -t tmpfs -o size="$2" chaos "$1"'
_IN_A_FILE: Final = (
    'truncate -s "$2" "$1.image" && mkfs.ext4 -q -m 0 "$1.image" && mount -o loop "$1.image" "$1"'
)
_AND_STAY: Final = " && echo mounted && exec sleep infinity"
_CHUNK_BYTES: Final = 65_536


class NoMounts(Exception):
    """This machine does not allow mounts. The text is its error."""


class Disk:
    """A file system of ``size_bytes``, seen at ``folder`` by what is started ``inside``."""

    def __init__(self, folder: Path, *, size_bytes: int, can_hang: bool = False) -> None:
        """Mount it; raises NoMounts."""
        self.folder = folder
        self._hangs = False
        mount = (_IN_A_FILE if can_hang else _IN_MEMORY) + _AND_STAY
        folder.mkdir(parents=True)
        try:
            self._keeper = subprocess.Popen(
                ["unshare", "--mount", "sh", "-c", mount, "sh", str(folder), str(size_bytes)],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
                preexec_fn=die_with_parent,  # noqa: PLW1509 (it calls the kernel and nothing else)
            )
        except OSError as error:
            raise NoMounts(str(error)) from error
        assert self._keeper.stdout is not None
        if self._keeper.stdout.readline() != "mounted\n":
            _, said = self._keeper.communicate()
            raise NoMounts(said.strip())

    @property
    def inside(self) -> Sequence[str]:
        """What to put in front of a command that is to see the disk."""
        return ("nsenter", f"--mount=/proc/{self._keeper.pid}/ns/mnt", "--")

    @property
    def outside(self) -> Path:
        """The disk's folder as we see it."""
        return Path(f"/proc/{self._keeper.pid}/root{self.folder}")

    def fill(self) -> None:
        """Leave no byte free."""
        with (self.outside / "filler").open("ab", buffering=0) as filler:
            for size in (_CHUNK_BYTES, 1):
                with contextlib.suppress(OSError):
                    while filler.write(bytes(size)) == size:
                        pass

    def free(self) -> None:
        """Give back what was filled."""
        (self.outside / "filler").unlink()

    async def writable(self, *, yes: bool) -> None:
        """Make the file system read-only, or writable again; read-only while nobody writes to it."""
        mode = "rw" if yes else "ro"
        await self._run("mount", "-o", f"remount,{mode}", str(self.folder))

    async def hang(self) -> None:
        """Have whoever writes wait, until it is to go on."""
        await self._run("fsfreeze", "--freeze", str(self.folder))
        self._hangs = True

    async def go_on(self) -> None:
        """Let the writers go on."""
        await self._run("fsfreeze", "--unfreeze", str(self.folder))
        self._hangs = False

    async def _run(self, *command: str) -> None:
        done = await asyncio.create_subprocess_exec(*self.inside, *command)
        if await done.wait():
            raise OSError(errno.EBUSY, os.strerror(errno.EBUSY), str(self.folder))

    def close(self) -> None:
        """Unmount it, with all that is on it; a writer that waits could not even be killed."""
        if self._hangs:
            command = [*self.inside, "fsfreeze", "--unfreeze", str(self.folder)]
            subprocess.run(command, check=False)
        self._keeper.kill()
        self._keeper.communicate()
