"""Each parameter of a request has its effect at Plivo, which the emulator plays.

A row says what is observed with the parameter, and everything else as in the same call without it, where
something else must be observed: so the parameter alone is the cause.
"""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple, cast

import pytest

from bridge.emulator.api import calls
from bridge.emulator.machine.person import Person, Pickup
from bridge.emulator.machine.world import Conditions
from bridge.originate.request import CallRequest, list_parameters
from tests.emulator.api.plivo import VirtualPlivo
from tests.emulator.machines import CALLEE, CALLER, HOST

PERSON = Person(hang_up=None)
MACHINE = Person(hang_up=None, is_machine=True)
NOBODY = Person(Pickup.NO_ANSWER, answers_after_s=60.0)
URLS = {"answer_url": f"{HOST}/answer", "ring_url": f"{HOST}/ring", "hangup_url": f"{HOST}/hangup"}
OTHER = f"{HOST}/other"
DETECTS = {"machine_detection": "true"}
# Only the limit that a row is about can tell the machine.
OPEN = {
    **DETECTS,
    "machine_detection_initial_greeting": 5_000,
    "machine_detection_time": 10_000,
}


def called(kind: str) -> Callable[[VirtualPlivo], list[tuple[str, str]]]:
    """Observe URL and method of the callbacks of a type."""

    def observe(plivo: VirtualPlivo) -> list[tuple[str, str]]:
        sent = [one for one in plivo.driver.requests if one.type == kind]
        return [(one.url, one.method) for one in sent]

    return observe


def parameter(kind: str, name: str) -> Callable[[VirtualPlivo], list[str | None]]:
    """Observe a parameter of the callbacks of a type."""

    def observe(plivo: VirtualPlivo) -> list[str | None]:
        return [one.parameters.get(name) for one in plivo.driver.requests if one.type == kind]

    return observe


def observe_end(plivo: VirtualPlivo) -> tuple[str, str]:
    """Observe code and duration of the hangup."""
    hangup = plivo.driver.requests[-1].parameters
    return hangup["HangupCauseCode"], hangup["Duration"]


def observe_notes(plivo: VirtualPlivo) -> list[str]:
    return [one.text for one in plivo.driver.notes]


def observe_parents(plivo: VirtualPlivo) -> list[str]:
    return [leg.parent_uuid for leg in plivo.machine.world.legs.values()]


def observe_calls(plivo: VirtualPlivo) -> int:
    return len(plivo.machine.world.legs)


RING, ANSWER, HANGUP = "voice.call.ring", "voice.call.answer", "voice.call.hangup"
FALLBACK, DETECTION = "voice.call.fallback", "voice.call.machine_detection"
MACHINE_FLAG = parameter(ANSWER, "Machine")


class Row(NamedTuple):
    """A parameter, what is observed with it, and the call that it is given to."""

    name: str
    value: Any
    observe: Callable[[VirtualPlivo], object]
    observed: object
    others: Mapping[str, Any] = {}
    person: Person = PERSON
    document: str | None = "<Wait length='30'/>"


