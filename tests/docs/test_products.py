"""The README's table of products: as the declarations have it."""

import re
from pathlib import Path

import pytest

from bridge.cli.callbacks import product
from bridge.core.catalogue import Catalogue

README = (Path(__file__).parent.parent.parent / "README.md").read_text()


def rows() -> list[tuple[str, int, list[str]]]:
    """Return each product of the table with its number of types and its paths."""
    (table,) = re.findall(r"<!-- products -->\n(.*?)<!-- /products -->", README, re.DOTALL)
    cells = re.findall(r"^\| (\w+) \| (\d+) \| (.*) \|$", table, re.MULTILINE)
    return [(name, int(count), re.findall(r"`([^`]+)`", paths)) for name, count, paths in cells]


def test_every_product_is_listed_with_the_number_of_its_types(types: Catalogue) -> None:
    counted: dict[str, int] = {}
    for kind in types.types:
        counted[product(kind)] = counted.get(product(kind), 0) + 1
    assert {name: count for name, count, _ in rows()} == counted


def test_the_number_of_all_types_is_said(types: Catalogue) -> None:
    assert f"{len(types.types)} types, each on a topic" in README


@pytest.mark.parametrize(("name", "_count", "paths"), rows())
def test_every_path_of_a_product_is_below_one_that_is_listed(
    types: Catalogue, name: str, _count: int, paths: list[str]
) -> None:
    of_product = [kind.path for kind in types.types if product(kind) == name]
    lost = [path for path in of_product if not any(_is_below(path, one) for one in paths)]
    empty = [one for one in paths if not any(_is_below(path, one) for path in of_product)]
    assert (lost, empty) == ([], [])


def _is_below(path: str, listed: str) -> bool:
    whole = "/plivo/" + listed
    return path.startswith(whole) if whole.endswith("/") else path == whole
