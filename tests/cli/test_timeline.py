"""The timeline: order of receipt, each day once, a space between columns, for any record."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from io import StringIO

import orjson
import pytest
from rich.console import Console

from bridge.cli.timeline import Timeline
from bridge.core.record import Record
from bridge.reader.topic_reader import StoredRecord
from tests.support.call_stories import ANSWER, HANGUP, RING, at, report
from tests.support.placed_requests import REFERENCE, other_records, placed, records_of
from tests.support.stored_calls import Taken, taken


def stored(record: Record) -> StoredRecord:
    instant = datetime.fromtimestamp(record.timestamp_ms / 1000, UTC)
    return StoredRecord(record.topic, 0, 0, instant, record.key, record.value, dict(record.headers))


def shown(*found: StoredRecord, width: int = 80) -> list[str]:
    out = StringIO()
    timeline = Timeline(Console(file=out, width=width, soft_wrap=True, highlight=False))
    for one in found:
        timeline.show(one)
    return out.getvalue().splitlines()


def both(one: Taken) -> list[StoredRecord]:
    return [stored(record) for record in one.records]


def test_a_line_begins_with_the_receipt_and_says_what_plivo_says_of_the_time() -> None:
    event, journal = both(taken(HANGUP, at(70)))
    assert shown(event, journal) == [
        "2026-03-07 UTC",
        "14:14:38.000  voice.call.hangup.v1         outbound +14155550100 > +14155550123",
        "      verified v3  stir verified A  ended_at 09:14:37 America/New_York, exact",
        "14:14:38.000  journal                      POST /plivo/voice/call/hangup",
        f"      replied 200  verified v3  {orjson.loads(event.value)['id']}",
    ]


def test_a_wide_terminal_shows_a_record_in_a_line() -> None:
    (event, _) = both(taken(HANGUP, at(70)))
    assert len(shown(event, width=200)) == 2


def test_the_day_is_printed_when_it_begins_and_beside_times_of_another() -> None:
    next_day = taken(HANGUP, at(70) + timedelta(days=1))
    lines = shown(
        *both(taken(RING, at(2)))[:1], *both(taken(ANSWER, at(5)))[:1], *both(next_day)[:1]
    )
    assert [line for line in lines if line.endswith(" UTC")] == ["2026-03-07 UTC", "2026-03-08 UTC"]
    assert "ended_at 2026-03-07 09:14:37 America/New_York" in " ".join(lines[-1].split())
    assert "session_started_at 14:13:29.250000 UTC" in lines[2]


def test_the_longest_type_has_a_space_behind_it() -> None:
    event = both(taken(report(1, "sent"), at(1)))[0]
    assert "messaging.message.status.v1  - - > -" in shown(event)[1]


def test_a_request_is_shown_with_its_outcome_and_its_reference() -> None:
    unknown = placed(outcome="unknown", explanation="Plivo did not answer in time")
    event, _ = map(stored, records_of(unknown))
    journal, answer, other = map(stored, other_records())
    requested = "14:13:28.000  voice.call.requested.v1      +14155550100"
    journalled = "14:13:28.000  journal                    "
    assert shown(event, journal, answer, other, width=200) == [
        "2026-03-07 UTC",
        f"{requested} > +14155550123  unknown  reference {REFERENCE}  Plivo did not answer in time",
        f"{journalled}  request  1 destination  accepted  reference {REFERENCE}",
        f"{journalled}  answer  ivr in 41 ms  replied 200 by application",
        f"{journalled}  tomorrow",
    ]
    (two, *_) = shown(stored(records_of(placed(("1", "2")))[-1]), width=200)[1:]
    assert "2 destinations  accepted" in two


@pytest.mark.parametrize(
    "value",
    [
        b"",
        b"\xff",
        b"[]",
        b"7",
        b"null",
        b"{}",
        b'{"specversion": "1.0"}',
        b'{"specversion": "1.0", "data": {"received_at": "soon"}}',
        b'{"specversion": "1.0", "data": []}',
        b'{"received_at": 7}',
    ],
)
def test_what_is_no_record_of_ours_is_shown_by_its_size(value: bytes) -> None:
    odd = replace(stored(taken(RING, at(2)).journal), value=value)
    assert shown(odd) == [
        "2026-03-07 UTC",
        f"14:13:30.000  plivo.journal.v1             {len(value)} bytes",
    ]


def test_an_event_whose_parts_are_of_other_kinds_is_shown_by_its_size() -> None:
    event = both(taken(RING, at(2)))[0]
    value = orjson.loads(event.value)
    for name, of in (
        ("from", 7),
        ("stir", "A"),
        ("verification", None),
        ("session_started_at", {}),
    ):
        odd = orjson.dumps({**value, "data": {**value["data"], name: of}})
        assert shown(replace(event, value=odd))[1].endswith(" bytes")
