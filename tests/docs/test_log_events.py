"""The log's events are documented: each that the bridge writes, and none that it does not."""

import re
from pathlib import Path
from typing import Final

from bridge.core.outcome import Outcome

ROOT: Final = Path(__file__).parents[2]
PAGE: Final = (ROOT / "docs/operating.md").read_text()
TABLES: Final = PAGE.partition("## The log\n")[2].partition("\n## ")[0]
CODE: Final = "\n".join(path.read_text() for path in sorted((ROOT / "bridge").rglob("*.py")))
# What is logged for a developer, and at no level that is on by default.
UNLISTED: Final = {"spool_directory_not_read"}


def documented() -> set[str]:
    """Return the events in the first column of the page's tables."""
    cells = re.findall(r"^\| (`[a-z_`, ]+`) \| [a-z]", TABLES, re.MULTILINE)
    return {name for cell in cells for name in re.findall(r"`([a-z_]+)`", cell)}


def logged() -> set[str]:
    """Return the events that the code names in a call that logs."""
    return set(re.findall(r'\blog\.(?:debug|info|warning|error)\(\s*"([a-z_]+)"', CODE))


def test_every_event_that_is_logged_is_documented() -> None:
    assert logged() - documented() == UNLISTED


def test_every_event_that_is_documented_is_logged() -> None:
    of_callbacks = {f"callback_{outcome}" for outcome in Outcome}
    assert of_callbacks <= documented()
    others = documented() - of_callbacks
    assert {name for name in others if f'"{name}"' not in CODE} == set()
