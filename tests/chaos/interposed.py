"""Run a process with its changes to the spool's files logged, or failing: build the interposer.

It needs a C compiler, ``cc``. Without a kernel module, only a library that is loaded before the C
library sees what SQLite writes, and in which order.
"""

import errno
import os
import subprocess
import sys
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parents[2]
SOURCE: Final = Path(__file__).with_name("interposer.c")


def compiled(folder: Path) -> Path:
    """Return the interposer as a library."""
    library = folder / "interposer.so"
    command = ["cc", "-O1", "-shared", "-fPIC", "-o", library, SOURCE, "-ldl", "-lpthread"]
    subprocess.run([*map(str, command)], check=True)
    return library


def work(
    library: Path,
    folder: Path,
    *,
    callbacks: int,
    seed: int,
    log: Path | None = None,
    error: str | None = None,
    one_in: int = 40,
) -> None:
    """Have a process append callbacks to a spool in ``folder``, with its acknowledgements beside it.

    ``log`` is where its changes are logged, ``error`` the name of an error that one call in
    ``one_in`` fails with.
    """
    folder.mkdir(parents=True, exist_ok=True)
    environment = {
        **os.environ,  # noqa: TID251 (what a process is started with)
        "INTERPOSE_FOLDER": str(folder),
        "INTERPOSE_ONE_IN": str(one_in),
        "INTERPOSE_SEED": str(seed),
        "LD_PRELOAD": str(library),
    }
    if log is not None:
        environment["INTERPOSE_LOG"] = str(log)
    if error is not None:
        environment["INTERPOSE_ERRNO"] = str(getattr(errno, error))
    command = [sys.executable, "-m", "tests.chaos.workload", folder, str(callbacks), str(seed)]
    subprocess.run(
        [*map(str, command)], cwd=ROOT, env=environment, check=True, stdout=subprocess.DEVNULL
    )
