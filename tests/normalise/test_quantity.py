"""Counts, flags, money and words."""

from collections.abc import Callable
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.normalise.quantity import count, flag, money, text, word
from bridge.normalise.reading import Scope, Unreadable

SCOPE = Scope(direction=None, zone=None)


@pytest.mark.parametrize(
    ("read", "given_text", "value"),
    [
        (text, " Any Text ", " Any Text "),
        (word, "In-Progress", "in-progress"),
        (count, "0", 0),
        (count, "066", 66),
        (count, "999999999999999", 999_999_999_999_999),
        (money, "0.01000", "0.01000"),
        (money, "-0.5", "-0.5"),
        (money, "12", "12"),
        (flag, "true", True),
        (flag, "True", True),
        (flag, "1", True),
        (flag, "false", False),
        (flag, "FALSE", False),
        (flag, "0", False),
    ],
)
def test_a_text_of_the_right_form_has_one_value(
    read: Callable[[str, Scope], object], given_text: str, value: object
) -> None:
    found = read(given_text, SCOPE)
    assert found == value
    assert type(found) is type(value)


@pytest.mark.parametrize(
    ("read", "given_text", "reason"),
    [
        (count, "-1", "not_a_count"),
        (count, "1.0", "not_a_count"),
        (count, " 1", "not_a_count"),
        (count, "1\n", "not_a_count"),
        (count, "٣", "not_a_count"),
        (count, "1" * 16, "not_a_count"),
        (count, "1" * 5000, "not_a_count"),
        (money, ".5", "not_a_decimal"),
        (money, "5.", "not_a_decimal"),
        (money, "1e3", "not_a_decimal"),
        (money, "NaN", "not_a_decimal"),
        (money, "$1.00", "not_a_decimal"),
        (money, "1,000.00", "not_a_decimal"),
        (money, "0.5\n", "not_a_decimal"),
        (flag, "yes", "not_a_flag"),
        (flag, "human", "not_a_flag"),
        (flag, " true", "not_a_flag"),
    ],
)
def test_a_text_of_another_form_is_unreadable_with_a_stable_reason(
    read: Callable[[str, Scope], object], given_text: str, reason: str
) -> None:
    with pytest.raises(Unreadable) as unreadable:
        read(given_text, SCOPE)
    assert unreadable.value.reason == reason


@pytest.mark.parametrize("read", [count, money, flag])
@given(given_text=st.text())
def test_a_text_is_read_or_unreadable_and_nothing_else(
    read: Callable[[str, Scope], object], given_text: str
) -> None:
    with suppress(Unreadable):
        read(given_text, SCOPE)


@given(st.decimals(min_value=0, max_value=10**9, places=5))
def test_money_keeps_every_digit(amount: object) -> None:
    sent = f"{amount:f}"
    assert money(sent, SCOPE) == sent
