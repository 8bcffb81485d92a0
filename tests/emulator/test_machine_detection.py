"""What detection takes for a machine, and when: each of the API's limits decides somewhere."""

from dataclasses import replace
from typing import Any

import pytest

from bridge.emulator.machine.machine_detection import MachineDetection, detect
from bridge.emulator.machine.person import Person

PERSON = Person()
MACHINE = Person(is_machine=True)
LATE = Person(speaks_after_s=3.0)
NOTHING_ELSE = {"sentence_s_max": 5.0, "limit_s": 10.0}


@pytest.mark.parametrize(
    ("person", "limits", "is_machine", "after_s"),
    [
        (PERSON, {}, False, 2.0),
        (MACHINE, {}, True, 2.0),
        (MACHINE, {"sentence_s_max": 1.0}, True, 1.5),
        (MACHINE, NOTHING_ELSE, True, 5.5),
        (MACHINE, {**NOTHING_ELSE, "speech_s_max": 3.0}, True, 3.5),
        (MACHINE, {**NOTHING_ELSE, "sentences_max": 2}, True, 4.5),
        (MACHINE, {"sentence_s_max": 5.0}, False, 5.0),
        (LATE, {}, False, 4.5),
        (LATE, {"initial_silence_s_max": 2.0}, True, 2.0),
        (PERSON, {"silence_s": 2.0}, False, 3.0),
        (PERSON, {"silence_s": 60.0}, False, 5.0),
        (replace(MACHINE, greeting_s=1.0), {}, False, 2.5),
    ],
)
def test_each_limit_decides_about_a_machine(
    person: Person, limits: dict[str, Any], *, is_machine: bool, after_s: float
) -> None:
    assert detect(person, MachineDetection(**limits)) == (is_machine, after_s)
