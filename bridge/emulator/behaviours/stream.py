"""Stream."""

from typing import Final

from bridge.emulator.behaviours.behaviour import Behaviour, Confidence

_PAGE: Final = "docs.plivo.com/docs/voice/xml/audiostream"
_GUIDE: Final = "plivo.com/docs/voice-agents/audio-streaming/concepts/audio-streaming-guide"
_TOOL: Final = "github.com/plivo/plivo-cli"

BEHAVIOURS: Final = (
    Behaviour(
        "Stream",
        "No WebSocket is opened, so no audio is sent: a stream counts as connected when it begins.",
        Confidence.INFERRED,
    ),
    Behaviour(
        "Stream",
        "Event is StartStream, StopStream, DroppedStream or DegradedStream; a newer page has started, "
        "stopped and failed.",
        Confidence.DOCUMENTED,
        _PAGE,
    ),
    Behaviour(
        "Stream", "Timestamp is UTC without an offset, as 2026-03-07 14:13:40.", Confidence.INFERRED
    ),
    Behaviour(
        "Stream",
        "With bidirectional and keepCallAlive the next element waits until the stream is over.",
        Confidence.DOCUMENTED,
        _PAGE,
    ),
    Behaviour(
        "Stream",
        "The end of a stream, also by streamTimeout, does not end the call.",
        Confidence.DOCUMENTED,
        _PAGE,
    ),
    Behaviour("Stream", "A call has one stream at a time.", Confidence.DOCUMENTED, _GUIDE),
    Behaviour("Stream", "A second stream of a call is passed over.", Confidence.INFERRED),
    Behaviour(
        "Stream",
        "A transfer of a call that waits for its stream happens when the stream is over.",
        Confidence.OPEN_SOURCE_TOOL,
        _TOOL,
    ),
)
