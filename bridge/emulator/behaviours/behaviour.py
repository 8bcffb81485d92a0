"""One behaviour of Plivo that the emulator shows, and how certain we are of it."""

from enum import StrEnum
from typing import NamedTuple


class Confidence(StrEnum):
    """Where a behaviour is known from, the best first."""

    CAPTURED = "captured"
    DOCUMENTED = "documented"
    SDK = "sdk"
    OPEN_SOURCE_TOOL = "open-source tool"
    ANCESTOR = "ancestor"
    INFERRED = "inferred"


class Behaviour(NamedTuple):
    """One behaviour. ``source`` is a page or program of Plivo's; empty if the behaviour is inferred."""

    subject: str
    text: str
    confidence: Confidence
    source: str = ""
