"""The schema pack has all files that a consumer needs, and a correct manifest."""

import hashlib
import json
import re
from pathlib import Path
from typing import Any

import pytest

from bridge import __version__
from bridge.core.catalogue import Catalogue
from bridge.core.event import ContractNames
from bridge.derived.files import Files, derive_files
from bridge.derived.journal_samples import build_journal_examples
from bridge.derived.own_records import JOURNAL_FORMS, build_own_examples, list_event_types
from bridge.derived.pack import (
    MANIFEST,
    OPENAPI,
    TYPESCRIPT,
    NotAPack,
    assemble_pack,
    build_pack,
    earlier_versions,
    write_pack,
)
from bridge.derived.schemas import DEFAULT_BASE


@pytest.fixture(scope="module")
def files(types: Catalogue) -> Files:
    return derive_files(types)


@pytest.fixture(scope="module")
def packed(types: Catalogue, files: Files) -> Files:
    return assemble_pack(types, files)


@pytest.fixture(scope="module")
def manifest(packed: Files) -> dict[str, Any]:
    return json.loads(packed[MANIFEST])


def test_the_pack_has_schemas_examples_documents_and_types(packed: Files) -> None:
    for name in (
        "voice.call.hangup/1.0.json",
        "voice.call.hangup/examples/outbound-busy.json",
        "journal/1.0.json",
        "asyncapi.json",
        "openapi.json",
        "typescript/index.d.ts",
    ):
        assert Path(name) in packed


def test_the_pack_has_no_list_of_releases_and_no_pages(packed: Files) -> None:
    names = {str(path) for path in packed}
    assert "released.json" not in names
    assert not any(name.endswith(".md") for name in names)


def test_what_is_built_for_the_pack_is_not_committed(files: Files, packed: Files) -> None:
    committed = {path.relative_to("schemas") for path in files if path.is_relative_to("schemas")}
    assert set(packed) - committed == {OPENAPI, TYPESCRIPT, MANIFEST}


def test_every_file_that_the_documents_reference_is_in_the_pack(packed: Files) -> None:
    for path in (Path("asyncapi.json"), OPENAPI):
        for reference in re.findall(r'"\$ref": "([^#"][^"]*)"', packed[path]):
            assert Path(reference) in packed


def test_the_manifest_lists_every_file_with_its_digest(
    packed: Files, manifest: dict[str, Any]
) -> None:
    assert set(manifest["files"]) == {str(path) for path in packed} - {str(MANIFEST)}
    for path, listed in manifest["files"].items():
        content = packed[Path(path)].encode()
        assert listed == {"sha256": hashlib.sha256(content).hexdigest(), "bytes": len(content)}


def test_the_counts_in_the_manifest_are_right(manifest: dict[str, Any], types: Catalogue) -> None:
    assert manifest["version"] == __version__
    assert set(manifest["types"]) == set(list_event_types(types))
    assert manifest["counts"]["types"] == len(manifest["types"])
    assert manifest["counts"]["schemas"] == len(manifest["types"]) + 1 + len(JOURNAL_FORMS)
    assert manifest["counts"]["files"] == len(manifest["files"])
    of_types = sum(len(entry["examples"]) for entry in manifest["types"].values())
    naming = ContractNames("", DEFAULT_BASE)
    of_the_journal = len(list(build_journal_examples(types, naming)))
    folders = {form.name for form in JOURNAL_FORMS}
    of_the_journal += sum(one.folder in folders for one in build_own_examples(naming))
    assert manifest["counts"]["examples"] == of_types + of_the_journal


def test_everything_the_manifest_lists_for_a_type_is_in_the_pack(
    packed: Files, manifest: dict[str, Any]
) -> None:
    types = packed[Path("typescript/index.d.ts")]
    for name, entry in manifest["types"].items():
        schema = json.loads(packed[Path(entry["schema"])])
        assert schema["title"] == entry["type"]
        assert entry["examples"], name
        assert f"export interface {entry['typescript']} " in types


def test_the_manifest_lists_the_other_kinds_of_journal_records(
    packed: Files, manifest: dict[str, Any]
) -> None:
    kinds = manifest["journal"]["other_kinds"]
    assert list(kinds) == [form.kind for form in JOURNAL_FORMS]
    for entry in kinds.values():
        assert Path(entry["schema"]) in packed
        assert entry["versions"] == ["1.0"]
        types = packed[Path("typescript/index.d.ts")]
        assert f"export interface {entry['typescript']} " in types


def test_the_pack_has_earlier_versions_of_a_schema(
    tmp_path: Path, types: Catalogue, files: Files
) -> None:
    folder = tmp_path / "schemas/voice.call.ring"
    folder.mkdir(parents=True)
    for version in ("0.9.json", "0.10.json", "1.0.json"):
        (folder / version).write_text("{}")
    assert len(earlier_versions(tmp_path / "schemas", files)) == 2
    entry = json.loads(build_pack(types, tmp_path / "schemas")[MANIFEST])["types"][
        "voice.call.ring"
    ]
    assert entry["versions"] == ["0.9", "0.10", "1.0"]


def test_without_a_checkout_the_pack_has_the_declared_versions(
    types: Catalogue, packed: Files
) -> None:
    assert build_pack(types, None) == packed


def test_a_pack_replaces_an_earlier_pack_completely(tmp_path: Path, packed: Files) -> None:
    folder = tmp_path / "dist/pack"
    write_pack(folder, packed | {Path("gone.json"): "{}"})
    listed = json.loads(packed[MANIFEST])
    listed["files"]["gone.json"] = listed["files"]["../outside.json"] = {}
    (folder / MANIFEST).write_text(json.dumps(listed))
    outside = tmp_path / "dist/outside.json"
    outside.write_text("{}")
    write_pack(folder, packed)
    found = [path for path in folder.rglob("*") if path.is_file()]
    assert {path.relative_to(folder): path.read_text() for path in found} == packed
    assert not (folder / "gone.json").exists()
    assert outside.exists()


@pytest.mark.parametrize("manifest", [None, "not json", "[]", "{}", '{"name": "another"}'])
def test_a_folder_with_other_content_is_refused_and_not_changed(
    tmp_path: Path, packed: Files, manifest: str | None
) -> None:
    (tmp_path / "thesis.txt").write_text("years of work")
    if manifest is not None:
        (tmp_path / MANIFEST).write_text(manifest)
    before = sorted(tmp_path.iterdir())
    with pytest.raises(NotAPack, match="is not empty"):
        write_pack(tmp_path, packed)
    assert sorted(tmp_path.iterdir()) == before
