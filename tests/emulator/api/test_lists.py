"""Pages and filters of lists."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.emulator.api.answers import Body, Refused
from bridge.emulator.api.arguments import Arguments
from bridge.emulator.api.filters import read_integer_test, read_time_test
from bridge.emulator.api.pages import LIMIT_MAX, answer_page
from tests.emulator.machines import BEGIN


def read_page(total: int, **arguments: object) -> tuple[Body, list[int]]:
    body = answer_page(
        range(total),
        lambda number: {"number": number},
        Arguments(arguments),
        path="/v1/Account/MA/Call/",
        filter_names=("from_number",),
    ).body
    objects = cast("list[dict[str, int]]", body["objects"])
    return cast("Body", body["meta"]), [one["number"] for one in objects]


def test_the_middle_page_names_its_neighbours_with_the_filters() -> None:
    meta, numbers = read_page(25, limit=10, offset=10, from_number="+1415", other="x")
    assert numbers == list(range(10, 20))
    assert meta == {
        "limit": 10,
        "next": "/v1/Account/MA/Call/?limit=10&offset=20&from_number=%2B1415",
        "offset": 10,
        "previous": "/v1/Account/MA/Call/?limit=10&offset=0&from_number=%2B1415",
        "total_count": 25,
    }


@given(st.integers(0, 100), st.integers(1, LIMIT_MAX))
def test_following_next_visits_everything_once_and_ends(total: int, limit: int) -> None:
    seen, offset = list[int](), 0
    while True:
        meta, numbers = read_page(total, limit=limit, offset=offset)
        seen += numbers
        if meta["next"] is None:
            break
        offset += limit
    assert seen == list(range(total))


def read_end_times(arguments: dict[str, object]) -> Callable[[datetime], bool]:
    week, month = timedelta(days=7), timedelta(days=30)
    return read_time_test(Arguments(arguments), "end_time", BEGIN, window=week, window_max=month)


@pytest.mark.parametrize("arguments", [{"limit": 0}, {"limit": 21}, {"offset": -1}, {"limit": "x"}])
def test_a_page_that_plivo_does_not_have_is_refused(arguments: dict[str, object]) -> None:
    with pytest.raises(Refused, match=next(iter(arguments))):
        read_page(3, **arguments)


@pytest.mark.parametrize(
    ("form", "wanted"),
    [("", [60]), ("__gt", [61, 90]), ("__gte", [60, 61, 90]), ("__lt", [0]), ("__lte", [0, 60])],
)
def test_a_duration_has_five_forms(form: str, wanted: list[int]) -> None:
    is_wanted = read_integer_test(Arguments({f"bill_duration{form}": "60"}), "bill_duration")
    assert [one for one in (0, 60, 61, 90) if is_wanted(one)] == wanted


@pytest.mark.parametrize(
    ("arguments", "wanted"),
    [
        ({}, [0, 1, 6]),
        ({"end_time__gte": "2026-03-01 14:13:30"}, [0, 1, 6]),
        ({"end_time__gt": "2026-03-01 14:13:30.000000"}, [0, 1]),
        ({"end_time__lt": "2026-03-06 14:13:30"}, [6, 20]),
        ({"end_time__lte": "2026-03-06 14:13:30"}, [1, 6, 20]),
        ({"end_time__gt": "2026-02-01 00:00"}, [6, 20]),
        ({"end_time": "2026-03-06 14:13:30"}, [1]),
        ({"end_time__gt": "9999-12-31 00:00"}, []),
        ({"end_time__lt": "0001-01-01 00:00"}, []),
        ({"end_time__gt": "2026-02-10 00:00", "end_time__lt": "2026-03-02 00:00"}, [6, 20]),
    ],
)
def test_times_are_utc_and_a_week_is_searched_unless_told_otherwise(
    arguments: dict[str, object], wanted: list[int]
) -> None:
    is_wanted = read_end_times(arguments)
    days = (0, 1, 6, 20, 80)
    assert [one for one in days if is_wanted(BEGIN - timedelta(days=one))] == wanted


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        ({"end_time": "yesterday"}, "end_time parameter is invalid"),
        ({"end_time__gt": "2026-03-07T14:13:30Z"}, "end_time__gt parameter is invalid"),
        (
            {"end_time__gt": "2026-01-01 00:00", "end_time__lt": "2026-03-02 00:00"},
            "at most 30 days",
        ),
    ],
)
def test_a_time_that_plivo_cannot_search_is_refused(
    arguments: dict[str, object], error: str
) -> None:
    with pytest.raises(Refused, match=error):
        read_end_times(arguments)
