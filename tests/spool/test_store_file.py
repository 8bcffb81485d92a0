"""The spool file on its disk: its size, its version, and what can be read when it is damaged."""

import sqlite3
from pathlib import Path

import pytest
import zstandard

from bridge.spool.codec import ContentDamaged, decode_callback
from bridge.spool.store import APPLICATION_ID, FileDamaged, FileNotOurs, SpoolStore
from tests.support.spool import name_of
from tests.support.spool_store import add, page


def test_disk_space_comes_back_once_most_of_the_file_is_free(store: SpoolStore, path: Path) -> None:
    add(store, *map(str, range(400)), padding=4000)
    assert not store.reclaim_space()
    store.checkpoint()
    full = path.stat().st_size
    with store.transaction():
        store.remove([one.number for one in store.read_page(0, callbacks_max=399, bytes_max=10**9)])
    steps = 0
    while store.reclaim_space():
        steps += 1
    store.checkpoint()
    assert steps > 1
    assert path.stat().st_size < full // 4
    assert page(store) == ["399"]


@pytest.mark.parametrize("padding", [0, 1000, 1825, 1950, 2000, 4000, 20_000])
def test_the_file_is_at_most_twice_as_large_as_its_records(
    store: SpoolStore, path: Path, padding: int
) -> None:
    # A page holds one record that is a little over half as large: the chart sizes volumes by that.
    add(store, *(f"callback {number}" for number in range(200)), padding=padding)
    store.checkpoint()
    assert path.stat().st_size < 2 * store.count().size_bytes


def test_a_long_wal_is_cut_once_the_file_holds_nothing(store: SpoolStore, path: Path) -> None:
    wal = path.with_name(path.name + "-wal")
    add(store, *map(str, range(200)), padding=4000)
    with store.transaction():
        store.remove(
            [one.number for one in store.read_page(0, callbacks_max=1000, bytes_max=10**9)]
        )
    assert wal.stat().st_size > 1_000_000
    while store.reclaim_space():
        pass
    assert wal.stat().st_size == 0


def test_what_a_failed_commit_left_behind_is_deleted_by_the_proof(store: SpoolStore) -> None:
    add(store, "kept")
    number_next = store.number_next
    add(store, "refused")  # as if its fsync had failed after it was written
    store.verify_writable(number_next)
    assert page(store) == ["kept"]


def test_a_checkpoint_does_not_wait_for_a_reader(store: SpoolStore, path: Path) -> None:
    add(store, "a")
    reader = sqlite3.connect(path)
    reader.execute("BEGIN")
    reader.execute("SELECT * FROM callbacks").fetchone()
    add(store, "b")
    store.checkpoint()
    reader.close()
    assert page(store) == ["a", "b"]


@pytest.mark.parametrize(
    ("statement", "says"),
    [
        ("PRAGMA user_version = 3", "a newer version of the bridge (spool version 3, not 2)"),
        ("PRAGMA user_version = 1", "an older version of the bridge (spool version 1, not 2)"),
        ("PRAGMA application_id = 7", "no spool of the callback bridge"),
    ],
)
def test_a_file_that_is_not_ours_is_refused_and_left_as_it_is(
    path: Path, statement: str, says: str
) -> None:
    SpoolStore(path).close()
    with sqlite3.connect(path) as other:
        other.execute(statement)
    other.close()
    before = path.read_bytes()
    with pytest.raises(FileNotOurs) as told:
        SpoolStore(path)
    assert says in str(told.value)
    assert path.read_bytes() == before


def test_a_file_says_what_it_is(store: SpoolStore, path: Path) -> None:
    add(store, "a")
    store.checkpoint()
    header = path.read_bytes()[:100]
    assert int.from_bytes(header[68:72]) == APPLICATION_ID
    assert int.from_bytes(header[60:64]) == 2


def damaged(path: Path, at: int, length: int) -> None:
    content = bytearray(path.read_bytes())
    content[at : at + length] = b"\xa5" * length
    path.write_bytes(content)


@pytest.mark.parametrize(("at", "length"), [(0, 100), (8192, 4096)])
def test_damage_to_a_file_is_detected(path: Path, at: int, length: int) -> None:
    store = SpoolStore(path)
    add(store, *map(str, range(50)), padding=500)
    store.checkpoint()
    store.close()
    damaged(path, at, length)
    with pytest.raises(FileDamaged):
        SpoolStore(path)


def test_a_commit_waits_for_the_disk(store: SpoolStore) -> None:
    # With less than FULL the WAL is fsynced now and then, and a power cut loses what was answered.
    assert store._one("PRAGMA synchronous") == 2
    assert store._one("PRAGMA journal_mode") == "wal"


def test_opening_a_large_file_sorts_nothing_in_a_temporary_one(store: SpoolStore) -> None:
    # A sorter would hold every value, on a pod whose temporary volume is small.
    add(store, *"abc")
    asked: list[str] = []
    store._connection.set_trace_callback(asked.append)
    store.count()
    store.oldest_at_ms()
    store._connection.set_trace_callback(None)
    assert len(asked) == 2
    for query in asked:
        steps = store._connection.execute(f"EXPLAIN QUERY PLAN {query}").fetchall()
        assert not any("TEMP B-TREE" in step[3] for step in steps), (query, steps)


@pytest.mark.parametrize(
    ("column", "damage"),
    [
        ("content", b"no frame"),
        ("content", zstandard.compress(b"[[broken\n")),
        ("content", zstandard.compress(b"[1, 2]\n")),
        ("content", zstandard.compress(b"[]\n")),
        ("content", zstandard.compress(b"no line")),
        ("topics", b'["ev\xffents","journal'),
        ("topics", b'["events"]'),
    ],
)
def test_a_damaged_row_does_not_keep_the_others_from_being_read(
    store: SpoolStore, column: str, damage: bytes
) -> None:
    add(store, "damaged", "sound")
    cast = "CAST(? AS TEXT)" if column == "topics" else "?"
    query = f"UPDATE callbacks SET {column} = {cast} WHERE number = 1"
    store._connection.execute(query, (damage,))
    first, second = store.read_page(0, callbacks_max=10, bytes_max=10**6)
    with pytest.raises(ContentDamaged):
        decode_callback(first)
    assert name_of(decode_callback(second).records[0]) == "sound"


def test_a_topic_with_a_flipped_bit_is_read_as_far_as_possible(store: SpoolStore) -> None:
    add(store, "damaged")
    query = "UPDATE callbacks SET topics = CAST(? AS TEXT)"
    store._connection.execute(query, (b'["ev\xffents","journal"]',))
    (one,) = store.read_page(0, callbacks_max=10, bytes_max=10**6)
    assert [record.topic for record in decode_callback(one).records] == ["ev\ufffdents", "journal"]
