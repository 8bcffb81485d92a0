"""The pictures of the documentation are what Graphviz makes of their sources."""

import shutil
import subprocess
from pathlib import Path

import pytest

pytestmark = pytest.mark.node

HERE = Path(__file__).parent
PICTURES = HERE.parents[1] / "docs/pictures"


def render(directory: Path, *options: str) -> subprocess.CompletedProcess[str]:
    executable = shutil.which("node")
    assert executable is not None
    command = [executable, HERE / "pictures.mjs", directory, *options]
    return subprocess.run(
        [*map(str, command)], capture_output=True, text=True, check=False, timeout=120
    )


def test_every_picture_is_rendered_from_its_source_as_it_is_now() -> None:
    done = render(PICTURES, "--check")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_a_source_that_changed_makes_its_picture_stale_until_it_is_rendered(tmp_path: Path) -> None:
    shutil.copy(PICTURES / "walk.dot", tmp_path)
    stale = render(tmp_path, "--check")
    assert stale.returncode == 1
    assert stale.stdout == f"{tmp_path}/walk.svg is stale: run `make pictures`\n"
    assert render(tmp_path).returncode == 0
    assert render(tmp_path, "--check").returncode == 0
    assert (tmp_path / "walk.svg").read_text() == (PICTURES / "walk.svg").read_text()
