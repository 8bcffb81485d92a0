"""The list of what is emulated, and how certain it is."""

from bridge.emulator.behaviours import BEHAVIOURS
from bridge.emulator.behaviours.behaviour import Confidence


def test_the_behaviours_are_sorted_by_subject_and_none_is_there_twice() -> None:
    assert list(BEHAVIOURS) == sorted(set(BEHAVIOURS))


def test_a_behaviour_is_a_sentence_and_has_a_source_unless_it_is_inferred() -> None:
    for one in BEHAVIOURS:
        assert one.text.endswith("."), one
        assert bool(one.source) is not (one.confidence is Confidence.INFERRED), one
