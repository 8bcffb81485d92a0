"""Counts, flags, money and words."""

from collections.abc import Callable
from contextlib import suppress
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.callbacks.model import list_fields
from bridge.core.catalogue import Catalogue
from bridge.core.field_map import map_fields
from bridge.normalise import Unreadable
from bridge.normalise.quantity import (
    parse_count,
    parse_count_if_known,
    parse_flag,
    parse_leg,
    parse_machine,
    parse_money,
    parse_network_code,
    parse_part,
    parse_text,
    parse_word,
)
from tests.support.factories import UUID, parsed


@pytest.mark.parametrize(
    ("read", "given_text", "value"),
    [
        (parse_text, " Any Text ", " Any Text "),
        (parse_word, "In-Progress", "in-progress"),
        (parse_count, "0", 0),
        (parse_count, "066", 66),
        (parse_count, "999999999999999", 999_999_999_999_999),
        (parse_count, "1.0", 1),
        (parse_count, "345100.00000", 345_100),
        (parse_count, "0.00000", 0),
        (parse_money, "0.01000", "0.01000"),
        (parse_money, "-0.5", "-0.5"),
        (parse_money, "12", "12"),
        (parse_flag, "true", True),
        (parse_flag, "True", True),
        (parse_flag, "1", True),
        (parse_flag, "false", False),
        (parse_flag, "FALSE", False),
        (parse_flag, "0", False),
        (parse_count_if_known, "42", 42),
        (parse_count_if_known, "42.00", 42),
        (parse_count_if_known, "-1", None),
        (parse_count_if_known, "-1.0", None),
        (parse_count_if_known, "-1.00000", None),
        (parse_network_code, "310", "310"),
        (parse_network_code, "01", "01"),
        (parse_network_code, "001", "001"),
        (parse_leg, "ALeg", "a_leg"),
        (parse_leg, "aleg", "a_leg"),
        (parse_leg, "BLeg", "b_leg"),
        (parse_leg, "bleg", "b_leg"),
        (parse_leg, "CLeg", "cleg"),
        (parse_part, "1 of 1", {"part": 1, "of": 1, "text": "1 of 1"}),
        (parse_part, "02 of 12", {"part": 2, "of": 12, "text": "02 of 12"}),
        (parse_machine, "true", {"detected": True, "text": "true"}),
        (parse_machine, "False", {"detected": False, "text": "False"}),
        (parse_machine, "machine_detection", {"detected": True, "text": "machine_detection"}),
        (parse_machine, "human", {"detected": None, "text": "human"}),
        (parse_money, "0.92", "0.92"),
        # A confidence score is a binary fraction, written out.
        (parse_money, "0.9128385782241821", "0.9128385782241821"),
    ],
)
def test_a_text_of_the_right_form_has_one_value(
    read: Callable[[str], object], given_text: str, value: object
) -> None:
    found = read(given_text)
    assert found == value
    assert type(found) is type(value)


@pytest.mark.parametrize(
    ("read", "given_text", "reason"),
    [
        (parse_count, "-1", "not_a_count"),
        (parse_count, "-1.00000", "not_a_count"),
        (parse_count, "345100.5", "not_a_count"),
        (parse_count, "345100.00001", "not_a_count"),
        (parse_count, "1.", "not_a_count"),
        (parse_count, ".0", "not_a_count"),
        (parse_count, "1.0.0", "not_a_count"),
        (parse_count, "1,0", "not_a_count"),
        (parse_count, "1." + "0" * 31, "not_a_count"),
        (parse_count, " 1", "not_a_count"),
        (parse_count, "1\n", "not_a_count"),
        (parse_count, "٣", "not_a_count"),
        (parse_count, "1" * 16, "not_a_count"),
        (parse_count, "1" * 5000, "not_a_count"),
        (parse_money, ".5", "not_a_decimal"),
        (parse_money, "5.", "not_a_decimal"),
        (parse_money, "1e3", "not_a_decimal"),
        (parse_money, "NaN", "not_a_decimal"),
        (parse_money, "$1.00", "not_a_decimal"),
        (parse_money, "1,000.00", "not_a_decimal"),
        (parse_money, "0.5\n", "not_a_decimal"),
        (parse_flag, "yes", "not_a_flag"),
        (parse_flag, "human", "not_a_flag"),
        (parse_flag, " true", "not_a_flag"),
        (parse_count_if_known, "-2", "not_a_count"),
        (parse_count_if_known, "-1.5", "not_a_count"),
        (parse_count_if_known, "-2.00000", "not_a_count"),
        (parse_network_code, "1", "not_a_network_code"),
        (parse_network_code, "3100", "not_a_network_code"),
        (parse_network_code, "31a", "not_a_network_code"),
        (parse_part, "1/2", "not_a_part"),
        (parse_part, "one of two", "not_a_part"),
        (parse_part, "1 of 2 ", "not_a_part"),
        (parse_part, "11111 of 2", "not_a_part"),
    ],
)
def test_a_text_of_another_form_is_unreadable_with_a_stable_reason(
    read: Callable[[str], object], given_text: str, reason: str
) -> None:
    with pytest.raises(Unreadable) as unreadable:
        read(given_text)
    assert unreadable.value.reason == reason


