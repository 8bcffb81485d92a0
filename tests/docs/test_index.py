"""Every page can be found, and every link between pages leads somewhere."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
# These folders have an index of their own, which names each page.
INDEXED = ("decisions", "runbooks")
PAGES = sorted(
    path
    for place in (
        "*.md",
        "docs/**/*.md",
        "deploy/**/*.md",
        "examples/**/*.md",
        "changes/*.md",
        ".github/*.md",
    )
    for path in ROOT.glob(place)
)
_LINK = re.compile(r"(?<!`)\[[^\]]*\]\(([^)\s]+)\)")
_CODE = re.compile(r"^ *```.*?^ *```$", re.MULTILINE | re.DOTALL)
_HEADING = re.compile(r"^#{1,6} (.+)$", re.MULTILINE)


def links(page: Path) -> Iterator[tuple[Path, str]]:
    """Yield target and anchor of each link of a page that leads into the checkout."""
    for link in _LINK.findall(_CODE.sub("", page.read_text())):
        if "://" not in link and not link.startswith("mailto:"):
            target, _, anchor = link.partition("#")
            yield (page.parent / target).resolve() if target else page, anchor


def anchors(page: Path) -> set[str]:
    """Return the anchors of a page's headings, as GitHub makes them."""
    found: set[str] = set()
    for heading in _HEADING.findall(_CODE.sub("", page.read_text())):
        text = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading)
        anchor = re.sub(r"[^\w\- ]", "", text.lower()).replace(" ", "-")
        number = 1
        while (name := anchor if number == 1 else f"{anchor}-{number - 1}") in found:
            number += 1
        found.add(name)
    return found


def test_the_index_names_every_page() -> None:
    listed = {target for target, _ in links(DOCS / "README.md")}
    pages = {
        path
        for path in DOCS.rglob("*.md")
        if path.name == "README.md" or path.relative_to(DOCS).parts[0] not in INDEXED
    }
    assert pages - {DOCS / "README.md"} - listed == set()


@pytest.mark.parametrize("folder", INDEXED)
def test_the_index_of_a_folder_names_every_page_of_it(folder: str) -> None:
    index = DOCS / folder / "README.md"
    listed = {target for target, _ in links(index)}
    assert set((DOCS / folder).glob("*.md")) - {index} - listed == set()


def test_the_readme_leads_to_the_index() -> None:
    assert DOCS / "README.md" in {target for target, _ in links(ROOT / "README.md")}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_link_of_a_page_leads_to_a_file_and_a_heading(page: Path) -> None:
    broken = [
        f"{target.relative_to(ROOT)}#{anchor}"
        for target, anchor in links(page)
        if not target.exists()
        or (anchor and target.suffix == ".md" and anchor not in anchors(target))
    ]
    assert broken == []
