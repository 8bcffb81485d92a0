"""The schema pack: one folder with everything that a consumer's team needs, and a manifest.

It holds the committed files (the JSON Schemas of every version, examples, the AsyncAPI document), and
files that are built for it alone (the OpenAPI document, TypeScript types). The manifest lists each
type with its topic and its files, and each file with its digest.
"""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from bridge import __version__
from bridge.core.catalogue import Catalogue
from bridge.core.journal import JOURNAL_SCHEMA_PATH, JOURNAL_TOPIC
from bridge.derived import openapi, typescript
from bridge.derived.files import ASYNCAPI, SCHEMAS, Files, derive_files, json_text
from bridge.derived.own_records import JOURNAL_FORMS, PublishedType, list_event_types
from bridge.derived.schemas import DEFAULT_BASE, DIALECT, build_schemas
from bridge.derived.typescript import form_type_name, type_name

OPENAPI: Final = Path("openapi.json")
TYPESCRIPT: Final = Path("typescript/index.d.ts")
MANIFEST: Final = Path("manifest.json")
NAME: Final = "callback-bridge-schemas"

_EXAMPLES: Final = "examples"


class NotAPack(Exception):
    """The target folder has other content. Nothing was written."""


def earlier_versions(folder: Path, files: Files) -> Files:
    """Return the committed schemas in ``folder`` that are older versions, not in ``files``."""
    found = sorted(folder.glob("*/*.json"))
    paths = {SCHEMAS / path.relative_to(folder): path for path in found}
    return {path: place.read_text() for path, place in paths.items() if path not in files}


def build_pack(catalogue: Catalogue, folder: Path | None) -> Files:
    """Return the files of the pack, with earlier versions of the schemas from ``folder``, if given."""
    files = derive_files(catalogue)
    return assemble_pack(catalogue, files | earlier_versions(folder, files) if folder else files)


def assemble_pack(catalogue: Catalogue, files: Files) -> Files:
    """Return the files of the pack by their path in it. ``files`` are the derived and earlier ones."""
    packed = {path.relative_to(SCHEMAS): text for path, text in files.items() if _is_packed(path)}
    packed[OPENAPI] = json_text(openapi.build_openapi(catalogue))
    packed[TYPESCRIPT] = typescript.render_typescript(catalogue, build_schemas(catalogue))
    packed = dict(sorted(packed.items()))
    journal = Path(JOURNAL_SCHEMA_PATH).parent
    kinds = list_event_types(catalogue)
    schemas = [path for path in packed if _is_schema(path)]
    examples = [path for path in packed if path.parent.name == _EXAMPLES]
    manifest = {
        "name": NAME,
        "version": __version__,
        "dialect": DIALECT,
        "schema_base": DEFAULT_BASE,
        "counts": {
            "types": len(kinds),
            "schemas": len(schemas),
            "examples": len(examples),
            "files": len(packed),
        },
        "types": {name: _manifest_entry(kind, packed) for name, kind in kinds.items()},
        "journal": {
            "topic": JOURNAL_TOPIC,
            "schema": JOURNAL_SCHEMA_PATH,
            "versions": _versions(journal, packed),
            "typescript": "JournalRecord",
            "other_kinds": {
                form.kind.value: {
                    "meaning": form.meaning,
                    "schema": form.schema_path,
                    "versions": _versions(Path(form.name), packed),
                    "typescript": form_type_name(form),
                }
                for form in JOURNAL_FORMS
            },
        },
        "files": {
            str(path): {
                "sha256": hashlib.sha256(text.encode()).hexdigest(),
                "bytes": len(text.encode()),
            }
            for path, text in packed.items()
        },
    }
    packed[MANIFEST] = json.dumps(manifest, indent=2, ensure_ascii=False) + "\n"
    return packed


def write_pack(folder: Path, packed: Files) -> None:
    """Write a pack. It replaces an earlier pack in ``folder``.

    Raises NotAPack if the folder has other content.
    """
    if folder.is_dir() and any(folder.iterdir()):
        for path in _files_of_earlier_pack(folder):
            (folder / path).unlink(missing_ok=True)
    for path, text in packed.items():
        target = folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text, encoding="utf-8")


def _files_of_earlier_pack(folder: Path) -> list[Path]:
    """Return the paths of the pack that is in the folder; raises NotAPack."""
    try:
        found: dict[str, Any] = json.loads((folder / MANIFEST).read_bytes())
        if found["name"] == NAME:
            paths = [Path(name) for name in found["files"]]
            return [path for path in paths if ".." not in path.parts and not path.is_absolute()]
    except (OSError, ValueError, KeyError, TypeError):
        pass
    message = f"{folder} is not empty, and is not a schema pack"
    raise NotAPack(message)


def _is_packed(path: Path) -> bool:
    in_folder = path.is_relative_to(SCHEMAS) and len(path.relative_to(SCHEMAS).parts) > 1
    return in_folder or path == ASYNCAPI


def _is_schema(path: Path) -> bool:
    return path.suffix == ".json" and len(path.parts) == 2  # noqa: PLR2004 (folder and file)


def _versions(folder: Path, packed: Mapping[Path, str]) -> list[str]:
    found = [path.stem for path in packed if path.parent == folder]
    return sorted(found, key=lambda version: tuple(map(int, version.split("."))))


def _manifest_entry(kind: PublishedType, packed: Mapping[Path, str]) -> dict[str, object]:
    folder = Path(kind.name)
    return {
        "type": kind.event_type,
        "topic": kind.topic,
        "meaning": kind.meaning,
        "schema": kind.schema_path,
        "versions": _versions(folder, packed),
        "examples": [str(path) for path in packed if path.parent == folder / _EXAMPLES],
        "typescript": type_name(kind.event_type),
    }
