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
)
