"""Counts, flags, money and words."""

from collections.abc import Callable
from contextlib import suppress
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.callbacks.model import fields_of
from bridge.core.catalogue import Catalogue
from bridge.core.field_map import slots_of
from bridge.normalise.quantity import (
    count,
    count_if_known,
    flag,
    leg,
    machine,
    money,
    network,
    part,
    text,
    word,
)
from bridge.normalise.reading import Scope, Unreadable
from tests.making import UUID, parsed

SCOPE = Scope(direction=None, zone=None)


@pytest.mark.parametrize(
    ("read", "given_text", "value"),
    [
        (text, " Any Text ", " Any Text "),
        (word, "In-Progress", "in-progress"),
        (count, "0", 0),
        (count, "066", 66),
        (count, "999999999999999", 999_999_999_999_999),
        (count, "1.0", 1),
        (count, "345100.00000", 345_100),
        (count, "0.00000", 0),
        (money, "0.01000", "0.01000"),
        (money, "-0.5", "-0.5"),
        (money, "12", "12"),
        (flag, "true", True),
        (flag, "True", True),
        (flag, "1", True),
        (flag, "false", False),
        (flag, "FALSE", False),
        (flag, "0", False),
        (count_if_known, "42", 42),
        (count_if_known, "42.00", 42),
        (count_if_known, "-1", None),
        (count_if_known, "-1.0", None),
        (count_if_known, "-1.00000", None),
        (network, "310", "310"),
        (network, "01", "01"),
        (network, "001", "001"),
        (leg, "ALeg", "a_leg"),
        (leg, "aleg", "a_leg"),
        (leg, "BLeg", "b_leg"),
        (leg, "bleg", "b_leg"),
        (leg, "CLeg", "cleg"),
        (part, "1 of 1", {"part": 1, "of": 1, "text": "1 of 1"}),
        (part, "02 of 12", {"part": 2, "of": 12, "text": "02 of 12"}),
        (machine, "true", {"detected": True, "text": "true"}),
        (machine, "False", {"detected": False, "text": "False"}),
        (machine, "machine_detection", {"detected": True, "text": "machine_detection"}),
        (machine, "human", {"detected": None, "text": "human"}),
        (money, "0.92", "0.92"),
        # A confidence score is a binary fraction, written out.
        (money, "0.9128385782241821", "0.9128385782241821"),
    ],
)
def test_a_text_of_the_right_form_has_one_value(
    read: Callable[[str, Scope], object], given_text: str, value: object
) -> None:
    found = read(given_text, SCOPE)
    assert found == value
    assert type(found) is type(value)


@pytest.mark.parametrize(
    ("read", "given_text", "reason"),
    [
        (count, "-1", "not_a_count"),
        (count, "-1.00000", "not_a_count"),
        (count, "345100.5", "not_a_count"),
        (count, "345100.00001", "not_a_count"),
        (count, "1.", "not_a_count"),
        (count, ".0", "not_a_count"),
        (count, "1.0.0", "not_a_count"),
        (count, "1,0", "not_a_count"),
        (count, "1." + "0" * 31, "not_a_count"),
        (count, " 1", "not_a_count"),
        (count, "1\n", "not_a_count"),
        (count, "٣", "not_a_count"),
        (count, "1" * 16, "not_a_count"),
        (count, "1" * 5000, "not_a_count"),
        (money, ".5", "not_a_decimal"),
        (money, "5.", "not_a_decimal"),
        (money, "1e3", "not_a_decimal"),
        (money, "NaN", "not_a_decimal"),
        (money, "$1.00", "not_a_decimal"),
        (money, "1,000.00", "not_a_decimal"),
        (money, "0.5\n", "not_a_decimal"),
        (flag, "yes", "not_a_flag"),
        (flag, "human", "not_a_flag"),
        (flag, " true", "not_a_flag"),
        (count_if_known, "-2", "not_a_count"),
        (count_if_known, "-1.5", "not_a_count"),
        (count_if_known, "-2.00000", "not_a_count"),
        (network, "1", "not_a_network_code"),
        (network, "3100", "not_a_network_code"),
        (network, "31a", "not_a_network_code"),
        (part, "1/2", "not_a_part"),
        (part, "one of two", "not_a_part"),
        (part, "1 of 2 ", "not_a_part"),
        (part, "11111 of 2", "not_a_part"),
    ],
)
def test_a_text_of_another_form_is_unreadable_with_a_stable_reason(
    read: Callable[[str, Scope], object], given_text: str, reason: str
) -> None:
    with pytest.raises(Unreadable) as unreadable:
        read(given_text, SCOPE)
    assert unreadable.value.reason == reason


@pytest.mark.parametrize("read", [count, count_if_known, money, flag, network, part, leg, machine])
@given(given_text=st.text())
def test_a_text_is_read_or_unreadable_and_nothing_else(
    read: Callable[[str, Scope], object], given_text: str
) -> None:
    with suppress(Unreadable):
        read(given_text, SCOPE)


@given(st.integers(0, 10**15 - 1), st.integers(0, 30))
def test_a_whole_number_is_the_same_with_any_number_of_zeros_behind_the_point(
    whole: int, zeros: int
) -> None:
    assert count(f"{whole}.{'0' * zeros}" if zeros else str(whole), SCOPE) == whole


def is_whole(annotation: object) -> bool:
    return annotation is int or any(map(is_whole, get_args(annotation)))


def test_every_whole_number_of_every_type_is_read_alike(types: Catalogue) -> None:
    names = [
        (kind.name, slot)
        for kind in types.all
        for slot in slots_of(kind.model).singles
        if is_whole(fields_of(kind.model)[slot.field][0])
    ]
    assert len(names) > 20
    for kind, slot in names:
        assert slot.read("7.00000", SCOPE) == 7, (kind, slot.name)
        with pytest.raises(Unreadable, match="not_a_count"):
            slot.read("7.5", SCOPE)


@given(st.decimals(min_value=0, max_value=10**9, places=5))
def test_money_keeps_every_digit(amount: object) -> None:
    sent = f"{amount:f}"
    assert money(sent, SCOPE) == sent


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
def test_a_name_that_is_not_numbered_media_is_nobodys(types: Catalogue, name: str) -> None:
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
def test_a_recording_that_goes_on_has_no_length_and_no_end_yet(
    types: Catalogue, not_yet: str
) -> None:
    names = ("RecordingDuration", "RecordingDurationMs", "RecordingEndMs")
    pairs = [("CallUUID", UUID), ("RecordUrl", "u"), *((name, not_yet) for name in names)]
    callback = parsed(types, pairs)
    fields = ("recording_duration_s", "recording_duration_ms", "recording_ended_at")
    assert [callback.fields[field] for field in fields] == [None] * 3
    assert callback.unreadable == []
    assert callback.happened_at is None
