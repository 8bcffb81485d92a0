"""The spool's file: what is written comes back, whole and in order."""

import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.record import Record
from bridge.spool.row import Encoded, encode
from bridge.spool.store import APPLICATION_ID, FileDamaged, FileNotOurs, Store
from tests.spool.making import NOON_MS, callback, name_of

RECORDS = st.builds(
    Record,
    topic=st.text(st.characters(codec="utf-8")),
    key=st.binary(),
    value=st.binary(max_size=200),
    headers=st.lists(st.tuples(st.text(st.characters(codec="utf-8")), st.binary()), max_size=5).map(
        tuple
    ),
    timestamp_ms=st.integers(0, 2**53),
)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "spool-1.db"
    path.touch()
    return path


@pytest.fixture
def store(path: Path) -> Iterator[Store]:
    store = Store(path)
    yield store
    store.close()


def rows(name: str, key: bytes = b"call", padding: int = 0) -> list[Encoded]:
    return [encode(one) for one in callback(name, key, padding=padding)]


def add(store: Store, *names: str, padding: int = 0) -> None:
    with store.transaction():
        for name in names:
            store.add(rows(name, padding=padding), spooled_at_ms=NOON_MS)


def page(store: Store, after: int = 0, **bounds: int) -> list[str]:
    found = store.page(after, **{"callbacks_max": 100, "bytes_max": 10**9, **bounds})
    return [name_of(one.records[0]) for one in found]


@given(records=st.lists(RECORDS, min_size=1, max_size=4))
def test_what_is_written_comes_back_with_every_byte(
    records: list[Record], tmp_path_factory: pytest.TempPathFactory
) -> None:
    path = tmp_path_factory.mktemp("store") / "spool-1.db"
    path.touch()
    store = Store(path)
    encoded = [encode(one) for one in records]
    with store.transaction():
        store.add(encoded, spooled_at_ms=7, tries=2)
    (kept,) = store.page(0, callbacks_max=10, bytes_max=10**9)
    tally = store.tally()
    store.close()
    assert (kept.records, kept.spooled_at_ms, kept.tries) == (tuple(records), 7, 2)
    assert kept.size_bytes == tally.size_bytes == sum(one.size_bytes for one in encoded)


def test_headers_are_text_that_can_be_read_with_any_tool(store: Store, path: Path) -> None:
    record = Record("t", b"k", b"v", (("a", b"text"), ("b", b"\xff")), NOON_MS)
    with store.transaction():
        store.add([encode(record)], spooled_at_ms=1)
    with sqlite3.connect(path) as other:
        (headers,) = other.execute("SELECT headers FROM records").fetchone()
    other.close()
    assert headers == '[["a","text"],["b",{"base64":"/w=="}]]'


def test_callbacks_come_back_in_the_order_they_were_added(store: Store) -> None:
    add(store, "a", "b")
    add(store, "c")
    assert page(store) == ["a", "b", "c"]


@pytest.mark.parametrize(
    ("bounds", "first"),
    [
        ({"callbacks_max": 2}, ["a", "b"]),
        ({"bytes_max": 1}, ["a"]),
        ({"bytes_max": 469}, ["a"]),
        ({"bytes_max": 470}, ["a", "b"]),
    ],
)
def test_a_page_is_bounded_and_never_empty_while_there_is_something(
    store: Store, bounds: dict[str, int], first: list[str]
) -> None:
    add(store, "a", "b", "c")
    assert store.page(0, callbacks_max=1, bytes_max=1)[0].size_bytes == 235
    assert page(store, **bounds) == first


def test_pages_follow_each_other_without_a_gap(store: Store) -> None:
    names = [str(number) for number in range(10)]
    add(store, *names)
    seen: list[str] = []
    after = 0
    while found := store.page(after, callbacks_max=3, bytes_max=10**9):
        seen += [name_of(one.records[0]) for one in found]
        after = found[-1].number
    assert seen == names


