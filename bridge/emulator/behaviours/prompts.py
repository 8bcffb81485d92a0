"""Speak, Play, Wait and DTMF."""

from typing import Final

from bridge.emulator.behaviours.behaviour import Behaviour, Confidence

_OUTPUT: Final = "plivo.com/docs/voice/xml/audio-output"
_ROUTING: Final = "plivo.com/docs/voice/xml/routing"

BEHAVIOURS: Final = (
    Behaviour(
        "DTMF",
        "It is sent beside the next element, unless async is false.",
        Confidence.DOCUMENTED,
        _OUTPUT,
    ),
    Behaviour(
        "DTMF", "A digit takes 0.25 s, a w is a pause of 0.5 s, a W of 1 s.", Confidence.INFERRED
    ),
    Behaviour("Play", "Every sound file lasts 5 s.", Confidence.INFERRED),
    Behaviour("Play", "The URL is a file and no callback.", Confidence.DOCUMENTED, _OUTPUT),
    Behaviour(
        "PreAnswer",
        "Its elements are executed before an incoming call is answered.",
        Confidence.DOCUMENTED,
        _ROUTING,
    ),
    Behaviour(
        "PreAnswer",
        "It may nest GetDigits, Redirect, Message and DTMF, as Plivo's SDKs do.",
        Confidence.SDK,
        "plivo-python, plivo-node",
    ),
    Behaviour("Speak", "It reads 15 characters a second.", Confidence.INFERRED),
    Behaviour(
        "Speak and Play", 'loop="0" repeats until the leg ends.', Confidence.DOCUMENTED, _OUTPUT
    ),
    Behaviour(
        "Wait",
        "With beep it ends after the beep of a machine, if that comes before its length.",
        Confidence.DOCUMENTED,
        _ROUTING,
    ),
    Behaviour(
        "Wait",
        "With silence and minSilence it ends when the other party was silent so long.",
        Confidence.DOCUMENTED,
        _ROUTING,
    ),
    Behaviour("Wait", "A person is silent, a machine talks until its beep.", Confidence.INFERRED),
)
