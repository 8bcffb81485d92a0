#!/usr/bin/env python3
"""Derive the picture of the rooms, and the table of the rooms in docs/architecture.md.

``derive_rooms.py`` writes; ``derive_rooms.py --check`` changes nothing and exits
with 1 if a file is stale.

1. The layers come from the import contracts in pyproject.toml. A room may import rooms of lower layers.
2. The properties of a room come from the same contracts: by what a contract forbids to it.
3. What a room is for comes from the docstring of its ``__init__.py``.
4. ``make pictures`` renders each ``.dot`` file with Graphviz, which needs Node.js. The SVG names the
   SHA-256 of its source, so this check needs no Node.js to find a stale picture.
"""

import ast
import hashlib
import itertools
import re
import sys
import tomllib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final

ROOT: Final = Path(__file__).parents[2]
PICTURES: Final = Path("docs/pictures")
PAGE: Final = Path("docs/architecture.md")
_TABLE: Final = re.compile(r"(?<=<!-- rooms -->\n).*(?=<!-- /rooms -->)", re.DOTALL)
_DIGEST: Final = re.compile(r" sha256:([0-9a-f]{64}) -->")

Contract = dict[str, Any]


def contracts(root: Path) -> list[Contract]:
    """Return the import contracts of a checkout."""
    project = tomllib.loads((root / "pyproject.toml").read_text())
    found: list[Contract] = project["tool"]["importlinter"]["contracts"]
    return found


def layers(found: Sequence[Contract]) -> list[list[str]]:
    """Return the rooms of each layer, the highest layer first."""
    (one,) = [each for each in found if each["type"] == "layers" and "bridge" in each["containers"]]
    return [re.split(r" [|:] ", layer) for layer in one["layers"]]


def may_import(found: Sequence[Contract], room: str, module: str) -> bool:
    """Return whether no contract forbids a module to a room."""
    return not any(
        each["type"] == "forbidden"
        and f"bridge.{room}" in each["source_modules"]
        and module in each["forbidden_modules"]
        for each in found
    )


def properties(found: Sequence[Contract], room: str) -> list[str]:
    """Return what the contracts allow or forbid to a room, in a few words each."""
    pure = not may_import(found, room, "time")
    floor = {one: number for number, rooms in enumerate(layers(found)) for one in rooms}
    above = floor[room] < floor["settings"]
    return [
        *(["no I/O, no clock"] if pure else []),
        *(["may use aiokafka"] if not pure and may_import(found, room, "aiokafka") else []),
        *(["may read settings"] if above and may_import(found, room, "bridge.settings") else []),
    ]


def picture(found: Sequence[Contract]) -> str:
    """Return the rooms as a graph in Graphviz's language."""
    lines = [
        "// Made by `make derive` from the import contracts in pyproject.toml. Do not edit.",
        "digraph rooms {",
        "  rankdir=TB compound=true nodesep=0.2 ranksep=0.35",
    ]
    floors = layers(found)
    for number, rooms in enumerate(floors):
        lines.append(f"  subgraph cluster_{number} {{")
        for room in rooms:
            text = "".join(f"{line}\\l" for line in [room, *properties(found, room)])
            look = "" if may_import(found, room, "time") else " class=pure"
            lines.append(f'    {room} [label="{text}"{look}]')
        lines.append("  }")
    for number, (upper, lower) in enumerate(itertools.pairwise(floors)):
        ends = f"ltail=cluster_{number} lhead=cluster_{number + 1}"
        lines.append(f"  {upper[len(upper) // 2]} -> {lower[len(lower) // 2]} [{ends}]")
    return "\n".join([*lines, "}", ""])


def purpose(root: Path, room: str) -> str:
    """Return what a room is for: the docstring of its ``__init__.py``, or of its file."""
    package = root / "bridge" / room / "__init__.py"
    path = package if package.is_file() else root / "bridge" / f"{room}.py"
    text = ast.get_docstring(ast.parse(path.read_text())) or ""
    return " ".join(text.split("\n\n")[0].split()).replace("``", "`").replace("|", "\\|")


def table(root: Path, found: Sequence[Contract]) -> str:
    """Return the rooms as a Markdown table, the highest layer first."""
    lines = ["| room | what it is for | import contracts |", "|---|---|---|"]
    for number, rooms in enumerate(layers(found), start=1):
        for room in rooms:
            where = "; ".join([f"layer {number}", *properties(found, room)])
            lines.append(f"| `{room}` | {purpose(root, room)} | {where} |")
    return "\n".join([*lines, ""])


def derived(root: Path) -> dict[Path, str]:
    """Return the derived files of a checkout."""
    found = contracts(root)
    page = (root / PAGE).read_text()
    return {
        root / PICTURES / "rooms.dot": picture(found),
        root / PAGE: _TABLE.sub(lambda _: table(root, found), page),
    }


def stale_pictures(root: Path) -> Iterator[Path]:
    """Yield each SVG that is missing, or was not made from its source as it is now."""
    for source in sorted((root / PICTURES).glob("*.dot")):
        made = source.with_suffix(".svg")
        named = _DIGEST.search(made.read_text()) if made.is_file() else None
        if named is None or named[1] != hashlib.sha256(source.read_bytes()).hexdigest():
            yield made


def main(arguments: Sequence[str], root: Path = ROOT) -> int:
    """Write the derived files, or check them; return the exit code."""
    files = derived(root)
    stale = [path for path, text in files.items() if not path.is_file() or path.read_text() != text]
    if "--check" not in arguments:
        for path in stale:
            path.write_text(files[path])
            sys.stdout.write(f"{path.relative_to(root)}\n")
        stale = []
    for path in stale:
        sys.stderr.write(f"{path.relative_to(root)} is stale: run `make derive`, and look at it\n")
    pictures = list(stale_pictures(root))
    for path in pictures:
        sys.stderr.write(
            f"{path.relative_to(root)} is stale: run `make pictures` (needs Node.js 20)\n"
        )
    return 1 if "--check" in arguments and (stale or pictures) else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
