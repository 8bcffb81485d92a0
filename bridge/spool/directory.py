"""Make directories whose names survive a crash, and see who else can write in the spool's.

A spool directory in which others can create files is refused: the bridge publishes what a spool file
contains, and others could remove one. Two exceptions keep container volumes usable. Members of
the process's own groups may write, because Kubernetes does that with ``fsGroup``. And the root
of a mount may be open to everybody: some provisioners create volumes so, which only one pod
sees. Source: https://kubernetes.io/docs/tasks/configure-pod-container/security-context/
(fsGroup); rancher/local-path-provisioner, deploy/local-path-storage.yaml (``mkdir -m 0777``).
"""

import contextlib
import os
import stat
from pathlib import Path


def other_writers(directory: Path) -> str | None:
    """Return who else can write in a directory, in words; None if nobody else can.

    A directory that does not exist yet will be made for this user alone.
    """
    try:
        found = directory.stat()
    except OSError:
        return None
    if found.st_mode & stat.S_IWOTH:
        return "every user of this machine"
    if found.st_mode & stat.S_IWGRP and found.st_gid not in {os.getegid(), *os.getgroups()}:
        return f"group {found.st_gid}, to which this process does not belong,"
    return None


def make_directory(directory: Path) -> None:
    """Make a directory and its parents, and fsync their names to the disk."""
    missing = [one for one in (directory, *directory.parents) if not one.exists()]
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    for one in missing:
        with contextlib.suppress(PermissionError):  # a parent may be entered and not read
            fsync_directory(one.parent)


def fsync_directory(directory: Path) -> None:
    """Return when the names in a directory are on the disk."""
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
