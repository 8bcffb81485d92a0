"""The type of a callback: on its own path, on the shared path, among the customer's parameters."""

from random import Random
from urllib.parse import parse_qsl, urlencode

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bridge.callbacks.model import CallbackType, Reply
from bridge.core.catalogue import NAMING_PARAMETERS
from bridge.core.parameters import Pair
from bridge.core.parse import Callback, Parser
from tests.support.conformance import NAMES, SAMPLES, TYPES, Sample
from tests.support.factories import PAIRS, WORD, parser, raw_callback, vouched

SHARED = {
    **dict.fromkeys(["voice.call.fallback"], "voice.call.answer"),
    **dict.fromkeys(
        [
            "voice.call.redirect",
            "voice.call.transfer",
            "voice.conference.sound",
            "voice.dial.sound",
            "voice.mpc.call_status",
            "voice.mpc.sound",
        ],
        "voice.fetch",
    ),
    **dict.fromkeys(
        [
            "numbers.caller_reputation",
            "numbers.cnam",
            "numbers.compliance",
            "tendlc.brand",
            "tendlc.campaign",
            "tendlc.number_linking",
            "tendlc.number_unlinking",
            "tollfree.verification",
        ],
        "unrecognised",
    ),
}
TELLING = sorted(
    {
        part.strip("!?").partition("=")[0].rstrip("^")
        for kind in TYPES.all_types
        for alternative in (*kind.named, *kind.recognise)
        for part in alternative.split(" & ")
    }
)
IMITATING = st.lists(st.tuples(st.sampled_from(TELLING), WORD | st.just("Hangup")), max_size=4)

every_sample = pytest.mark.parametrize("sample", SAMPLES, ids=NAMES)


def expected(sample: Sample) -> str:
    """Return the type of a sample on the shared path: its own, or the one with the same parameters."""
    return SHARED.get(sample.kind.name, sample.kind.name)


def read(
    query: list[Pair], body: list[Pair], *, by: Parser, route: CallbackType | None = None
) -> Callback:
    method = "POST" if body else "GET"
    raw = raw_callback(urlencode(query), urlencode(body), method=method)
    return by.parse(vouched(raw), route)


def test_the_path_only_types_are_declared() -> None:
    untold = {kind.name for kind in TYPES.types if kind.path_only or kind.has_no_alternatives}
    assert untold == SHARED.keys()


@every_sample
@settings(max_examples=15)
@given(foreign=PAIRS | IMITATING, random=st.randoms(use_true_random=False))
def test_a_posted_sample_is_recognised_with_any_query(
    sample: Sample, foreign: list[Pair], random: Random
) -> None:
    body = sample.pairs
    random.shuffle(body)
    callback = read(foreign, body, by=parser(TYPES))
    assert callback.type.name == expected(sample)
    assert callback.recognised_by == "parameters"
    assert callback.unreadable == []


@every_sample
@settings(max_examples=15)
@given(foreign=PAIRS | IMITATING, random=st.randoms(use_true_random=False))
def test_a_sample_in_a_get_is_recognised_without_the_customers_names(
    sample: Sample, foreign: list[Pair], random: Random
) -> None:
    own = {name for name, _ in sample.pairs}
    foreign = [(name, value) for name, value in foreign if name not in own]
    query = [*sample.pairs, *foreign]
    random.shuffle(query)
    callback = read(query, [], by=Parser(TYPES, [name for name, _ in foreign]))
    assert callback.type.name == expected(sample)
    assert callback.context.keys() == {name for name, _ in foreign}


@every_sample
@settings(max_examples=10)
@given(foreign=st.lists(st.tuples(WORD.map("my_{}".format), WORD), max_size=3))
def test_in_a_get_other_names_are_kept_and_do_not_change_the_type(
    sample: Sample, foreign: list[Pair]
) -> None:
    callback = read([*foreign, *sample.pairs], [], by=parser(TYPES))
    assert callback.type.name == expected(sample)
    assert {name for name, _ in foreign} <= callback.undeclared.keys()


