"""What a callback is about, and when it happened."""

from dataclasses import replace
from typing import Annotated

import orjson
import pytest

from bridge.callbacks.model import CallbackData, param
from bridge.catalogue import Catalogue
from bridge.normalise.time import LocalInstant
from bridge.parse import Parser
from tests.making import UUID, event_of, parsed, raw_callback, vouched


def test_a_hangup_happened_when_the_call_ended(types: Catalogue) -> None:
    callback = parsed(types)
    assert callback.happened_at == "2026-03-07T14:14:43Z"
    assert callback.happened_source == "ended_at"


@pytest.mark.parametrize(
    ("end", "zone"),
    [
        ("2026-03-07 09:14:43", None),  # in no zone we know
        ("2026-03-08 02:30:00", "America/New_York"),  # in the gap
        ("2026-03-07 14:14:43", "America/New_York"),  # in another zone
        ("soon", "America/New_York"),
        ("", "America/New_York"),
    ],
)
def test_an_end_nobody_is_sure_of_does_not_say_when_it_happened(
    types: Catalogue, end: str, zone: str | None
) -> None:
    pairs = [("CallUUID", UUID), ("Event", "Hangup"), ("EndTime", end)]
    callback = parsed(types, pairs, zone=zone)
    assert callback.happened_at is None
    assert callback.happened_source is None


def test_a_mismatch_of_zones_is_said(types: Catalogue) -> None:
    callback = parsed(types, zone="Asia/Kolkata")
    assert callback.zone_mismatch == {
        "configured_offset_s": 19800,
        "observed_offset_s": -18000,
    }
    assert orjson.loads(event_of(callback).record.value)["data"]["zone_mismatch"] == {
        "configured_offset_s": 19800,
        "observed_offset_s": -18000,
    }


def test_an_answer_has_its_receipt_for_a_time(types: Catalogue) -> None:
    callback = parsed(types, [("CallUUID", UUID), ("Event", "StartApp")])
    assert (callback.happened_at, callback.happened_source) == (None, None)


@pytest.mark.parametrize("name", ["CallUUID", "MessageUUID", "ConferenceUUID", "SessionUUID"])
def test_a_callback_of_unknown_fields_is_about_what_it_names(types: Catalogue, name: str) -> None:
    # Most of these make a type of it; a type only its path tells has no fields to be about.
    route = types.by_name["numbers.cnam"]
    assert parsed(types, [("Other", "1"), (name, UUID)], route=route).subject == UUID


def test_an_unrecognised_callback_may_name_a_session(types: Catalogue) -> None:
    callback = parsed(types, [("Other", "1"), ("SessionUUID", UUID)])
    assert callback.type is types.unrecognised
    assert callback.subject == UUID


def test_an_unrecognised_callback_may_be_about_nothing(types: Catalogue) -> None:
    assert parsed(types, [("Other", "1")]).subject is None
    assert parsed(types, [("CallUUID", "")]).subject in {None, ""}


def test_a_blank_identity_hides_no_other(types: Catalogue) -> None:
    assert parsed(types, [("CallUUID", ""), ("SessionUUID", UUID)]).subject == UUID


class _TwoNames(CallbackData):
    """A time that has two names."""

    ended_at: Annotated[LocalInstant | None, param("EndTime", "StopTime", meaning="The end.")] = (
        None
    )


def test_two_names_of_a_time_that_disagree_leave_it_null(types: Catalogue) -> None:
    unrecognised = replace(types.unrecognised, model=_TwoNames)
    parser = Parser(Catalogue((), unrecognised))
    form = "EndTime=2026-03-07+09:14:43&StopTime=2026-03-07+09:14:44"
    callback = parser.parse(vouched(raw_callback("", form)), None)
    assert callback.fields == {"ended_at": None}
    assert [one["reason"] for one in callback.unreadable] == ["spellings_disagree"] * 2
