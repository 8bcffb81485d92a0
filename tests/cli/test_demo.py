"""``demo``: what the README promises, word for word."""

import re
import subprocess
from pathlib import Path

import pytest

from tests.cli.process import run

README = Path(__file__).parents[2] / "README.md"
BEGIN, END = "<!-- demo -->", "<!-- /demo -->"
LAST = "demo: 6 callbacks, 6 events, 6 journal records, 0 lost"

MASKS = [
    (r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z", "<instant>"),
    (r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(\.\d+)?", "<time>"),
    (r"\b[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\b", "<uuid>"),
    (r"\b[0-9a-f]{32}\b", "<id>"),
    (r"127\.0\.0\.1:\d+", "127.0.0.1:<port>"),
    # The columns are padded to a width that what is masked no longer has.
    (r"(<instant>) +", r"\1 "),
]


@pytest.fixture(scope="module")
def demo() -> subprocess.CompletedProcess[str]:
    return run("demo")


def masked(text: str) -> list[str]:
    for pattern, mask in MASKS:
        text = re.sub(pattern, mask, text)
    return [line.rstrip() for line in text.strip().splitlines()]


def entries(lines: list[str]) -> list[str]:
    """Return the records shown, two lines each, in an order of their own.

    Events and journal lie in different topics, and Kafka promises no order between topics.
    """
    shown = [line for line in lines[3:-2] if line]
    return sorted("\n".join(pair) for pair in zip(shown[::2], shown[1::2], strict=True))


def test_it_ends_with_nothing_lost(demo: subprocess.CompletedProcess[str]) -> None:
    assert demo.returncode == 0, demo.stdout + demo.stderr
    assert demo.stdout.splitlines()[-1] == LAST


def test_it_shows_both_calls_by_both_methods(demo: subprocess.CompletedProcess[str]) -> None:
    for kind in ("ring", "answer", "hangup"):
        assert demo.stdout.count(f"voice.call.{kind}.v1") == 2
        for method in ("POST", "GET "):
            assert f"{method}     /plivo/voice/call/{kind}  replied 200" in demo.stdout
    assert demo.stdout.count("verified v3") == 12
    assert "America/New_York, exact" in demo.stdout


def test_it_does_not_show_colours_to_a_file(demo: subprocess.CompletedProcess[str]) -> None:
    assert "\x1b[" not in demo.stdout + demo.stderr
    assert "Traceback" not in demo.stderr


def test_the_readme_shows_what_the_demo_prints(demo: subprocess.CompletedProcess[str]) -> None:
    text = README.read_text()
    assert BEGIN in text, f"README.md lacks the block between {BEGIN} and {END}"
    assert END in text, f"README.md lacks {END}"
    block = text.partition(BEGIN)[2].partition(END)[0].strip()
    fenced = re.fullmatch(r"```text\n(.*)\n```", block, re.DOTALL)
    assert fenced, f"between {BEGIN} and {END} there must be one fenced block: ```text"
    promised, printed = masked(fenced[1]), masked(demo.stdout)
    assert promised[:3] == printed[:3]
    assert entries(promised) == entries(printed)
    assert promised[-1] == printed[-1] == LAST
