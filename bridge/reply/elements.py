"""Plivo's XML elements: what each may hold, and what it needs.

Sources. Names, nesting and attributes are those that Plivo's SDKs build (plivo-python 4.63,
``plivo/xml``; plivo-node 4.79, ``lib/utils/plivoxml.js``): what either of them builds stands here.
``page`` is the element's own page below https://docs.plivo.com/docs/voice/xml. What goes beyond both
has its source beside it.
"""

from dataclasses import dataclass
from enum import Enum, auto
from typing import Final

PAGES: Final = "https://docs.plivo.com/docs/voice/xml/"
ROOT: Final = "Response"


class Content(Enum):
    """What the text of an element is."""

    NOTHING = auto()
    """Plivo does not read it."""
    SPEECH = auto()
    """Words to speak. They may be left out."""
    NAME = auto()
    """A name or number, which must be there."""
    URL = auto()
    """An absolute URL with http or https, which must be there."""
    WEBSOCKET = auto()
    """An absolute URL with wss or ws, which must be there."""


@dataclass(frozen=True, slots=True)
class Element:
    """One element. ``target`` says in words what its text, or what it holds, has to name.

    ``retried`` are the attributes whose URL may carry retry settings as a fragment; an empty name
    stands for the URL in the text. ``needs`` are attributes without which the element cannot work,
    ``wants`` those without which it does nothing useful.
    """

    name: str
    page: str
    holds: tuple[str, ...] = ()
    content: Content = Content.NOTHING
    target: str = ""
    urls: tuple[str, ...] = ()
    sounds: tuple[str, ...] = ()
    methods: tuple[str, ...] = ()
    others: tuple[str, ...] = ()
    retried: tuple[str, ...] = ()
    needs: tuple[str, ...] = ()
    wants: tuple[str, ...] = ()

    @property
    def attributes(self) -> frozenset[str]:
        """Return every attribute that a page or an SDK names."""
        return frozenset((*self.urls, *self.sounds, *self.methods, *self.others))


# What may be written for a sound in the place of a URL: the Conference, MultiPartyCall and Dial pages.
SOUND_WORDS: Final = frozenset({"beep:1", "beep:2", "none", "real"})
# The elements that a sound document may hold: the Conference page, ``enterSound``.
SOUND_ELEMENTS: Final = ("Play", "Speak", "Wait")
# "Only a Message XML element can be sent as a response from the message URL": the page on message
# requests, https://docs.plivo.com/docs/messaging/xml/request/messages.
MESSAGING_ELEMENTS: Final = ("Message",)