@every_sample
@settings(max_examples=10)
@given(foreign=PAIRS | IMITATING, random=st.randoms(use_true_random=False))
def test_a_sample_on_its_own_path_is_recognised_beside_any_other_parameter(
    sample: Sample, foreign: list[Pair], random: Random
) -> None:
    body = sample.pairs
    random.shuffle(body)
    callback = read(foreign, body, by=parser(TYPES), route=sample.kind)
    assert (callback.type, callback.recognised_by) == (sample.kind, "path")


# The decision list, a row for each of its answers; then what two steps could both claim.
DECISIONS = [
    ("EventName=MPCRecordingCompleted&MPCUUID=x", "voice.mpc.recording"),
    ("EventName=MPCStart&MPCUUID=x", "voice.mpc.status"),
    ("EventName=ParticipantJoin&MPCUUID=x", "voice.mpc.status"),
    ("EventName=AddParticipantByAPIActionInitiated&MPCUUID=x", "voice.mpc.status"),
    ("EventName=SessionRecordingCompleted", "masking.session.recording"),
    ("EventName=SessionFirstPartyAnswer", "masking.session.status"),
    ("EventName=SessionTimeout", "masking.session.status"),
    ("EventName=Else", "unrecognised"),
    ("AttemptUUID=x", "verify.session.status"),
    ("ChannelStatus=sent", "verify.session.status"),
    ("MessageUUID=x&Status=sent", "messaging.message.status"),
    ("MessageUUID=x&status=sent", "messaging.message.status"),
    ("MessageUUID=x", "messaging.message.inbound"),
    ("MessageUUID=x&Text=", "messaging.message.inbound"),
    ("StreamID=x&CallUUID=x", "voice.stream.status"),
    *[
        (f"ConferenceAction={action}&CallUUID=x", f"voice.conference.{action}")
        for action in ("enter", "exit", "digits", "floor", "record")
    ],
    ("ConferenceUUID=x&CallUUID=x", "voice.conference.action"),
    *[
        (f"DialAction={action}&CallUUID=x", f"voice.dial.{action}")
        for action in ("answer", "connected", "digits", "hangup")
    ],
    ("DialStatus=completed&CallUUID=x", "voice.dial.action"),
    ("StableSpeech=hello&CallUUID=x", "voice.getinput.interim"),
    ("UnstableSpeech=hello&CallUUID=x", "voice.getinput.interim"),
    ("InputType=dtmf&CallUUID=x&Digits=1", "voice.getinput.action"),
    ("InputType=speech&CallUUID=x&Digits=", "voice.getinput.action"),
    ("RecordUrl=x&CallUUID=x&Digits=", "voice.record.action"),
    ("RecordUrl=x&CallUUID=x&Digits=1", "voice.record.action"),
    ("RecordFile=x&CallUUID=x&Digits=", "voice.record.action"),
    ("RecordUrl=x&CallUUID=x", "voice.record.completed"),
    ("RecordFile=x&CallUUID=x", "voice.record.completed"),
    ("transcription=x&recording_id=x", "voice.transcription"),
    ("error=x&recording_id=x&transcription=", "voice.transcription"),
    ("record_url=x&call_uuid=x&api_id=x", "voice.recording_api.completed"),
    (
        "record_url=x&conference_name=x&api_id=x",
        "voice.conference_recording_api.completed",
    ),
    ("MPCFriendlyName=x&MPCUUID=x", "voice.mpc.exit"),
    ("ParticipantJoinTime=x&MPCUUID=x", "voice.mpc.exit"),
    ("Event=Ring&CallUUID=x", "voice.call.ring"),
    ("Event=StartApp&CallUUID=x", "voice.call.answer"),
    ("Event=Hangup&CallUUID=x", "voice.call.hangup"),
    ("Event=MachineDetection&CallUUID=x&CallStatus=in-progress", "voice.call.machine_detection"),
    ("HangupCause=x&CallUUID=x", "voice.call.hangup"),
    ("Digits=1&CallUUID=x", "voice.getdigits.action"),
    ("CallUUID=x", "voice.fetch"),
    ("CallUUID=x&Event=Redirect", "voice.call.redirect"),
    ("CallUUID=x&Event=DialRemoteSounds", "voice.dial.sound"),
    # A new word of a known family is of that family, and no new word is a request for XML.
    ("ConferenceAction=mute&ConferenceUUID=x&CallUUID=x", "voice.conference.other"),
    ("Event=ConferenceMute&ConferenceUUID=x&CallUUID=x", "voice.conference.other"),
    ("Event=ConferenceMute&ConferenceAction=mute&CallUUID=x", "voice.conference.other"),
    ("ConferenceAction=lock&ConferenceName=room", "voice.conference.other"),
    ("DialAction=early_media&DialALegUUID=x&DialBLegUUID=y", "voice.dial.other"),
    ("Event=DialEarlyMedia&CallUUID=x", "voice.dial.other"),
    ("EventName=MPCLocked&MPCUUID=x", "voice.mpc.status"),
    ("EventName=ParticipantRenamed&MPCUUID=x", "voice.mpc.status"),
    ("EventName=ParticipantRecordingTrimmed&RecordingUUID=x", "voice.mpc.recording"),
    ("EventName=SessionFrozen&SessionUUID=x", "masking.session.status"),
    ("Event=ResumedStream&StreamID=x&CallUUID=x", "voice.stream.status"),
    ("Event=CallQueued&CallUUID=x", "unrecognised"),
    ("Event=ring&CallUUID=x&CallStatus=ringing", "unrecognised"),
    # An exact value has priority over a family, a general parameter over one of a product.
    ("Event=ConferenceEnter&ConferenceAction=enter&CallUUID=x", "voice.conference.enter"),
    ("Event=ConferenceExit&ConferenceUUID=x&CallUUID=x", "voice.conference.exit"),
    ("Event=DialAnswer&DialALegUUID=x", "voice.dial.answer"),
    ("Event=Hangup&CallUUID=x&ConferenceAction=exit&ConferenceUUID=x", "voice.call.hangup"),
    ("Event=Hangup&CallUUID=x&ConferenceUUID=x", "voice.call.hangup"),
    ("Event=Hangup&CallUUID=x&StreamID=x", "voice.call.hangup"),
    ("Event=Hangup&CallUUID=x&DialStatus=completed", "voice.call.hangup"),
    ("Event=Hangup&CallUUID=x&InputType=speech&Speech=x", "voice.call.hangup"),
    ("Event=Hangup&CallUUID=x&RecordUrl=x&Digits=", "voice.call.hangup"),
    ("Event=Hangup&CallUUID=x&transcription=x&recording_id=x", "voice.call.hangup"),
    ("HangupCause=x&EndTime=x&CallUUID=x&RecordUrl=x", "voice.call.hangup"),
    ("HangupCause=x&CallUUID=x&RecordUrl=x", "voice.record.completed"),
    ("Event=StartApp&CallUUID=x&RecordUrl=x", "voice.call.answer"),
    ("Event=Ring&CallUUID=x&DialStatus=x", "voice.call.ring"),
    ("Event=MachineDetection&CallUUID=x&RecordUrl=x", "voice.call.machine_detection"),
    # A word of another product does not name a callback that has no identifier of that product.
    ("EventName=SessionSale&CallUUID=x&Event=StartApp", "voice.call.answer"),
    ("EventName=SessionSale&CallUUID=x", "voice.fetch"),
    ("CallUUID=x&Digits=", "voice.fetch"),
    ("api_id=x", "api.async_response"),
    ("Colour=blue", "unrecognised"),
    ("", "unrecognised"),
    # A lower match_order has priority.
    ("EventName=SessionTimeout&SessionUUID=x&AttemptUUID=x", "masking.session.status"),
    ("AttemptUUID=x&MessageUUID=x&Status=sent", "verify.session.status"),
    ("MessageUUID=x&CallUUID=x&StreamID=x", "messaging.message.inbound"),
    ("StreamID=x&Event=StartStream&CallUUID=x&ConferenceUUID=x", "voice.stream.status"),
    ("ConferenceAction=record&ConferenceUUID=x&CallUUID=x&RecordUrl=x", "voice.conference.record"),
    ("ConferenceUUID=x&CallUUID=x&RecordUrl=x", "voice.conference.action"),
    ("ConferenceUUID=x&CallUUID=x&DialAction=hangup", "voice.dial.hangup"),
    ("DialAction=hangup&DialStatus=completed&CallUUID=x", "voice.dial.hangup"),
    ("DialStatus=completed&CallUUID=x&Digits=1", "voice.dial.action"),
    ("DialAction=digits&Event=DialDigitsMatch&CallUUID=x", "voice.dial.digits"),
    ("StableSpeech=x&InputType=speech&CallUUID=x", "voice.getinput.interim"),
    ("InputType=dtmf&Digits=1&CallUUID=x&RecordUrl=x", "voice.getinput.action"),
    ("RecordUrl=x&CallUUID=x&Event=Hangup", "voice.call.hangup"),
    ("Event=Hangup&CallUUID=x&Digits=1", "voice.call.hangup"),
    ("Event=StartApp&CallUUID=x&Digits=1", "voice.call.answer"),
    ("HangupCause=x&CallUUID=x&Digits=1", "voice.call.hangup"),
    ("CallUUID=x&api_id=x", "voice.fetch"),
    # Names are compared with their case, and values completely.
    ("eventname=MPCStart&CallUUID=x", "voice.fetch"),
    ("streamid=x&CallUUID=x", "voice.fetch"),
    ("digits=1&CallUUID=x", "voice.fetch"),
    ("Event=hangup&CallUUID=x", "unrecognised"),
    ("EventName=mpcStart", "unrecognised"),
    ("Transcription=x&recording_id=x", "unrecognised"),
]