def test_a_number_is_never_given_twice_even_after_everything_was_deleted(
    store: Store, path: Path
) -> None:
    add(store, "a", "b")
    found = store.page(0, callbacks_max=10, bytes_max=10**9)
    with store.transaction():
        store.remove([one.extent for one in found])
    assert store.empty()
    store.close()
    again = Store(path)
    add(again, "c")
    (later,) = again.page(0, callbacks_max=10, bytes_max=10**9)
    again.close()
    assert later.number > max(one.number for one in found)


def test_a_transaction_that_fails_leaves_nothing_and_gives_its_numbers_again(store: Store) -> None:
    add(store, "a")
    number_next = store.number_next

    def both() -> None:
        with store.transaction():
            store.add(rows("b"), spooled_at_ms=1)
            raise InterruptedError

    with pytest.raises(InterruptedError):
        both()
    assert (page(store), store.number_next) == (["a"], number_next)


def test_parked_callbacks_are_passed_over_until_they_are_unparked(store: Store) -> None:
    add(store, "a", "b")
    first = store.page(0, callbacks_max=1, bytes_max=1)[0]
    with store.transaction():
        store.tried(first, 3, parked=True)
    assert page(store) == ["b"]
    assert (store.tally().parked, store.tally().keys[b"call"]) == (1, 1)
    with store.transaction():
        store.unpark()
    assert page(store) == ["a", "b"]
    assert store.page(0, callbacks_max=1, bytes_max=1)[0].tries == 3


def test_a_tally_counts_callbacks_records_and_keys(store: Store) -> None:
    with store.transaction():
        for name, key in [("a", b"x"), ("b", b"y"), ("c", b"x")]:
            store.add(rows(name, key), spooled_at_ms=1)
    tally = store.tally()
    assert (tally.callbacks, tally.records, dict(tally.keys)) == (3, 6, {b"x": 2, b"y": 1})


def test_the_oldest_is_the_first_in_line_that_is_not_parked(store: Store) -> None:
    assert store.oldest_at_ms() is None
    with store.transaction():
        for at_ms in (5, 6):
            store.add(rows(str(at_ms)), spooled_at_ms=at_ms)
    assert store.oldest_at_ms() == 5
    with store.transaction():
        store.tried(store.page(0, callbacks_max=1, bytes_max=1)[0], 3, parked=True)
    assert store.oldest_at_ms() == 6


def test_disk_space_comes_back_once_most_of_the_file_is_free(store: Store, path: Path) -> None:
    add(store, *map(str, range(400)), padding=4000)
    assert not store.tidy()
    store.checkpoint()
    full = path.stat().st_size
    with store.transaction():
        store.remove([one.extent for one in store.page(0, callbacks_max=399, bytes_max=10**9)])
    steps = 0
    while store.tidy():
        steps += 1
    store.checkpoint()
    assert steps > 1
    assert path.stat().st_size < full // 4
    assert page(store) == ["399"]


@pytest.mark.parametrize("padding", [0, 1000, 1825, 1950, 2000, 4000, 20_000])
def test_the_file_is_at_most_twice_as_large_as_its_records(
    store: Store, path: Path, padding: int
) -> None:
    # A page holds one record that is a little over half as large: the chart sizes volumes by that.
    add(store, *(f"callback {number}" for number in range(200)), padding=padding)
    store.checkpoint()
    assert path.stat().st_size < 2 * store.tally().size_bytes


def test_a_long_wal_is_cut_once_the_file_holds_nothing(store: Store, path: Path) -> None:
    wal = path.with_name(path.name + "-wal")
    add(store, *map(str, range(200)), padding=4000)
    with store.transaction():
        store.remove([one.extent for one in store.page(0, callbacks_max=1000, bytes_max=10**9)])
    assert wal.stat().st_size > 1_000_000
    while store.tidy():
        pass
    assert wal.stat().st_size == 0


