"""Plivo's XML elements: their children, attributes and text.

Sources: names, nesting and attributes are everything that one of Plivo's SDKs can build (plivo-python
4.63, ``plivo/xml``; plivo-node 4.79, ``lib/utils/plivoxml.js``). ``page`` is the element's page below
https://docs.plivo.com/docs/voice/xml. Anything from elsewhere has its source beside it.
"""

from dataclasses import dataclass
from enum import Enum, auto
from typing import Final

ROOT: Final = "Response"


class Content(Enum):
    """What the text of an element means."""

    NOTHING = auto()
    """Plivo does not read it."""
    SPEECH = auto()
    """Words to speak; optional."""
    NAME = auto()
    """A name or number; required."""
    URL = auto()
    """An absolute http or https URL; required."""
    WEBSOCKET = auto()
    """An absolute wss or ws URL; required."""


@dataclass(frozen=True, slots=True)
class Element:
    """One element.

    ``target_text`` describes, for messages, what its text or its children must name.
    ``retry_attributes`` are the attributes whose URL may have retry settings as its fragment; an empty
    name stands for the URL in the text. Without its ``required_attributes`` an element cannot work;
    without its ``recommended_attributes`` it does nothing useful.
    """

    name: str
    page: str
    children: tuple[str, ...] = ()
    content: Content = Content.NOTHING
    target_text: str = ""
    url_attributes: tuple[str, ...] = ()
    sound_attributes: tuple[str, ...] = ()
    method_attributes: tuple[str, ...] = ()
    other_attributes: tuple[str, ...] = ()
    retry_attributes: tuple[str, ...] = ()
    required_attributes: tuple[str, ...] = ()
    recommended_attributes: tuple[str, ...] = ()

    @property
    def attributes(self) -> frozenset[str]:
        """Return every attribute that a page or an SDK has."""
        return frozenset(
            (
                *self.url_attributes,
                *self.sound_attributes,
                *self.method_attributes,
                *self.other_attributes,
            )
        )


# Allowed instead of a URL for a sound: the Conference, MultiPartyCall and Dial pages.
SOUND_WORDS: Final = frozenset({"beep:1", "beep:2", "none", "real"})
# Allowed in a sound document: the Conference page, ``enterSound``.
SOUND_ELEMENTS: Final = ("Play", "Speak", "Wait")
# "Only a Message XML element can be sent as a response from the message URL": the page on message
# requests, https://docs.plivo.com/docs/messaging/xml/request/messages.
MESSAGING_ELEMENTS: Final = ("Message",)

# The attributes that plivo-python writes as integers, and those that it writes as true or false.
INTEGER_ATTRIBUTES: Final = frozenset({
    "confirmTimeout", "digitTimeout", "executionTimeout", "length", "loop", "maxDuration", "maxLength",
    "maxMembers", "maxParticipants", "minSilence", "numDigits", "recordMinMemberCount", "retries",
    "schedule", "streamTimeout", "timeLimit", "timeout", "waitTime",
})  # fmt: skip
BOOLEAN_ATTRIBUTES: Final = frozenset({
    "async", "bidirectional", "coachMode", "endConferenceOnExit", "endMpcOnExit", "floorEvent",
    "hangupOnStar", "hold", "keepCallAlive", "log", "mute", "muted", "playBeep", "profanityFilter",
    "record", "recordParticipantTrack", "recordSession", "recordWhenAlone", "redirect", "relayDTMF",
    "relayDTMFInputs", "sendOnPreanswer", "silence", "startConferenceOnEnter", "startMpcOnEnter",
    "startOnDialAnswer", "stayAlone", "transcript",
})  # fmt: skip

_INLINE: Final = ("break", "emphasis", "lang", "phoneme", "prosody", "say-as", "sub", "w")
_SPOKEN: Final = (*_INLINE, "p", "s", "cont")