@pytest.mark.parametrize(("form", "name"), DECISIONS)
def test_the_rules_are_applied_in_their_order(form: str, name: str) -> None:
    pairs = parse_qsl(form, keep_blank_values=True)
    for values in (dict(pairs), dict(reversed(pairs))):
        kind, by_path = TYPES.choose(values, None)
        assert (kind.name, by_path) == (name, False)


HANGUPS = ["Event=Hangup&CallUUID=x", "HangupCause=x&CallUUID=x", "Event=Hangup&CallUUID=x&To=1"]


@pytest.mark.parametrize("form", HANGUPS)
@pytest.mark.parametrize("name", sorted(TYPES.by_name))
def test_a_hangup_is_recognised_on_every_path_of_a_documented_type(name: str, form: str) -> None:
    route = TYPES.by_name[name]
    kind, _ = TYPES.choose(dict(parse_qsl(form)), route if route.has_path else None)
    assert kind.name == (
        name if route.has_no_alternatives and route.has_path else "voice.call.hangup"
    )


@pytest.mark.parametrize("sample", [one for one in SAMPLES if one.kind.yields_to_path], ids=repr)
def test_a_type_that_yields_to_the_path_does_not_override_it(sample: Sample) -> None:
    values = dict(sample.pairs)
    for route in TYPES.types:
        assert TYPES.choose(values, route) == (route, True)


