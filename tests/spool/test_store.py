"""The spool file: what is written is read back, completely and in order."""

import json
import sqlite3
from pathlib import Path

import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from bridge.core.record import Record
from bridge.spool.codec import ContentDamaged, decode_callback, encode_callback
from bridge.spool.store import SpoolStore
from tests.support.spool import NOON_MS, callback, name_of
from tests.support.spool_store import add, page, row

RECORDS = st.builds(
    Record,
    topic=st.text(st.characters(codec="utf-8")),
    key=st.just(b"the key of all"),
    value=st.binary(max_size=200),
    headers=st.lists(st.tuples(st.text(st.characters(codec="utf-8")), st.binary()), max_size=5).map(
        tuple
    ),
    timestamp_ms=st.integers(0, 2**53),
)


# What a callback takes when it is decoded: as much as an operator's limit of bytes may have compressed.
ONE = row("a").decoded_bytes


@given(records=st.lists(RECORDS, min_size=1, max_size=4))
def test_what_is_written_comes_back_with_every_byte(
    records: list[Record], tmp_path_factory: pytest.TempPathFactory
) -> None:
    path = tmp_path_factory.mktemp("store") / "spool-1.db"
    path.touch()
    store = SpoolStore(path)
    encoded = encode_callback(records, 7)._replace(tries=2)
    with store.transaction():
        store.insert([encoded])
    (kept,) = map(decode_callback, store.read_page(0, callbacks_max=10, bytes_max=10**9))
    tally = store.count()
    store.close()
    assert (kept.records, kept.spooled_at_ms, kept.tries) == (tuple(records), 7, 2)
    assert kept.size_bytes == tally.size_bytes == encoded.size_bytes
    assert len(kept.records) == tally.records == encoded.records


def test_content_can_be_read_with_any_tool(store: SpoolStore, path: Path) -> None:
    record = Record("t", b"k", b"v\n", (("a", b"text"), ("b", b"\xff")), NOON_MS)
    with store.transaction():
        store.insert([encode_callback([record, record._replace(topic="u", headers=())], 1)])
    with sqlite3.connect(path) as other:
        topics, content = other.execute("SELECT topics, content FROM callbacks").fetchone()
    other.close()
    head, values = zstandard.decompress(content).split(b"\n", 1)
    assert topics == '["t","u"]'
    assert json.loads(head) == [
        [NOON_MS, 2, [["a", "text"], ["b", {"base64": "/w=="}]]],
        [NOON_MS, 2, []],
    ]
    assert values == b"v\nv\n"


@given(position=st.integers(0), bit=st.integers(0, 7))
def test_content_in_which_a_bit_was_flipped_is_never_taken_for_what_was_written(
    position: int, bit: int
) -> None:
    encoded = row("a", padding=500)
    content = bytearray(encoded.content)
    content[position % len(content)] ^= 1 << bit
    try:
        found = decode_callback(encoded._replace(content=bytes(content))).records
    except ContentDamaged:
        return
    assert found == callback("a", padding=500)  # a bit of the frame's head that means nothing


def test_texts_that_both_records_have_are_stored_once() -> None:
    one = row("a", padding=1000)
    twice = [one._replace(value=callback("a", padding=1000)[0].value) for one in callback("a")]
    assert len(encode_callback(twice, 0).content) < 0.6 * len(one.content)


def test_callbacks_come_back_in_the_order_they_were_added(store: SpoolStore) -> None:
    add(store, "a", "b")
    add(store, "c")
    assert page(store) == ["a", "b", "c"]


@pytest.mark.parametrize(
    ("bounds", "first"),
    [
        ({"callbacks_max": 2}, ["a", "b"]),
        ({"bytes_max": 1}, ["a"]),
        ({"bytes_max": 2 * ONE - 1}, ["a"]),
        ({"bytes_max": 2 * ONE}, ["a", "b"]),
    ],
)
def test_a_page_is_bounded_and_never_empty_while_there_is_something(
    store: SpoolStore, bounds: dict[str, int], first: list[str]
) -> None:
    add(store, "a", "b", "c")
    assert page(store, **bounds) == first


def test_pages_follow_each_other_without_a_gap(store: SpoolStore) -> None:
    names = [str(number) for number in range(10)]
    add(store, *names)
    seen: list[str] = []
    after = 0
    while found := store.read_page(after, callbacks_max=3, bytes_max=10**9):
        seen += [name_of(decode_callback(one).records[0]) for one in found]
        after = found[-1].number
    assert seen == names


def test_a_number_is_never_given_twice_even_after_everything_was_deleted(
    store: SpoolStore, path: Path
) -> None:
    add(store, "a", "b")
    found = store.read_page(0, callbacks_max=10, bytes_max=10**9)
    with store.transaction():
        store.remove([one.number for one in found])
    assert store.is_empty()
    store.close()
    again = SpoolStore(path)
    add(again, "c")
    (later,) = again.read_page(0, callbacks_max=10, bytes_max=10**9)
    again.close()
    assert later.number > max(one.number for one in found)


def test_a_transaction_that_fails_leaves_nothing_and_gives_its_numbers_again(
    store: SpoolStore,
) -> None:
    add(store, "a")
    number_next = store.number_next

    def both() -> None:
        with store.transaction():
            store.insert([row("b")])
            raise InterruptedError

    with pytest.raises(InterruptedError):
        both()
    assert (page(store), store.number_next) == (["a"], number_next)


def test_parked_callbacks_are_passed_over_until_they_are_unparked(store: SpoolStore) -> None:
    add(store, "a", "b")
    first = store.read_page(0, callbacks_max=1, bytes_max=1)[0]
    with store.transaction():
        store.set_tries(first.number, 3, parked=True)
    assert page(store) == ["b"]
    assert (store.count().parked, store.count().keys[b"call"]) == (1, 1)
    with store.transaction():
        store.unpark_all()
    assert page(store) == ["a", "b"]
    assert store.read_page(0, callbacks_max=1, bytes_max=1)[0].tries == 3


def test_a_tally_counts_callbacks_records_and_keys(store: SpoolStore) -> None:
    with store.transaction():
        store.insert([row("a", b"x"), row("b", b"y"), row("c", b"x")])
    tally = store.count()
    assert (tally.callbacks, tally.records, dict(tally.keys)) == (3, 6, {b"x": 2, b"y": 1})


def test_the_oldest_is_the_first_in_line_that_is_not_parked(store: SpoolStore) -> None:
    assert store.oldest_at_ms() is None
    with store.transaction():
        store.insert([row("5", at_ms=5), row("6", at_ms=6)])
    assert store.oldest_at_ms() == 5
    with store.transaction():
        store.set_tries(store.read_page(0, callbacks_max=1, bytes_max=1)[0].number, 3, parked=True)
    assert store.oldest_at_ms() == 6
