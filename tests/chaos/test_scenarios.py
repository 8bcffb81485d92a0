"""Every scenario is in docs/guarantees.md, and every one there exists."""

import re
from pathlib import Path

from tests.chaos.scenarios.every import SCENARIOS

PAGE = Path(__file__).parents[2] / "docs" / "guarantees.md"
README = Path(__file__).parents[2] / "README.md"
NUMBERS = [scenario.number for scenario in SCENARIOS]
CONTROL = "0"
SEEDS = 3


def rows(begin: str, end: str) -> list[list[str]]:
    """Return the cells of the table between two texts of the page, without its head."""
    between = PAGE.read_text().partition(begin)[2].partition(end)[0]
    lines = [line for line in between.splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines[2:]]


def figures() -> list[list[str]]:
    return rows("<!-- figures -->", "<!-- /figures -->")


def test_every_scenario_has_a_number_of_its_own() -> None:
    assert len(set(NUMBERS)) == len(NUMBERS)


def test_every_failure_names_scenarios_there_are_and_every_scenario_is_named() -> None:
    shown_by = [row[-1] for row in rows("## When something fails", "## What is not promised")]
    assert all(shown_by)
    named = {number for cell in shown_by for number in re.findall(r"\w+", cell)}
    assert named == set(NUMBERS) - {CONTROL}


def test_the_figures_are_of_every_scenario_several_times_and_nothing_was_lost() -> None:
    assert [row[0].partition(" ")[0] for row in figures()] == NUMBERS
    assert min(int(row[1]) for row in figures()) >= SEEDS
    assert {row[7] for row in figures()} == {"0"}


def test_the_readme_claims_no_more_than_the_figures_show() -> None:
    (claimed,) = re.findall(r"more than ([\d,]+) callbacks with 2xx", README.read_text())
    answered = sum(int(row[3].replace(",", "")) for row in figures())
    assert answered > int(claimed.replace(",", ""))
