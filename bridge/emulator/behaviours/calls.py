"""The life of a call, and the documents that it executes."""

from typing import Final

from bridge.emulator.behaviours.behaviour import Behaviour, Confidence

_CALL: Final = "docs.plivo.com/docs/voice/api/call/make-a-call"
_CAPTURE: Final = "a stored request of Plivo's"
_CAUSES: Final = "plivo.com/docs/voice/troubleshooting/hangup-causes"
_DETECTION: Final = "docs.plivo.com/docs/voice/api/call/machine-detection"
_OVERVIEW: Final = "plivo.com/docs/voice/xml/overview"
_ROUTING: Final = "plivo.com/docs/voice/xml/routing"

BEHAVIOURS: Final = (
    Behaviour(
        "Call",
        "A call has one hangup callback, also if nobody answered.",
        Confidence.DOCUMENTED,
        _CALL,
    ),
    Behaviour(
        "Call",
        "Ring has a + before the caller, and has neither the ids of the first leg nor STIR.",
        Confidence.CAPTURED,
        _CAPTURE,
    ),
    Behaviour(
        "Call",
        "SessionStart is UTC; StartTime, AnswerTime and EndTime are local times of the account.",
        Confidence.CAPTURED,
        _CAPTURE,
    ),
    Behaviour("Call", "The parameters are in byte order.", Confidence.CAPTURED, _CAPTURE),
    Behaviour(
        "Call", "A minute costs 0.005, and every begun one counts.", Confidence.CAPTURED, _CAPTURE
    ),
    Behaviour(
        "Call",
        "A call rings for 120 s at most, lasts 14,400 s by default, and never more than a day.",
        Confidence.DOCUMENTED,
        _CALL,
    ),
    Behaviour(
        "Call",
        "AnswerTime of a call that nobody answered is empty.",
        Confidence.INFERRED,
    ),
    Behaviour(
        "Call",
        "An incoming call without a hangup URL is reported to the answer URL.",
        Confidence.ANCESTOR,
        "github.com/plivo/plivoframework",
    ),
    Behaviour(
        "Document",
        "It needs an XML content type, well-formed XML, and at most 100 KB.",
        Confidence.DOCUMENTED,
        _OVERVIEW,
    ),
    Behaviour(
        "Document",
        "One that Plivo refuses ends the call with 8011 to 8014.",
        Confidence.DOCUMENTED,
        _CAUSES,
    ),
    Behaviour(
        "Document",
        "One that cannot be fetched ends the call with 7011 to 7034.",
        Confidence.DOCUMENTED,
        _CAUSES,
    ),
    Behaviour(
        "Document",
        "Plivo calls the fallback URL before it ends a call whose answer URL failed.",
        Confidence.DOCUMENTED,
        _CALL,
    ),
    Behaviour(
        "Document",
        "The call ends with 4010 after the last element.",
        Confidence.DOCUMENTED,
        _CAUSES,
    ),
    Behaviour(
        "Document",
        "After 1,000 documents a call ends with 5010.",
        Confidence.INFERRED,
    ),
    Behaviour(
        "Document",
        "An element with an unknown name is skipped.",
        Confidence.OPEN_SOURCE_TOOL,
        "github.com/plivo/plivo-cli",
    ),
    Behaviour(
        "Hangup",
        "With schedule the next element follows, and the call ends with 6000.",
        Confidence.DOCUMENTED,
        _ROUTING,
    ),
    Behaviour(
        "Hangup",
        "A reason counts only for a call that is not answered yet.",
        Confidence.INFERRED,
    ),
    Behaviour(
        "Machine detection",
        "With a URL of its own it sends a callback only for a machine.",
        Confidence.OPEN_SOURCE_TOOL,
        "github.com/plivo/plivo-cli",
    ),
    Behaviour(
        "Machine detection",
        "Without one the answer callback waits for it, and later callbacks have Machine.",
        Confidence.DOCUMENTED,
        _DETECTION,
    ),
    Behaviour(
        "Machine detection",
        "With hangup the leg of a machine ends with 9100.",
        Confidence.DOCUMENTED,
        _DETECTION,
    ),
    Behaviour(
        "Machine detection",
        "Its limits decide as those of Asterisk's detector, which have the same names.",
        Confidence.INFERRED,
    ),
    Behaviour(
        "Machine detection",
        "By default it knows a machine 2 s after the answer, and a person too.",
        Confidence.INFERRED,
    ),
    Behaviour(
        "Redirect",
        "The request has the parameters of every request, and no Event.",
        Confidence.DOCUMENTED,
        _ROUTING,
    ),
)
