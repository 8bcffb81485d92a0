"""List the changes between two schema files, or between a type's committed file and its declaration."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal

import orjson

from bridge.derived.compatibility import find_additions, find_breaks
from bridge.derived.registry import (
    DeclaredSchema,
    SchemaNotFound,
    declared_schemas,
    find_schema,
    released_paths,
)

Schema = dict[str, Any]

_VERSION: Final = re.compile(r"(\d+)\.(\d+)\.json")


@dataclass(frozen=True, slots=True)
class SchemaChange:
    """One change of a schema. ``since`` and ``version`` are the versions that were compared."""

    schema: str
    since: str | None
    version: str | None
    change: Literal["break", "addition", "wording"]
    description: str


def load_schema(text: str) -> Schema:
    """Return the schema in the file ``text``, or the declared schema of the type ``text``."""
    if not Path(text).is_file():
        return find_schema(text).schema
    try:
        found = orjson.loads(Path(text).read_bytes())
    except orjson.JSONDecodeError as error:
        message = f"{text}: not JSON: {error}"
        raise SchemaNotFound(message) from error
    if not isinstance(found, dict):
        message = f"{text}: not a schema"
        raise SchemaNotFound(message)
    return found  # pyright: ignore[reportUnknownVariableType] (any JSON)


def changes_since_committed(
    one: DeclaredSchema, folder: Path, since: str | None
) -> Iterator[SchemaChange]:
    """Yield the changes of a declared schema since its committed file."""
    version = since or _base_version(one, folder)
    file = folder / one.name / f"{version}.json"
    if file.is_file():
        yield from compare_schemas(
            one.name, version, one.version, load_schema(str(file)), one.schema
        )
    elif since is not None:
        message = f"{file} does not exist"
        raise SchemaNotFound(message, option="--since")
    else:
        yield SchemaChange(one.name, None, one.version, "addition", "the schema: added")


def _base_version(one: DeclaredSchema, folder: Path) -> str:
    """Return the version to compare with: the newest released of the major, else the declared."""
    major = one.version.partition(".")[0]
    matches = [
        found
        for path in released_paths(folder)
        if Path(path).parent.name == one.name
        and (found := _VERSION.fullmatch(Path(path).name)) is not None
        and found[1] == major
    ]
    newest = max(matches, key=lambda found: int(found[2]), default=None)
    return f"{newest[1]}.{newest[2]}" if newest else one.version


def undeclared_schemas(folder: Path) -> Iterator[SchemaChange]:
    """Yield a change for each committed schema that is no longer declared."""
    names = {file.parent.name for file in folder.glob("*/*.json") if _VERSION.fullmatch(file.name)}
    for name in sorted(names - set(declared_schemas())):
        yield SchemaChange(name, None, None, "break", "the schema: no longer declared")


def compare_schemas(
    name: str, since: str | None, version: str | None, old: Schema, new: Schema
) -> Iterator[SchemaChange]:
    """Yield the changes from the schema ``old`` to ``new``."""
    broken, added = find_breaks(old, new), find_additions(old, new)
    for what in broken:
        yield SchemaChange(name, since, version, "break", what)
    for what in added:
        yield SchemaChange(name, since, version, "addition", what)
    if not broken and not added and old != new:
        yield SchemaChange(name, since, version, "wording", "only descriptions or names changed")