def test_the_types_that_yield_to_the_path_have_common_parameters() -> None:
    assert {kind.name for kind in TYPES.types if kind.yields_to_path} == {
        "api.async_response",
        "voice.conference.action",
        "voice.fetch",
        "voice.getdigits.action",
    }


def stays(sample: Sample, told: CallbackType, route: CallbackType) -> bool:
    """Return whether a sample is of its path's type though it shows another."""
    values = dict(sample.pairs)
    fits = TYPES.matches(route, values)
    if (
        route is told
        or route.has_no_alternatives
        or told.yields_to_path
        or told is TYPES.unrecognised
    ):
        return True
    if not any(name in values for name in NAMING_PARAMETERS):
        return fits
    executed = route.reply is not Reply.ACK
    if told.name.endswith(".other"):
        return executed and fits
    return executed and fits and told.reply is not Reply.ACK


@every_sample
def test_any_other_sample_overrides_a_path_that_it_does_not_match(sample: Sample) -> None:
    told, _ = TYPES.choose(dict(sample.pairs), None)
    for route in TYPES.types:
        expected = (route, True) if stays(sample, told, route) else (told, False)
        assert TYPES.choose(dict(sample.pairs), route) == expected, route.name


# What a customer wrote beside what Plivo did, in one query; the path; the type; what was set aside.
GET = "messaging.message.inbound"
OWN_IN_QUERY = [
    ("status=new&MessageUUID=x&From=1&Text=hi", GET, GET, ()),
    ("status=new&MessageUUID=x&From=1&Text=hi", None, GET, ()),
    ("status=new&MessageUUID=x&From=1", GET, GET, ("status",)),
    ("Status=new&MessageUUID=x&From=1&Text=hi", GET, GET, ("Status",)),
    ("Status=new&MessageUUID=x&Media0=u&MediaCount=1", None, GET, ("Status",)),
    ("MessageUUID=x&Status=sent&QueuedTime=t", GET, "messaging.message.status", ()),
    ("MessageUUID=x&Status=sent", GET, "messaging.message.status", ()),
    ("DialAction=x&DialStatus=busy&CallUUID=x", "voice.dial.action",
     "voice.dial.action", ("DialAction",)),
    ("DialAction=answer&DialRingStatus=true&DialStatus=busy&CallUUID=x", "voice.dial.action",
     "voice.dial.action", ("DialAction",)),
    ("ConferenceAction=join&ConferenceFirstMember=true&CallUUID=x&Event=ConferenceEnter", None,
     "voice.conference.enter", ()),
    ("Event=signup&Event=StartApp&CallUUID=x", "voice.call.answer", "voice.call.answer", ()),
    ("Event=signup&Event=StartApp&CallUUID=x", None, "voice.call.answer", ()),
    ("Event=Hangup&Event=StartApp&CallUUID=x", "voice.call.answer", "voice.call.answer", ()),
    ("EventName=sale&Event=StartApp&CallUUID=x", None, "voice.call.answer", ()),
    ("EventName=SessionSale&Event=Ring&CallUUID=x", "voice.call.ring", "voice.call.ring", ()),
    ("StreamID=7&Event=Hangup&CallUUID=x", "voice.call.hangup", "voice.call.hangup", ()),
    ("Digits=5&Event=StartApp&CallUUID=x", "voice.call.answer", "voice.call.answer", ()),
    ("error=1&recording_id=7&Event=StartApp&CallUUID=x", None, "voice.call.answer", ()),
    ("api_id=1&RecordUrl=u&CallUUID=x", "voice.record.completed", "voice.record.completed", ()),
]  # fmt: skip


