"""A file of destinations has one a line, and its faults name the lines."""

import pytest

from bridge.originate.destinations import DESTINATIONS_MAX, Line, read_lines
from bridge.originate.parameter import RequestFaults

NOT_A_NUMBER = "is not a number; write country code and number, such as 14157654321"


def read_faults(text: str) -> list[str]:
    with pytest.raises(RequestFaults) as caught:
        read_lines(text, "numbers.txt")
    return str(caught.value).split("\n")


def test_comments_and_empty_lines_count_for_nothing_but_keep_their_numbers() -> None:
    text = "\ufeff# customers\n14155550101\n\n  +14155550102  # Ann\r\nsip:a#1@example.com\t#b\n"
    assert read_lines(text, "numbers.txt") == (
        Line(2, "14155550101"),
        Line(4, "+14155550102"),
        Line(5, "sip:a#1@example.com"),
    )


def test_all_faults_are_reported_with_their_lines() -> None:
    assert read_faults("14155550101\nsoon\n#\n+14155550101\n14155550102<14155550103\n") == [
        f"to: numbers.txt, line 2: 'soon' {NOT_A_NUMBER}",
        "to: numbers.txt, line 4: '+14155550101' is on line 1 already; remove one of the two",
        f"to: numbers.txt, line 5: '14155550102<14155550103' {NOT_A_NUMBER}",
    ]


@pytest.mark.parametrize("text", ["", "\n\n", "# nobody\n"])
def test_a_file_without_destinations_is_a_fault(text: str) -> None:
    assert read_faults(text) == ["to: numbers.txt has no destination; write one on each line"]


def test_a_file_has_at_most_what_plivo_takes() -> None:
    lines = [f"1415555{number:04}" for number in range(DESTINATIONS_MAX + 1)]
    assert len(read_lines("\n".join(lines[:-1]), "numbers.txt")) == DESTINATIONS_MAX
    assert read_faults("\n".join(lines)) == [
        "to: numbers.txt has 1,001 destinations, and Plivo takes 1,000; split the file"
    ]


def test_a_long_line_is_shown_shortened() -> None:
    (fault,) = read_faults("x" * 5_000)
    assert len(fault) < 200
