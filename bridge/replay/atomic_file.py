"""Files that are put in place whole, and never over another.

1. A file is written beside its name, synced, and gets it then: a crash leaves no half of one.
2. A name that is taken is refused by the hard link that gives it. On a file system without hard links,
   such as SMB's, it is looked at first and the file renamed.
3. A name is durable when its folder is synced.
"""

import errno
import fcntl
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Final

_NO_LINKS: Final = frozenset({errno.EPERM, errno.ENOSYS, errno.ENOTSUP, errno.EOPNOTSUPP})


def write_durably(file: Path, chunks: Sequence[bytes], *, exclusive: bool = False) -> None:
    """Put a file of these bytes in place, readable by its owner alone: rules 1 to 3.

    Raises OSError; where it is to be made ``anew`` and is there, that is FileExistsError.
    """
    beside = file.with_name(f"{file.name}.new")
    with open(os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as stream:  # noqa: PTH123 (its mode from the first byte on)
        stream.writelines(chunks)
        stream.flush()
        os.fsync(stream.fileno())
    if not exclusive:
        beside.replace(file)
        sync_folder(file.parent)
        return
    try:
        rename_noreplace(beside, file)
    except FileExistsError:
        beside.unlink()
        raise


def rename_noreplace(beside: Path, file: Path) -> None:
    """Give a synced file its own name, durably: rules 2 and 3. Raises FileExistsError and OSError."""
    try:
        os.link(beside, file)
    except OSError as error:
        if error.errno not in _NO_LINKS:
            raise
        if file.exists():
            raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), str(file)) from error
        beside.rename(file)
    else:
        sync_folder(file.parent)
        beside.unlink()
    sync_folder(file.parent)


def sync_folder(folder: Path) -> None:
    """Make the names in a folder durable; raises OSError."""
    number = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(number)
    finally:
        os.close(number)


def try_lock(number: int, file: Path) -> bool:
    """Lock an open file, and say whether it is ours: locked, and still the one of that name.

    The lock goes with the file's closing, as it does with a process that is killed.
    """
    try:
        fcntl.flock(number, fcntl.LOCK_EX | fcntl.LOCK_NB)
        return os.path.samestat(os.fstat(number), file.stat())
    except (BlockingIOError, FileNotFoundError):
        return False
