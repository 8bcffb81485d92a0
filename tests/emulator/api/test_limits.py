"""How many requests of an account are admitted."""

from datetime import datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from bridge.emulator.api.limits import RequestLimit
from tests.emulator.machines import BEGIN


@given(st.lists(st.integers(0, 20), max_size=60))
def test_no_window_has_more_admitted_requests_than_the_limit(gaps_s: list[int]) -> None:
    limit, now = RequestLimit(3, window_s=5.0), BEGIN
    admitted, refused = list[datetime](), list[datetime]()
    for gap_s in gaps_s:
        now += timedelta(seconds=gap_s / 10)
        (admitted if limit.admit("MA", now) else refused).append(now)
    window = timedelta(seconds=5)
    for one in (*admitted, *refused):
        before = [other for other in admitted if one - window < other <= one]
        assert len(before) <= 3
        if one in refused:
            assert len(before) == 3


def test_accounts_are_counted_apart() -> None:
    limit = RequestLimit(1, window_s=5.0)
    assert [limit.admit(one, BEGIN) for one in ("a", "b", "a")] == [True, True, False]
