"""Which values each parameter takes, and what a faulty one is answered: fault and remedy."""

from collections.abc import Mapping
from typing import Any, Final

import pytest

from bridge.originate.parameter import RequestFaults
from bridge.originate.request import CallRequest, list_parameters

CALLER: Final = "14157654321"
CALLEE: Final = "14153464321"
REQUEST: Final = {"from": CALLER, "to": CALLEE, "answer_url": "https://example.com/answer"}
# What a parameter needs to have an effect.
NEEDED: Final = {"machine_detection": "true", "send_digits": "1", "parent_call_uuid": "a-call"}

ARABIC: Final = "\u0661" * 11  # digits, but not those of a telephone
A_NUMBER: Final = "give a number in E.164, with or without `+`"
WRITE: Final = "write country code and number, 7 to 15 digits"
NOT_A_NUMBER: Final = "is not a number; write country code and number, such as 14157654321"
NO_COUNTRY: Final = (
    "does not exist in any country; write the country code in front, and check the digits"
)
NO_URL: Final = "is not an absolute URL; write https://, the host and the path"
FRAGMENT: Final = "correct the URL's fragment, such as #rp=all&rc=5"
URL: Final[Mapping[Any, str]] = {
    "example.com/x": f"'example.com/x' {NO_URL}",
    "/answer": f"'/answer' {NO_URL}",
    "ftp://example.com/x": f"'ftp://example.com/x' {NO_URL}",
    "https://": f"'https://' {NO_URL}",
    "https://example.com/a b": f"'https://example.com/a b' {NO_URL}",
    "https://[example.com/": f"'https://[example.com/' {NO_URL}",
    "https://user:secret@/x?token=secret": f"'/x' {NO_URL}",
    "https://example.com/#rc=6": f"the retry setting rc must be 0 to 5; {FRAGMENT}",
    "https://example.com/#rc=5&tries=1": f"Plivo documents no retry setting tries; {FRAGMENT}",
    7: "7 is not allowed; give an absolute URL",
}
URLS: Final = ("https://example.com/x", "http://127.0.0.1:8080/x?a=1#rp=all&rc=5&ct=100")
DETECTION_URL: Final = {
    **URL,
    7: "7 is not allowed; give an absolute URL; empty: the call waits for the detection",
}
METHOD: Final[Mapping[Any, str]] = {
    one: f"{one!r} is not allowed; give GET or POST" for one in ("PUT", "", 1)
}
METHODS: Final = ("GET", "POST", "post")


def ranged(least: int, most: int, unit: str) -> Mapping[Any, str]:
    """Return the faults of a range of whole numbers."""
    faulty = (least - 1, most + 1, "soon", 1.5, "")
    return {one: f"{one!r} is not allowed; give {least:,} to {most:,} {unit}" for one in faulty}


