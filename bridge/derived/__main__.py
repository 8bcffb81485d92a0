"""``python -m bridge.derived``: write the derived files, or check them."""

import argparse
import sys
from pathlib import Path

from bridge.core import catalogue
from bridge.derived import files

_ROOT = Path(__file__).parent.parent.parent


def main(arguments: list[str], root: Path = _ROOT) -> int:
    """Run the command with ``arguments``; return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m bridge.derived", description=__doc__)
    mode = parser.add_mutually_exclusive_group()
    mode.add_argument(
        "--check",
        action="store_true",
        help="write nothing; exit with 1 if a file is not up to date",
    )
    mode.add_argument("--release", action="store_true", help="list the current schemas as released")
    options = parser.parse_args(arguments)
    types = catalogue.load_catalogue()
    if options.check:
        found = files.find_faults(root, types)
        for fault in found:
            sys.stderr.write(f"{fault}\n")
        if found:
            sys.stderr.write("run `make derive` and review the changes\n")
        return 1 if found else 0
    changed = (
        files.mark_released(root, types) if options.release else files.write_files(root, types)
    )
    for path in changed:
        sys.stdout.write(f"{path}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
