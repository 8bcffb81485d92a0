"""Files that appear complete or not at all, and never replace another file.

1. A file is written beside its final name, fsynced, then renamed: after a crash there is no half file.
2. A hard link gives the name, because link() fails if the name is taken. On a file system without
   hard links, such as SMB, we check for the name and then rename.
3. A name is durable after its folder was fsynced.
"""

import contextlib
import errno
import fcntl
import os
from collections.abc import Generator, Sequence
from pathlib import Path
from typing import Final

from bridge.replay import CannotWrite
from bridge.spool.directory import fsync_directory

_NO_LINKS: Final = frozenset({errno.EPERM, errno.ENOSYS, errno.ENOTSUP, errno.EOPNOTSUPP})


def write_durably(file: Path, chunks: Sequence[bytes], *, exclusive: bool = False) -> None:
    """Write a file that only its owner may read: rules 1 to 3.

    Raises OSError; with ``exclusive``, FileExistsError if the file already exists.
    """
    beside = file.with_name(f"{file.name}.new")
    # Created with its mode: a chmod afterwards would leave a moment in which others can read it.
    with open(os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as stream:  # noqa: PTH123 (sets the mode at creation)
        stream.writelines(chunks)
        stream.flush()
        os.fsync(stream.fileno())
    if not exclusive:
        beside.replace(file)
        fsync_directory(file.parent)
        return
    try:
        rename_noreplace(beside, file)
    except FileExistsError:
        beside.unlink()
        raise


def rename_noreplace(beside: Path, file: Path) -> None:
    """Rename a synced file durably: rules 2 and 3. Raises FileExistsError and OSError."""
    try:
        os.link(beside, file)
    except OSError as error:
        if error.errno not in _NO_LINKS:
            raise
        if file.exists():
            raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), str(file)) from error
        beside.rename(file)
    else:
        # The new name must be durable before the old one goes.
        fsync_directory(file.parent)
        beside.unlink()
    fsync_directory(file.parent)


def try_lock(number: int, file: Path) -> bool:
    """Lock an open file; return True if it is locked and still the file of that name.

    The lock ends when the file is closed, also when the process is killed.
    """
    try:
        fcntl.flock(number, fcntl.LOCK_EX | fcntl.LOCK_NB)
        return os.path.samestat(os.fstat(number), file.stat())
    except (BlockingIOError, FileNotFoundError):
        return False


@contextlib.contextmanager
def translate_os_errors(path: Path) -> Generator[None]:
    """Raise CannotWrite, with the path, in place of an OSError."""
    try:
        yield
    except OSError as error:
        message = f"{path}: {error.strerror or error}"
        raise CannotWrite(message) from error