@pytest.mark.parametrize(("query", "route", "name", "set_aside"), OWN_IN_QUERY)
def test_a_parameter_that_may_be_the_customers_own_does_not_decide_alone(
    query: str, route: str | None, name: str, set_aside: tuple[str, ...]
) -> None:
    on = TYPES.by_name[route] if route else None
    raw = raw_callback(query, method="GET")
    recognition = parser(TYPES).parse(vouched(raw), on).recognition
    assert (recognition.kind.name, recognition.ignored_parameters) == (name, set_aside)


# The query of the URL at Plivo, the body that repeats it; the path; the type; what was set aside.
ECHOED = [
    ("status=new", "status=new&MessageUUID=x&From=1", GET, GET, ("status",)),
    ("Status=new", "Status=new&MessageUUID=x&Text=hi", None, GET, ("Status",)),
    ("Event=Ring", "Event=Ring&Event=StartApp&CallUUID=x", None, "voice.call.answer", ("Event",)),
    ("StreamID=x", "StreamID=x&Event=Hangup&CallUUID=x", None, "voice.call.hangup", ()),
    ("Event=Hangup", "Event=Hangup&CallUUID=x", None, "voice.call.hangup", ()),
    ("Digits=9", "Digits=9&CallUUID=x&RecordUrl=u", None, "voice.record.action", ()),
    ("CallUUID=x", "CallUUID=x&Digits=1", None, "voice.getdigits.action", ()),
]