def test_what_a_failed_commit_left_behind_is_deleted_by_the_proof(store: Store) -> None:
    add(store, "kept")
    number_next = store.number_next
    add(store, "refused")  # as if its fsync had failed after it was written
    store.prove(number_next)
    assert page(store) == ["kept"]


def test_a_checkpoint_does_not_wait_for_a_reader(store: Store, path: Path) -> None:
    add(store, "a")
    reader = sqlite3.connect(path)
    reader.execute("BEGIN")
    reader.execute("SELECT * FROM records").fetchone()
    add(store, "b")
    store.checkpoint()
    reader.close()
    assert page(store) == ["a", "b"]


@pytest.mark.parametrize(
    ("statement", "says"),
    [
        ("PRAGMA user_version = 2", "a newer version of the bridge (spool version 2, not 1)"),
        ("PRAGMA application_id = 7", "no spool of the callback bridge"),
    ],
)
def test_a_file_that_is_not_ours_is_refused_and_left_as_it_is(
    path: Path, statement: str, says: str
) -> None:
    Store(path).close()
    with sqlite3.connect(path) as other:
        other.execute(statement)
    other.close()
    before = path.read_bytes()
    with pytest.raises(FileNotOurs) as told:
        Store(path)
    assert says in str(told.value)
    assert path.read_bytes() == before


def test_a_file_says_what_it_is(store: Store, path: Path) -> None:
    add(store, "a")
    store.checkpoint()
    header = path.read_bytes()[:100]
    assert int.from_bytes(header[68:72]) == APPLICATION_ID
    assert int.from_bytes(header[60:64]) == 1


def damaged(path: Path, at: int, length: int) -> None:
    content = bytearray(path.read_bytes())
    content[at : at + length] = b"\xa5" * length
    path.write_bytes(content)


@pytest.mark.parametrize(("at", "length"), [(0, 100), (8192, 4096)])
def test_a_damaged_file_is_told_from_a_sound_one(path: Path, at: int, length: int) -> None:
    store = Store(path)
    add(store, *map(str, range(50)), padding=500)
    store.checkpoint()
    store.close()
    damaged(path, at, length)
    with pytest.raises(FileDamaged):
        Store(path)


def test_a_commit_waits_for_the_disk(store: Store) -> None:
    # With less than FULL the WAL is fsynced now and then, and a power cut loses what was answered.
    assert store._one("PRAGMA synchronous") == 2
    assert store._one("PRAGMA journal_mode") == "wal"


def test_opening_a_large_file_sorts_nothing_in_a_temporary_one(store: Store) -> None:
    # A sorter would hold every value, on a pod whose temporary volume is small.
    add(store, *"abc")
    asked: list[str] = []
    store._connection.set_trace_callback(asked.append)
    store.tally()
    store.oldest_at_ms()
    store._connection.set_trace_callback(None)
    assert len(asked) == 2
    for query in asked:
        steps = store._connection.execute(f"EXPLAIN QUERY PLAN {query}").fetchall()
        assert not any("TEMP B-TREE" in step[3] for step in steps), (query, steps)


@pytest.mark.parametrize(
    ("column", "damage", "headers"),
    [
        ("headers", "[[broken", [("spool_headers_unreadable", b"[[broken")]),
        ("headers", "[1]", [("spool_headers_unreadable", b"[1]")]),
        ("topic", b"ev\xffents", None),
    ],
)
def test_a_row_whose_text_is_damaged_comes_back_as_far_as_it_can_be_read(
    store: Store, column: str, damage: str | bytes, headers: list[tuple[str, bytes]] | None
) -> None:
    add(store, "damaged", "sound")
    query = f"UPDATE records SET {column} = CAST(? AS TEXT) WHERE number = 1"
    store._connection.execute(query, (damage,))
    first, second = store.page(0, callbacks_max=10, bytes_max=10**6)
    assert name_of(first.records[0]) == "damaged"
    assert name_of(second.records[0]) == "sound"
    if headers is not None:
        assert list(first.records[0].headers) == headers
