"""Why a leg ends, in Plivo's words: cause, code, name and source.

Names of codes are Plivo's page on hangup causes. The telephony words (``USER_BUSY``) are those of
captures and of Plivo's open-source ancestor; where neither shows one, it is inferred.
"""

from enum import IntEnum
from typing import Final, NamedTuple

from bridge.normalise.hangup import CAUSES

_WORDS: Final = {
    "0": "UNKNOWN",
    "1000": "ORIGINATOR_CANCEL",
    "2000": "INVALID_NUMBER_FORMAT",
    "2010": "DESTINATION_OUT_OF_ORDER",
    "2020": "USER_NOT_REGISTERED",
    "3000": "NO_ANSWER",
    "3010": "USER_BUSY",
    "3020": "CALL_REJECTED",
    "3050": "UNALLOCATED_NUMBER",
    "3080": "NETWORK_OUT_OF_ORDER",
    "4000": "NORMAL_CLEARING",
    "4010": "NORMAL_CLEARING",
    "4240": "sip_auth_failed",
    "4250": "sip_auth_timeout",
    "6010": "NO_ANSWER",
    "9000": "LOSE_RACE",
    "9100": "MACHINE_DETECTED",
}
# The status of a leg that was never answered.
_STATUSES: Final = {
    "1000": "cancel",
    "3000": "no-answer",
    "3010": "busy",
    "3020": "busy",
    "3100": "busy",
    "3110": "busy",
    "4250": "timeout",
    "6010": "timeout",
}


class Cause(NamedTuple):
    """Why a leg ended."""

    word: str
    code: str
    name: str
    source: str

    @property
    def status(self) -> str:
        """Return the ``CallStatus`` of an unanswered leg that ends like this."""
        return _STATUSES.get(self.code, "failed")


def make_cause(code: str, source: str) -> Cause:
    """Return the cause of a code; ``source`` is a value of ``HangupSource``."""
    return Cause(_WORDS.get(code, "NORMAL_CLEARING"), code, CAUSES[code][0], source)


class DocumentSource(IntEnum):
    """The request that a document answers. Its number ends the codes of its faults (7011, 8014)."""

    ANSWER = 1
    ACTION = 2
    TRANSFER = 3
    REDIRECT = 4

    @property
    def unreachable(self) -> Cause:
        """Return the cause if the URL could not be reached."""
        return make_cause(f"701{self.value}", "Plivo")

    @property
    def invalid_url(self) -> Cause:
        """Return the cause if the URL cannot be called. There is none for the answer URL: 7011."""
        return self.unreachable if self is self.ANSWER else make_cause(f"702{self.value}", "Plivo")

    @property
    def invalid_method(self) -> Cause:
        """Return the cause if the method is neither GET nor POST."""
        return self.unreachable if self is self.ANSWER else make_cause(f"703{self.value}", "Plivo")

    @property
    def invalid_document(self) -> Cause:
        """Return the cause if the document cannot be executed."""
        return make_cause(f"801{self.value}", "Plivo")
