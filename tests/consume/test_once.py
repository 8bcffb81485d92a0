"""Each event once, within the limits of the memory."""

from hypothesis import given
from hypothesis import strategies as st

from bridge.consume.once import Deduplicator

IDS = st.lists(st.sampled_from("abcdefgh"), max_size=60)


def test_an_id_is_new_once() -> None:
    seen = Deduplicator(ids_max=10)
    assert [seen.is_new(one) for one in "abab"] == [True, True, False, False]


def test_an_id_is_new_again_after_its_age() -> None:
    seen = Deduplicator(ids_max=10, age_max_s=60)
    assert seen.is_new("a", now_s=0)
    assert not seen.is_new("a", now_s=60)
    assert not seen.is_new("a", now_s=120)
    assert seen.is_new("a", now_s=180.5)


def test_a_clock_that_is_set_back_does_not_raise() -> None:
    seen = Deduplicator(ids_max=10, age_max_s=60)
    assert seen.is_new("a", now_s=100)
    assert not seen.is_new("a", now_s=0)


def test_a_forgotten_id_is_new_again() -> None:
    seen = Deduplicator(ids_max=10)
    assert seen.is_new("a")
    seen.forget("a")
    seen.forget("never seen")
    assert seen.is_new("a")


@given(IDS)
def test_with_enough_memory_each_id_is_new_once(ids: list[str]) -> None:
    seen = Deduplicator(ids_max=8)
    kept = [one for one in ids if seen.is_new(one)]
    assert kept == list(dict.fromkeys(ids))


@given(IDS, st.integers(1, 8))
def test_memory_is_bounded_and_no_id_is_new_before_ids_max_others(
    ids: list[str], ids_max: int
) -> None:
    seen = Deduplicator(ids_max=ids_max)
    for place, one in enumerate(ids):
        last = max((at for at in range(place) if ids[at] == one), default=None)
        expected = last is None or len(set(ids[last + 1 : place])) >= ids_max
        assert seen.is_new(one) == expected
        assert len(seen) <= ids_max


@given(st.lists(st.tuples(st.sampled_from("abc"), st.integers(0, 20)), max_size=40))
def test_an_id_is_new_exactly_when_it_was_not_seen_for_its_age(
    steps: list[tuple[str, int]],
) -> None:
    seen = Deduplicator(ids_max=100, age_max_s=10)
    last_s: dict[str, int] = {}
    now_s = 0
    for one, pause_s in steps:
        now_s += pause_s
        expected = one not in last_s or now_s - last_s[one] > 10
        assert seen.is_new(one, now_s=now_s) == expected
        last_s[one] = now_s