_CALL: Final = (
    Element(
        ROOT,
        "response",
        children=(
            "Conference", "Dial", "DTMF", "GetDigits", "GetInput", "Hangup", "Message",
            "MultiPartyCall", "Play", "PreAnswer", "Record", "Redirect", "Speak", "Stream", "Wait",
        ),
    ),
    Element(
        "Conference",
        "conference",
        content=Content.NAME,
        target_text="the name of the conference",
        url_attributes=("action", "callbackUrl", "transcriptionUrl"),
        sound_attributes=("enterSound", "exitSound", "waitSound"),
        method_attributes=("method", "callbackMethod", "transcriptionMethod"),
        other_attributes=(
            "muted", "beep", "startConferenceOnEnter", "endConferenceOnExit", "stayAlone", "maxMembers",
            "record", "recordWhenAlone", "recordFileFormat", "timeLimit", "hangupOnStar", "digitsMatch",
            "floorEvent", "redirect", "relayDTMF", "sendDigits", "transcriptionType",
        ),
        retry_attributes=("action", "callbackUrl", "waitSound"),
    ),
    Element(
        "Dial",
        "dial",
        # Only Plivo's page on call control for voice agents has <Sip>; no SDK has it.
        children=("Number", "User", "Sip"),
        target_text="whom to dial: <Number>14155550100</Number> or "
        "<User>sip:name@phone.plivo.com</User>",
        url_attributes=("action", "callbackUrl"),
        sound_attributes=("confirmSound", "dialMusic"),
        method_attributes=("method", "callbackMethod"),
        other_attributes=(
            "hangupOnStar", "timeLimit", "timeout", "callerId", "callerName", "confirmTimeout",
            "confirmKey", "redirect", "digitsMatch", "digitsMatchBLeg", "sipHeaders",
        ),
        retry_attributes=("action", "callbackUrl", "confirmSound", "dialMusic"),
    ),
    Element(
        "Number",
        "dial/number",
        content=Content.NAME,
        target_text="the number to dial",
        # A caller id for one number: the changelogs of Plivo's SDKs, 2025.
        other_attributes=("sendDigits", "sendOnPreanswer", "sendDigitsMode", "callerId", "callerName"),
    ),
    Element(
        "User",
        "dial/user",
        content=Content.NAME,
        target_text="the SIP address to dial",
        other_attributes=("sendDigits", "sendOnPreanswer", "sipHeaders"),
    ),
    Element("Sip", "dial", content=Content.NAME, target_text="the SIP address to dial"),
    # Plivo's Node.js SDK also writes the digits as an attribute.
    Element("DTMF", "dtmf", content=Content.SPEECH, other_attributes=("digits", "async")),
    Element(
        "GetDigits",
        "getdigits",
        children=SOUND_ELEMENTS,
        url_attributes=("action",),
        sound_attributes=("invalidDigitsSound",),
        method_attributes=("method",),
        other_attributes=(
            "timeout", "digitTimeout", "finishOnKey", "numDigits", "retries", "redirect", "playBeep",
            "validDigits", "log",
        ),
        retry_attributes=("action",),
        recommended_attributes=("action",),
    ),
    Element(
        "GetInput",
        "getinput",
        children=SOUND_ELEMENTS,
        url_attributes=("action", "interimSpeechResultsCallback"),
        method_attributes=("method", "interimSpeechResultsCallbackMethod"),
        other_attributes=(
            "inputType", "executionTimeout", "digitEndTimeout", "speechEndTimeout", "finishOnKey",
            "numDigits", "speechModel", "hints", "language", "log", "redirect", "profanityFilter",
        ),
        retry_attributes=("action", "interimSpeechResultsCallback"),
        recommended_attributes=("action",),
    ),
    Element("Hangup", "hangup", other_attributes=("reason", "schedule")),
    Element(
        "Message",
        "message",
        content=Content.SPEECH,
        url_attributes=("callbackUrl",),
        method_attributes=("callbackMethod",),
        other_attributes=("src", "dst", "type"),
        required_attributes=("dst",),
        recommended_attributes=("src",),
    ),
    Element(
        "MultiPartyCall",
        "multipartycall",
        content=Content.NAME,
        target_text="the name of the multi-party call",
        url_attributes=(
            "waitMusicUrl", "agentHoldMusicUrl", "customerHoldMusicUrl", "recordingCallbackUrl",
            "statusCallbackUrl", "onExitActionUrl", "startRecordingAudio", "stopRecordingAudio",
            "transcriptionUrl", "aiAgentStreamStatusCallbackUrl",
        ),
        sound_attributes=("enterSound", "exitSound"),
        method_attributes=(
            "waitMusicMethod", "agentHoldMusicMethod", "customerHoldMusicMethod",
            "recordingCallbackMethod", "statusCallbackMethod", "onExitActionMethod", "enterSoundMethod",
            "exitSoundMethod", "startRecordingAudioMethod", "stopRecordingAudioMethod",
        ),
        other_attributes=(
            "role", "maxDuration", "maxParticipants", "recordMinMemberCount", "waitTime", "record",
            "recordParticipantTrack", "recordTrackType", "recordFileFormat", "statusCallbackEvents",
            "stayAlone", "coachMode", "mute", "hold", "startMpcOnEnter", "endMpcOnExit",
            "relayDTMFInputs", "transcript",
        ),
        recommended_attributes=("role",),
    ),
    Element(
        "Play",
        "play",
        content=Content.URL,
        target_text="the URL of an MP3 or WAV",
        other_attributes=("loop",),
    ),
    Element(
        "PreAnswer",
        "preanswer",
        children=(*SOUND_ELEMENTS, "GetDigits", "Redirect", "Message", "DTMF"),
    ),
    Element(
        "Record",
        "record",
        url_attributes=("action", "callbackUrl", "transcriptionUrl"),
        method_attributes=("method", "callbackMethod", "transcriptionMethod"),
        other_attributes=(
            "fileFormat", "redirect", "timeout", "maxLength", "playBeep", "finishOnKey",
            "recordSession", "startOnDialAnswer", "transcriptionType", "transcriptionReportType",
            "recordChannelType",
        ),
        retry_attributes=("action", "callbackUrl", "transcriptionUrl"),
    ),
    Element(
        "Redirect",
        "redirect",
        content=Content.URL,
        target_text="the URL of the next document",
        method_attributes=("method",),
        retry_attributes=("",),
    ),
    Element(
        "Speak",
        "speak",
        children=_SPOKEN,
        content=Content.SPEECH,
        other_attributes=("voice", "language", "loop"),
    ),
    Element(
        "Stream",
        "stream",
        content=Content.WEBSOCKET,
        target_text="the URL of a WebSocket",
        url_attributes=("statusCallbackUrl",),
        method_attributes=("statusCallbackMethod",),
        other_attributes=(
            "bidirectional", "audioTrack", "streamTimeout", "contentType", "extraHeaders",
            "keepCallAlive",
        ),
    ),
    # The Node.js SDK writes minSilence in snake case too.
    Element("Wait", "wait", other_attributes=("length", "silence", "beep", "minSilence", "min_silence")),
)  # fmt: skip

