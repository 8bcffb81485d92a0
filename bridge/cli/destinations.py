"""The destinations of ``call place``: from options, from files and from standard input.

1. ``--to`` is a number or a SIP URI, several of them joined with ``<``, ``@FILE``, or ``-`` for standard
   input. It can be repeated; the order is kept.
2. A file has a destination on each line. White space around it, empty lines and lines that start with
   ``#`` are ignored. A line may join several with ``<``, too.
3. Whether a destination is one, and whether it is there twice, the request's own validation says.
"""

import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final

import typer

STANDARD_INPUT: Final = "-"
# 1,000 destinations, the most that Plivo takes, are far smaller.
_BYTES_MAX: Final = 1_048_576


def read_destinations(given: Iterable[str]) -> tuple[str, ...]:
    """Return the destinations that the values of ``--to`` name. Raises BadParameter."""
    found: list[str] = []
    for value in given:
        if value == STANDARD_INPUT:
            found += _split_lines(sys.stdin.buffer.read(_BYTES_MAX + 1), "standard input")
        elif value.startswith("@"):
            found += _split_lines(_read_file(Path(value[1:])), value[1:])
        else:
            found += _split_joined(value)
    if not found:
        message = "names no destination"
        raise typer.BadParameter(message, param_hint="--to")
    return tuple(found)


def _read_file(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(_BYTES_MAX + 1)
    except (OSError, ValueError) as error:
        message = f"{path}: {getattr(error, 'strerror', None) or 'cannot be opened'}"
        raise typer.BadParameter(message, param_hint="--to") from error


def _split_lines(content: bytes, source: str) -> Iterator[str]:
    """Yield the destinations of a file: rule 2. Raises BadParameter."""
    if len(content) > _BYTES_MAX:
        message = f"{source}: is larger than {_BYTES_MAX:,} bytes, so it is no list of destinations"
        raise typer.BadParameter(message, param_hint="--to")
    try:
        text = content.decode("utf-8-sig")  # Windows writes a mark at the beginning
    except UnicodeDecodeError as error:
        message = f"{source}: is not UTF-8 text"
        raise typer.BadParameter(message, param_hint="--to") from error
    for line in text.splitlines():
        if not line.lstrip().startswith("#"):
            yield from _split_joined(line)


def _split_joined(text: str) -> Iterator[str]:
    yield from filter(None, (part.strip() for part in text.split("<")))
