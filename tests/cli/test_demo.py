"""``demo``: it prints what the README shows."""

import re
import subprocess
from pathlib import Path

import pytest

from tests.support.cli import run
from tests.support.terminal import on_a_terminal, widest

pytestmark = pytest.mark.system

README = Path(__file__).parents[2] / "README.md"
BEGIN, END = "<!-- demo -->", "<!-- /demo -->"
LAST = "demo: 6 callbacks, 6 events, 6 journal records, 0 lost"
README_COLUMNS = 80

MASKS = [
    # The day stands beside a time only where it is not the day of the receipt.
    (r"(\d{4}-\d\d-\d\d )?\d\d:\d\d:\d\d(\.\d+)?", "<time>"),
    (r"\b[0-9a-f]{32}\b", "<id>"),
    (r"127\.0\.0\.1:\d+", "127.0.0.1:<port>"),
]
DAY = re.compile(r"\d{4}-\d\d-\d\d UTC")
BEGINS = re.compile(r"\d\d:\d\d:\d\d\.\d{3}  ")


@pytest.fixture(scope="module")
def demo() -> subprocess.CompletedProcess[str]:
    return run("demo")


def masked(text: str) -> str:
    for pattern, mask in MASKS:
        text = re.sub(pattern, mask, text)
    return " ".join(text.split())


def records(text: str) -> list[list[str]]:
    """Return the records shown, each as its lines. Days stand on lines of their own."""
    found: list[list[str]] = []
    for line in text.splitlines():
        if BEGINS.match(line):
            found.append([line])
        elif found and line.startswith("  "):
            found[-1].append(line)
    return found


def entries(text: str) -> list[str]:
    """Return what the records say, in an order of its own.

    Events and journal lie in different topics, and Kafka promises no order between topics.
    """
    return sorted(masked(" ".join(lines)) for lines in records(text))


def test_it_ends_with_nothing_lost(demo: subprocess.CompletedProcess[str]) -> None:
    assert demo.returncode == 0, demo.stdout + demo.stderr
    assert demo.stdout.splitlines()[-1] == LAST


def test_it_shows_both_calls_by_both_methods(demo: subprocess.CompletedProcess[str]) -> None:
    for kind in ("ring", "answer", "hangup"):
        assert demo.stdout.count(f"voice.call.{kind}.v1") == 2
        for method in ("POST", "GET"):
            assert f"{method} /plivo/voice/call/{kind}  replied 200" in demo.stdout
    assert demo.stdout.count("verified v3") == 12
    assert "America/New_York, exact" in demo.stdout


def test_an_event_and_its_journal_record_have_one_time(
    demo: subprocess.CompletedProcess[str],
) -> None:
    received = [lines[0].split()[0] for lines in records(demo.stdout)]
    assert len(received) == 12
    assert all(received.count(one) == 2 for one in received)


def test_the_day_has_a_line_of_its_own(demo: subprocess.CompletedProcess[str]) -> None:
    assert any(DAY.fullmatch(line) for line in demo.stdout.splitlines())
    assert not re.search(r"\d{4}-\d\d-\d\dT", demo.stdout)


def test_it_does_not_show_colours_to_a_file(demo: subprocess.CompletedProcess[str]) -> None:
    assert "\x1b[" not in demo.stdout + demo.stderr
    assert "Traceback" not in demo.stderr


@pytest.mark.parametrize("columns", [80, 120, 200])
def test_it_fits_every_terminal_with_the_same_text(
    demo: subprocess.CompletedProcess[str], columns: int
) -> None:
    with on_a_terminal("demo", columns=columns) as terminal:
        assert terminal.ended() == 0, terminal.text
        shown = terminal.text
    assert widest(shown) <= columns
    assert entries(shown) == entries(demo.stdout)
    assert shown.splitlines()[-1] == LAST


def test_the_readme_shows_what_the_demo_prints(demo: subprocess.CompletedProcess[str]) -> None:
    text = README.read_text()
    assert BEGIN in text, f"README.md lacks the block between {BEGIN} and {END}"
    assert END in text, f"README.md lacks {END}"
    block = text.partition(BEGIN)[2].partition(END)[0].strip()
    fenced = re.fullmatch(r"```text\n(.*)\n```", block, re.DOTALL)
    assert fenced, f"between {BEGIN} and {END} there must be one fenced block: ```text"
    promised, printed = fenced[1].strip().splitlines(), demo.stdout.strip().splitlines()
    assert list(map(masked, promised[:4])) == list(map(masked, printed[:4]))
    assert entries(fenced[1]) == entries(demo.stdout)
    assert promised[-1] == printed[-1] == LAST
    assert widest(fenced[1]) <= README_COLUMNS
