"""All callback types, and how the type of a callback is recognised."""

from dataclasses import replace
from urllib.parse import parse_qsl

import pytest

from bridge.callbacks.model import Reply, list_fields
from bridge.core import catalogue
from bridge.core.catalogue import Catalogue
from tests.support.factories import samples

RING = "voice.call.ring"
ANSWER = "voice.call.answer"
FALLBACK = "voice.call.fallback"
HANGUP = "voice.call.hangup"
MACHINE = "voice.call.machine_detection"
# Plivo's types, section by section. "voice.fetch" has the same parameters as the other fetches.
NAMES = sorted(
    [
        "voice.call.ring",
        "voice.call.answer",
        "voice.call.fallback",
        "voice.call.hangup",
        "voice.call.machine_detection",
        "voice.call.redirect",
        "voice.call.transfer",
        "voice.mpc.call_status",
        "voice.dial.action",
        "voice.dial.answer",
        "voice.dial.connected",
        "voice.dial.digits",
        "voice.dial.hangup",
        "voice.dial.other",
        "voice.dial.sound",
        "voice.getdigits.action",
        "voice.getinput.action",
        "voice.getinput.interim",
        "voice.record.action",
        "voice.record.completed",
        "voice.transcription",
        "voice.conference.enter",
        "voice.conference.exit",
        "voice.conference.digits",
        "voice.conference.floor",
        "voice.conference.record",
        "voice.conference.other",
        "voice.conference.action",
        "voice.conference.sound",
        "voice.mpc.status",
        "voice.mpc.recording",
        "voice.mpc.exit",
        "voice.mpc.sound",
        "voice.stream.status",
        "voice.recording_api.completed",
        "voice.conference_recording_api.completed",
        "api.async_response",
        "messaging.message.inbound",
        "messaging.message.status",
        "verify.session.status",
        "masking.session.status",
        "masking.session.recording",
        "tendlc.brand",
        "tendlc.campaign",
        "tendlc.number_linking",
        "tendlc.number_unlinking",
        "tollfree.verification",
        "numbers.compliance",
        "numbers.cnam",
        "numbers.caller_reputation",
        "voice.fetch",
    ]
)
FETCHES = [
    "voice.call.redirect",
    "voice.call.transfer",
    "voice.conference.sound",
    "voice.dial.sound",
    "voice.fetch",
    "voice.mpc.sound",
]


# Those of them that a value like `Event=StartApp` can request.
ASKED = [name for name in FETCHES if name != "voice.fetch"]


def test_every_declaration_is_found_and_has_a_unique_name(types: Catalogue) -> None:
    names = [kind.name for kind in types.types]
    assert names == sorted(set(names))
    assert names == NAMES
    assert types.all_types == (*types.types, types.unrecognised)
    assert types.by_name == {kind.name: kind for kind in types.all_types}


def test_what_is_shed_first_under_load_is_progress_and_never_an_end(types: Catalogue) -> None:
    assert [kind.name for kind in types.all_types if kind.shed_first] == [
        "voice.call.ring",
        "voice.conference.digits",
        "voice.conference.enter",
        "voice.conference.floor",
        "voice.dial.answer",
        "voice.dial.connected",
        "voice.dial.digits",
        "voice.getinput.interim",
        "voice.stream.status",
    ]


def test_a_type_whose_answer_plivo_executes_is_never_shed_first(types: Catalogue) -> None:
    assert not any(kind.shed_first for kind in types.types_with_executed_reply)


def test_an_alternative_matches_only_with_its_first_parameter(types: Catalogue) -> None:
    alternatives = [*types._not_by_value, *types._recognised_in_order]
    matching = [
        (one, values)
        for one in alternatives
        for values in (dict(pairs) for _, pairs in samples(types))
        if one.matches(values)
    ]
    assert len(matching) > len(alternatives)
    for one, values in matching:
        assert values.pop(one.name) is not None
        assert not one.matches(values)


