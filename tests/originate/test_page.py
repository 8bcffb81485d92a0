"""Nothing of Plivo's page is missing: its 24 parameters, and the fields of its callbacks.

The names below are those of the page, in its order. A callback has a field for every name, and the
emulator sends every name, except where Plivo's own requests differ from its page.
"""

from typing import Any, Final
from urllib.parse import urlencode

import pytest

from bridge.core.catalogue import Catalogue
from bridge.core.parse import Parser
from bridge.emulator.api import calls
from bridge.originate.request import CallRequest, list_parameters
from tests.emulator.api.plivo import VirtualPlivo
from tests.emulator.machines import CALLEE, CALLER, HOST
from tests.support.factories import raw_callback, vouched

PARAMETERS: Final = (
    "from",
    "to",
    "answer_url",
    "answer_method",
    "ring_url",
    "ring_method",
    "hangup_url",
    "hangup_method",
    "fallback_url",
    "fallback_method",
    "caller_name",
    "send_digits",
    "send_on_preanswer",
    "time_limit",
    "hangup_on_ring",
    "machine_detection",
    "machine_detection_time",
    "machine_detection_url",
    "machine_detection_method",
    "machine_detection_maximum_speech_length",
    "machine_detection_initial_silence",
    "machine_detection_maximum_words",
    "machine_detection_initial_greeting",
    "machine_detection_silence",
)
MORE_PARAMETERS: Final = (
    "sip_headers",
    "ring_timeout",
    "parent_call_uuid",
    "error_if_parent_not_found",
    "callback_url",
    "callback_method",
    "call_type",
)
CALL: Final = "5d0c0f1e-3d0b-4a6f-9c55-0d5a3c1c7a01"


def number(text: str, e164: str) -> dict[str, str]:
    return {"kind": "pstn", "e164": e164, "text": text}


def utc(text: str, instant: str) -> dict[str, str]:
    return {"utc": instant, "text": text, "zone": "UTC", "certainty": "exact"}


def local(text: str, instant: str) -> dict[str, str]:
    """Return a time of an account in New York."""
    return {"utc": instant, "text": text, "zone": "America/New_York", "certainty": "exact"}


def stir(**texts: str) -> dict[str, Any]:
    return {
        "verification": "verified",
        "attestation": "A",
        "role": "assigned",
        "conflict": False,
        "text": texts,
    }


# By type: each parameter of the page, its text, our field, and the field's value.
Fields = dict[str, tuple[str, str, Any]]
_PARTIES: Final[Fields] = {
    "From": ("14155550100", "from", number("14155550100", "+14155550100")),
    "To": ("14155550123", "to", number("14155550123", "+14155550123")),
}
_IDS: Final[Fields] = {
    "RequestUUID": (CALL, "request_uuid", CALL),
    "ALegRequestUUID": (CALL, "a_leg_request_uuid", CALL),
    "CallUUID": (CALL, "call_uuid", CALL),
    "Direction": ("outbound", "direction", "outbound"),
}
_SESSION: Final[Fields] = {
    "SessionStart": (
        "2026-03-07 14:13:35.84624",
        "session_started_at",
        utc("2026-03-07 14:13:35.84624", "2026-03-07T14:13:35.846240Z"),
    )
}
FIELDS: Final[dict[str, Fields]] = {
    "voice.call.ring": {
        **_PARTIES,
        **_IDS,
        "Event": ("Ring", "event", "Ring"),
        "CallStatus": ("ringing", "call_status", "ringing"),
        **_SESSION,
        "STIRAttestation": (
            "A",
            "stir",
            stir(STIRAttestation="A") | {"verification": "unknown"},
        ),
    },
    "voice.call.answer": {
        **_PARTIES,
        "CallerName": ("Ann", "caller_name", "Ann"),
        **_IDS,
        "ALegUUID": (CALL, "a_leg_uuid", CALL),
        "Event": ("StartApp", "event", "StartApp"),
        "STIRVerification": (
            "Verified",
            "stir",
            stir(STIRAttestation="A", STIRVerification="Verified"),
        ),
        "CallStatus": ("in-progress", "call_status", "in-progress"),
        **_SESSION,
        "STIRAttestation": (
            "A",
            "stir",
            stir(STIRAttestation="A", STIRVerification="Verified"),
        ),
    },
    "voice.call.hangup": {
        **_PARTIES,
        **_IDS,
        "ALegUUID": (CALL, "a_leg_uuid", CALL),
        "Event": ("Hangup", "event", "Hangup"),
        "stir_verification": (
            "Verified",
            "stir",
            stir(STIRAttestation="A", stir_verification="Verified"),
        ),
        "CallStatus": ("completed", "call_status", "completed"),
        "StartTime": (
            "2026-03-07 09:13:30",
            "started_at",
            local("2026-03-07 09:13:30", "2026-03-07T14:13:30Z"),
        ),
        "AnswerTime": (
            "2026-03-07 09:13:34",
            "answered_at",
            local("2026-03-07 09:13:34", "2026-03-07T14:13:34Z"),
        ),
        **_SESSION,
        "EndTime": (
            "2026-03-07 09:14:04",
            "ended_at",
            local("2026-03-07 09:14:04", "2026-03-07T14:14:04Z"),
        ),
        "STIRAttestation": (
            "A",
            "stir",
            stir(STIRAttestation="A", stir_verification="Verified"),
        ),
    },
}
# Captured requests lack the first two; `stir_verification` is the page's spelling, not the wire's.
NOT_SENT: Final = {
    ("voice.call.ring", "ALegRequestUUID"),
    ("voice.call.ring", "STIRAttestation"),
    ("voice.call.hangup", "stir_verification"),
}
EACH: Final = [(kind, name) for kind, fields in FIELDS.items() for name in fields]


def test_the_parameters_of_the_page_are_declared_in_its_order() -> None:
    assert tuple(list_parameters()) == PARAMETERS + MORE_PARAMETERS


@pytest.mark.parametrize(("kind", "name"), EACH)
def test_a_parameter_of_the_page_becomes_a_field_of_the_event(
    types: Catalogue, kind: str, name: str
) -> None:
    form = urlencode({one: text for one, (text, _, _) in FIELDS[kind].items()})
    callback = Parser(types).parse(vouched(raw_callback("", form)), None)
    assert callback.type.name == kind
    assert callback.undeclared == {}
    assert callback.unreadable == []
    _, field, value = FIELDS[kind][name]
    assert callback.fields[field] == value


@pytest.fixture(scope="module")
def sent() -> dict[str, set[str]]:
    """Return the names of the parameters of an emulated call's callbacks, by type."""
    plivo = VirtualPlivo({"answer": "<Wait length='30'/>"})
    request = CallRequest(
        from_=CALLER,
        to=CALLEE,
        answer_url=f"{HOST}/answer",
        ring_url=f"{HOST}/ring",
        hangup_url=f"{HOST}/hangup",
        caller_name="Ann",
    )
    plivo.ask(calls.place_calls, request.to_body())
    plivo.run()
    return {one.type: {*one.parameters} for one in plivo.driver.requests}


@pytest.mark.parametrize(("kind", "name"), EACH)
def test_the_emulator_sends_a_parameter_of_the_page_as_plivo_does(
    sent: dict[str, set[str]], kind: str, name: str
) -> None:
    assert (name in sent[kind]) is ((kind, name) not in NOT_SENT)