# By parameter: values that it takes, and values that it refuses with the message.
VALUES: Final[Mapping[str, tuple[tuple[Any, ...], Mapping[Any, str]]]] = {
    "from": (
        ("14157654321", "+14157654321", " 442071838750 ", "+883510012345"),
        {
            "": f"is missing, and Plivo requires it; {A_NUMBER}",
            "Ann": f"'Ann' {NOT_A_NUMBER}",
            "sip:ann@phone.plivo.com": f"'sip:ann@phone.plivo.com' {NOT_A_NUMBER}",
            "04157654321": f"'04157654321' is not in E.164; {WRITE}",
            "141576": f"'141576' is not in E.164; {WRITE}",
            "1415765432112345": f"'1415765432112345' is not in E.164; {WRITE}",
            "1415765432": f"'1415765432' {NO_COUNTRY}",
            "99957654321": f"'99957654321' {NO_COUNTRY}",
            ARABIC: f"{ARABIC!r} {NOT_A_NUMBER}",
            14157654321: f"14157654321 is not allowed; {A_NUMBER}",
        },
    ),
    "to": (
        (
            "14153464321",
            "+14153464321",
            "sip:john1234@phone.plivo.com",
            "sips:j@example.com:5061;transport=tls",
            "14153464321<14153464322<sip:john1234@phone.plivo.com",
            "sip:Ann@example.com<sip:ann@example.com",
        ),
        {
            "": (
                "is missing, and Plivo requires it; give numbers in E.164 and SIP URIs; 1 to 1,000, "
                "each once, and not the caller"
            ),
            "sip:john1234": "'sip:john1234' is not a SIP URI; write sip:user@host",
            "sip:a@b@c": "'sip:a@b@c' is not a SIP URI; write sip:user@host",
            "415765432": f"'415765432' {NO_COUNTRY}",
            "14153464321<": (
                "destination 2: has an empty destination; write one destination on each side of <"
            ),
            "14153464321<sip:a@b.example<+14153464321": (
                "destination 3: '+14153464321' is destination 1 already; remove one of the two"
            ),
            "SIP:a@b.example": "'SIP:a@b.example' is not a SIP URI; write sip:user@host",
            "sip:a@B.example<sip:a@b.example": (
                "destination 2: 'sip:a@b.example' is destination 1 already; remove one of the two"
            ),
            f"14153464321<+{CALLER}": f"the caller {CALLER} is among the destinations; remove it",
        },
    ),
    "answer_url": (URLS, URL),
    "answer_method": (METHODS, METHOD),
    "ring_url": ((*URLS, ""), URL),
    "ring_method": (METHODS, METHOD),
    "hangup_url": ((*URLS, ""), URL),
    "hangup_method": (METHODS, METHOD),
    "fallback_url": ((*URLS, ""), URL),
    "fallback_method": (METHODS, METHOD),
    "caller_name": (
        ("Ann", "é" * 50, ""),
        {
            "x" * 51: "has 51 characters; give up to 50 characters",
            7: "7 is not allowed; give up to 50 characters",
        },
    ),
    "send_digits": (
        ("1", "1w2W3", "123@1000", "*#ABCD", "abcd", "w"),
        {
            one: f"{one!r} is not allowed; give digits, A to D, `*`, `#`; `w` waits 0.5 s, `W` waits "
            "1 s; at the end `@` and the length of a tone in ms"
            for one in ("", "12y", "1@", "@1000", "1@1000@5", "1@10w", "1 2", "1\n", "\u0661")
        },
    ),
    "send_on_preanswer": (
        (True, False, "true", "FALSE"),
        {"perhaps": "'perhaps' is not allowed; give true or false"},
    ),
    "time_limit": ((1, "60", 14_400, 86_400), ranged(1, 86_400, "s")),
    "hangup_on_ring": ((0, "10", 86_400), ranged(0, 86_400, "s")),
    "machine_detection": (
        ("true", "hangup", True, "HANGUP"),
        {one: f"{one!r} is not allowed; give true or hangup" for one in ("false", False, "", 2)},
    ),
    "machine_detection_time": ((2_000, "5000", 10_000), ranged(2_000, 10_000, "ms")),
    "machine_detection_url": ((*URLS, ""), DETECTION_URL),
    "machine_detection_method": (METHODS, METHOD),
    "machine_detection_maximum_speech_length": (
        (1_000, "5000", 6_000),
        ranged(1_000, 6_000, "ms"),
    ),
    "machine_detection_initial_silence": ((2_000, "4500", 10_000), ranged(2_000, 10_000, "ms")),
    "machine_detection_maximum_words": ((2, "3", 10), ranged(2, 10, "sentences")),
    "machine_detection_initial_greeting": ((1_000, "1500", 5_000), ranged(1_000, 5_000, "ms")),
    # Plivo's page breaks off: everything is sent as it is.
    "machine_detection_silence": ((0, -1, 10**12, "", "soon", "2000"), {}),
    "sip_headers": (
        ("Campaign=summer", "a=1,b=2"),
        {
            **{
                one: f"{one!r} is not allowed; give NAME=VALUE, joined with commas; letters and "
                "digits only; each name once"
                for one in (
                    "",
                    "a",
                    "a=",
                    "=1",
                    "a=1,",
                    "a-b=1",
                    "a=1 2",
                    "a=ü",
                    "X-a=1",
                    "a=1, b=2",
                )
            },
            "a=1,b=2,A=3": "has the header a twice; remove one of the two",
        },
    ),
    "ring_timeout": ((1, "30", 86_400), ranged(1, 86_400, "s")),
    "parent_call_uuid": (
        ("5d0c0f1e-3d0b-4a6f-9c55-0d5a3c1c7a01",),
        {
            one: f"{one!r} is not allowed; give 1 to 64 characters; only with a single destination"
            for one in ("", 7)
        },
    ),
    "error_if_parent_not_found": (
        (True, False, "true", "false"),
        {"perhaps": "'perhaps' is not allowed; give true or false"},
    ),
    "callback_url": (
        (*URLS, ""),
        {one: text for one, text in URL.items() if "rc=" not in str(one)},
    ),
    "callback_method": (METHODS, METHOD),
    "call_type": (
        ("whatsapp_voice", "WHATSAPP_VOICE"),
        {"sip": "'sip' is not allowed; give whatsapp_voice"},
    ),
}
NAMES: Final = [*VALUES]


