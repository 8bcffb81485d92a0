"""Times: an instant in UTC, the text it came from, and how certain it is."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.core.catalogue import Catalogue
from bridge.normalise import Unreadable
from bridge.normalise.time import load_zone, make_wall_time_parser, parse_utc_time, to_rfc3339
from bridge.normalise.wall_clock import find_instants
from tests.normalise.clock_changes import FOLDS, GAPS, ONCE, moment
from tests.support.factories import UUID, parsed


@pytest.mark.parametrize(("zone", "wall", "first", "second"), FOLDS)
def test_a_reading_in_an_autumn_fold_is_two_instants(
    zone: str, wall: str, first: str, second: str
) -> None:
    found, exists = find_instants(datetime.fromisoformat(wall), load_zone(zone))
    assert [to_rfc3339(instant) for instant in found] == [first, second]
    assert exists


@pytest.mark.parametrize(("zone", "wall", "first", "second"), GAPS)
def test_a_reading_in_a_spring_gap_does_not_exist(
    zone: str, wall: str, first: str, second: str
) -> None:
    found, exists = find_instants(datetime.fromisoformat(wall), load_zone(zone))
    assert [to_rfc3339(instant) for instant in found] == [first, second]
    assert not exists


@pytest.mark.parametrize(("zone", "wall", "instant"), ONCE)
def test_any_other_reading_is_one_instant(zone: str, wall: str, instant: str) -> None:
    found, exists = find_instants(datetime.fromisoformat(wall), load_zone(zone))
    assert [to_rfc3339(one) for one in found] == [instant]
    assert exists


@pytest.mark.parametrize(
    ("text", "utc"),
    [
        ("2026-03-07 14:13:37", "2026-03-07T14:13:37Z"),
        ("2026-03-07 14:13:37.7", "2026-03-07T14:13:37.700000Z"),
        ("2026-03-07 14:13:37.77", "2026-03-07T14:13:37.770000Z"),
        ("2026-03-07 14:13:37.779", "2026-03-07T14:13:37.779000Z"),
        ("2026-03-07 14:13:37.7792", "2026-03-07T14:13:37.779200Z"),
        ("2026-03-07 14:13:37.77929", "2026-03-07T14:13:37.779290Z"),
        ("2026-03-07 14:13:37.779297", "2026-03-07T14:13:37.779297Z"),
        ("2026-03-07 14:13:37.000000", "2026-03-07T14:13:37Z"),
        ("2024-02-29 00:00:00", "2024-02-29T00:00:00Z"),
    ],
)
def test_session_start_is_utc_with_up_to_six_fraction_digits(text: str, utc: str) -> None:
    assert parse_utc_time(text) == {
        "utc": utc,
        "text": text,
        "zone": "UTC",
        "certainty": "exact",
    }


@pytest.mark.parametrize("read", [parse_utc_time, make_wall_time_parser(None)])
@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "not_a_time"),
        ("2026-03-07", "not_a_time"),
        ("2026-03-07T14:13:37", "not_a_time"),
        ("2026-03-07 14:13", "not_a_time"),
        ("2026-03-07 14:13:37.", "not_a_time"),
        ("2026-03-07 14:13:37.7792971", "not_a_time"),
        (" 2026-03-07 14:13:37", "not_a_time"),
        ("2026-03-07 14:13:37\n", "not_a_time"),
        ("2026-03-07  14:13:37", "not_a_time"),
        ("٢٠٢٦-03-07 14:13:37", "not_a_time"),
        ("None", "not_a_time"),
        ("2026-02-29 00:00:00", "no_such_time"),
        ("2026-13-01 00:00:00", "no_such_time"),
        ("2026-03-07 24:00:00", "no_such_time"),
        ("2026-03-07 23:59:60", "no_such_time"),
        ("0000-00-00 00:00:00", "no_such_time"),
        ("1970-01-01 00:00:00", "not_a_time"),
        ("1970-01-21 12:28:12.781", "not_a_time"),
        ("1969-12-31 23:59:59", "no_such_time"),
        ("1900-01-01 00:00:00", "no_such_time"),
        ("9999-12-31 23:59:59", "no_such_time"),
        ("2026-03-07 14:13:37 IST", "not_a_time"),
        ("2026-03-07 14:13:37 05:30", "not_a_time"),
        ("2026-03-07 14:13:37+5", "not_a_time"),
        ("2026-03-07 14:13:37 +0530 +0000", "offsets_disagree"),
        ("2026-03-07 14:13:37 +0530 PST", "offsets_disagree"),
        ("2200-01-01 00:00:00", "no_such_time"),
    ],
)
def test_any_other_form_is_unreadable(read: object, text: str, reason: str) -> None:
    assert callable(read)
    with pytest.raises(Unreadable) as unreadable:
        read(text)
    assert unreadable.value.reason == reason


@pytest.mark.parametrize(
    "name",
    ["Mars/Olympus", "America", "", "../../etc/passwd", "/etc/localtime", "EDT5", "a\0b", "\udcff"],
)
def test_an_unknown_zone_is_an_error_that_names_it(name: str) -> None:
    with pytest.raises(ValueError, match="is not an IANA time zone"):
        load_zone(name)


def test_an_instant_is_written_with_z_and_a_fraction_only_if_it_has_one() -> None:
    instant = datetime(2026, 3, 7, 14, 13, 37, tzinfo=UTC)
    assert to_rfc3339(instant) == "2026-03-07T14:13:37Z"
    assert to_rfc3339(instant + timedelta(microseconds=1)) == "2026-03-07T14:13:37.000001Z"


@given(st.datetimes(timezones=st.just(UTC)))
def test_every_instant_is_written_as_the_standard_library_writes_it(instant: datetime) -> None:
    assert to_rfc3339(instant) == instant.isoformat().removesuffix("+00:00") + "Z"


# Text of a local time that states its offset, and its instant.
OFFSETS = [
    ("2026-03-07T14:13:30Z", "2026-03-07T14:13:30Z"),
    ("2026-03-07 14:13:30Z", "2026-03-07T14:13:30Z"),
    ("2026-03-07 19:43:30+05:30", "2026-03-07T14:13:30Z"),
    ("2026-03-07 19:43:30 +0530 IST", "2026-03-07T14:13:30Z"),
    ("2026-03-07T09:13:30.5-05:00", "2026-03-07T14:13:30.500000Z"),
    ("2025-11-02 01:30:00-05:00", "2025-11-02T06:30:00Z"),  # in a fold of New York
    ("2026-03-08 02:30:00-05:00", "2026-03-08T07:30:00Z"),  # in a gap of New York
]


@pytest.mark.parametrize("zone", ["America/New_York", "Asia/Kolkata", None])
@pytest.mark.parametrize(("text", "utc"), OFFSETS)
def test_a_local_time_that_states_its_offset_is_that_instant_in_any_zone(
    types: Catalogue, zone: str | None, text: str, utc: str
) -> None:
    names = {"StartTime": "started_at", "AnswerTime": "answered_at", "EndTime": "ended_at"}
    pairs = [("CallUUID", UUID), ("Event", "Hangup"), *((name, text) for name in names)]
    callback = parsed(types, [*pairs, ("SessionStart", text)], zone=zone)
    for field in (*names.values(), "session_started_at"):
        assert callback.fields[field] == moment("UTC", text, "exact", utc)
    assert callback.unreadable == []
    assert callback.zone_mismatch is None
    assert callback.happened_at == utc


def test_a_session_that_states_its_offset_confirms_the_zone_of_a_start(types: Catalogue) -> None:
    pairs = [
        ("CallUUID", UUID),
        ("Event", "Hangup"),
        ("StartTime", "2026-03-06 09:13:30"),
        ("SessionStart", "2026-03-06 19:43:31.25+05:30"),
    ]
    started_at = parsed(types, pairs, zone="America/New_York").fields["started_at"]
    assert started_at == moment(
        "America/New_York", "2026-03-06 09:13:30", "exact", "2026-03-06T14:13:30Z"
    )


@pytest.mark.parametrize(
    "text",
    [
        "0001-01-01 00:00:00",
        "0001-01-01 00:00:00 +0000 UTC",
        "0001-01-01T00:00:00Z",
        "0001-01-01 05:53:28 +0553 LMT",
        "0000-12-31 19:03:58 -0456 LMT",
    ],
)
def test_a_time_that_is_not_set_is_null_and_no_time_of_the_event(
    types: Catalogue, text: str
) -> None:
    names = ("StartTime", "AnswerTime", "EndTime", "SessionStart")
    pairs = [("CallUUID", UUID), ("Event", "Hangup"), *((name, text) for name in names)]
    callback = parsed(types, pairs)
    fields = ("started_at", "answered_at", "ended_at", "session_started_at")
    assert [callback.fields[field] for field in fields] == [None] * 4
    assert callback.unreadable == []
    assert (callback.happened_at, callback.happened_source) == (None, None)


def test_a_report_is_dated_by_the_first_of_its_times_that_is_set(types: Catalogue) -> None:
    zero = "0001-01-01 00:00:00 +0000 UTC"
    pairs = [
        ("MessageUUID", UUID),
        ("Status", "queued"),
        ("QueuedTime", "2026-02-01 06:28:15 +0000 UTC"),
        ("SentTime", zero),
        ("DeliveryReportTime", zero),
    ]
    callback = parsed(types, pairs)
    assert callback.fields["sent_at"] is callback.fields["report_at"] is None
    assert callback.happened_at == "2026-02-01T06:28:15Z"
    assert callback.happened_source == "queued_at"
    assert callback.unreadable == []


@pytest.mark.parametrize("text", ["0", "0.00000", "1772892823"])
def test_a_number_that_is_not_a_time_is_unreadable_and_not_the_time_of_the_event(
    types: Catalogue, text: str
) -> None:
    pairs = [("CallUUID", UUID), ("RecordUrl", "u"), ("RecordingEndMs", text)]
    callback = parsed(types, pairs)
    assert callback.fields["recording_ended_at"] is None
    assert [(one["parameter"], one["reason"]) for one in callback.unreadable] == [
        ("RecordingEndMs", "not_a_time")
    ]
    assert callback.happened_at is None


@pytest.mark.parametrize(
    ("zone", "text"),
    [
        ("America/New_York", "9999-12-31 23:59:59"),
        ("Pacific/Kiritimati", "9999-12-31 23:59:59"),
    ],
)
@pytest.mark.parametrize("name", ["StartTime", "AnswerTime", "EndTime"])
def test_a_time_at_the_end_of_the_calendar_is_kept_and_is_no_error(
    types: Catalogue, zone: str, text: str, name: str
) -> None:
    pairs = [("CallUUID", UUID), ("Event", "Hangup"), (name, text)]
    callback = parsed(types, pairs, zone=zone)
    assert text in repr((callback.fields, callback.unreadable))


def test_a_huge_duration_resolves_nothing_and_is_no_error(types: Catalogue) -> None:
    pairs = [
        ("CallUUID", UUID),
        ("Event", "Hangup"),
        ("AnswerTime", "2025-11-02 01:30:00"),
        ("EndTime", "2025-11-02 01:40:00"),
        ("Duration", "999999999999999"),
    ]
    answered_at = parsed(types, pairs).fields["answered_at"]
    assert isinstance(answered_at, dict)
    assert answered_at["certainty"] == "ambiguous"


# The first and the second time that clocks in New York showed five past one.
@pytest.mark.parametrize(
    ("duration", "utc"), [("7500", "2025-11-02T05:05:00Z"), ("3900", "2025-11-02T06:05:00Z")]
)
def test_the_duration_of_a_dialled_leg_resolves_its_answer(
    types: Catalogue, duration: str, utc: str
) -> None:
    pairs = [
        ("CallUUID", UUID),
        ("DialAction", "hangup"),
        ("DialBLegDuration", duration),
        ("AnswerTime", "2025-11-02 01:05:00"),
        ("EndTime", "2025-11-02 02:10:00"),
    ]
    answered_at = parsed(types, pairs).fields["answered_at"]
    assert answered_at == moment(
        "America/New_York", "2025-11-02 01:05:00", "ambiguous_resolved", utc
    )
