"""No item lost, none twice, and in order within the window."""

from collections import Counter
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.consume.order import Reorder, SortKey, find_call, make_sort_key
from bridge.consume.record import parse_event
from tests.support.sample_events import changed, sample

START = datetime(2026, 3, 7, tzinfo=UTC)
WINDOW_S = 10


def place(second: int, sequence: int = 0) -> SortKey:
    return START + timedelta(seconds=second), sequence


@dataclass(frozen=True)
class Item:
    """What was pushed: which one, of which key, its place, and when it came."""

    number: int
    key: str
    place: SortKey
    came_s: int


@st.composite
def arrivals(draw: st.DrawFn) -> list[Item]:
    steps = draw(
        st.lists(
            st.tuples(
                st.sampled_from("abc"), st.integers(0, 8), st.integers(0, 2), st.integers(0, 6)
            ),
            max_size=40,
        )
    )
    items: list[Item] = []
    now_s = 0
    for number, (key, second, sequence, pause_s) in enumerate(steps):
        now_s += pause_s
        items.append(Item(number, key, place(second, sequence), now_s))
    return items


def pushed(reorder: Reorder[Item], items: list[Item]) -> list[tuple[Item, int]]:
    """Push all, flush, and return what came out with when it did."""
    out: list[tuple[Item, int]] = []
    for one in items:
        ready = reorder.push(one, key=one.key, sort_key=one.place, now_s=one.came_s)
        out += [(item, one.came_s) for item in ready]
    end_s = items[-1].came_s if items else 0
    return out + [(item, end_s) for item in reorder.flush()]


def test_items_are_held_for_the_window_and_released_in_order() -> None:
    reorder: Reorder[str] = Reorder(window_s=WINDOW_S, items_max=100)
    assert reorder.push("hangup", key="call", sort_key=place(9), now_s=0) == []
    assert reorder.push("answer", key="call", sort_key=place(5), now_s=1) == []
    assert reorder.due(9.9) == []
    assert reorder.due(10) == ["answer", "hangup"]
    assert len(reorder) == 0


def test_later_items_stay_when_an_item_is_released() -> None:
    reorder: Reorder[str] = Reorder(window_s=WINDOW_S, items_max=100)
    reorder.push("answer", key="call", sort_key=place(5), now_s=0)
    reorder.push("hangup", key="call", sort_key=place(9), now_s=4)
    assert reorder.due(10) == ["answer"]
    assert reorder.due(14) == ["hangup"]


def test_keys_do_not_wait_for_each_other() -> None:
    reorder: Reorder[str] = Reorder(window_s=WINDOW_S, items_max=100)
    reorder.push("first", key="one call", sort_key=place(9), now_s=0)
    reorder.push("second", key="another", sort_key=place(1), now_s=5)
    assert reorder.due(10) == ["first"]


def test_the_sequence_decides_where_times_are_equal_and_arrival_where_both_are() -> None:
    reorder: Reorder[str] = Reorder(window_s=WINDOW_S, items_max=100)
    for name, sequence in (("c", 2), ("a", 1), ("b", 1)):
        reorder.push(name, key="message", sort_key=place(1, sequence), now_s=0)
    assert reorder.flush() == ["a", "b", "c"]


def test_one_item_too_many_releases_the_oldest() -> None:
    reorder: Reorder[str] = Reorder(window_s=WINDOW_S, items_max=2)
    reorder.push("b", key="call", sort_key=place(2), now_s=0)
    reorder.push("other", key="another", sort_key=place(0), now_s=1)
    assert reorder.push("a", key="call", sort_key=place(1), now_s=2) == ["a", "b"]


def test_a_clock_that_is_set_back_holds_nothing_longer() -> None:
    reorder: Reorder[str] = Reorder(window_s=WINDOW_S, items_max=10)
    reorder.push("a", key="call", sort_key=place(1), now_s=100)
    reorder.push("b", key="call", sort_key=place(2), now_s=0)
    assert reorder.due(110) == ["a", "b"]


@given(arrivals(), st.integers(1, 50))
def test_no_item_is_lost_and_none_is_released_twice(items: list[Item], items_max: int) -> None:
    reorder: Reorder[Item] = Reorder(window_s=WINDOW_S, items_max=items_max)
    out = pushed(reorder, items)
    assert Counter(item.number for item, _ in out) == Counter(item.number for item in items)
    assert len(reorder) == 0


@given(arrivals())
def test_only_an_item_pushed_after_the_window_is_released_out_of_order(items: list[Item]) -> None:
    out = [item for item, _ in pushed(Reorder(window_s=WINDOW_S, items_max=1000), items)]
    for at, later in enumerate(out):
        for earlier in out[:at]:
            if earlier.key == later.key and earlier.place > later.place:
                assert any(
                    other.key == later.key
                    and other.place >= earlier.place
                    and later.came_s - other.came_s >= WINDOW_S
                    for other in items
                )


@given(arrivals())
def test_no_item_is_held_past_the_first_call_after_its_window(items: list[Item]) -> None:
    out = pushed(Reorder(window_s=WINDOW_S, items_max=1000), items)
    for item, let_go_s in out:
        calls_s = [one.came_s for one in items if one.came_s >= item.came_s + WINDOW_S]
        assert not calls_s or let_go_s <= calls_s[0]


@given(arrivals(), st.integers(1, 8))
def test_at_most_items_max_are_held(items: list[Item], items_max: int) -> None:
    reorder: Reorder[Item] = Reorder(window_s=WINDOW_S, items_max=items_max)
    for one in items:
        reorder.push(one, key=one.key, sort_key=one.place, now_s=one.came_s)
        assert len(reorder) <= items_max


def test_events_are_sorted_by_time_and_then_by_sequence() -> None:
    event = parse_event(sample("messaging.message.status").event.record.value)
    assert make_sort_key(event) == (event.envelope.time, 3)
    without = parse_event(sample("voice.call.hangup").event.record.value)
    assert make_sort_key(without) == (without.envelope.time, 0)


def test_the_key_of_a_voice_event_is_its_call_over_all_legs() -> None:
    event = parse_event(
        changed("voice.call.hangup", lambda event: event["data"]["correlation"].update(call="c-1"))
    )
    assert find_call(event) == "c-1"


@pytest.mark.parametrize("name", ["messaging.message.status", "unrecognised"])
def test_other_events_have_their_own_key(name: str) -> None:
    record = sample(name).event.record
    assert find_call(parse_event(record.value)) == orjson.loads(record.value)["partitionkey"]


def test_a_voice_event_without_a_call_has_its_own_key() -> None:
    event = parse_event(
        changed("voice.call.hangup", lambda event: event["data"]["correlation"].update(call=None))
    )
    assert find_call(event) == event.envelope.partitionkey