def test_a_naming_value_can_have_further_conditions(types: Catalogue) -> None:
    kind = replace(types.by_name["voice.call.ring"], named=("Event=Ring & !DialAction",))
    one_type = Catalogue((kind,), types.unrecognised)
    ring = {"CallUUID": "1", "Event": "Ring"}
    assert one_type.choose(ring, None) == (kind, False)
    dialled = {**ring, "DialAction": "answer"}
    assert one_type.choose(dialled, None) == (types.unrecognised, False)


def test_an_alternative_cannot_begin_with_an_absent_parameter(types: Catalogue) -> None:
    kind = replace(types.by_name["voice.call.ring"], named=("!EventName & Event=Ring",))
    with pytest.raises(ValueError, match=r"voice\.call\.ring: .* not with !EventName$"):
        Catalogue((kind,), types.unrecognised)


def test_two_loadings_are_the_same_catalogue(types: Catalogue) -> None:
    assert catalogue.load_catalogue().all_types == types.all_types


def test_the_types_with_executed_reply_are_those_of_plivos_pages(types: Catalogue) -> None:
    assert {kind.name for kind in types.types_with_executed_reply} == {
        kind.name for kind in types.types if kind.reply is not Reply.ACK
    }
    names = {kind.name for kind in types.types_with_executed_reply}
    assert {ANSWER, FALLBACK, "voice.dial.sound", "messaging.message.inbound"} <= names
    assert HANGUP not in names


# Parameters on the shared path, and the types they fit, the one that is meant first.
FITS = [
    ("Event=Ring&CallUUID=x", [RING]),
    ("Event=StartApp&CallUUID=x", [ANSWER, FALLBACK, *ASKED]),
    ("Event=Redirect&CallUUID=x", [ANSWER, FALLBACK, *ASKED]),
    ("Event=Hangup", [HANGUP]),
    ("Event=Hangup&HangupCause=NORMAL_CLEARING&CallUUID=x", [HANGUP]),
    ("HangupCause=NORMAL_CLEARING&CallUUID=x", [HANGUP]),
    ("HangupCause=NORMAL_CLEARING&CallUUID=x&Event=", [HANGUP]),
    ("HangupCause=&CallUUID=x", FETCHES),
    ("HangupCause=NORMAL_CLEARING", []),
    ("HangupCause=NORMAL_CLEARING&CallUUID=x&Event=Other", []),
    ("Event=MachineDetection&CallStatus=in-progress", [MACHINE]),
    ("event=Hangup&CallUUID=x", FETCHES),
    ("Event=hangup&CallUUID=x", []),
    ("CallStatus=in-progress&CallUUID=x", FETCHES),
    ("", []),
]


@pytest.mark.parametrize(("text", "names"), FITS)
def test_parameters_match_the_types_that_declare_them(
    types: Catalogue, text: str, names: list[str]
) -> None:
    values = dict(parse_qsl(text, keep_blank_values=True))
    in_order = sorted(types.types, key=lambda kind: kind.match_order)
    assert [kind.name for kind in in_order if types.matches(kind, values)] == names


