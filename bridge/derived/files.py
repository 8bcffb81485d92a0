"""Write the derived files, and check that the committed files are up to date.

1. A released schema is listed with its digest in ``schemas/released.json``. Its file never changes.
2. If a declaration changes after its release, it needs a new revision, which may only add.
"""

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import orjson

from bridge.core.catalogue import Catalogue
from bridge.core.event import ContractNames
from bridge.derived import asyncapi, reference, schemas
from bridge.derived.compatibility import find_breaks
from bridge.derived.journal_samples import build_journal_examples
from bridge.derived.own_records import build_own_examples
from bridge.derived.samples import build_examples

SCHEMAS: Final = Path("schemas")
REFERENCE: Final = Path("docs/reference")
RELEASED: Final = SCHEMAS / "released.json"
# Files that other rooms derive from their own declarations. This room may not import them.
OF_THE_EMULATOR: Final = frozenset(
    {SCHEMAS / "scenario.json", REFERENCE / "emulator.md", REFERENCE / "scenarios.md"}
)
OF_REQUESTS: Final = frozenset({SCHEMAS / "make-a-call.json", REFERENCE / "make-a-call.md"})
DERIVED_ELSEWHERE: Final = OF_THE_EMULATOR | OF_REQUESTS
ASYNCAPI: Final = SCHEMAS / "asyncapi.json"

Files = dict[Path, str]


def json_text(value: object) -> str:
    """Return a document as the text of its file."""
    return orjson.dumps(value, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE).decode()


def derive_files(catalogue: Catalogue) -> Files:
    """Return every derived file that is committed, by its path below the project's folder."""
    payloads = schemas.build_schemas(catalogue).items()
    files: Files = {SCHEMAS / path: json_text(schema) for path, schema in payloads}
    naming = ContractNames("", schemas.DEFAULT_BASE)
    shown = list(build_examples(catalogue, naming))
    for example in shown:
        files[SCHEMAS / example.path] = json_text(orjson.loads(example.event.record.value))
    records = list(build_journal_examples(catalogue, naming))
    for one in records:
        files[SCHEMAS / one.path] = json_text(orjson.loads(one.record.value))
    own = list(build_own_examples(naming))
    for sample in own:
        files[SCHEMAS / sample.path] = json_text(orjson.loads(sample.record.value))
    files[ASYNCAPI] = json_text(asyncapi.build_asyncapi(catalogue, shown, records, own))
    for name, text in reference.render_pages(catalogue).items():
        files[REFERENCE / name] = text
    return files


def _find_stale(root: Path, files: Files) -> Iterator[str]:
    for path, text in files.items():
        if not (root / path).is_file():
            yield f"{path}: missing"
        elif (root / path).read_text() != text:
            yield f"{path}: stale"
    for folder in (SCHEMAS, REFERENCE):
        for found in sorted((root / folder).rglob("*")):
            path = found.relative_to(root)
            if found.is_file() and path not in files and not _is_kept(root, path):
                yield f"{path}: not derived from any declaration"


def _is_kept(root: Path, path: Path) -> bool:
    """Return whether a file is history, or is derived elsewhere."""
    return path == RELEASED or path in DERIVED_ELSEWHERE or str(path) in _released_digests(root)


def _released_digests(root: Path) -> dict[str, str]:
    """Return the digest of every released schema, by its path."""
    file = root / RELEASED
    return json.loads(file.read_text()) if file.is_file() else {}


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def _find_broken(root: Path, files: Files) -> Iterator[str]:
    """Yield the faults of released schemas and of their newer revisions (rules 1 and 2)."""
    for name, digest in _released_digests(root).items():
        path = Path(name)
        if not (root / path).is_file():
            yield f"{path}: released, but missing"
            continue
        text = (root / path).read_text()
        if _digest(text) != digest or files.get(path, text) != text:
            yield f"{path}: released, but changed; give the declaration a new revision"
        major = path.name.partition(".")[0]
        for newer, schema in files.items():
            if newer.parent == path.parent and newer.name.partition(".")[0] == major:
                for fault in find_breaks(json.loads(text), json.loads(schema)):
                    yield f"{newer}: breaks {path.name}: {fault}"


def find_faults(root: Path, catalogue: Catalogue) -> list[str]:
    """Return the faults of the derived files below ``root``, one sentence each."""
    files = derive_files(catalogue)
    return [*_find_broken(root, files), *_find_stale(root, files)]


def write_files(root: Path, catalogue: Catalogue) -> list[Path]:
    """Write the derived files, except released schemas; return the paths of changed files."""
    changed: list[Path] = []
    files = derive_files(catalogue)
    released = _released_digests(root)
    for path, text in files.items():
        target = root / path
        if str(path) in released or (target.is_file() and target.read_text() == text):
            continue
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text)
        changed.append(path)
    for folder in (SCHEMAS, REFERENCE):
        for found in sorted((root / folder).rglob("*")):
            path = found.relative_to(root)
            if found.is_file() and path not in files and not _is_kept(root, path):
                found.unlink()
                changed.append(path)
    return changed


def mark_released(root: Path, catalogue: Catalogue) -> list[str]:
    """List the current schemas as released; return the paths that are new in the list."""
    listed = _released_digests(root)
    new = {
        str(path): _digest((root / path).read_text())
        for path in (SCHEMAS / one for one in schemas.build_schemas(catalogue))
        if str(path) not in listed
    }
    (root / RELEASED).write_text(json_text(dict(sorted((listed | new).items()))))
    return list(new)
