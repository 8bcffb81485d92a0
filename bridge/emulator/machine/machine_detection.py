"""Machine detection: what Plivo hears after the answer, and what it takes for a machine.

1. Only names, ranges and defaults of the limits are documented. They are those of Asterisk's detector,
   so its rules are inferred: too long a silence before the first word is a machine, and so is a sentence
   that is too long, too many sentences, or too much speech. Enough silence after speech is a person.
2. Whoever is undecided when time is up is taken for a person.
3. A person says one short sentence. A machine's greeting has sentences of two seconds.
"""

import math
from dataclasses import dataclass
from typing import Final, Literal, NamedTuple

from bridge.emulator.machine.person import Person

_HELLO_S: Final = 0.5
_SENTENCE_S: Final = 2.0


@dataclass(frozen=True, slots=True)
class MachineDetection:
    """Machine detection of a call. Without ``url`` it is synchronous: the call waits for it.

    The limits have the API's defaults; the page breaks off before that of ``silence_s``.
    """

    action: Literal["continue", "hangup"] = "continue"
    url: tuple[str, str] = ("", "POST")
    limit_s: float = 5.0
    initial_silence_s_max: float = 4.5
    sentence_s_max: float = 1.5
    sentences_max: int = 3
    speech_s_max: float = 5.0
    silence_s: float = 1.0


class Verdict(NamedTuple):
    """What detection takes somebody for, and how long after the answer."""

    is_machine: bool
    after_s: float


def detect(person: Person, detection: MachineDetection) -> Verdict:
    """Return what detection takes a person for: rules 1 and 2."""
    begins_s = person.speaks_after_s
    speech_s = person.greeting_s if person.is_machine else _HELLO_S
    sentence_s = min(speech_s, _SENTENCE_S)
    sentences = math.ceil(speech_s / _SENTENCE_S)
    signs = (
        (begins_s > detection.initial_silence_s_max, detection.initial_silence_s_max),
        (sentence_s > detection.sentence_s_max, begins_s + detection.sentence_s_max),
        (sentences > detection.sentences_max, begins_s + sentence_s * detection.sentences_max),
        (speech_s > detection.speech_s_max, begins_s + detection.speech_s_max),
    )
    machine_after_s = min((after_s for holds, after_s in signs if holds), default=math.inf)
    if machine_after_s <= detection.limit_s:
        return Verdict(is_machine=True, after_s=machine_after_s)
    person_after_s = begins_s + speech_s + detection.silence_s
    return Verdict(is_machine=False, after_s=min(person_after_s, detection.limit_s))
