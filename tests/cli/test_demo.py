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
LAST = "demo: 3 calls, 14 callbacks, 14 stored, 0 lost"
README_COLUMNS = 80

MASKS = [
    # The day stands beside a time only where it is not the day before it.
    (r"(\d{4}-\d\d-\d\d )?\d\d:\d\d:\d\d([+-]\d\d:\d\d)?", "<time>"),
    (r"\b[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\b", "<id>"),
    (r"127\.0\.0\.1:\d+", "127.0.0.1:<port>"),
    # Answers take real time, and an emulated clock is fast.
    (r"\d+(\.\d)? s\b", "<seconds>"),
    (r"\d\.\d{5}\b", "<cost>"),
]


@pytest.fixture(scope="module")
def demo() -> subprocess.CompletedProcess[str]:
    return run("demo")


def masked(text: str) -> list[str]:
    """Return the words of a text, without what differs from run to run."""
    for pattern, mask in MASKS:
        text = re.sub(pattern, mask, text)
    return text.split()


def test_it_ends_with_nothing_lost(demo: subprocess.CompletedProcess[str]) -> None:
    assert demo.returncode == 0, demo.stdout + demo.stderr
    assert demo.stdout.splitlines()[-1] == LAST


def test_it_tells_three_calls_in_the_order_of_their_events(
    demo: subprocess.CompletedProcess[str],
) -> None:
    told = re.findall(
        r"^ +\d+\.\d s  (voice\.\S+|ended: \d+|leg to \d+)", demo.stdout, re.MULTILINE
    )
    menu, busy, machine = told[:10], told[10:13], told[13:]
    assert menu[:5] == [
        "voice.call.ring",
        "voice.call.answer",
        "voice.getdigits.action",
        "voice.dial.answer",
        "voice.dial.connected",
    ]
    assert {*menu[5:]} == {
        "voice.dial.hangup",
        "voice.dial.action",
        "leg to 14155550177",
        "voice.call.hangup",
        "ended: 4010",
    }
    assert busy == ["voice.call.ring", "voice.call.hangup", "ended: 3010"]
    assert machine[2] == "voice.call.machine_detection"


def test_it_shows_the_legs_as_they_are_stored(demo: subprocess.CompletedProcess[str]) -> None:
    assert demo.stdout.count("first leg") == 3
    assert demo.stdout.count("dialled leg") == 1
    assert "by callee: Normal Hangup (4000, callee)" in demo.stdout
    assert "by carrier: Busy Line (3010, carrier)" in demo.stdout


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
    assert masked(shown) == masked(demo.stdout)


def test_the_readme_shows_what_the_demo_prints(demo: subprocess.CompletedProcess[str]) -> None:
    text = README.read_text()
    assert BEGIN in text, f"README.md lacks the block between {BEGIN} and {END}"
    assert END in text, f"README.md lacks {END}"
    block = text.partition(BEGIN)[2].partition(END)[0].strip()
    fenced = re.fullmatch(r"```text\n(.*)\n```", block, re.DOTALL)
    assert fenced, f"between {BEGIN} and {END} there must be one fenced block: ```text"
    assert masked(fenced[1]) == masked(demo.stdout)
    assert widest(fenced[1]) <= README_COLUMNS
