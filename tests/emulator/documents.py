"""Documents, people and calls at random, to drive the call machine with.

Documents are made from what the bridge knows of Plivo's elements, so that an element takes part as soon
as the machine executes it. Most documents are such that Plivo executes them, because one error refuses
all of a document.
"""

from dataclasses import dataclass
from typing import Final
from xml.sax.saxutils import escape, quoteattr

from hypothesis import strategies as st

from bridge.emulator.machine.commands import Failure, Outcome, Response
from bridge.emulator.machine.elements import EXECUTE
from bridge.emulator.machine.machine_detection import MachineDetection
from bridge.emulator.machine.person import HangUp, Input, Person, Phase, Pickup
from bridge.emulator.machine.rooms import Control
from bridge.emulator.machine.streams import StreamEvent
from bridge.reply.elements import (
    BOOLEAN_ATTRIBUTES,
    ELEMENTS,
    INTEGER_ATTRIBUTES,
    SOUND_WORDS,
    Content,
    Element,
)
from tests.emulator.machines import HOST, document, url_of

# The receiver has a document under each of these names; the answer URL's is the first.
NAMES: Final = ("answer", "one", "two")
NUMBERS: Final = ("14155550123", "14155550124", "+14155550125", "sip:name@phone.plivo.com")
API_ACTS: Final = ("transfer", "transfer both", "record", "record the rooms", "stop", "end")
ACTS: Final = ("press", "say", "message", "hang up", *API_ACTS, *Control, *StreamEvent)
_DETECTIONS: Final = (
    None,
    MachineDetection(),
    MachineDetection("hangup"),
    MachineDetection(url=url_of("nothing")),
    MachineDetection("hangup", url_of("nothing")),
)
_MPC_EVENTS: Final = (
    "mpc-state-changes",
    "participant-state-changes",
    "participant-speak-events",
    "participant-digit-input-events",
    "add-participant-api-events",
    "nothing",
)
_KEYS: Final = "0123456789*#"
_CALL_SECONDS_MAX: Final = 600

_urls = st.sampled_from([f"{HOST}/{name}" for name in (*NAMES, "nothing")])
_digits = st.sampled_from(["1", "12#", "*", ""]) | st.text(_KEYS, max_size=4)
_words = st.lists(st.sampled_from(["yes", "I", "have", "a", "question", "é"]), max_size=8).map(
    " ".join
)
_integers = st.sampled_from(["0", "1", "2", "5", "30", "999999999", "", "soon"])
_flags = st.sampled_from(["true", "false", "TRUE", ""])
# What an attribute can mean; every other one gets a text.
_values: Final = {
    "audioTrack": st.sampled_from(["inbound", "outbound", "both"]),
    "beep": st.sampled_from(["true", "false", "duration=300"]),
    "confirmKey": st.sampled_from(_KEYS),
    "digits": _digits,
    "digitsMatch": st.lists(_digits, max_size=2).map(",".join),
    "digitsMatchBLeg": st.lists(_digits, max_size=2).map(",".join),
    "dst": st.lists(st.sampled_from(NUMBERS), min_size=1, max_size=2).map("<".join),
    "extraHeaders": st.sampled_from(["a=1", "a=1,b=2", "broken"]),
    "fileFormat": st.sampled_from(["mp3", "wav", "ogg"]),
    "finishOnKey": st.sampled_from(["#", "*", "none", "", "1#"]),
    "inputType": st.sampled_from(["dtmf", "speech", "dtmf speech", "fax"]),
    "reason": st.sampled_from(["busy", "rejected", "bored"]),
    "role": st.sampled_from(["agent", "customer", "supervisor", "Agent", "guest"]),
    "sendDigits": st.sampled_from(["1", "wW1", ""]),
    "sipHeaders": st.sampled_from(["Team=blue", "Team=blue,Desk=7", "broken"]),
    "src": st.sampled_from(NUMBERS),
    "statusCallbackEvents": st.sets(st.sampled_from(_MPC_EVENTS)).map(
        lambda own: ",".join(sorted(own))
    ),
    "type": st.sampled_from(["sms", "mms", "whatsapp", "fax"]),
    "validDigits": st.sampled_from([_KEYS, "12"]),
}


def _attribute(element: Element, name: str) -> st.SearchStrategy[str]:
    """Return values of an attribute, of which none makes Plivo refuse the document."""
    if name in element.url_attributes:
        return _urls
    if name in element.sound_attributes:
        return _urls | st.sampled_from(sorted(SOUND_WORDS))
    if name in element.method_attributes:
        return st.sampled_from(["GET", "POST"])
    if name in _values:
        return _values[name]
    if name in INTEGER_ATTRIBUTES:
        return _integers
    return _flags if name in BOOLEAN_ATTRIBUTES else st.text("ab1 #", max_size=3)


def _text(element: Element) -> st.SearchStrategy[str]:
    match element.content:
        case Content.NOTHING:
            return st.just("")
        case Content.SPEECH:
            return _words
        case Content.NAME if element.name in {"Conference", "MultiPartyCall"}:
            return st.sampled_from(["room1", "room2"])
        case Content.NAME:
            return st.sampled_from(NUMBERS)
        case Content.URL:
            return _urls
        case Content.WEBSOCKET:
            return st.just("wss://bot.example.com/ws")


