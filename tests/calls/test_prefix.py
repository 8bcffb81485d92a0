"""Ids are found by their first characters, within the searched time."""

import contextlib
from collections.abc import Callable, Generator

import pytest

from bridge.calls import find
from bridge.calls.find import AmbiguousPrefix, IdCandidate, find_id
from bridge.core.journal import JOURNAL_KIND, JournalKind
from bridge.core.record import Record
from bridge.reader.by_key import KeyReader
from bridge.reader.window import Window
from tests.support.kafka import Kafka
from tests.support.stored_calls import journal_of, make_some_topics, store
from tests.support.stored_records import NOON_MS

pytest_plugins = ("tests.support.kafka_fixtures",)

KEYS = ["abcd1111", "abcd1111-1", "abcd2222", "ABCD3333", "bcd", "abcd1111"]


@contextlib.contextmanager
def silent(_doing: str, _of: int) -> Generator[Callable[[int], None]]:
    yield lambda _: None


@pytest.fixture
async def keyed(kafka: Kafka, prefix: str) -> KeyReader:
    await make_some_topics(kafka, prefix)
    journal = journal_of(prefix)
    records = [
        Record(journal, key.encode(), b"{}", (), NOON_MS + number)
        for number, key in enumerate(KEYS)
    ]
    await store(kafka, records)
    return KeyReader(kafka.connection, silent)


async def found(keyed: KeyReader, prefix: str, beginning: str, within: Window) -> str | None:
    return await find_id(beginning, within, reader=keyed, journal=journal_of(prefix))


@pytest.mark.parametrize(
    ("beginning", "expected"),
    [
        ("abcd2", "abcd2222"),
        ("ABCD", "ABCD3333"),
        ("abcd1111-", "abcd1111-1"),
        ("abcd1111", "abcd1111"),  # an id that is exactly so, though another begins with it
        ("abcd2222", "abcd2222"),
        ("cd", None),
        ("abcd22222", None),
    ],
)
async def test_the_only_id_that_begins_so_is_found_in_any_partition(
    keyed: KeyReader, prefix: str, beginning: str, expected: str | None
) -> None:
    assert await found(keyed, prefix, beginning, Window()) == expected


async def test_several_ids_are_named_with_their_first_time_and_how_many_records_they_have(
    keyed: KeyReader, prefix: str
) -> None:
    with pytest.raises(AmbiguousPrefix) as ambiguous:
        await found(keyed, prefix, "abcd", Window())
    assert sorted(
        (one.id, one.first_ms - NOON_MS, one.callbacks) for one in ambiguous.value.candidates
    ) == [
        ("abcd1111", 0, 2),
        ("abcd1111-1", 1, 1),
        ("abcd2222", 2, 1),
    ]


async def test_an_id_outside_of_the_time_that_is_read_is_not_counted(
    keyed: KeyReader, prefix: str
) -> None:
    assert await found(keyed, prefix, "abcd", Window(None, NOON_MS + 1)) == "abcd1111"
    assert await found(keyed, prefix, "abcd", Window(None, NOON_MS)) is None


async def test_records_that_are_no_callbacks_are_neither_ids_nor_counted(
    kafka: Kafka, keyed: KeyReader, prefix: str
) -> None:
    kinds = [("abcd1111", JournalKind.ANSWER), ("abcd9999", JournalKind.REQUEST)]
    records = [
        Record(journal_of(prefix), key.encode(), b"{}", ((JOURNAL_KIND, kind.encode()),), NOON_MS)
        for key, kind in kinds
    ]
    await store(kafka, records)
    assert await found(keyed, prefix, "abcd9", Window()) is None
    with pytest.raises(AmbiguousPrefix) as ambiguous:
        await found(keyed, prefix, "abcd11", Window(None, NOON_MS + 2))
    assert [(one.id, one.callbacks) for one in ambiguous.value.candidates] == [
        ("abcd1111", 1),
        ("abcd1111-1", 1),
    ]


async def test_no_more_candidates_are_kept_than_can_be_listed(
    keyed: KeyReader, prefix: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(find, "CANDIDATES_MAX", 2)
    with pytest.raises(AmbiguousPrefix) as ambiguous:
        await found(keyed, prefix, "abcd", Window())
    assert len(ambiguous.value.candidates) == 2


@pytest.mark.parametrize(
    ("ids", "characters"),
    [
        (["abc", "abd"], 3),
        (["abc", "abd", "b"], 3),
        (["abcdef", "abcdeg", "abd"], 6),
        (["ab", "abc"], 3),
    ],
)
def test_so_many_characters_tell_the_candidates_apart(ids: list[str], characters: int) -> None:
    candidates = [IdCandidate(one, NOON_MS) for one in ids]
    assert AmbiguousPrefix("a", candidates).distinct_characters == characters
