"""Which callback it is: on its own path, on the shared one, and among the customer's own keys."""

from random import Random
from urllib.parse import parse_qsl, urlencode

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bridge.callbacks.model import CallbackType
from bridge.parameters import Pair
from bridge.parse import Callback, Parser
from tests.conforming import NAMES, SAMPLES, TYPES, Sample
from tests.making import PAIRS, WORD, parser, raw_callback, vouched

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
        for kind in TYPES.all
        for alternative in kind.recognise
        for part in alternative.split(" & ")
    }
)
IMITATING = st.lists(st.tuples(st.sampled_from(TELLING), WORD | st.just("Hangup")), max_size=4)

every_sample = pytest.mark.parametrize("sample", SAMPLES, ids=NAMES)


def expected(sample: Sample) -> str:
    """Return what a sample is on the shared path: its type, or what it cannot be told from."""
    return SHARED.get(sample.kind.name, sample.kind.name)


def read(
    query: list[Pair], body: list[Pair], *, by: Parser, route: CallbackType | None = None
) -> Callback:
    method = "POST" if body else "GET"
    raw = raw_callback(urlencode(query), urlencode(body), method=method)
    return by.parse(vouched(raw), route)


def test_what_only_a_path_tells_is_said_by_the_declarations() -> None:
    untold = {kind.name for kind in TYPES.types if kind.told_by_path or not kind.recognise}
    assert untold == SHARED.keys()


@every_sample
@settings(max_examples=15)
@given(foreign=PAIRS | IMITATING, random=st.randoms(use_true_random=False))
def test_on_post_a_sample_is_recognised_whatever_the_customers_query_says(
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
def test_on_get_a_sample_is_recognised_once_the_customers_keys_are_set_aside(
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
def test_on_get_keys_nobody_set_aside_are_kept_and_change_nothing(
    sample: Sample, foreign: list[Pair]
) -> None:
    callback = read([*foreign, *sample.pairs], [], by=parser(TYPES))
    assert callback.type.name == expected(sample)
    assert {name for name, _ in foreign} <= callback.undeclared.keys()


@every_sample
@settings(max_examples=10)
@given(foreign=PAIRS | IMITATING, random=st.randoms(use_true_random=False))
def test_on_its_own_path_a_sample_is_of_its_type_whatever_else_comes(
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
    ("CallUUID=x&Event=Redirect", "voice.fetch"),
    ("CallUUID=x&Digits=", "voice.fetch"),
    ("api_id=x", "api.async_response"),
    ("Colour=blue", "unrecognised"),
    ("", "unrecognised"),
    # An earlier step goes before a later one.
    ("EventName=SessionTimeout&SessionUUID=x&AttemptUUID=x", "masking.session.status"),
    ("AttemptUUID=x&MessageUUID=x&Status=sent", "verify.session.status"),
    ("MessageUUID=x&CallUUID=x&StreamID=x", "messaging.message.inbound"),
    ("StreamID=x&Event=StartStream&CallUUID=x&ConferenceUUID=x", "voice.stream.status"),
    ("ConferenceAction=record&ConferenceUUID=x&CallUUID=x&RecordUrl=x", "voice.conference.record"),
    ("ConferenceUUID=x&CallUUID=x&RecordUrl=x", "voice.conference.action"),
    ("ConferenceUUID=x&CallUUID=x&DialAction=hangup", "voice.conference.action"),
    ("DialAction=hangup&DialStatus=completed&CallUUID=x", "voice.dial.hangup"),
    ("DialStatus=completed&CallUUID=x&Digits=1", "voice.dial.action"),
    ("DialAction=digits&Event=DialDigitsMatch&CallUUID=x", "voice.dial.digits"),
    ("StableSpeech=x&InputType=speech&CallUUID=x", "voice.getinput.interim"),
    ("InputType=dtmf&Digits=1&CallUUID=x&RecordUrl=x", "voice.getinput.action"),
    ("RecordUrl=x&CallUUID=x&Event=Hangup", "voice.record.completed"),
    ("Event=Hangup&CallUUID=x&Digits=1", "voice.call.hangup"),
    ("Event=StartApp&CallUUID=x&Digits=1", "voice.call.answer"),
    ("HangupCause=x&CallUUID=x&Digits=1", "voice.call.hangup"),
    ("CallUUID=x&api_id=x", "voice.fetch"),
    # Names are told apart by their case, and values by all of theirs.
    ("eventname=MPCStart&CallUUID=x", "voice.fetch"),
    ("streamid=x&CallUUID=x", "voice.fetch"),
    ("digits=1&CallUUID=x", "voice.fetch"),
    ("Event=hangup&CallUUID=x", "voice.fetch"),
    ("EventName=mpcStart", "unrecognised"),
    ("Transcription=x&recording_id=x", "unrecognised"),
]


@pytest.mark.parametrize(("form", "name"), DECISIONS)
def test_the_decisions_are_taken_in_their_order(form: str, name: str) -> None:
    pairs = parse_qsl(form, keep_blank_values=True)
    for values in (dict(pairs), dict(reversed(pairs))):
        kind, by_path = TYPES.choose(values, None)
        assert (kind.name, by_path) == (name, False)


HANGUPS = ["Event=Hangup&CallUUID=x", "HangupCause=x&CallUUID=x", "Event=Hangup&CallUUID=x&To=1"]


@pytest.mark.parametrize("form", HANGUPS)
@pytest.mark.parametrize("name", sorted(TYPES.by_name))
def test_a_hangup_is_one_on_every_path_but_those_whose_parameters_nobody_knows(
    name: str, form: str
) -> None:
    route = TYPES.by_name[name]
    kind, _ = TYPES.choose(dict(parse_qsl(form)), route if route.has_path else None)
    assert kind.name == ("voice.call.hangup" if route.recognise or not route.has_path else name)


@pytest.mark.parametrize("sample", [one for one in SAMPLES if one.kind.weak], ids=repr)
def test_what_weak_parameters_say_does_not_contradict_a_path(sample: Sample) -> None:
    values = dict(sample.pairs)
    for route in TYPES.types:
        assert TYPES.choose(values, route) == (route, True)


def test_the_weak_types_are_those_whose_parameters_many_carry() -> None:
    assert {kind.name for kind in TYPES.types if kind.weak} == {
        "api.async_response",
        "voice.conference.action",
        "voice.fetch",
        "voice.getdigits.action",
    }


@every_sample
def test_a_strong_sample_goes_before_any_path_it_does_not_fit(sample: Sample) -> None:
    told, _ = TYPES.choose(dict(sample.pairs), None)
    for route in TYPES.types:
        fits = not route.recognise or route in TYPES.fitting(dict(sample.pairs))
        stays = fits or told.weak or told is TYPES.unrecognised
        assert TYPES.choose(dict(sample.pairs), route) == (
            (route, True) if stays else (told, False)
        )
