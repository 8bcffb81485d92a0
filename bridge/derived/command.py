"""A command that writes the files a room derives from its own declarations, or checks them."""

import sys
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path


def write_or_check(files: Mapping[Path, str], arguments: Iterable[str], root: Path) -> int:
    """Write the files that differ, below the project's folder; return the exit code.

    With ``--check`` nothing is written, and the code is 1 if a file is not up to date.
    """
    stale = list(_list_stale(root, files))
    if "--check" in arguments:
        for path in stale:
            sys.stderr.write(f"{path} is stale: run `make derive`, and look at it\n")
        return 1 if stale else 0
    for path in stale:
        target = root / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(files[path], encoding="utf-8")
        sys.stdout.write(f"{path}\n")
    return 0


def _list_stale(root: Path, files: Mapping[Path, str]) -> Iterator[Path]:
    for path, text in files.items():
        target = root / path
        if not target.is_file() or target.read_text(encoding="utf-8") != text:
            yield path
