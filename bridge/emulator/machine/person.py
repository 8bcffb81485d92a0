"""The people on a call, and their actions.

1. A person answers, is busy, rejects, or does not answer. A number may be unreachable; a SIP address
   may refuse the credentials.
2. Each time an element begins to listen for input (with its prompts, and again with each retry), the
   person gives the next of ``inputs`` after its delay. After the last one the person is silent.
3. The person may hang up: after a time since the answer, or some time into a phase of the call.
4. A message to a person is delivered, or read if it comes by WhatsApp; or its delivery fails.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final


class Pickup(StrEnum):
    """How a person meets a ringing phone: rule 1."""

    ANSWERS = "answers"
    BUSY = "busy"
    REJECTS = "rejects"
    NO_ANSWER = "no_answer"
    UNREACHABLE = "unreachable"
    SIP_AUTH_FAILED = "sip_auth_failed"
    SIP_AUTH_TIMEOUT = "sip_auth_timeout"


class Reception(StrEnum):
    """Fate of a message to a person: rule 4."""

    DELIVERED = "delivered"
    READ = "read"
    UNDELIVERED = "undelivered"
    FAILED = "failed"
    REJECTED = "rejected"


class Phase(StrEnum):
    """Current activity of a leg."""

    RINGING = "ringing"
    PROMPT = "prompt"
    INPUT = "input"
    WAIT = "wait"
    DIAL = "dial"
    RECORD = "record"
    CONFERENCE = "conference"
    MULTIPARTY = "multiparty"
    STREAM = "stream"
    FETCH = "fetch"


@dataclass(frozen=True, slots=True)
class Input:
    """Input of a person, if a document asks for it: digits, or words, or nothing (silence)."""

    digits: str = ""
    speech: str = ""
    confidence: float = 0.92
    after_s: float = 1.0
    digit_interval_s: float = 0.2


@dataclass(frozen=True, slots=True)
class HangUp:
    """When a person hangs up. Without ``phase`` the time counts from the answer: rule 3."""

    after_s: float
    phase: Phase | None = None


@dataclass(frozen=True, slots=True)
class Person:
    """One person, or a machine that answers. ``rings`` is False if not even a ring is reported."""

    pickup: Pickup = Pickup.ANSWERS
    rings: bool = True
    rings_after_s: float = 1.2
    answers_after_s: float = 4.0
    speaks_after_s: float = 0.5  # after the answer
    is_machine: bool = False
    greeting_s: float = 6.0  # how long a machine talks before its beep
    inputs: tuple[Input, ...] = ()
    hang_up: HangUp | None = HangUp(after_s=60.0)
    receives: Reception = Reception.DELIVERED
    records_s: float = 8.0  # how long this person talks after a beep
    records_words: str = "Please call me back."
    records_key: str = ""  # pressed after talking; empty: the person says no more


SILENCE: Final = Input(after_s=1_000_000.0)
