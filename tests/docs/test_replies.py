"""The page on replies says what the check does."""

import re
from pathlib import Path

import pytest
from pydantic import BaseModel

from bridge.app.rules_file import check_file
from bridge.core.catalogue import Catalogue
from bridge.reply.check import DOCUMENT_BYTES_MAX, SPOKEN_CHARACTERS_MAX, check_document
from bridge.reply.rule_tables import ApplicationTable, RuleTable
from bridge.reply.twiml import PLIVO_EQUIVALENTS
from bridge.reply.urls import find_retry_fault

PAGE = (Path(__file__).parent.parent.parent / "docs/replies.md").read_text()
EXAMPLES = re.findall(r"```xml\n(.*?)```", PAGE, re.DOTALL)
TWIML = re.findall(r"^\| (`<[^|]+) \| (`<[^|]+) \|$", PAGE, re.MULTILINE)
RANGES = re.findall(r"^\| `(\w\w)` \| .* \| (\d+) to (\d+) \|$", PAGE, re.MULTILINE)


def test_the_example_is_complete_and_has_no_fault(tmp_path: Path, types: Catalogue) -> None:
    (rules,) = re.findall(r"```toml\n(.*?)```", PAGE, re.DOTALL)
    (tmp_path / "rules.toml").write_text(rules)
    documents = re.findall(r"`([a-z]+\.xml)`:\n\n```xml\n(.*?)```", PAGE, re.DOTALL)
    for name, text in documents:
        (tmp_path / name).write_text(text)
    checked = check_file(tmp_path / "rules.toml", types)
    assert checked.findings == ()
    assert checked.rules is not None
    assert sorted(name for name, _ in documents) == sorted(set(re.findall(r'"(\w+\.xml)"', rules)))
    assert checked.file is not None
    assert f"(rules.toml, line {checked.file.find_line(('rules', 1))})" in PAGE


@pytest.mark.parametrize(
    ("table", "model"), [("rules", RuleTable), ("applications", ApplicationTable)]
)
def test_the_page_has_every_key(table: str, model: type[BaseModel]) -> None:
    heading = {"rules": "[[rules]]", "applications": "[applications.NAME]"}[table]
    rows = PAGE.partition(f"| key of `{heading}` |")[2].partition("\n\n")[0].splitlines()[2:]
    keys = [key for row in rows for key in re.findall(r"`(\w+)`", row.split(" | ")[0])]
    assert keys == list(model.model_fields)


def test_every_example_is_accepted_without_a_word() -> None:
    assert EXAMPLES
    for example in EXAMPLES:
        assert check_document(example.encode()) == []


@pytest.mark.parametrize(("theirs", "plivos"), TWIML)
def test_the_page_and_the_check_name_the_same_equivalent(theirs: str, plivos: str) -> None:
    verbs = [verb for verb in re.findall(r"<(\w+)>", theirs) if verb in PLIVO_EQUIVALENTS]
    for verb in verbs:
        for name in re.findall(r"<(\w+)", plivos):
            assert f"<{name}" in PLIVO_EQUIVALENTS[verb]


def test_the_ranges_of_retry_settings_are_those_of_the_page() -> None:
    assert [key for key, _, _ in RANGES] == ["ct", "rt", "tt", "rc"]
    for key, least, most in RANGES:
        assert find_retry_fault({key: least}) is None
        assert find_retry_fault({key: most}) is None
        assert (
            find_retry_fault({key: str(int(most) + 1)})
            == f"the retry setting {key} must be {least} to {most}"
        )


def test_the_lengths_are_those_of_the_page() -> None:
    assert f"{DOCUMENT_BYTES_MAX:,} bytes" in PAGE
    assert f"{SPOKEN_CHARACTERS_MAX:,} characters" in PAGE
