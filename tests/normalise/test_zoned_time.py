"""Times with a known zone, in every form of Plivo's products."""

from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.normalise import ParsedBy, Unreadable
from bridge.normalise.time import Moment
from bridge.normalise.zoned_time import (
    EpochMs,
    EpochOrZoned,
    ZonedInstant,
    ZonedOrUtc,
    parse_epoch_ms_if_known,
    parse_epoch_s_or_zoned,
    parse_zoned,
    parse_zoned_or_utc,
)

Read = Callable[[str], Moment | None]
EPOCH_0 = datetime(1970, 1, 1, tzinfo=UTC)
INSTANTS = st.datetimes(datetime(1971, 1, 2), datetime(2999, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001
OFFSETS = st.integers(-23 * 60, 23 * 60).map(lambda minutes: timezone(timedelta(minutes=minutes)))


def moment(text: str, utc: str) -> Moment:
    return Moment(utc=utc, text=text, zone="UTC", certainty="exact")


# Text and the instant it is, for any reader of times that state their offset.
STATED = [
    ("2026-03-07T14:13:29.363253Z", "2026-03-07T14:13:29.363253Z"),
    ("2026-03-07T14:13:29Z", "2026-03-07T14:13:29Z"),
    ("2026-03-07 14:13:40+00:00", "2026-03-07T14:13:40Z"),
    ("2026-03-07 14:13:40 +0000 UTC", "2026-03-07T14:13:40Z"),
    ("2024-02-01 06:28:15 +0000 UTC", "2024-02-01T06:28:15Z"),
    ("2026-03-07 14:13:40 UTC", "2026-03-07T14:13:40Z"),
    ("2023-08-03 23:02:00+05:30", "2023-08-03T17:32:00Z"),
    ("2021-07-13 13:04:06.799021+05:30", "2021-07-13T07:34:06.799021Z"),
    ("2026-03-07T09:13:40-0500", "2026-03-07T14:13:40Z"),
    ("2026-03-07 23:30:00-01:00", "2026-03-08T00:30:00Z"),
    ("2026-03-07 14:13:40.5+00:00", "2026-03-07T14:13:40.500000Z"),
    ("2026-03-07 14:13:40.123456789Z", "2026-03-07T14:13:40.123456Z"),
    ("2026-03-07 14:13:40.814078 +0000 +0000", "2026-03-07T14:13:40.814078Z"),
]
ZONELESS = [
    ("2026-03-07 14:13:29.088198", "2026-03-07T14:13:29.088198Z"),
    ("2026-03-07 14:13:40", "2026-03-07T14:13:40Z"),
    ("2026-03-07T14:13:40", "2026-03-07T14:13:40Z"),
    ("2026-03-07 14:13:40.0", "2026-03-07T14:13:40Z"),
]


@pytest.mark.parametrize("read", [parse_zoned, parse_zoned_or_utc, parse_epoch_s_or_zoned])
@pytest.mark.parametrize(("text", "utc"), STATED)
def test_a_time_with_an_offset_is_its_instant_and_keeps_its_words(
    read: Read, text: str, utc: str
) -> None:
    assert read(text) == moment(text, utc)


@pytest.mark.parametrize(("text", "utc"), ZONELESS)
def test_a_time_without_an_offset_is_utc_if_plivo_documents_it(text: str, utc: str) -> None:
    assert parse_zoned_or_utc(text) == moment(text, utc)


@pytest.mark.parametrize("read", [parse_zoned, parse_epoch_s_or_zoned])
@pytest.mark.parametrize(("text", "utc"), ZONELESS)
def test_a_time_without_an_offset_has_no_instant_if_its_zone_is_unknown(
    read: Read, text: str, utc: str
) -> None:
    del utc
    assert read(text) == Moment(utc=None, text=text, zone=None, certainty="unknown_zone")


@pytest.mark.parametrize(
    ("text", "utc"),
    [
        ("1772892781000", "2026-03-07T14:13:01Z"),
        ("1772892823120", "2026-03-07T14:13:43.120000Z"),
        ("1407235163907.00000", "2014-08-05T10:39:23.907000Z"),
        ("1407235163907.99", "2014-08-05T10:39:23.907990Z"),
        ("1407235163907.9999", "2014-08-05T10:39:23.907999Z"),
        ("31536000000", "1971-01-01T00:00:00Z"),
    ],
)
def test_epoch_milliseconds_may_have_decimals(text: str, utc: str) -> None:
    assert parse_epoch_ms_if_known(text) == moment(text, utc)


@pytest.mark.parametrize("text", ["-1", "-1.0", "-1.00000"])
def test_an_epoch_of_minus_one_is_not_known_yet(text: str) -> None:
    assert parse_epoch_ms_if_known(text) is None


@pytest.mark.parametrize("read", [parse_zoned, parse_zoned_or_utc, parse_epoch_s_or_zoned])
@pytest.mark.parametrize(
    "text",
    [
        "0001-01-01 00:00:00 +0000 UTC",
        "0001-01-01 00:00:00 +0000 +0000",
        "0001-01-01 00:00:00",
        "0001-01-01T00:00:00Z",
        "0001-01-01 00:00:00.000000",
        "0001-01-01 00:00:00+05:30",
        "0001-01-01 05:53:28 +0553 LMT",
        "0000-12-31 19:03:58 -0456 LMT",
    ],
)
def test_gos_zero_time_is_not_set_in_any_zone(read: Read, text: str) -> None:
    assert read(text) is None


@pytest.mark.parametrize(
    ("text", "utc"),
    [
        ("1772979209", "2026-03-08T14:13:29Z"),
        ("1772979209.5", "2026-03-08T14:13:29.500000Z"),
        ("1772979209.363253123", "2026-03-08T14:13:29.363253Z"),
    ],
)
def test_an_end_of_a_conversation_may_be_epoch_seconds(text: str, utc: str) -> None:
    assert parse_epoch_s_or_zoned(text) == moment(text, utc)


@pytest.mark.parametrize(
    ("read", "text", "reason"),
    [
        (parse_zoned, "yesterday", "not_a_time"),
        (parse_zoned, "2026-03-07", "not_a_time"),
        (parse_zoned, "2026-03-07 14:13", "not_a_time"),
        (parse_zoned, " 2026-03-07 14:13:40Z", "not_a_time"),
        (parse_zoned, "2026-03-07 14:13:40Z\n", "not_a_time"),
        (parse_zoned, "2026-03-07 14:13:40+5", "not_a_time"),
        (parse_zoned, "٢٠٢٦-03-07 14:13:40Z", "not_a_time"),
        (parse_zoned, "2026-03-07 14:13:40.1234567890Z", "not_a_time"),
        (parse_zoned, "2026-02-30 14:13:40Z", "no_such_time"),
        (parse_zoned, "2026-03-07 24:13:40Z", "no_such_time"),
        (parse_zoned, "2026-03-07 14:13:61Z", "no_such_time"),
        (parse_zoned, "0000-01-01 00:00:00Z", "no_such_time"),
        (parse_zoned, "2026-03-07 14:13:40+99:99", "no_such_time"),
        (parse_zoned, "0000-12-31 00:00", "not_a_time"),
        (parse_zoned, "0001-01-01", "not_a_time"),
        (parse_zoned, "1970-01-01 00:00:00 +0000 UTC", "not_a_time"),
        (parse_zoned, "1970-01-01T05:30:00+05:30", "not_a_time"),
        (parse_zoned, "1900-01-01 00:00:00 +0000 UTC", "no_such_time"),
        (parse_zoned, "9999-12-31T23:59:59Z", "no_such_time"),
        (parse_zoned_or_utc, "1970-01-01 00:00:00", "not_a_time"),
        (parse_zoned_or_utc, "9999-12-31 00:00:00", "no_such_time"),
        (parse_epoch_ms_if_known, "0", "not_a_time"),
        (parse_epoch_ms_if_known, "0.00000", "not_a_time"),
        (parse_epoch_ms_if_known, "1772892781", "not_a_time"),  # seconds
        (parse_epoch_ms_if_known, "1772892781.123", "not_a_time"),
        (parse_epoch_ms_if_known, "99999999999999", "no_such_time"),
        (parse_epoch_ms_if_known, "-1.5", "not_a_time"),
        (parse_epoch_s_or_zoned, "0", "not_a_time"),
        (parse_epoch_s_or_zoned, "1772892781000", "no_such_time"),  # milliseconds
        (parse_zoned, "9999-12-31 23:59:59-05:00", "no_such_time"),
        (parse_zoned_or_utc, "1772892781000", "not_a_time"),
        (parse_zoned_or_utc, "2026-13-07 14:13:40", "no_such_time"),
        (parse_epoch_ms_if_known, "2026-03-07 14:13:40Z", "not_a_time"),
        (parse_epoch_ms_if_known, "-2", "not_a_time"),
        (parse_epoch_ms_if_known, "1772892781000.", "not_a_time"),
        (parse_epoch_ms_if_known, "1e12", "not_a_time"),
        (parse_epoch_ms_if_known, "9" * 15, "no_such_time"),
        (parse_epoch_ms_if_known, "9" * 16, "not_a_time"),
        (parse_epoch_s_or_zoned, "9" * 15, "no_such_time"),
        (parse_epoch_s_or_zoned, "-1", "not_a_time"),
    ],
)
def test_any_other_text_is_unreadable_with_a_stable_reason(
    read: Read, text: str, reason: str
) -> None:
    with pytest.raises(Unreadable) as unreadable:
        read(text)
    assert unreadable.value.reason == reason


@pytest.mark.parametrize(
    "read", [parse_zoned, parse_zoned_or_utc, parse_epoch_ms_if_known, parse_epoch_s_or_zoned]
)
@given(
    text=st.text() | st.from_regex(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d([+-]\d{4})?", fullmatch=True)
)
def test_any_text_is_a_time_or_unreadable_and_nothing_else(read: Read, text: str) -> None:
    with suppress(Unreadable):
        found = read(text)
        assert found is None or found["text"] == text


@given(INSTANTS, OFFSETS, st.sampled_from([" ", "T"]))
def test_an_instant_written_in_any_zone_is_that_instant(
    instant: datetime, zone: timezone, between: str
) -> None:
    try:
        text = instant.astimezone(zone).isoformat(between)
    except OverflowError:
        return
    for read in (parse_zoned, parse_zoned_or_utc):
        found = read(text)
        assert found["utc"] is not None  # type: ignore[index]
        assert datetime.fromisoformat(found["utc"]) == instant  # type: ignore[index]


@given(INSTANTS)
def test_an_instant_in_epoch_milliseconds_is_that_instant(instant: datetime) -> None:
    found = parse_epoch_ms_if_known(str((instant - EPOCH_0) // timedelta(milliseconds=1)))
    assert found is not None
    assert found["utc"] is not None
    assert instant - datetime.fromisoformat(found["utc"]) < timedelta(milliseconds=1)


@pytest.mark.parametrize(
    ("kind", "read"),
    [
        (ZonedOrUtc, parse_zoned_or_utc),
        (ZonedInstant, parse_zoned),
        (EpochMs, parse_epoch_ms_if_known),
        (EpochOrZoned, parse_epoch_s_or_zoned),
    ],
)
def test_a_type_is_marked_with_its_parser(kind: object, read: Read) -> None:
    assert ParsedBy(read) in getattr(kind, "__metadata__", ())
