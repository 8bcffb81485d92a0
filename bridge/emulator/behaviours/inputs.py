"""GetDigits and GetInput."""

from typing import Final

from bridge.emulator.behaviours.behaviour import Behaviour, Confidence

_INPUT: Final = "plivo.com/docs/voice/xml/input"
_ANCESTOR: Final = "github.com/plivo/plivoframework"

BEHAVIOURS: Final = (
    Behaviour(
        "GetDigits",
        "Without digits after its retries the next element follows, and no callback is sent.",
        Confidence.DOCUMENTED,
        _INPUT,
    ),
    Behaviour(
        "GetDigits",
        "All digits are checked against validDigits when the last one was pressed.",
        Confidence.ANCESTOR,
        _ANCESTOR,
    ),
    Behaviour(
        "GetDigits", "The first digit interrupts the prompts.", Confidence.DOCUMENTED, _INPUT
    ),
    Behaviour(
        "GetDigits",
        "The time until the first digit counts from the end of the prompts.",
        Confidence.ANCESTOR,
        _ANCESTOR,
    ),
    Behaviour(
        "GetDigits",
        "Digits that were pressed before the element are forgotten.",
        Confidence.ANCESTOR,
        _ANCESTOR,
    ),
    Behaviour("GetInput", "The first input wins, digits or speech.", Confidence.DOCUMENTED, _INPUT),
    Behaviour(
        "GetInput",
        "Without input the next element follows, and no callback is sent.",
        Confidence.INFERRED,
    ),
    Behaviour(
        "GetInput",
        "Without an inputType that Plivo knows, digits and speech are accepted.",
        Confidence.INFERRED,
    ),
    Behaviour(
        "GetInput",
        "The parameter of the other input, digits or speech, is an empty text.",
        Confidence.DOCUMENTED,
        _INPUT,
    ),
    Behaviour(
        "GetInput",
        "The automatic timeouts are 2 s after a digit and 1 s after speech.",
        Confidence.INFERRED,
    ),
    Behaviour("GetInput", "Speech is billed in parts of 15 s.", Confidence.DOCUMENTED, _INPUT),
    Behaviour("GetInput", "An interim result is sent after every third word.", Confidence.INFERRED),
    Behaviour(
        "GetInput",
        "An interim result has the id of the call, which is not in Plivo's list.",
        Confidence.CAPTURED,
        "a stored request of Plivo's",
    ),
)