@st.composite
def _elements(draw: st.DrawFn, name: str) -> str:
    element = ELEMENTS[name]
    chosen = {*element.required_attributes, *element.recommended_attributes}
    for group in (element.url_attributes, element.sound_attributes, element.other_attributes):
        if group:
            chosen |= draw(st.sets(st.sampled_from(group), max_size=3))
    has_method = draw(st.booleans())
    if element.method_attributes and has_method:
        chosen.add(draw(st.sampled_from(element.method_attributes)))
    attributes = [f" {one}={quoteattr(draw(_attribute(element, one)))}" for one in sorted(chosen)]
    nested = ""
    if element.children and name != "Speak":
        least = 1 if name == "Dial" else 0
        children = st.lists(st.sampled_from(element.children), min_size=least, max_size=2)
        nested = "".join(draw(_elements(child)) for child in draw(children))
    return f"<{name}{''.join(attributes)}>{escape(draw(_text(element)))}{nested}</{name}>"


_executed = st.sampled_from(sorted(EXECUTE)).flatmap(_elements)
# What Plivo skips or refuses: TwiML, a misspelt name, a missing target, an invalid attribute.
_faulty = st.sampled_from(
    [
        "<Say>Hi</Say>",
        "<speak>Hi</speak>",
        "<Reject/>",
        "<Dial/>",
        "<Number>1</Number>",
        "<Redirect>nowhere</Redirect>",
        "<GetDigits action='/relative'/>",
        "<Record method='PUT'/>",
        "<Broken",
        "&undefined;",
    ]
)
_valid_documents = st.lists(_executed, min_size=1, max_size=4).map("".join).map(document)
_outcomes: st.SearchStrategy[Outcome] = st.one_of(
    *[_valid_documents] * 6,
    st.tuples(_valid_documents, _faulty).map(lambda pair: document(_inside(pair[0]) + pair[1])),
    st.sampled_from([
        Response(200),
        Response(200, "text/html", b"<html/>"),
        Response(200, "text/xml", b""),
        Response(404),
        Response(503),
        Failure("ct"),
        Failure("rt"),
        Failure("refused"),
        Failure("broken"),
    ]),
)  # fmt: skip


def _inside(response: Response) -> str:
    return response.body.decode().removeprefix("<Response>").removesuffix("</Response>")


_seconds = st.sampled_from([1.0, 3.0, 0.0, 40.0])
inputs = st.builds(
    Input,
    digits=_digits,
    speech=st.just("") | _words,
    after_s=_seconds,
    digit_interval_s=st.sampled_from([0.0, 0.2, 3.0]),
)
people = st.builds(
    Person,
    pickup=st.sampled_from([*[Pickup.ANSWERS] * 6, *Pickup]),
    rings_after_s=st.sampled_from([0.0, 1.2]),
    answers_after_s=st.sampled_from([4.0, 0.0, 1.2, 30.0, 200.0]),
    is_machine=st.booleans(),
    inputs=st.lists(inputs, min_size=1, max_size=3).map(tuple),
    hang_up=st.none()
    | st.builds(
        HangUp,
        st.sampled_from([60.0, 5.0, 0.0, 600.0]),
        st.none() | st.sampled_from(list(Phase)),
    ),
    records_s=_seconds,
    records_key=st.sampled_from(["", "#", "1"]),
)


@dataclass(frozen=True, slots=True)
class Act:
    """Something that happens to a call from outside: one of ``ACTS``, when, and to which call."""

    name: str
    after_s: float
    call: int


@dataclass(frozen=True, slots=True)
class Play:
    """A run of the machine: what the receiver answers, who is called, who calls, what happens."""

    outcomes: dict[str, Outcome]
    called: tuple[Person, ...]
    callers: tuple[Person, ...]
    others: tuple[Person, ...]
    acts: tuple[Act, ...]
    time_limit_s: float
    hangup_on_ring_s: float | None
    detection: MachineDetection | None
    latency_s: float
    seed: int


plays = st.builds(
    Play,
    outcomes=st.fixed_dictionaries(dict.fromkeys(NAMES, _outcomes)),
    called=st.lists(people, min_size=1, max_size=2).map(tuple),
    callers=st.lists(people, max_size=1).map(tuple),
    others=st.lists(people, min_size=1, max_size=3).map(tuple),
    acts=st.lists(
        st.builds(
            Act,
            st.sampled_from(ACTS),
            st.floats(0, _CALL_SECONDS_MAX),
            st.integers(0, 2),
        ),
        max_size=3,
    ).map(tuple),
    time_limit_s=st.sampled_from([5.0, float(_CALL_SECONDS_MAX)]),
    hangup_on_ring_s=st.sampled_from([None, None, 2.0, 100.0]),
    detection=st.sampled_from(_DETECTIONS),
    latency_s=st.sampled_from([0.0, 0.05, 30.0]),
    seed=st.integers(0, 3),
)