@pytest.mark.parametrize(
    "read",
    [
        parse_count,
        parse_count_if_known,
        parse_money,
        parse_flag,
        parse_network_code,
        parse_part,
        parse_leg,
        parse_machine,
    ],
)
@given(given_text=st.text())
def test_a_text_is_read_or_unreadable_and_nothing_else(
    read: Callable[[str], object], given_text: str
) -> None:
    with suppress(Unreadable):
        read(given_text)


@given(st.integers(0, 10**15 - 1), st.integers(0, 30))
def test_a_whole_number_is_the_same_with_any_number_of_zeros_behind_the_point(
    whole: int, zeros: int
) -> None:
    assert parse_count(f"{whole}.{'0' * zeros}" if zeros else str(whole)) == whole


def is_whole(annotation: object) -> bool:
    return annotation is int or any(map(is_whole, get_args(annotation)))


def test_every_whole_number_of_every_type_is_read_alike(types: Catalogue) -> None:
    names = [
        (kind.name, slot)
        for kind in types.all_types
        for slot in map_fields(kind.model).rules
        if is_whole(list_fields(kind.model)[slot.field][0])
    ]
    assert len(names) > 20
    for kind, slot in names:
        _, _, parse = slot.bind(None)
        assert parse is not None
        assert parse("7.00000") == 7, (kind, slot.name)
        with pytest.raises(Unreadable, match="not_a_count"):
            parse("7.5")


@given(st.decimals(min_value=0, max_value=10**9, places=5))
def test_money_keeps_every_digit(amount: object) -> None:
    sent = f"{amount:f}"
    assert parse_money(sent) == sent


INBOUND = [("MessageUUID", UUID)]


@pytest.mark.parametrize("first", [0, 1])
@pytest.mark.parametrize("turn", [1, -1])
def test_media_are_in_their_order_numbered_from_0_or_from_1(
    types: Catalogue, first: int, turn: int
) -> None:
    pairs = [(f"Media{number}", f"url-{number}") for number in range(first, first + 11)][::turn]
    media = parsed(types, [*INBOUND, *pairs]).fields["media"]
    assert media == [f"url-{number}" for number in range(first, first + 11)]


@pytest.mark.parametrize("name", ["Media", "MediaX", "media1", "Media1a", "Media-1", "Media٣"])
def test_a_name_that_is_not_numbered_media_is_undeclared(types: Catalogue, name: str) -> None:
    callback = parsed(types, [*INBOUND, (name, "url")])
    assert "media" not in callback.fields
    assert callback.undeclared == {name: ["url"]}


def test_a_confidence_score_may_be_empty(types: Catalogue) -> None:
    pairs = [("CallUUID", UUID), ("InputType", "dtmf"), ("Digits", "1")]
    callback = parsed(types, [*pairs, ("Speech", ""), ("SpeechConfidenceScore", "")])
    assert callback.fields.keys().isdisjoint({"speech", "speech_confidence"})
    assert callback.unreadable == []


@pytest.mark.parametrize("name", ["Machine", "machine", "MACHINE"])
@pytest.mark.parametrize("event", ["StartApp", "Hangup", "MachineDetection"])
def test_the_machine_flag_has_one_shape_in_both_spellings(
    types: Catalogue, name: str, event: str
) -> None:
    callback = parsed(types, [("CallUUID", UUID), ("Event", event), (name, "true")])
    assert callback.fields["machine"] == {"detected": True, "text": "true"}


@pytest.mark.parametrize("said", ["ALeg", "aleg", "ALEG"])
def test_who_pressed_digits_is_one_word_in_any_case(types: Catalogue, said: str) -> None:
    pairs = [("CallUUID", UUID), ("DialAction", "digits"), ("DialDigitsPressedBy", said)]
    assert parsed(types, pairs).fields["dial_digits_pressed_by"] == "a_leg"


@pytest.mark.parametrize("not_yet", ["-1", "-1.0", "-1.00000"])
def test_an_unfinished_recording_has_no_length_and_no_end(types: Catalogue, not_yet: str) -> None:
    names = ("RecordingDuration", "RecordingDurationMs", "RecordingEndMs")
    pairs = [("CallUUID", UUID), ("RecordUrl", "u"), *((name, not_yet) for name in names)]
    callback = parsed(types, pairs)
    fields = ("recording_duration_s", "recording_duration_ms", "recording_ended_at")
    assert [callback.fields[field] for field in fields] == [None] * 3
    assert callback.unreadable == []
    assert callback.happened_at is None
