"""The page on replies says what the check does."""

import re
from pathlib import Path

import pytest

from bridge.reply.check import DOCUMENT_BYTES_MAX, SPOKEN_CHARACTERS_MAX, check_document
from bridge.reply.twiml import PLIVO_EQUIVALENTS
from bridge.reply.urls import find_retry_fault

PAGE = (Path(__file__).parent.parent.parent / "docs/replies.md").read_text()
EXAMPLES = re.findall(r"```xml\n(.*?)```", PAGE, re.DOTALL)
TWIML = re.findall(r"^\| (`<[^|]+) \| (`<[^|]+) \|$", PAGE, re.MULTILINE)
RANGES = re.findall(r"^\| `(\w\w)` \| .* \| (\d+) to (\d+) \|$", PAGE, re.MULTILINE)


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
