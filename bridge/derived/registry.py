"""The schemas as they are declared now, and the folder of those that were committed."""

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
from bridge.derived.schemas import event_schema, journal_schema

Schema = dict[str, Any]


class SchemaNotFound(LookupError):
    """No schema has this name, or no file of one is where it should be.

    ``name`` is set if the name is unknown; ``option`` is the command-line option at fault, if one is.
    """

    def __init__(self, message: str, *, name: str | None = None, option: str | None = None) -> None:
        super().__init__(message)
        self.name = name
        self.option = option


JOURNAL: Final = "journal"
_CHECKOUT: Final = Path(bridge.__file__).parent.parent / SCHEMAS


@dataclass(frozen=True)
class DeclaredSchema:
    """A schema as the declarations say it is now; ``kind`` None is the journal's."""

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
        """Return the type of the events it is of."""
        return self.kind.event_type if self.kind else None

    @cached_property
    def schema(self) -> Schema:
        """Return the schema itself, computed when it is asked for."""
        return event_schema(self.kind) if self.kind else journal_schema()


def declared_schemas() -> dict[str, DeclaredSchema]:
    """Return every schema there is, by its name."""
    found = {
        kind.name: DeclaredSchema(kind.name, kind.schema_path, (kind.topic,), kind)
        for kind in catalogue.load_catalogue().all_types
    }
    topics = (JOURNAL_TOPIC, DEAD_LETTER_TOPIC, REJECTED_TOPIC)
    return found | {JOURNAL: DeclaredSchema(JOURNAL, JOURNAL_SCHEMA_PATH, topics, None)}


def find_schema(name: str) -> DeclaredSchema:
    """Return the schema of a type; its event's type and its topic name it too.

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
    """Return the folder of committed schemas, None where there is none (an installed package).

    Raises SchemaNotFound if ``folder`` is given and holds none.
    """
    for place in [folder] if folder else [SCHEMAS, _CHECKOUT]:
        if (place / JOURNAL_SCHEMA_PATH).is_file():
            return place
    if folder is not None:
        message = f"{folder} holds no {JOURNAL_SCHEMA_PATH}: it is no folder of schemas"
        raise SchemaNotFound(message, option="--folder")
    return None


def released_paths(folder: Path) -> set[str]:
    """Return the paths of released schemas, below the folder."""
    file = folder / "released.json"
    paths: dict[str, str] = json.loads(file.read_text()) if file.is_file() else {}
    return {str(Path(path).relative_to(SCHEMAS)) for path in paths}
