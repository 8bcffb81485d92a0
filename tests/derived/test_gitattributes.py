"""Generated files are marked in ``.gitattributes``, so that a review folds them."""

import subprocess
from pathlib import Path

import pytest

from bridge.core.catalogue import Catalogue
from bridge.derived.files import DERIVED_ELSEWHERE, derive_files

pytestmark = pytest.mark.system  # it runs git

ROOT = Path(__file__).parent.parent.parent
NOT_DERIVED_HERE = (
    "deploy/helm/callback-bridge/files/paths.json",
    "deploy/helm/callback-bridge/values.schema.json",
    "deploy/tools/go.sum",
    "requirements/dev.txt",
    "requirements/run.txt",
    "tests/chart/snapshots/minimal.yaml",
    "tests/node/package-lock.json",
)


def is_generated(paths: list[str]) -> dict[str, bool]:
    done = subprocess.run(
        ["git", "check-attr", "--stdin", "linguist-generated"],
        cwd=ROOT,
        input="\n".join(paths),
        capture_output=True,
        text=True,
        check=True,
    )
    lines = [line.rsplit(": ", 2) for line in done.stdout.splitlines()]
    return {path: value == "set" for path, _, value in lines}


def test_every_generated_file_is_marked(types: Catalogue) -> None:
    paths = [*map(str, derive_files(types)), *map(str, DERIVED_ELSEWHERE), *NOT_DERIVED_HERE]
    assert [path for path in NOT_DERIVED_HERE if not (ROOT / path).is_file()] == []
    marked = is_generated(paths)
    assert len(marked) == len(paths)
    assert [path for path, is_marked in marked.items() if not is_marked] == []


def test_no_file_that_people_write_is_marked() -> None:
    written = ["docs/consuming.md", "bridge/derived/schemas.py", "requirements/audit.py"]
    assert not any(is_generated(written).values())
