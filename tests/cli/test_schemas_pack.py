"""``callback-bridge schemas pack``: everything that consumers need, in one folder."""

import hashlib
import subprocess
from pathlib import Path

import orjson
import pytest

from bridge.core.catalogue import Catalogue
from bridge.derived.own_records import list_event_types
from tests.cli.schemas import call
from tests.support.cli import COMMAND, environment


def test_the_pack_is_what_its_manifest_says(tmp_path: Path, types: Catalogue) -> None:
    result = call("pack", "--out", tmp_path)
    assert result.returncode == 0, result.stderr
    manifest = orjson.loads((tmp_path / "manifest.json").read_bytes())
    assert set(manifest["types"]) == set(list_event_types(types))
    for name, file in manifest["files"].items():
        text = (tmp_path / name).read_bytes()
        assert (hashlib.sha256(text).hexdigest(), len(text)) == (file["sha256"], file["bytes"])
    there = {str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*") if path.is_file()}
    assert there == {"manifest.json", *manifest["files"]}
    assert {"asyncapi.json", "openapi.json", "typescript/index.d.ts"} < there
    assert "voice.call.ring/1.0.json" in there


def test_a_pack_replaces_an_earlier_one(tmp_path: Path) -> None:
    assert call("pack", "--out", tmp_path).returncode == 0
    assert call("pack", "--out", tmp_path).returncode == 0


def test_a_folder_that_cannot_be_written_is_a_fault_of_the_option(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    done = call("pack", "--out", tmp_path / "file")
    assert (done.returncode, "--out: cannot write" in done.stderr) == (2, True)


@pytest.mark.system
def test_a_folder_that_holds_something_else_is_left_alone(tmp_path: Path) -> None:
    mine = tmp_path / "thesis.txt"
    mine.write_text("years of work")
    words = [str(COMMAND), "schemas", "pack", "--out", str(tmp_path)]
    done = subprocess.run(words, env=environment(), capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert len(done.stderr.splitlines()) == 1
    assert "is not a schema pack" in done.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.txt"]