ROWS = [
    Row("from", "14155550109", parameter(RING, "From"), ["+14155550109"]),
    Row(
        "to",
        f"{CALLEE}<sip:ann@phone.plivo.com",
        parameter(ANSWER, "To"),
        [CALLEE, "sip:ann@phone.plivo.com"],
    ),
    Row("answer_url", OTHER, called(ANSWER), [(OTHER, "POST")]),
    Row("answer_method", "GET", called(ANSWER), [(URLS["answer_url"], "GET")]),
    Row("ring_url", OTHER, called(RING), [(OTHER, "POST")]),
    Row("ring_method", "GET", called(RING), [(URLS["ring_url"], "GET")]),
    Row("hangup_url", OTHER, called(HANGUP), [(OTHER, "POST")]),
    Row("hangup_method", "GET", called(HANGUP), [(URLS["hangup_url"], "GET")]),
    Row("fallback_url", OTHER, called(FALLBACK), [(OTHER, "POST")], document=None),
    Row(
        "fallback_method",
        "GET",
        called(FALLBACK),
        [(OTHER, "GET")],
        {"fallback_url": OTHER},
        document=None,
    ),
    Row("caller_name", "Ann", parameter(ANSWER, "CallerName"), ["Ann"]),
    Row("send_digits", "1w2", observe_notes, ["the digits 1w2 are sent to the callee"]),
    Row(
        "send_on_preanswer",
        "true",
        observe_notes,
        ["the digits 1w2 are sent before the answer"],
        {"send_digits": "1w2"},
    ),
    Row("time_limit", 20, observe_end, ("6000", "20")),
    Row("hangup_on_ring", 10, observe_end, ("6000", "7")),
    Row("machine_detection", "hangup", observe_end, ("9100", "2"), person=MACHINE),
    # Its sentences are known to be too long after 2.1 s.
    Row(
        "machine_detection_time",
        2_000,
        MACHINE_FLAG,
        ["false"],
        {**DETECTS, "machine_detection_initial_greeting": 1_600},
        MACHINE,
    ),
    Row("machine_detection_url", OTHER, called(DETECTION), [(OTHER, "POST")], DETECTS, MACHINE),
    Row(
        "machine_detection_method",
        "GET",
        called(DETECTION),
        [(OTHER, "GET")],
        {**DETECTS, "machine_detection_url": OTHER},
        MACHINE,
    ),
    Row(
        "machine_detection_maximum_speech_length",
        6_000,
        MACHINE_FLAG,
        ["false"],
        OPEN,
        MACHINE,
    ),
    Row(
        "machine_detection_initial_silence",
        2_000,
        MACHINE_FLAG,
        ["true"],
        DETECTS,
        Person(hang_up=None, speaks_after_s=3.0),
    ),
    Row(
        "machine_detection_maximum_words",
        2,
        MACHINE_FLAG,
        ["true"],
        {**OPEN, "machine_detection_maximum_speech_length": 6_000},
        MACHINE,
    ),
    Row("machine_detection_initial_greeting", 5_000, MACHINE_FLAG, ["false"], DETECTS, MACHINE),
    Row("machine_detection_silence", 2_000, observe_end, ("4010", "33"), DETECTS),
    Row("sip_headers", "Campaign=summer", parameter(HANGUP, "X-PH-Campaign"), ["summer"]),
    Row("ring_timeout", 15, observe_end, ("6010", "0"), person=NOBODY),
    Row("parent_call_uuid", "a-parent", observe_parents, ["a-parent"]),
    Row("error_if_parent_not_found", "true", observe_calls, 0, {"parent_call_uuid": "a-parent"}),
]
# The asynchronous mode is a matter of HTTP; WhatsApp calls differ only by having no machine detection.
ELSEWHERE = {"callback_url", "callback_method", "call_type"}


def place(row: Row, **given: Any) -> VirtualPlivo:
    """Place the call of a row with a parameter, or without it, and let it end."""
    documents = {} if row.document is None else {"answer": row.document, "other": row.document}
    plivo = VirtualPlivo(
        documents, find_person=lambda *_: row.person, conditions=Conditions(calls_per_s=10)
    )
    asked = {"from": CALLER, "to": CALLEE, **URLS, **row.others, **given}
    body = cast("dict[str, object]", CallRequest(**asked).to_body())
    plivo.ask(calls.place_calls, body)
    plivo.run()
    return plivo


@pytest.mark.parametrize("row", ROWS, ids=[row.name for row in ROWS])
def test_a_parameter_has_its_effect_at_plivo(row: Row) -> None:
    assert row.observe(place(row, **{row.name: row.value})) == row.observed
    assert row.observe(place(row)) != row.observed


def test_every_parameter_has_a_row() -> None:
    assert {row.name for row in ROWS} | ELSEWHERE == {*list_parameters()}
