"""The rate limiter: a token bucket."""

from hypothesis import given
from hypothesis import strategies as st

from bridge.intake.rate_limit import RateLimiter


class Clock:
    """Seconds that a test turns on."""

    def __init__(self) -> None:
        self.now_s = 1_000.0

    def __call__(self) -> float:
        return self.now_s


def test_a_bucket_of_none_admits_none() -> None:
    clock = Clock()
    bucket = RateLimiter(0, clock)
    clock.now_s += 3_600
    assert not bucket.allow()


def test_the_bucket_fills_again_with_time() -> None:
    clock = Clock()
    bucket = RateLimiter(60, clock)
    assert [bucket.allow() for _ in range(61)] == [True] * 60 + [False]
    clock.now_s += 0.5
    assert not bucket.allow()
    clock.now_s += 0.5
    assert [bucket.allow(), bucket.allow()] == [True, False]
    clock.now_s += 3_600
    assert sum(bucket.allow() for _ in range(200)) == 60


@given(
    st.integers(1, 20),
    st.lists(st.sampled_from([0.0, 0.1, 1.0]) | st.floats(0, 90), min_size=1, max_size=200),
)
def test_no_minute_has_more_than_a_full_bucket_and_a_minutes_filling(
    per_minute_max: int, pauses_s: list[float]
) -> None:
    clock = Clock()
    bucket = RateLimiter(per_minute_max, clock)
    admitted: list[float] = []
    for pause_s in pauses_s:
        clock.now_s += pause_s
        if bucket.allow():
            admitted.append(clock.now_s)
    for begin in admitted:
        within = [at for at in admitted if begin <= at < begin + 60]
        assert len(within) <= 2 * per_minute_max
