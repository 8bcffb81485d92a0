"""A bounded slice of the mutation fuzz, and what is fuzzed being what it should be."""

import pytest

from tests.fuzz.mutate import Tally, case, run
from tests.support.conformance import TYPES
from tests.support.factories import UUID, parsed
from tests.support.parameter_loss import lost

COUNT = 3_000


# What it runs is measured where the other tests run it: to measure all of this takes twice as long.
@pytest.mark.no_cover
def test_no_mutated_callback_breaks_the_core_or_loses_a_parameter() -> None:
    tally = run(1, range(COUNT), Tally())
    assert tally.findings == []
    assert tally.ends.total() == COUNT
    # A fuzz that finds nothing must at least have been everywhere.
    assert len(tally.types) > len(TYPES.all_types) * 0.9
    assert {"verified", "unverified", "no_identity", "content_type", "malformed_json"} <= set(
        tally.ends
    )


def test_a_case_is_the_same_every_time() -> None:
    assert [case(1, index).raw for index in range(50)] == [case(1, i).raw for i in range(50)]
    assert [case(1, index).raw for index in range(50)] != [case(2, i).raw for i in range(50)]


@pytest.mark.parametrize(
    ("value", "is_lost"),
    [("66.00000", False), ("0.0", False), ("-1.000", False), ("67.0", True), ("66.5", True)],
)
def test_a_whole_number_with_decimals_is_found_again(value: str, *, is_lost: bool) -> None:
    name = "RecordingDuration"
    callback = parsed(TYPES, [("CallUUID", UUID), ("RecordUrl", "u"), (name, value)])
    if is_lost:
        callback.fields["recording_duration_s"], callback.unreadable[:] = 66, []
    assert bool(lost(callback)) is is_lost
