"""Dial."""

from typing import Final

from bridge.emulator.behaviours.behaviour import Behaviour, Confidence

_ROUTING: Final = "plivo.com/docs/voice/xml/routing"
_CAUSES: Final = "plivo.com/docs/voice/troubleshooting/hangup-causes"
_ANCESTOR: Final = "github.com/plivo/plivoframework"
_TOOL: Final = "github.com/plivo/plivo-cli"

BEHAVIOURS: Final = (
    Behaviour(
        "Dial",
        "All numbers of one Dial ring at once, and the first that answers is connected.",
        Confidence.DOCUMENTED,
        _ROUTING,
    ),
    Behaviour("Dial", "The other legs end with 9000, Lost Race.", Confidence.DOCUMENTED, _CAUSES),
    Behaviour("Dial", "The hangup source of 9000 is Plivo, of 9110 Callee.", Confidence.INFERRED),
    Behaviour("Dial", "Without a timeout a number rings for 120 s.", Confidence.INFERRED),
    Behaviour(
        "Dial", "timeLimit ends the dialled leg, with 6000 and Answer XML.", Confidence.INFERRED
    ),
    Behaviour(
        "Dial",
        "The * of hangupOnStar ends the dialled leg, and the call goes on.",
        Confidence.DOCUMENTED,
        _ROUTING,
    ),
    Behaviour(
        "Dial",
        "confirmSound and dialMusic are fetched by POST, for the first leg, before anybody is dialled.",
        Confidence.ANCESTOR,
        _ANCESTOR,
    ),
    Behaviour(
        "Dial",
        "If no sound can be played, no key must be pressed to confirm.",
        Confidence.ANCESTOR,
        _ANCESTOR,
    ),
    Behaviour(
        "Dial",
        "A wrong key is ignored; without the confirmKey the leg ends with 9110.",
        Confidence.ANCESTOR,
        _ANCESTOR,
    ),
    Behaviour(
        "Dial",
        "Without confirmTimeout a leg has 5 s after the sound.",
        Confidence.ANCESTOR,
        _ANCESTOR,
    ),
    Behaviour(
        "Dial",
        "The answer callback has the fields of a captured request: no From, To and Direction.",
        Confidence.CAPTURED,
        "a stored request of Plivo's",
    ),
    Behaviour(
        "Dial",
        "The other callbacks have the fields of the answer, and those that the page lists.",
        Confidence.INFERRED,
    ),
    Behaviour("Dial", "CallUUID in its callbacks is that of the first leg.", Confidence.INFERRED),
    Behaviour(
        "Dial",
        "DialBLegUUID of the action is empty if no leg was connected.",
        Confidence.DOCUMENTED,
        _ROUTING,
    ),
    Behaviour(
        "Dial",
        "If no leg was connected, DialStatus is that of the leg that ended last.",
        Confidence.INFERRED,
    ),
    Behaviour(
        "Dial",
        "The action is requested also if the first leg has ended, with the status cancel if it ended "
        "while the others rang.",
        Confidence.ANCESTOR,
        _ANCESTOR,
    ),
    Behaviour(
        "Dial",
        "A SIP address that refuses the credentials ends with 4240, one that does not answer them with "
        "4250.",
        Confidence.OPEN_SOURCE_TOOL,
        _TOOL,
    ),
    Behaviour(
        "Dial",
        "A transfer of the first leg ends the dialled legs, and the action is not requested.",
        Confidence.INFERRED,
    ),
    Behaviour(
        "Dial",
        "A transfer of the dialled leg ends the Dial, and both legs go on.",
        Confidence.INFERRED,
    ),
    Behaviour("Dial", "A dialled leg sends no hangup callback of its own.", Confidence.INFERRED),
)
