"""A bounded slice of the mutation fuzz, and what is fuzzed being what it should be."""

import pytest

from tests.fuzz.mutate import Tally, case, run
from tests.support.conformance import TYPES

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
