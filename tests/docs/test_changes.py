"""Changes that are not released yet: a file each, which becomes a part of the changelog."""

import re
import tomllib
from pathlib import Path
from typing import Final

import pytest

ROOT: Final = Path(__file__).parents[2]
CHANGES: Final = ROOT / "changes"
SETTINGS: Final = tomllib.loads((CHANGES / "towncrier.toml").read_text())["tool"]["towncrier"]
TYPES: Final = [one["directory"] for one in SETTINGS["type"]]
FRAGMENTS: Final = sorted(
    path for path in CHANGES.iterdir() if path.name not in SETTINGS["ignore"] and path.is_file()
)
_ITEMS: Final = re.compile(r"(- \S.*\n(  \S.*\n)*)+")


def test_every_file_is_a_fragment_of_a_type_or_explains_them() -> None:
    named = re.compile(rf"[a-z0-9]+(-[a-z0-9]+)*\.({'|'.join(TYPES)})\.md")
    assert [path.name for path in FRAGMENTS if not named.fullmatch(path.name)] == []
    assert all((CHANGES / name).is_file() for name in SETTINGS["ignore"])


@pytest.mark.parametrize("path", FRAGMENTS, ids=lambda path: path.name)
def test_a_fragment_holds_list_items_and_nothing_else(path: Path) -> None:
    assert _ITEMS.fullmatch(path.read_text())


def test_the_page_of_the_fragments_names_every_type() -> None:
    (row,) = re.findall(
        r"^\| `TYPE` \| (.*) \|$", (CHANGES / "README.md").read_text(), re.MULTILINE
    )
    assert sorted(re.findall(r"`(\w+)`", row)) == sorted(TYPES)


def test_the_changelog_has_the_place_where_a_release_is_put_in() -> None:
    assert (ROOT / SETTINGS["filename"]).read_text().count(SETTINGS["start_string"]) == 1
    assert (ROOT / SETTINGS["template"]).is_file()
