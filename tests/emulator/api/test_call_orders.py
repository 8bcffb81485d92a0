"""Which arguments of a new call Plivo accepts, and how it refuses the others."""

from http import HTTPStatus

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.emulator.api.answers import Refused
from bridge.emulator.api.arguments import Arguments
from bridge.emulator.api.call_orders import DESTINATIONS_MAX, read_call_orders
from bridge.emulator.machine.leg import CallUrls
from bridge.emulator.machine.machine_detection import MachineDetection
from tests.emulator.api.plivo import PLACE
from tests.emulator.machines import ACCOUNT, CALLEE, CALLER, URLS

URL = "https://hooks.example.com/x"


def read(**more: object) -> Arguments:
    return Arguments({**PLACE, **more})


@pytest.mark.parametrize(
    ("argument", "value", "error"),
    [
        ("from", None, "from parameter is missing"),
        ("to", "", "to parameter is missing"),
        ("answer_url", None, "answer_url parameter is missing"),
        ("from", "nobody", "from parameter is invalid."),
        ("from", ["14155550100"], "from parameter is invalid."),
        ("to", "14155550123<", "to parameter is invalid."),
        ("to", "sip:nobody", "to parameter is invalid."),
        ("to", "14155550123<14155550123", "to parameter is invalid. It has a destination twice."),
        ("to", f"14155550123<+{CALLER}", "to parameter is invalid. The caller is among"),
        ("answer_url", "/answer", "answer_url parameter is invalid."),
        ("answer_method", "PUT", "answer_method parameter is invalid."),
        ("hangup_url", "ftp://example.com/x", "hangup_url parameter is invalid."),
        ("caller_name", "x" * 51, "caller_name parameter is invalid."),
        ("send_digits", "12y", "send_digits parameter is invalid."),
        ("send_on_preanswer", "maybe", "send_on_preanswer parameter is invalid."),
        ("time_limit", "soon", "time_limit parameter is invalid."),
        ("time_limit", 0, "time_limit parameter is invalid."),
        ("time_limit", "9" * 5_000, "time_limit parameter is invalid."),
        ("time_limit", 999_999_999_999, "time_limit parameter is invalid."),
        ("hangup_on_ring", -1, "hangup_on_ring parameter is invalid."),
        ("ring_timeout", "1.5", "ring_timeout parameter is invalid."),
        ("machine_detection", "perhaps", "machine_detection parameter is invalid."),
        ("machine_detection_time", 1_999, "machine_detection_time parameter is invalid."),
        ("machine_detection_time", 10_001, "machine_detection_time parameter is invalid."),
        ("machine_detection_maximum_words", 11, "machine_detection_maximum_words parameter"),
        ("machine_detection_initial_silence", 1_999, "machine_detection_initial_silence param"),
        ("machine_detection_initial_greeting", 999, "machine_detection_initial_greeting param"),
        ("machine_detection_url", "machine", "machine_detection_url parameter is invalid."),
        ("sip_headers", "Test-1=a", "sip_headers parameter is invalid."),
        ("sip_headers", "Test=a b", "sip_headers parameter is invalid."),
    ],
)
def test_an_argument_that_plivo_cannot_use_is_named(
    argument: str, value: object, error: str
) -> None:
    with pytest.raises(Refused) as refused:
        read_call_orders(ACCOUNT, read(**{argument: value}))
    assert refused.value.status is HTTPStatus.BAD_REQUEST
    assert refused.value.error.startswith(error)


def test_a_call_has_plivos_defaults() -> None:
    (order,) = read_call_orders(ACCOUNT, read())
    assert order.urls == CallUrls(URLS.answer, URLS.ring, URLS.hangup)
    assert (order.ring_timeout_s, order.time_limit_s, order.hangup_on_ring_s) == (120, 14_400, None)
    assert order.machine_detection is None


