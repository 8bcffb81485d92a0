"""Laws of times: an instant may stay open, but is never wrong."""

import re
from collections.abc import Callable
from datetime import UTC, datetime

from hypothesis import example, given, settings
from hypothesis import strategies as st

from bridge.normalise import Unreadable
from bridge.normalise.time import (
    Moment,
    load_zone,
    make_wall_time_parser,
    parse_utc_time,
    to_rfc3339,
)
from bridge.normalise.wall_clock import Evidence, find_instants
from tests.normalise.clock_changes import resolved
from tests.normalise.strategies import ANYWHERE, NAMES, NEAR_A_CHANGE, Truth, calls, readings


@settings(max_examples=200)
@given(calls(NEAR_A_CHANGE))
def test_a_whole_hangup_near_a_change_of_clocks_has_its_exact_times(call: Truth) -> None:
    zone, times, evidence = call
    moments, mismatch = resolved(readings(zone, times), zone, evidence)
    assert mismatch is None
    assert {name: moment["utc"] for name, moment in moments.items()} == {
        name: to_rfc3339(instant) for name, instant in times.items()
    }


@settings(max_examples=200)
@given(
    calls(NEAR_A_CHANGE) | calls(ANYWHERE),
    st.sets(st.sampled_from(NAMES), min_size=1),
    st.sets(st.sampled_from(["SessionStart", "Duration"])),
)
def test_part_of_a_hangup_has_its_exact_times_or_none(
    call: Truth, names: set[str], evident: set[str]
) -> None:
    zone, times, whole = call
    evidence = Evidence(
        whole.received_at,
        whole.session_start if "SessionStart" in evident else None,
        whole.duration_s if "Duration" in evident else None,
    )
    sent = {name: times[name] for name in NAMES if name in names}
    moments, _ = resolved(readings(zone, sent), zone, evidence)
    for name, moment in moments.items():
        assert moment["utc"] in {None, to_rfc3339(sent[name])}
        sure = moment["certainty"] in {"exact", "assumed_zone", "ambiguous_resolved"}
        assert (moment["utc"] is not None) is sure
        assert ("candidates" in moment) is not sure
        assert sure or to_rfc3339(sent[name]) in moment["candidates"]


@settings(max_examples=200)
@given(
    calls(NEAR_A_CHANGE) | calls(ANYWHERE),
    st.sets(st.sampled_from(NAMES), min_size=1),
    st.booleans(),
)
def test_a_time_whose_minute_is_remembered_is_resolved_like_any_other(
    call: Truth,
    names: set[str],
    has_session: bool,  # noqa: FBT001 (drawn)
) -> None:
    zone, times, whole = call
    evidence = whole if has_session else whole._replace(session_start=None)
    sent = {name: times[name] for name in NAMES if name in names}
    remembered = readings(zone, sent)
    others = {name: replaced(moment) for name, moment in remembered.items()}
    assert resolved(remembered, zone, evidence) == resolved(others, zone, evidence)


def replaced(moment: Moment) -> Moment:
    """Return a moment as it is read if its minute has more than one UTC offset."""
    return {**moment, "utc": None}


@given(NEAR_A_CHANGE | ANYWHERE)
def test_an_instant_is_among_those_its_wall_clock_reading_may_mean(
    at: tuple[str, datetime],
) -> None:
    zone, instant = at
    naive = instant.astimezone(load_zone(zone)).replace(tzinfo=None)
    found, exists = find_instants(naive, load_zone(zone))
    assert instant in found
    assert exists
    assert list(found) == sorted(set(found))


@given(
    st.datetimes(datetime(1971, 1, 1), datetime(2199, 12, 31), timezones=st.just(UTC)),  # noqa: DTZ001
    st.integers(0, 6),
)
def test_a_time_with_up_to_six_fraction_digits_is_read_to_the_digit(
    instant: datetime, digits: int
) -> None:
    text = f"{instant.replace(tzinfo=None):%H:%M:%S.%f}"
    text = f"{instant.year:04}-{instant.month:02}-{instant.day:02} {text}"
    text = text[: 19 + (digits and digits + 1)]
    kept = instant.microsecond // 10 ** (6 - digits) * 10 ** (6 - digits)
    found = parse_utc_time(text)
    assert found is not None
    utc = found["utc"]
    assert utc is not None
    assert utc.endswith("Z")
    assert datetime.fromisoformat(utc) == instant.replace(microsecond=kept)
    local = make_wall_time_parser(load_zone("UTC"))(text)
    assert local == {**found, "certainty": "assumed_zone"}
    assert make_wall_time_parser(None)(text) == {
        **found,
        "utc": None,
        "zone": None,
        "certainty": "unknown_zone",
    }


def is_readable(read: Callable[[str], object], text: str) -> bool:
    try:
        read(text)
    except Unreadable:
        return False
    return True


FORM = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(\.\d{1,6})?", re.ASCII)
STATED = re.compile(
    r"\d{4}-\d\d-\d\d[ Tt]\d\d:\d\d:\d\d(\.\d{1,9})?( ?([+-]\d\d(:?\d\d)?|[A-Za-z]{1,5})){1,3}",
    re.ASCII,
)


@settings(max_examples=300)
@given(
    st.text()
    | st.text("0123456789-: .+TZ", max_size=32)
    | st.from_regex(r"[0-2]\d{3}-\d\d-\d\d \d\d:\d\d:\d\d(\.\d{0,7})?")
)
@example("2026-03-07 14:13:37.0000000")
@example("2026-03-07T14:13:37")
@example("0001-01-01T00:00:00")
def test_any_other_text_is_unreadable_and_nothing_else(text: str) -> None:
    for read in (parse_utc_time, make_wall_time_parser(None)):
        is_form = FORM.fullmatch(text) or STATED.fullmatch(text) or text.startswith("0001-")
        assert is_form or not is_readable(read, text)