# Parameters, the type of the path, the recognised type, and whether the path decided.
CHOICES = [
    ("Event=StartApp", None, ANSWER, False),
    ("Event=StartApp", ANSWER, ANSWER, True),
    ("Event=StartApp", FALLBACK, FALLBACK, True),
    ("Event=StartApp", HANGUP, ANSWER, False),
    ("Event=Hangup", ANSWER, HANGUP, False),
    ("Event=Hangup", HANGUP, HANGUP, True),
    ("HangupCause=x&CallUUID=x", ANSWER, HANGUP, False),
    ("CallUUID=x", RING, RING, True),
    ("Event=NeverHeardOf&CallUUID=x", FALLBACK, FALLBACK, True),
    ("Event=NeverHeardOf&CallUUID=x", None, "unrecognised", False),
    # Values that request XML do not override the path of a type that requests XML.
    ("Event=StartApp&CallUUID=x", "voice.call.transfer", "voice.call.transfer", True),
    ("Event=Redirect&CallUUID=x", ANSWER, ANSWER, True),
    ("Event=Redirect&CallUUID=x", "voice.conference.sound", "voice.conference.sound", True),
    (
        "Event=Redirect&CallUUID=x&Digits=1",
        "voice.getdigits.action",
        "voice.getdigits.action",
        True,
    ),
    ("Event=Redirect&CallUUID=x", HANGUP, "voice.call.redirect", False),
    ("Event=StartApp&CallUUID=x&RecordUrl=x", "voice.record.completed", ANSWER, False),
    # Neither does a new word of a family, where Plivo waits for XML; elsewhere it does.
    ("Event=DialMusic&CallUUID=x", "voice.dial.sound", "voice.dial.sound", True),
    ("ConferenceAction=mute&CallUUID=x", "voice.conference.enter", "voice.conference.other", False),
    # A hangup is recognised on any path and with any other parameters.
    ("Event=Hangup&CallUUID=x&RecordUrl=x", "voice.record.completed", HANGUP, False),
    ("Event=Hangup&CallUUID=x&RecordUrl=x&Digits=1", "voice.record.action", HANGUP, False),
    ("Event=Hangup&CallUUID=x&ConferenceAction=exit", "voice.conference.exit", HANGUP, False),
    ("Event=Hangup&CallUUID=x", "voice.call.redirect", HANGUP, False),
    ("Event=NeverHeardOf", None, "unrecognised", False),
]


@pytest.mark.parametrize(("text", "route", "name", "by_path"), CHOICES)
def test_parameters_decide_the_type_and_else_the_path(
    types: Catalogue, text: str, route: str | None, name: str, *, by_path: bool
) -> None:
    on = types.by_name[route] if route else None
    kind, path_only = types.choose(dict(parse_qsl(text)), on)
    assert (kind.name, path_only) == (name, by_path)


def test_every_sample_is_recognised_on_its_own_path(types: Catalogue) -> None:
    for kind, pairs in samples(types):
        assert types.choose(dict(pairs), kind) == (kind, True)


def test_every_sample_is_recognised_on_the_shared_path_unless_it_is_path_only(
    types: Catalogue,
) -> None:
    for kind, pairs in samples(types):
        chosen, by_path = types.choose(dict(pairs), None)
        untold = kind.path_only or (kind.has_path and kind.has_no_alternatives)
        assert (chosen is kind) is not untold
        assert not by_path


def test_every_type_has_samples_and_a_meaning(types: Catalogue) -> None:
    for kind in types.all_types:
        assert kind.samples
        assert kind.meaning.endswith(".")
        keys = list_fields(kind.model)
        assert set(kind.key_fields) <= keys.keys()
        assert set(kind.time_fields) <= set(keys)


def test_a_types_names_follow_from_its_one_name(types: Catalogue) -> None:
    for kind in types.all_types:
        assert kind.path == "/plivo/" + kind.name.replace(".", "/")
        assert kind.event_type == f"com.plivo.{kind.name}.v{kind.version}"
        assert kind.topic == f"plivo.{kind.name}.v{kind.version}"
        assert kind.schema_path == f"{kind.name}/{kind.version}.{kind.revision}.json"
    hangup = types.by_name[HANGUP]
    assert hangup.path == "/plivo/voice/call/hangup"
    assert hangup.event_type == "com.plivo.voice.call.hangup.v1"


def test_no_two_types_share_a_path_a_topic_or_a_schema(types: Catalogue) -> None:
    for names in (
        [kind.path for kind in types.all_types],
        [kind.topic for kind in types.all_types],
        [kind.event_type for kind in types.all_types],
        [kind.schema_path for kind in types.all_types],
    ):
        assert len(names) == len(set(names))


def test_a_types_schema_has_every_parameters_meaning_and_plivos_names(types: Catalogue) -> None:
    for kind in types.all_types:
        properties = kind.model.model_json_schema(mode="serialization")["properties"]
        for field, (_, parameter, _) in list_fields(kind.model).items():
            said = properties[field]["description"]
            assert said.startswith(f"{parameter.meaning} Plivo: ")
            names = said.removeprefix(f"{parameter.meaning} Plivo: ").removesuffix(".")
            assert names == ", ".join(f"`{name}`" for name in parameter.names)
