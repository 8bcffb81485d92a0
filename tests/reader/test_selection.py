"""Which records a query selects."""

import base64

import orjson
import pytest
from aiokafka.structs import ConsumerRecord

from bridge.reader.selection import Query, build_filter, parse_id, parse_offsets, read_callback_type
from bridge.reader.window import OffsetSelection, Window
from tests.support.stored_records import NOON_MS, samples, stored, stored_of

CALL = "64d3290a-87a6-46b4-a6e2-20f5f4e07a02"
OTHER = "00000000-87a6-46b4-a6e2-20f5f4e07a02"
ACCOUNT = "MAXXXXXXXXXXXXXXXXXX"
SUBACCOUNT = "SAXXXXXXXXXXXXXXXXXX"

HANGUP = samples("voice.call.hangup")[0]
EVENT = stored_of(HANGUP.event.record)
JOURNAL = stored_of(HANGUP.journal)


def hidden(text: str) -> ConsumerRecord:
    """Return a journal record whose body is kept in base64."""
    body = base64.b64encode(f"From=Zoë&CallUUID={text}".encode()).decode()
    return stored(value=orjson.dumps({"body_base64": body}))


def of_source(source: str) -> ConsumerRecord:
    return stored(value=orjson.dumps({"source": source}))


@pytest.mark.parametrize(
    ("query", "record", "expected"),
    [
        (Query(types=("voice.call.hangup",)), EVENT, True),
        (Query(types=("voice.call.hangup",)), JOURNAL, True),
        (Query(types=("voice.call.ring",)), EVENT, False),
        (Query(types=("voice.call.ring",)), JOURNAL, False),
        (Query(types=("voice.call.ring", "voice.call.hangup")), JOURNAL, True),
        (Query(types=("voice.call.ring",)), stored(), False),
        (Query(calls=(CALL,)), EVENT, True),
        (Query(calls=(CALL,)), JOURNAL, True),
        (Query(calls=(OTHER,)), EVENT, False),
        (Query(calls=(OTHER, CALL)), EVENT, True),
        (Query(calls=(CALL,)), stored(key=CALL.encode()), True),
        (Query(calls=(CALL,)), stored(key=b"a recording", value=CALL.encode()), True),
        (Query(calls=(CALL,)), hidden(CALL), True),
        (Query(calls=(CALL,)), hidden(OTHER), False),
        (Query(calls=(CALL,)), stored(value=b'"body_base64" of no JSON'), False),
        (Query(calls=(CALL,)), stored(value=b'{"body_base64":"***"}'), False),
        (Query(calls=(CALL,)), stored(key=None, value=None), False),
        (Query(messages=(CALL,)), JOURNAL, True),
        (Query(calls=(CALL,), messages=(OTHER,)), JOURNAL, False),
        (Query(accounts=(ACCOUNT,)), EVENT, True),
        (Query(accounts=(ACCOUNT,)), JOURNAL, True),
        (Query(accounts=(SUBACCOUNT,)), JOURNAL, False),
        (Query(accounts=(ACCOUNT[:-1],)), JOURNAL, False),
        (Query(accounts=(ACCOUNT,)), stored(value=b"no JSON"), False),
        (Query(accounts=(ACCOUNT,)), stored(value=b"[]"), False),
        (Query(accounts=(ACCOUNT,)), stored(value=None), False),
        (
            Query(accounts=(SUBACCOUNT,)),
            of_source(f"/plivo/accounts/{ACCOUNT}/subaccounts/{SUBACCOUNT}"),
            True,
        ),
        (
            Query(accounts=(ACCOUNT,)),
            of_source(f"/plivo/accounts/{ACCOUNT}/subaccounts/{SUBACCOUNT}"),
            True,
        ),
        (Query(types=("voice.call.hangup",), calls=(OTHER,)), EVENT, False),
    ],
)
def test_a_record_is_wanted_if_every_filter_lets_it_through(
    query: Query, record: ConsumerRecord, *, expected: bool
) -> None:
    test = build_filter(query, Window())
    assert test is not None
    assert test(record) is expected


@pytest.mark.parametrize(
    ("within", "expected"),
    [
        (Window(NOON_MS, None), True),
        (Window(NOON_MS + 1, None), False),
        (Window(None, NOON_MS), False),
        (Window(None, NOON_MS + 1), True),
        (Window(NOON_MS, NOON_MS + 1), True),
    ],
)
def test_since_is_included_and_until_is_not(within: Window, *, expected: bool) -> None:
    test = build_filter(Query(), within)
    assert test is not None
    assert test(stored()) is expected


def test_without_a_filter_there_is_no_test() -> None:
    assert build_filter(Query(source="journal"), Window()) is None


@pytest.mark.parametrize(
    ("offsets", "expected"),
    [
        (("topic:0:1-2",), [1, 2]),
        (("topic:0:1-2", "topic:0:5-6"), [1, 2, 5, 6]),
        (("topic:0:1-4", "topic:0:3-6"), [1, 2, 3, 4, 5, 6]),
        (("topic:0:2-3", "topic:0:2-3"), [2, 3]),
        (("topic:0:1-1", "topic:0:7-"), [1, 7, 8, 9]),
        (("topic:1:1-2", "other:0:3-4"), []),
    ],
)
def test_only_requested_offsets_are_selected(offsets: tuple[str, ...], expected: list[int]) -> None:
    test = build_filter(Query(offsets=offsets), Window())
    assert test is not None
    assert [n for n in range(10) if test(stored(n))] == expected


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ([("ce_type", b"com.plivo.voice.call.hangup.v1")], b"voice.call.hangup"),
        ([("ce_type", b"com.plivo.voice.call.hangup.v12")], b"voice.call.hangup"),
        ([("ce_type", b"com.example.order")], b"com.example.order"),
        ([("callback_type", b"voice.fetch"), ("event_id", b"1")], b"voice.fetch"),
        ([("callback_type", b"")], b""),
        ([("ce_type", None)], None),
        ([], None),
    ],
)
def test_a_type_is_read_from_the_headers(
    headers: list[tuple[str, bytes | None]], expected: bytes | None
) -> None:
    assert read_callback_type(stored(headers=headers)) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (CALL, CALL),
        (CALL.upper(), CALL),
        ("MAXXXXXXXXXXXXXXXXXX", "MAXXXXXXXXXXXXXXXXXX"),
        ("Room-One", "Room-One"),
    ],
)
def test_a_uuid_is_searched_in_lower_case_and_any_other_id_unchanged(
    text: str, expected: str
) -> None:
    assert parse_id(text) == expected


@pytest.mark.parametrize("text", ["", "short", "with space", "Zo\u00eb-Zo\u00eb-Zo", "x" * 65])
def test_what_is_no_id_is_quoted(text: str) -> None:
    with pytest.raises(ValueError, match=repr(text)):
        parse_id(text)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("plivo.journal.v1:3:100-199", OffsetSelection("plivo.journal.v1", 3, 100, 199)),
        ("a.b:0:0-0", OffsetSelection("a.b", 0, 0, 0)),
        ("a.b:0:7-", OffsetSelection("a.b", 0, 7, None)),
    ],
)
def test_offsets_are_read(text: str, expected: OffsetSelection) -> None:
    assert parse_offsets(text) == expected


@pytest.mark.parametrize(
    "text", ["", "topic", "topic:1", "topic:1:5", "topic:x:1-2", "topic:1:9-8", "to pic:1:1-2"]
)
def test_offsets_of_another_form_are_refused_and_quoted(text: str) -> None:
    with pytest.raises(ValueError, match=repr(text)):
        parse_offsets(text)