def make_values(name: str, value: object) -> dict[str, object]:
    """Return a request with this value, and with what the parameter needs."""
    needs = list_parameters()[name].declared.needs
    return {**REQUEST, **({needs: NEEDED[needs]} if needs else {}), name: value}


def read_faults(values: Mapping[str, object]) -> list[str]:
    with pytest.raises(RequestFaults) as caught:
        CallRequest.model_validate(values)
    return str(caught.value).split("\n")


def test_every_parameter_has_its_row() -> None:
    assert [*list_parameters()] == NAMES


@pytest.mark.parametrize("name", NAMES)
def test_a_parameter_takes_these_values(name: str) -> None:
    taken, _ = VALUES[name]
    for value in taken:
        body = CallRequest.model_validate(make_values(name, value)).to_body()
        assert (name in body) is (value != "")


@pytest.mark.parametrize("name", NAMES)
def test_a_parameter_refuses_these_values_with_fault_and_remedy(name: str) -> None:
    _, refused = VALUES[name]
    for value, message in refused.items():
        assert read_faults(make_values(name, value)) == [f"{name}: {message}"]


@pytest.mark.parametrize(
    "name", [name for name, field in list_parameters().items() if field.is_number]
)
def test_true_is_not_a_number(name: str) -> None:
    (fault,) = read_faults(make_values(name, value=True))
    assert fault.startswith(f"{name}: True is not allowed; give ")


@pytest.mark.parametrize(
    "name", [name for name, field in list_parameters().items() if field.declared.needs]
)
def test_a_parameter_without_effect_is_refused(name: str) -> None:
    needs = list_parameters()[name].declared.needs
    value = next(one for one in VALUES[name][0] if one)
    assert read_faults({**REQUEST, name: value}) == [
        f"{name}: has no effect without {needs}; give {needs}, or remove this"
    ]


def test_a_parameter_whose_need_is_faulty_has_no_second_fault() -> None:
    values = {**REQUEST, "machine_detection": "yes", "machine_detection_time": 2_000}
    assert read_faults(values) == ["machine_detection: 'yes' is not allowed; give true or hangup"]


def test_a_whatsapp_call_has_no_machine_detection() -> None:
    values = {
        **REQUEST,
        "call_type": "whatsapp_voice",
        "machine_detection": "true",
        "machine_detection_time": 2_000,
    }
    assert read_faults(values) == [
        f"{name}: WhatsApp calls have no machine detection; remove it"
        for name in ("machine_detection", "machine_detection_time")
    ]


def test_a_parent_call_goes_with_a_single_destination() -> None:
    values = {**REQUEST, "to": "14153464321<14153464322", "parent_call_uuid": "a-call"}
    (fault,) = read_faults(values)
    assert fault == (
        "parent_call_uuid: goes with one destination, and there are 2; make a request for each "
        "destination"
    )


@pytest.mark.parametrize("count", [1, 1_000])
def test_a_request_has_up_to_1000_destinations(count: int) -> None:
    values = {**REQUEST, "to": join(count)}
    assert len(CallRequest.model_validate(values).destinations) == count


def test_a_request_has_no_more_than_1000_destinations() -> None:
    assert read_faults({**REQUEST, "to": join(1_001)}) == [
        "to: has 1,001 destinations, and Plivo takes 1,000; make several requests"
    ]


def join(count: int) -> str:
    return "<".join(f"1415555{number:04}" for number in range(count))
