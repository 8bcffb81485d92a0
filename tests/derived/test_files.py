"""The derived files are up to date, and the check finds those that are not."""

import json
import shutil
from collections.abc import Iterator
from dataclasses import replace
from functools import cache
from pathlib import Path

import pytest

from bridge.core.catalogue import Catalogue
from bridge.derived import files
from bridge.derived.__main__ import main
from bridge.derived.files import find_faults, mark_released, write_files
from bridge.derived.own_records import JOURNAL_FORMS, list_event_types

ROOT = Path(__file__).parent.parent.parent


@pytest.fixture(autouse=True, scope="module")
def _derived_once() -> Iterator[None]:
    """Derive the files of one catalogue only once, because it takes seconds."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(files, "derive_files", cache(files.derive_files))
        yield


@pytest.fixture
def project(tmp_path: Path, types: Catalogue) -> Path:
    """A folder with every derived file, freshly written."""
    write_files(tmp_path, types)
    return tmp_path


def revised(types: Catalogue, name: str, **changes: object) -> Catalogue:
    """The catalogue with one declaration changed."""
    kinds = tuple(
        replace(kind, **changes) if kind.name == name else kind  # type: ignore[arg-type]
        for kind in types.types
    )
    return Catalogue(kinds, types.unrecognised)


def test_the_committed_files_are_up_to_date(types: Catalogue) -> None:
    assert find_faults(ROOT, types) == []


def test_writing_twice_changes_nothing(project: Path, types: Catalogue) -> None:
    assert write_files(project, types) == []


def test_a_stale_file_is_a_fault(project: Path, types: Catalogue) -> None:
    page = project / "docs/reference/callbacks.md"
    page.write_text("old")
    assert find_faults(project, types) == ["docs/reference/callbacks.md: stale"]


def test_a_missing_file_is_a_fault(project: Path, types: Catalogue) -> None:
    (project / "schemas/journal/1.0.json").unlink()
    assert find_faults(project, types) == ["schemas/journal/1.0.json: missing"]


def test_a_file_that_no_declaration_yields_is_a_fault_and_is_removed(
    project: Path, types: Catalogue
) -> None:
    orphan = project / "schemas/voice.call.gone/1.0.json"
    orphan.parent.mkdir()
    orphan.write_text("{}")
    assert find_faults(project, types) == [
        "schemas/voice.call.gone/1.0.json: not derived from any declaration"
    ]
    assert write_files(project, types) == [Path("schemas/voice.call.gone/1.0.json")]
    assert not orphan.exists()


def test_what_other_rooms_derive_is_left_alone(project: Path, types: Catalogue) -> None:
    for path in files.DERIVED_ELSEWHERE:
        (project / path).write_text("derived elsewhere")
    assert find_faults(project, types) == []
    assert write_files(project, types) == []
    assert all((project / path).is_file() for path in files.DERIVED_ELSEWHERE)


def test_a_released_schema_may_not_change(project: Path, types: Catalogue) -> None:
    assert "schemas/voice.call.ring/1.0.json" in mark_released(project, types)
    assert find_faults(project, types) == []
    changed = revised(types, "voice.call.ring", model=types.by_name["voice.call.hangup"].model)
    assert any("released, but changed" in fault for fault in find_faults(project, changed))


def test_writing_does_not_change_a_released_schema(project: Path, types: Catalogue) -> None:
    mark_released(project, types)
    before = (project / "schemas/voice.call.ring/1.0.json").read_text()
    write_files(
        project, revised(types, "voice.call.ring", model=types.by_name["voice.call.hangup"].model)
    )
    assert (project / "schemas/voice.call.ring/1.0.json").read_text() == before


def test_a_released_file_that_is_edited_or_missing_is_a_fault(
    project: Path, types: Catalogue
) -> None:
    mark_released(project, types)
    path = project / "schemas/voice.call.ring/1.0.json"
    path.write_text(path.read_text() + "\n")
    assert any("released, but changed" in fault for fault in find_faults(project, types))
    path.unlink()
    assert any("released, but missing" in fault for fault in find_faults(project, types))


def test_a_new_revision_may_add(project: Path, types: Catalogue) -> None:
    mark_released(project, types)
    # A hangup has every field of a ring, and more.
    wider = revised(
        types, "voice.call.ring", model=types.by_name["voice.call.hangup"].model, revision=1
    )
    write_files(project, wider)
    assert find_faults(project, wider) == []
    assert (project / "schemas/voice.call.ring/1.0.json").is_file()


def test_a_new_revision_may_not_remove(project: Path, types: Catalogue) -> None:
    mark_released(project, types)
    narrower = revised(
        types, "voice.call.hangup", model=types.by_name["voice.call.ring"].model, revision=1
    )
    write_files(project, narrower)
    found = [fault for fault in find_faults(project, narrower) if "breaks 1.0.json" in fault]
    assert any("data.duration_s: removed" in fault for fault in found)


def test_releasing_again_lists_nothing_new(project: Path, types: Catalogue) -> None:
    first = mark_released(project, types)
    assert len(first) == len(list_event_types(types)) + 1 + len(JOURNAL_FORMS)
    assert mark_released(project, types) == []
    assert set(json.loads((project / files.RELEASED).read_text())) == set(first)


def test_the_command_checks_writes_and_releases(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["--check"], tmp_path) == 1
    assert "make derive" in capsys.readouterr().err
    assert main([], tmp_path) == 0
    assert "schemas/voice.call.ring/1.0.json" in capsys.readouterr().out
    assert main(["--check"], tmp_path) == 0
    assert main(["--release"], tmp_path) == 0
    assert (tmp_path / files.RELEASED).is_file()
    shutil.rmtree(tmp_path / "schemas")
    assert main(["--check"], tmp_path) == 1
