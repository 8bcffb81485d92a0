"""Plivo's equivalents of TwiML, Twilio's language.

Plivo ignores elements that it does not know, so a caller who is answered with TwiML hears nothing.
Source of the names: twilio-python, ``twilio/twiml/voice_response.py`` and ``messaging_response.py``.
Names that both languages have (Dial, Number, Play, Record, Redirect, Hangup, Message, Conference,
Stream, Sip) are in ``elements``.
"""

from typing import Final

_STREAM: Final = "use <Stream>wss://…</Stream> to your own application, directly in <Response>"
_NONE: Final = "Plivo has no equivalent"

PLIVO_EQUIVALENTS: Final[dict[str, str]] = {
    "AiSession": _STREAM,
    "Application": f"{_NONE}: dial a <Number> or a <User>",
    "ApplicationSid": f"{_NONE}: dial a <Number> or a <User>",
    "Assistant": _STREAM,
    "Autopilot": _STREAM,
    "Body": "write the words directly into <Message>",
    "Client": "use <User>sip:name@phone.plivo.com</User> in <Dial>",
    "Connect": "put <Stream> directly into <Response>, without <Connect> around it",
    "Conversation": _STREAM,
    "ConversationRelay": _STREAM,
    "ConversationRelaySession": _STREAM,
    "Echo": _NONE,
    "Enqueue": "use <Conference> or <MultiPartyCall>, whose name stands for the queue",
    "Gather": "use <GetInput>, or <GetDigits> for digits only, with <Speak> in it instead of <Say>",
    "Leave": f"{_NONE}: end with <Redirect> or <Hangup/>",
    "Media": f"{_NONE}: send media by Plivo's Message API",
    "Parameter": "use the attribute extraHeaders of <Stream>",
    "Pause": 'use <Wait length="seconds"/>',
    "Pay": _NONE,
    "Prompt": "use <Speak> in <GetInput>",
    "Queue": "use <Conference> or <MultiPartyCall>, whose name stands for the queue",
    "Recording": 'use <Record recordSession="true"/>',
    "Refer": f"{_NONE}: use <Dial> with a <User>",
    "ReferSip": f"{_NONE}: use <Dial> with a <User>",
    "Reject": 'use <Hangup reason="rejected"/> or <Hangup reason="busy"/>',
    "Room": f"{_NONE}: use <Conference> or <MultiPartyCall>",
    "Say": "use <Speak>",
    "Sim": "use <Number> in <Dial>",
    "Siprec": "use <Stream>wss://…</Stream>",
    "Sms": "use <Message>, with src and dst",
    "Start": "put <Stream> directly into <Response>, without <Start> around it",
    "Stop": f"{_NONE}: stop the stream by Plivo's API",
    "Task": _NONE,
    "Transcription": 'use <Record transcriptionType="auto" transcriptionUrl="https://…"/>',
    "VirtualAgent": _STREAM,
    "WhatsApp": _NONE,
}

# We saw it end a call with hangup code 8011. Plivo only ignores other unknown elements.
FAILING_VERBS: Final = frozenset({"Reject"})

ATTRIBUTE_EQUIVALENTS: Final[dict[tuple[str, str], str]] = {
    ("Conference", "eventCallbackUrl"): "callbackUrl",
    ("Conference", "maxParticipants"): "maxMembers",
    ("Conference", "recordingStatusCallback"): "callbackUrl",
    ("Conference", "statusCallback"): "callbackUrl",
    ("Conference", "statusCallbackMethod"): "callbackMethod",
    ("Conference", "waitUrl"): "waitSound",
    ("Dial", "record"): '<Record startOnDialAnswer="true"/> before <Dial>',
    ("Dial", "recordingStatusCallback"): "callbackUrl of <Record>",
    ("Dial", "ringTone"): "dialMusic",
    ("GetInput", "input"): "inputType",
    ("GetInput", "partialResultCallback"): "interimSpeechResultsCallback",
    ("GetInput", "partialResultCallbackMethod"): "interimSpeechResultsCallbackMethod",
    ("GetInput", "speechTimeout"): "speechEndTimeout",
    ("GetInput", "timeout"): "executionTimeout",
    ("Message", "action"): "callbackUrl",
    ("Message", "from"): "src",
    ("Message", "method"): "callbackMethod",
    ("Message", "statusCallback"): "callbackUrl",
    ("Message", "to"): "dst",
    ("Number", "statusCallback"): "callbackUrl of <Dial>",
    ("Number", "statusCallbackMethod"): "callbackMethod of <Dial>",
    ("Number", "url"): "confirmSound of <Dial>",
    ("Play", "digits"): "<DTMF>",
    ("Record", "recordingStatusCallback"): "callbackUrl",
    ("Record", "recordingStatusCallbackMethod"): "callbackMethod",
    ("Record", "transcribe"): "transcriptionType",
    ("Record", "transcribeCallback"): "transcriptionUrl",
    ("Stream", "statusCallback"): "statusCallbackUrl",
    ("Stream", "track"): "audioTrack",
    ("Stream", "url"): "the text of <Stream>",
}
"""(Element, TwiML's attribute) → Plivo's attribute, for elements that both languages have."""


_VERBS_BY_LOWER_CASE: Final = {verb.lower(): verb for verb in PLIVO_EQUIVALENTS}


def find_verb(name: str) -> str | None:
    """Return the TwiML verb that is spelt like this in any case; None if there is none."""
    return _VERBS_BY_LOWER_CASE.get(name.lower())
