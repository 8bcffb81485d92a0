"""The REST API for calls."""

from typing import Final

from bridge.emulator.behaviours.behaviour import Behaviour, Confidence

_CALL: Final = "plivo.com/docs/voice/api/call"
_OVERVIEW: Final = "plivo.com/docs/voice/api/overview"

BEHAVIOURS: Final = (
    Behaviour("API", "More than 300 requests in 5 s get 429.", Confidence.DOCUMENTED, _OVERVIEW),
    Behaviour(
        "API",
        "With callback_url a request is answered at once, and its answer goes to the URL.",
        Confidence.DOCUMENTED,
        _OVERVIEW,
    ),
    Behaviour(
        "API",
        "The callback of an asynchronous request is a form with the keys of the answer.",
        Confidence.INFERRED,
    ),
    Behaviour(
        "API",
        "A main account's credentials do not open the path of its subaccount.",
        Confidence.INFERRED,
    ),
    Behaviour(
        "API",
        "An argument that Plivo cannot use gets 400, and the error names it.",
        Confidence.DOCUMENTED,
        _OVERVIEW,
    ),
    Behaviour(
        "API", "The words after the name of a faulty argument are ours.", Confidence.INFERRED
    ),
    Behaviour(
        "Call API",
        "request_uuid, CallUUID and RequestUUID of a call are equal.",
        Confidence.CAPTURED,
        "stored requests of Plivo's",
    ),
    Behaviour(
        "Call API",
        "Calls above 2 a second of an account wait, and the message is call queued.",
        Confidence.DOCUMENTED,
        _CALL,
    ),
    Behaviour(
        "Call API",
        "A call that is cancelled while it waits has no callback and no record.",
        Confidence.INFERRED,
    ),
    Behaviour(
        "Call API",
        "For several destinations request_uuid is a list.",
        Confidence.SDK,
        "github.com/plivo/plivo-go",
    ),
    Behaviour(
        "Call API",
        "A call that goes on is found only with status=live.",
        Confidence.DOCUMENTED,
        f"{_CALL}/retrieve-all-calls",
    ),
    Behaviour(
        "Call API",
        "Without a filter on end_time the calls of the last 7 days are listed.",
        Confidence.DOCUMENTED,
        f"{_CALL}/retrieve-all-calls",
    ),
    Behaviour(
        "Call API",
        "A call that is hung up before its answer ends with 1000, and its status is cancel.",
        Confidence.INFERRED,
    ),
    Behaviour("Call API", "A call that rings cannot be transferred.", Confidence.INFERRED),
    Behaviour(
        "Call API",
        "Digits, sounds and speech that are sent to a call change nothing.",
        Confidence.INFERRED,
    ),
    Behaviour(
        "Call API",
        "A recording ends after time_limit, 60 s by default, or when it is stopped.",
        Confidence.DOCUMENTED,
        f"{_CALL}/record-calls/start-recording-a-call",
    ),
    Behaviour(
        "Conference API",
        "A kicked member leaves and its call goes on; one that is hung up ends its call.",
        Confidence.INFERRED,
    ),
    Behaviour(
        "Multi-party call API",
        "Several agents are called at once; the first that answers is added, others lose the race.",
        Confidence.DOCUMENTED,
        "plivo.com/docs/voice/api/multiparty-call/participants",
    ),
    Behaviour(
        "Multi-party call API",
        "The call status URL gets the parameters of usual rings, answers and hangups.",
        Confidence.INFERRED,
    ),
    Behaviour(
        "Multi-party call API",
        "A multi-party call that has ended is not found.",
        Confidence.INFERRED,
    ),
    Behaviour(
        "Call API",
        "A call has one audio stream at a time; another one is refused.",
        Confidence.INFERRED,
    ),
)