@pytest.mark.parametrize(("query", "body", "route", "name", "set_aside"), ECHOED)
def test_an_echo_of_the_query_in_the_body_does_not_decide_alone(
    query: str, body: str, route: str | None, name: str, set_aside: tuple[str, ...]
) -> None:
    on = TYPES.by_name[route] if route else None
    recognition = parser(TYPES).parse(vouched(raw_callback(query, body)), on).recognition
    assert (recognition.kind.name, recognition.ignored_parameters) == (name, set_aside)


JSON_NAMES = [
    ('{"call_uuid":"x","duration":31,"hangup_cause":"NORMAL_CLEARING"}', None, "voice.call.hangup"),
    ('{"call_uuid":"x","duration":31,"hangup_cause":"USER_BUSY"}', "voice.call.ring",
     "voice.call.hangup"),
    ('{"call_uuid":"x","duration":31}', "voice.call.hangup", "voice.call.hangup"),
    ('{"call_uuid":"x","direction":"outbound","from":"1","to":"2"}', "voice.call.ring",
     "voice.call.ring"),
    ('{"call_uuid":"x","direction":"outbound","from":"1","to":"2"}', None, "unrecognised"),
    ('{"call_uuid":"x","recording_url":"https://m.example.com/r"}', None, "voice.record.completed"),
    ('{"call_uuid":"x","recording_url":"https://m.example.com/r"}', "voice.recording_api.completed",
     "voice.record.completed"),
    ('{"call_uuid":"x","record_url":"https://m.example.com/r"}', None,
     "voice.recording_api.completed"),
    ('{"call_uuid":"x","digits":"1"}', None, "unrecognised"),
    ('{"message_uuid":"x","status":"sent"}', None, "messaging.message.status"),
    ('{"api_id":"x","message":"call fired","request_uuid":"y"}', None, "api.async_response"),
    ('{"CallUUID":"x","Event":"Hangup"}', None, "voice.call.hangup"),
]  # fmt: skip


@pytest.mark.parametrize(("body", "route", "name"), JSON_NAMES)
def test_in_json_names_in_snake_case_are_plivos(body: str, route: str | None, name: str) -> None:
    on = TYPES.by_name[route] if route else None
    raw = raw_callback("", body, content_type="application/json")
    callback = parser(TYPES).parse(vouched(raw), on)
    assert callback.type.name == name
    assert callback.subject == "x"


def test_in_json_a_name_in_snake_case_fills_every_field_that_is_read_from_it() -> None:
    body = '{"event_name":"SessionSecondPartyComplete","session_uuid":"x"}'
    raw = raw_callback("", body, content_type="application/json")
    fields = parser(TYPES).parse(vouched(raw), None).fields
    assert fields["event_name"] == "SessionSecondPartyComplete"
    assert fields["state"] == {
        "party": "second",
        "state": "completed",
        "text": "SessionSecondPartyComplete",
    }


def test_in_a_form_only_documented_names_in_snake_case_are_plivos() -> None:
    raw = raw_callback("", "call_uuid=x&hangup_cause=NORMAL_CLEARING&duration=31")
    assert parser(TYPES).parse(vouched(raw), None).type is TYPES.unrecognised