_SSML_PAGE: Final = "../concepts/ssml"


def _spoken(name: str, *attributes: str, holds: tuple[str, ...] = ()) -> Element:
    return Element(
        name, _SSML_PAGE, children=holds, content=Content.SPEECH, other_attributes=attributes
    )


_SPEECH: Final = (
    _spoken("break", "strength", "time"),
    _spoken("cont", holds=_SPOKEN),
    _spoken("emphasis", "level", holds=_INLINE),
    _spoken("lang", "xml:lang", holds=(*_INLINE, "p", "s")),
    _spoken("p", holds=(*_INLINE, "s")),
    _spoken("phoneme", "alphabet", "ph"),
    _spoken("prosody", "volume", "rate", "pitch", holds=(*_INLINE, "p", "s")),
    _spoken("s", holds=_INLINE),
    _spoken("say-as", "interpret-as", "format"),
    _spoken("sub", "alias"),
    _spoken("w", "role", holds=("break", "emphasis", "phoneme", "prosody", "say-as", "sub")),
)

CALL_ELEMENTS: Final = {element.name: element for element in _CALL}
"""The elements that control a call or send a message."""
SPEECH_ELEMENTS: Final = {element.name: element for element in _SPEECH}
"""The elements of SSML, allowed only in <Speak>."""
ELEMENTS: Final = CALL_ELEMENTS | SPEECH_ELEMENTS

_NAMES_BY_LOWER_CASE: Final = {name.lower(): name for name in CALL_ELEMENTS}


def find_call_element(name: str) -> str | None:
    """Return the name of the call element that is spelt like this in any case; None if there is none."""
    return _NAMES_BY_LOWER_CASE.get(name.lower())


def allowed_parents(name: str) -> tuple[str, ...]:
    """Return the elements that may contain an element of this name."""
    return tuple(element.name for element in ELEMENTS.values() if name in element.children)
