"""A disk that can fill up and become read-only: a small file system in memory.

It is mounted in a mount namespace of its own, which nobody else sees: a process in there keeps it, the
bridge is started inside, and the tests reach it by ``/proc``. Where mounting is not allowed there is no
such disk: ``NoMounts``.
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

_MOUNT: Final = 'mount -t tmpfs -o size="$2" chaos "$1" && echo mounted && exec sleep infinity'
_CHUNK_BYTES: Final = 65_536


class NoMounts(Exception):
    """This machine does not let us mount; the text is what it said."""


class Disk:
    """A file system of ``size_bytes``, seen at ``folder`` by what is started ``inside``."""

    def __init__(self, folder: Path, *, size_bytes: int) -> None:
        """Mount it; raises NoMounts."""
        self.folder = folder
        folder.mkdir(parents=True)
        try:
            self._keeper = subprocess.Popen(
                ["unshare", "--mount", "sh", "-c", _MOUNT, "sh", str(folder), str(size_bytes)],
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
        remount = ("mount", "-o", f"remount,{mode}", str(self.folder))
        done = await asyncio.create_subprocess_exec(*self.inside, *remount)
        code = await done.wait()
        if code:
            raise OSError(errno.EBUSY, os.strerror(errno.EBUSY), str(self.folder))

    def close(self) -> None:
        """Unmount it, with all that is on it."""
        self._keeper.kill()
        self._keeper.communicate()
