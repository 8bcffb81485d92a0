"""Settings, metrics and targets that the pages name are there under these names."""

import re
from pathlib import Path
from typing import Final

import pytest
from pydantic import BaseModel

from bridge.settings import load
from bridge.settings.kafka import PREFIX
from bridge.telemetry.metric_defs import METRIC_DEFS

ROOT: Final = Path(__file__).parents[2]
# The reference pages are derived, decisions say what was, and runbooks have a test of their own.
PAGES: Final = sorted(
    [*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md"), *(ROOT / "changes").glob("*.md")]
)
TARGETS: Final = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
# An example of a wrong name.
NO_SETTINGS: Final = {"BRIDGE_PUBLIC_UL"}

each_page = pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)


def settings() -> set[str]:
    """Return every variable that is a setting."""
    models: dict[str, type[BaseModel]] = {PREFIX: load.Settings}
    models |= {f"{PREFIX}{group.upper()}_": model for group, model in load.GROUPS.items()}
    return {f"{prefix}{name.upper()}" for prefix, of in models.items() for name in of.model_fields}


@each_page
def test_every_setting_of_a_page_is_one(page: Path) -> None:
    named = set(re.findall(r"\bBRIDGE_[A-Z0-9_]*[A-Z0-9]\b(?!_?…)", page.read_text()))
    assert named - settings() - NO_SETTINGS == set()


@each_page
def test_every_metric_of_a_page_is_one(page: Path) -> None:
    text = page.read_text()
    named = {
        *re.findall(r"\bcallback_bridge_(\w+)", text),
        *re.findall(r"`(\w+_total)(?:\{[^`]*\})?`", text),
    }
    assert {name.removeprefix("callback_bridge_") for name in named} - set(METRIC_DEFS) == set()


@each_page
def test_every_target_of_a_page_is_one(page: Path) -> None:
    assert set(re.findall(r"`make ([a-z][a-z-]*)", page.read_text())) - TARGETS == set()