# The attributes that plivo-python writes as whole numbers, and those that it writes as true or false.
WHOLE_ATTRIBUTES: Final = frozenset({
    "confirmTimeout", "digitTimeout", "executionTimeout", "length", "loop", "maxDuration", "maxLength",
    "maxMembers", "maxParticipants", "minSilence", "numDigits", "recordMinMemberCount", "retries",
    "schedule", "streamTimeout", "timeLimit", "timeout", "waitTime",
})  # fmt: skip
FLAG_ATTRIBUTES: Final = frozenset({
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
        holds=(
            "Conference", "Dial", "DTMF", "GetDigits", "GetInput", "Hangup", "Message",
            "MultiPartyCall", "Play", "PreAnswer", "Record", "Redirect", "Speak", "Stream", "Wait",
        ),
    ),
    Element(
        "Conference",
        "conference",
        content=Content.NAME,
        target="the name of the conference",
        urls=("action", "callbackUrl", "transcriptionUrl"),
        sounds=("enterSound", "exitSound", "waitSound"),
        methods=("method", "callbackMethod", "transcriptionMethod"),
        others=(
            "muted", "beep", "startConferenceOnEnter", "endConferenceOnExit", "stayAlone", "maxMembers",
            "record", "recordWhenAlone", "recordFileFormat", "timeLimit", "hangupOnStar", "digitsMatch",
            "floorEvent", "redirect", "relayDTMF", "sendDigits", "transcriptionType",
        ),
        retried=("action", "callbackUrl", "waitSound"),
    ),
    Element(
        "Dial",
        "dial",
        # <Sip> stands on Plivo's page on call control for voice agents alone, and in no SDK.
        holds=("Number", "User", "Sip"),
        target="whom to dial: <Number>14155550100</Number> or <User>sip:name@phone.plivo.com</User>",
        urls=("action", "callbackUrl"),
        sounds=("confirmSound", "dialMusic"),
        methods=("method", "callbackMethod"),
        others=(
            "hangupOnStar", "timeLimit", "timeout", "callerId", "callerName", "confirmTimeout",
            "confirmKey", "redirect", "digitsMatch", "digitsMatchBLeg", "sipHeaders",
        ),
        retried=("action", "callbackUrl", "confirmSound", "dialMusic"),
    ),
    Element(
        "Number",
        "dial/number",
        content=Content.NAME,
        target="the number to dial",
        # The caller id of one number: the changelogs of Plivo's SDKs, 2025.
        others=("sendDigits", "sendOnPreanswer", "sendDigitsMode", "callerId", "callerName"),
    ),
    Element(
        "User",
        "dial/user",
        content=Content.NAME,
        target="the SIP address to dial",
        others=("sendDigits", "sendOnPreanswer", "sipHeaders"),
    ),
    Element("Sip", "dial", content=Content.NAME, target="the SIP address to dial"),
    # Plivo's Node.js SDK has the digits as an attribute too.
    Element("DTMF", "dtmf", content=Content.SPEECH, others=("digits", "async")),
    Element(
        "GetDigits",
        "getdigits",
        holds=SOUND_ELEMENTS,
        urls=("action",),
        sounds=("invalidDigitsSound",),
        methods=("method",),
        others=(
            "timeout", "digitTimeout", "finishOnKey", "numDigits", "retries", "redirect", "playBeep",
            "validDigits", "log",
        ),
        retried=("action",),
        wants=("action",),
    ),
    Element(
        "GetInput",
        "getinput",
        holds=SOUND_ELEMENTS,
        urls=("action", "interimSpeechResultsCallback"),
        methods=("method", "interimSpeechResultsCallbackMethod"),
        others=(
            "inputType", "executionTimeout", "digitEndTimeout", "speechEndTimeout", "finishOnKey",
            "numDigits", "speechModel", "hints", "language", "log", "redirect", "profanityFilter",
        ),
        retried=("action", "interimSpeechResultsCallback"),
        wants=("action",),
    ),
    Element("Hangup", "hangup", others=("reason", "schedule")),
    Element(
        "Message",
        "message",
        content=Content.SPEECH,
        urls=("callbackUrl",),
        methods=("callbackMethod",),
        others=("src", "dst", "type"),
        needs=("dst",),
        wants=("src",),
    ),
    Element(
        "MultiPartyCall",
        "multipartycall",
        content=Content.NAME,
        target="the name of the multi-party call",
        urls=(
            "waitMusicUrl", "agentHoldMusicUrl", "customerHoldMusicUrl", "recordingCallbackUrl",
            "statusCallbackUrl", "onExitActionUrl", "startRecordingAudio", "stopRecordingAudio",
            "transcriptionUrl", "aiAgentStreamStatusCallbackUrl",
        ),
        sounds=("enterSound", "exitSound"),
        methods=(
            "waitMusicMethod", "agentHoldMusicMethod", "customerHoldMusicMethod",
            "recordingCallbackMethod", "statusCallbackMethod", "onExitActionMethod", "enterSoundMethod",
            "exitSoundMethod", "startRecordingAudioMethod", "stopRecordingAudioMethod",
        ),
        others=(
            "role", "maxDuration", "maxParticipants", "recordMinMemberCount", "waitTime", "record",
            "recordParticipantTrack", "recordTrackType", "recordFileFormat", "statusCallbackEvents",
            "stayAlone", "coachMode", "mute", "hold", "startMpcOnEnter", "endMpcOnExit",
            "relayDTMFInputs", "transcript",
        ),
        wants=("role",),
    ),
    Element("Play", "play", content=Content.URL, target="the URL of an MP3 or WAV", others=("loop",)),
    Element(
        "PreAnswer",
        "preanswer",
        holds=(*SOUND_ELEMENTS, "GetDigits", "Redirect", "Message", "DTMF"),
    ),
    Element(
        "Record",
        "record",
        urls=("action", "callbackUrl", "transcriptionUrl"),
        methods=("method", "callbackMethod", "transcriptionMethod"),
        others=(
            "fileFormat", "redirect", "timeout", "maxLength", "playBeep", "finishOnKey",
            "recordSession", "startOnDialAnswer", "transcriptionType", "transcriptionReportType",
            "recordChannelType",
        ),
        retried=("action", "callbackUrl", "transcriptionUrl"),
    ),
    Element(
        "Redirect",
        "redirect",
        content=Content.URL,
        target="the URL of the next document",
        methods=("method",),
        retried=("",),
    ),
    Element(
        "Speak",
        "speak",
        holds=_SPOKEN,
        content=Content.SPEECH,
        others=("voice", "language", "loop"),
    ),
    Element(
        "Stream",
        "stream",
        content=Content.WEBSOCKET,
        target="the URL of a WebSocket",
        urls=("statusCallbackUrl",),
        methods=("statusCallbackMethod",),
        others=(
            "bidirectional", "audioTrack", "streamTimeout", "contentType", "extraHeaders",
            "keepCallAlive",
        ),
    ),
    # Node.js writes the last one in snake case, too.
    Element("Wait", "wait", others=("length", "silence", "beep", "minSilence", "min_silence")),
)  # fmt: skip

_SSML_PAGE: Final = "../concepts/ssml"


def _spoken(name: str, *attributes: str, holds: tuple[str, ...] = ()) -> Element:
    return Element(name, _SSML_PAGE, holds=holds, content=Content.SPEECH, others=attributes)


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
"""The elements of SSML, which stand in <Speak> alone."""
ELEMENTS: Final = CALL_ELEMENTS | SPEECH_ELEMENTS

_CASELESS: Final = {name.lower(): name for name in CALL_ELEMENTS}


def call_element(name: str) -> str | None:
    """Return the element that controls a call and has this name in any case, None if none has."""
    return _CASELESS.get(name.lower())


def page_of(element: Element) -> str:
    """Return the address of the element's page."""
    if element.page == _SSML_PAGE:
        return "https://docs.plivo.com/docs/voice/concepts/ssml"
    return PAGES + element.page


def parents_of(name: str) -> tuple[str, ...]:
    """Return the elements that may hold an element of this name."""
    return tuple(element.name for element in ELEMENTS.values() if name in element.holds)
