"""Record, and what it reports."""

from typing import Final

from bridge.emulator.behaviours.behaviour import Behaviour, Confidence

_RECORD: Final = "plivo.com/docs/voice/xml/record"

BEHAVIOURS: Final = (
    Behaviour(
        "Record",
        "It ends with a finish key, after silence, after its greatest length, or with the leg.",
        Confidence.DOCUMENTED,
        _RECORD,
    ),
    Behaviour(
        "Record",
        "After the leg's end the action URL is not called.",
        Confidence.ANCESTOR,
        "github.com/plivo/plivoframework",
    ),
    Behaviour(
        "Record",
        "recordSession records until the leg ends; key, silence and beep do not matter.",
        Confidence.DOCUMENTED,
        _RECORD,
    ),
    Behaviour(
        "Record",
        "recordSession and startOnDialAnswer call the action URL at once, with durations of -1.",
        Confidence.DOCUMENTED,
        _RECORD,
    ),
    Behaviour(
        "Record",
        "startOnDialAnswer records from the answer of a dialled leg; without one nothing is sent.",
        Confidence.INFERRED,
    ),
    Behaviour(
        "Record", "The file is ready 1 s after the end of the recording.", Confidence.INFERRED
    ),
    Behaviour("Record", "A transcription comes 5 s after the file.", Confidence.INFERRED),
    Behaviour(
        "Record",
        "A recording under 500 ms has no transcription.",
        Confidence.DOCUMENTED,
        _RECORD,
    ),
)