def test_arguments_are_read_as_numbers_texts_and_booleans_alike() -> None:
    arguments = {"time_limit": 30, "machine_detection": True, "hangup_on_ring": 0}
    texts = {"time_limit": "30", "machine_detection": "true", "hangup_on_ring": "0"}
    assert read_call_orders(ACCOUNT, read(**arguments)) == read_call_orders(ACCOUNT, read(**texts))


def test_each_destination_is_a_call() -> None:
    to = f"{CALLEE}<+14155550124<sip:john@phone.plivo.com"
    orders = read_call_orders(ACCOUNT, read(to=to))
    assert [one.callee for one in orders] == [CALLEE, "14155550124", "sip:john@phone.plivo.com"]


def test_a_thousand_destinations_are_accepted_and_one_more_is_not() -> None:
    numbers = [str(14_155_560_000 + one) for one in range(DESTINATIONS_MAX + 1)]
    assert len(read_call_orders(ACCOUNT, read(to="<".join(numbers[1:])))) == DESTINATIONS_MAX
    with pytest.raises(Refused, match="at most 1000 destinations"):
        read_call_orders(ACCOUNT, read(to="<".join(numbers)))


def test_a_parent_is_for_a_single_destination() -> None:
    (order,) = read_call_orders(ACCOUNT, read(parent_call_uuid="abc"))
    assert order.parent_uuid == "abc"
    with pytest.raises(Refused, match="parent_call_uuid"):
        read_call_orders(ACCOUNT, read(parent_call_uuid="abc", to=f"{CALLEE}<14155550124"))


@pytest.mark.parametrize(
    ("arguments", "detection"),
    [
        ({"machine_detection": False}, None),
        ({"machine_detection_url": URL}, None),
        ({"machine_detection": "true"}, MachineDetection()),
        ({"machine_detection": "hangup"}, MachineDetection("hangup")),
        (
            {
                "machine_detection": "hangup",
                "machine_detection_url": URL,
                "machine_detection_method": "get",
                "machine_detection_time": 2_000,
            },
            MachineDetection("hangup", (URL, "GET"), 2.0),
        ),
        (
            {
                "machine_detection": True,
                "machine_detection_maximum_speech_length": 1_000,
                "machine_detection_initial_silence": 2_000,
                "machine_detection_maximum_words": 4,
                "machine_detection_initial_greeting": 2_500,
                "machine_detection_silence": 700,
            },
            MachineDetection(
                initial_silence_s_max=2.0,
                sentence_s_max=2.5,
                sentences_max=4,
                speech_s_max=1.0,
                silence_s=0.7,
            ),
        ),
    ],
)
def test_machine_detection_has_three_modes(
    arguments: dict[str, object], detection: MachineDetection | None
) -> None:
    (order,) = read_call_orders(ACCOUNT, read(**arguments))
    assert order.machine_detection == detection


def test_whatsapp_calls_have_no_machine_detection() -> None:
    with pytest.raises(Refused, match="WhatsApp"):
        read_call_orders(ACCOUNT, read(call_type="whatsapp_voice", machine_detection="true"))


def test_sip_headers_come_back_by_name() -> None:
    (order,) = read_call_orders(ACCOUNT, read(sip_headers="Test=1, Other=abc"))
    assert order.sip_headers == {"Test": "1", "Other": "abc"}


VALUES = st.one_of(
    st.none(), st.booleans(), st.integers(), st.text(max_size=20), st.lists(st.integers())
)
NAMES = st.sampled_from(
    ["from", "to", "answer_url", "ring_method", "time_limit", "sip_headers", "machine_detection"]
)


def find_refusal(arguments: dict[str, object]) -> Refused | None:
    try:
        read_call_orders(ACCOUNT, read(**arguments))
    except Refused as refused:
        return refused
    return None


@given(st.dictionaries(NAMES, VALUES))
def test_any_arguments_make_orders_or_a_refusal_that_names_one(
    arguments: dict[str, object],
) -> None:
    refused = find_refusal(arguments)
    if refused is not None:
        assert refused.status is HTTPStatus.BAD_REQUEST
        assert refused.error.split(" ")[0] in {*PLACE, *arguments}
