"""The pictures of the documentation are as their sources and the import contracts say."""

import re
import shutil
from pathlib import Path

import pytest

from docs.pictures import derive_rooms

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs/architecture.md").read_text()


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """Return a copy of what the pictures are made from."""
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    shutil.copytree(ROOT / "docs", tmp_path / "docs")
    shutil.copytree(ROOT / "bridge", tmp_path / "bridge", ignore=shutil.ignore_patterns("*.pyc"))
    return tmp_path


def test_the_pictures_and_the_table_of_rooms_are_current() -> None:
    assert derive_rooms.main(["--check"]) == 0


def test_every_room_is_in_the_picture_and_in_the_table() -> None:
    rooms = {room for layer in derive_rooms.layers(derive_rooms.contracts(ROOT)) for room in layer}
    drawn = (ROOT / "docs/pictures/rooms.svg").read_text()
    assert {room for room in rooms if f"<title>{room}</title>" not in drawn} == set()
    assert {room for room in rooms if f"| `{room}` |" not in PAGE} == set()


def test_every_picture_is_shown_and_described_on_the_page() -> None:
    shown = dict(re.findall(r"!\[(.+?)\]\(pictures/([\w-]+)\.svg\)", PAGE))
    sources = {source.stem for source in (ROOT / "docs/pictures").glob("*.dot")}
    assert set(shown.values()) == sources
    assert len(shown) == len(sources)


def test_a_room_that_is_added_makes_the_picture_stale(
    checkout: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    project = checkout / "pyproject.toml"
    text = project.read_text()
    project.write_text(text.replace("layers = [\n", 'layers = [\n    "attic",\n', 1))
    (checkout / "bridge/attic.py").write_text('"""Old things."""\n')
    assert derive_rooms.main(["--check"], checkout) == 1
    assert "rooms.dot is stale: run `make derive`" in capsys.readouterr().err
    assert derive_rooms.main([], checkout) == 0
    assert "| `attic` | Old things. | layer 1;" in (checkout / "docs/architecture.md").read_text()


@pytest.mark.parametrize("change", ["edited", "removed"])
def test_a_picture_that_is_not_of_its_source_is_stale(
    checkout: Path, change: str, capsys: pytest.CaptureFixture[str]
) -> None:
    if change == "edited":
        with (checkout / "docs/pictures/walk.dot").open("a") as source:
            source.write("// one more thing\n")
    else:
        (checkout / "docs/pictures/walk.svg").unlink()
    assert derive_rooms.main(["--check"], checkout) == 1
    assert capsys.readouterr().err == (
        "docs/pictures/walk.svg is stale: run `make pictures` (needs Node.js 20)\n"
    )


def test_a_room_says_what_its_contracts_forbid_to_it() -> None:
    found = derive_rooms.contracts(ROOT)
    assert derive_rooms.properties(found, "normalise") == ["no I/O, no clock"]
    assert "may use aiokafka" in derive_rooms.properties(found, "publish")
    assert derive_rooms.properties(found, "ingress") == []
    assert derive_rooms.properties(found, "cli") == ["may read settings"]
