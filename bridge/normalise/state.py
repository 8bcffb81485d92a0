"""One word for each state that Plivo's product generations name differently.

Plivo's words stay in the event. Streams: the audio streaming pages of three generations. Masking:
the two pages of session callbacks. A word that is not in a table becomes the word in lower case,
or, for masking, no state.
"""

from typing import Annotated, Final

from pydantic import Field
from typing_extensions import TypedDict

from bridge.normalise import ParsedBy

_STREAM: Final = {
    "startstream": "started",
    "stopstream": "stopped",
    "droppedstream": "dropped",
    "degradedstream": "degraded",
    "playedstream": "played",
}
_MASKING: Final = {
    "Initiated": "initiated",
    "Ring": "ringing",
    "Ringing": "ringing",
    "Answer": "answered",
    "Hangup": "completed",
    "Complete": "completed",
    "Failed": "failed",
}
_PARTIES: Final = {
    "SessionFirstParty": "first",
    "SessionSecondParty": "second",
    "SessionPartiesHangup": "both",
    "SessionVirtualNumber": "virtual_number",
}


class MaskingState(TypedDict):
    """Which party of a masking session changed to which state."""

    party: Annotated[
        str | None, Field(description="`first`, `second`, `both` or `virtual_number`.")
    ]
    state: Annotated[
        str | None,
        Field(description="`initiated`, `ringing`, `answered`, `completed`, `failed`."),
    ]
    text: Annotated[str, Field(description="What Plivo sent.")]


def parse_stream_state(value: str) -> str:
    """Return the state of a stream."""
    folded = value.lower()
    return _STREAM.get(folded, folded)


def parse_masking_state(value: str) -> MaskingState:
    """Return the state of a masking session that ``EventName`` names."""
    for start, party in _PARTIES.items():
        if value.startswith(start):
            rest = "Hangup" if party == "both" else value.removeprefix(start)
            return MaskingState(party=party, state=_MASKING.get(rest), text=value)
    return MaskingState(party=None, state=None, text=value)


StreamState = Annotated[str, ParsedBy(parse_stream_state)]
MaskingStateField = Annotated[MaskingState, ParsedBy(parse_masking_state)]
