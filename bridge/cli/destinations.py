"""The destinations of ``call place``: from options, from files and from standard input.

1. ``--to`` is a number or a SIP URI, several of them joined with ``<``, ``@FILE``, or ``-`` for standard
   input. It can be repeated; the order is kept.
2. A file has a destination on each line; its faults are reported with their lines. The other faults the
   request's own validation finds.
"""

import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final

import typer

from bridge.originate.destinations import join_destinations, read_lines
from bridge.originate.parameter import RequestFault, RequestFaults

STANDARD_INPUT: Final = "-"
# 1,000 destinations, the most that Plivo takes, are far smaller.
_BYTES_MAX: Final = 1_048_576


def read_destinations(given: Iterable[str]) -> str:
    """Return Plivo's ``to`` for the values of ``--to``. Raises BadParameter and RequestFaults."""
    found: list[str] = []
    faults: list[RequestFault] = []
    for value in given:
        try:
            found += _read(value)
        except RequestFaults as error:
            faults += error.faults
    if faults:
        raise RequestFaults(faults)
    return join_destinations(found)


def _read(value: str) -> Iterator[str]:
    if value == STANDARD_INPUT:
        yield from _read_list(sys.stdin.buffer.read(_BYTES_MAX + 1), "standard input")
    elif value.startswith("@"):
        yield from _read_list(_read_file(Path(value[1:])), value[1:])
    else:
        yield value.removesuffix("<")


def _read_file(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(_BYTES_MAX + 1)
    except (OSError, ValueError) as error:
        message = f"{path}: {getattr(error, 'strerror', None) or 'cannot be opened'}"
        raise typer.BadParameter(message, param_hint="--to") from error


def _read_list(content: bytes, source: str) -> Iterator[str]:
    """Yield the destinations of a file: rule 2."""
    if len(content) > _BYTES_MAX:
        message = (
            f"{source}: is larger than {_BYTES_MAX:,} bytes, so it is not a list of destinations"
        )
        raise typer.BadParameter(message, param_hint="--to")
    try:
        text = content.decode()
    except UnicodeDecodeError as error:
        message = f"{source}: is not UTF-8 text"
        raise typer.BadParameter(message, param_hint="--to") from error
    yield from (line.destination for line in read_lines(text, source))
