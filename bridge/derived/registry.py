"""The declared schemas by name, and the folder of the committed schemas."""

import json
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Final

import bridge
from bridge.callbacks.model import CallbackType
from bridge.core import catalogue
from bridge.core.event import DEAD_LETTER_TOPIC, JOURNAL_SCHEMA_PATH, JOURNAL_TOPIC, REJECTED_TOPIC
from bridge.derived.files import SCHEMAS
from bridge.derived.schemas import build_event_schema, build_journal_schema

Schema = dict[str, Any]


class SchemaNotFound(LookupError):
    """No schema has this name, or a schema file is missing or invalid.

    ``name`` is set if the name is unknown. ``option`` is the command-line option at fault, if any.
    """

    def __init__(self, message: str, *, name: str | None = None, option: str | None = None) -> None:
        super().__init__(message)
        self.name = name
        self.option = option


JOURNAL: Final = "journal"
_CHECKOUT: Final = Path(bridge.__file__).parent.parent / SCHEMAS


@dataclass(frozen=True)
class DeclaredSchema:
    """A declared schema, of a type or (``kind`` is None) of the journal."""

    name: str
    path: str
    topics: tuple[str, ...]
    kind: CallbackType | None

    @property
    def version(self) -> str:
        """Return major and revision."""
        return Path(self.path).stem

    @property
    def event_type(self) -> str | None:
        """Return the CloudEvents type of its events; None for the journal."""
        return self.kind.event_type if self.kind else None

    @cached_property
    def schema(self) -> Schema:
        """Return the schema. It is computed at the first call, because that takes time."""
        return build_event_schema(self.kind) if self.kind else build_journal_schema()


def declared_schemas() -> dict[str, DeclaredSchema]:
    """Return every declared schema, by name."""
    found = {
        kind.name: DeclaredSchema(kind.name, kind.schema_path, (kind.topic,), kind)
        for kind in catalogue.load_catalogue().all_types
    }
    topics = (JOURNAL_TOPIC, DEAD_LETTER_TOPIC, REJECTED_TOPIC)
    return found | {JOURNAL: DeclaredSchema(JOURNAL, JOURNAL_SCHEMA_PATH, topics, None)}


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
