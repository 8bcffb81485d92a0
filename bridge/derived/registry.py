"""The declared schemas by name, the committed ones, and the changes between any two of them."""

import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property, partial
from pathlib import Path
from typing import Final, Literal

import orjson

import bridge
from bridge.core import catalogue
from bridge.core.journal import (
    DEAD_LETTER_TOPIC,
    JOURNAL_SCHEMA_PATH,
    JOURNAL_TOPIC,
    REJECTED_TOPIC,
)
from bridge.derived.compatibility import find_additions, find_breaks
from bridge.derived.files import SCHEMAS
from bridge.derived.own_records import JOURNAL_FORMS, list_event_types
from bridge.derived.schemas import (
    Schema,
    build_event_schema,
    build_form_schema,
    build_journal_schema,
)


class SchemaNotFound(LookupError):
    """No schema has this name, or a schema file is missing or invalid.

    ``name`` is set if the name is unknown. ``option`` is the command-line option at fault, if any.
    """

    def __init__(self, message: str, *, name: str | None = None, option: str | None = None) -> None:
        super().__init__(message)
        self.name = name
        self.option = option


JOURNAL: Final = "journal"
_VERSION: Final = re.compile(r"(\d+)\.(\d+)\.json")
_CHECKOUT: Final = Path(bridge.__file__).parent.parent / SCHEMAS


@dataclass(frozen=True)
class DeclaredSchema:
    """A declared schema, of a type of event or of a form of journal records.

    ``event_type`` is the CloudEvents type of its events, None for the journal. ``member`` is a member
    by which journal records of this form are recognised, None for events.
    """

    name: str
    path: str
    topics: tuple[str, ...]
    event_type: str | None
    member: str | None
    build: Callable[[], Schema]

    @property
    def version(self) -> str:
        """Return major and revision."""
        return Path(self.path).stem

    @cached_property
    def schema(self) -> Schema:
        """Return the schema. It is computed at the first call, because that takes time."""
        return self.build()


def declared_schemas() -> dict[str, DeclaredSchema]:
    """Return every declared schema, by name."""
    kinds = list_event_types(catalogue.load_catalogue()).values()
    found = [
        DeclaredSchema(
            name=kind.name,
            path=kind.schema_path,
            topics=(kind.topic,),
            event_type=kind.event_type,
            member=None,
            build=partial(build_event_schema, kind),
        )
        for kind in kinds
    ]
    found.append(
        DeclaredSchema(
            name=JOURNAL,
            path=JOURNAL_SCHEMA_PATH,
            topics=(JOURNAL_TOPIC, DEAD_LETTER_TOPIC, REJECTED_TOPIC),
            event_type=None,
            member="url_verified",
            build=build_journal_schema,
        )
    )
    found += [
        DeclaredSchema(
            name=form.name,
            path=form.schema_path,
            topics=(JOURNAL_TOPIC,),
            event_type=None,
            member=form.member,
            build=partial(build_form_schema, form),
        )
        for form in JOURNAL_FORMS
    ]
    return {one.name: one for one in found}


def find_schema(name: str) -> DeclaredSchema:
    """Return the schema with the given name, event type or topic.

    Raises SchemaNotFound.
    """
    found = declared_schemas()
    for one in found.values():
        if name == one.event_type or name in one.topics:
            return one
    if name not in found:
        message = f"no schema is called {name!r}"
        raise SchemaNotFound(message, name=name)
    return found[name]


def find_schemas_folder(folder: Path | None) -> Path | None:
    """Return the folder of committed schemas; None if there is none (an installed package).

    Raises SchemaNotFound if ``folder`` is given and has no schemas.
    """
    for place in [folder] if folder else [SCHEMAS, _CHECKOUT]:
        if (place / JOURNAL_SCHEMA_PATH).is_file():
            return place
    if folder is not None:
        message = f"{folder} is not a folder of schemas: {JOURNAL_SCHEMA_PATH} is missing"
        raise SchemaNotFound(message, option="--folder")
    return None


def released_paths(folder: Path) -> set[str]:
    """Return the paths of the released schemas, relative to ``folder``."""
    file = folder / "released.json"
    paths: dict[str, str] = json.loads(file.read_text()) if file.is_file() else {}
    return {str(Path(path).relative_to(SCHEMAS)) for path in paths}


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
