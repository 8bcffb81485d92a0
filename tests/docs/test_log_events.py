"""The log's events are documented: each that the bridge writes, and none that it does not."""

import re
from pathlib import Path
from typing import Final

from bridge.core.outcome import Outcome, RefusalCause
from bridge.core.url_mismatch import MismatchVariant
from bridge.core.verify import VerificationFault

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


def first_column(text: str) -> set[str]:
    """Return the codes in the first column of all tables in a text, without their headings."""
    rows = re.sub(r"^\|.*\n\|[-|]+\n", "", text, flags=re.MULTILINE)
    cells = re.findall(r"^\| (`[a-z0-9_`, -]+`) \|", rows, re.MULTILINE)
    return {code for cell in cells for code in re.findall(r"`([a-z0-9_-]+)`", cell)}


def test_every_fault_of_a_rejected_callback_is_explained() -> None:
    section = PAGE.partition("### Rejected callbacks\n")[2].partition("\n## ")[0]
    assert first_column(section) == {*VerificationFault} - {VerificationFault.NOT_CHECKED}
    not_of_the_url = {variant for variant in MismatchVariant if "_" in variant} | {"separator"}
    assert {code for code in not_of_the_url if f"`{code}`" not in section} == set()


def test_every_cause_of_a_refused_callback_has_a_runbook() -> None:
    pages = [
        (ROOT / f"docs/runbooks/callbacks-{one}.md").read_text() for one in ("lost", "refused")
    ]
    assert set().union(*map(first_column, pages)) == {*RefusalCause}
