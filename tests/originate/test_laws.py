"""Whatever goes wrong on the way: nobody is called twice, and no outcome is a wrong promise."""

import asyncio
import tempfile
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bridge.originate.entry import AlreadyRequested
from bridge.originate.placement import PlacementOutcome
from tests.originate.dialling import OTHERS, emulated
from tests.originate.faults import Fault
from tests.originate.originators import Wrapped, make_request, open_office

FAULTS = st.lists(st.sampled_from(Fault), max_size=5)


async def check_faults(faults: list[Fault], callees: int, size: int, directory: Path) -> None:
    wrapped = Wrapped(*faults)
    async with emulated(wrap=wrapped) as plivo:
        office = open_office(plivo, directory, destinations_per_request=size)
        request = make_request(*OTHERS[:callees])
        placed = await office.originator.place(request, idempotency_key="key")
        attempts = Counter(tuple(one) for one in wrapped.transport.attempts)
        assert set(attempts.values()) == {1}
        assert set(attempts) <= {one.destinations for one in placed.placements}
        assert not [one for one, times in Counter(plivo.requested).items() if times > 1]
        dialled = set(plivo.requested)
        for one in placed.placements:
            match one.outcome:
                case PlacementOutcome.REFUSED:
                    assert dialled.isdisjoint(one.destinations)
                case PlacementOutcome.ACCEPTED:
                    legs = plivo.emulator.world.legs
                    assert [
                        (callee, legs[uuid or ""].callee)
                        for callee, uuid in one.pair_destinations()
                    ] == [(callee, callee) for callee in one.destinations]
                case PlacementOutcome.UNKNOWN:
                    assert one.request_uuids == ()
        # What is published agrees, and so does what a second request is told.
        assert office.outcomes == [
            (callee, one.outcome) for one in placed.placements for callee in one.destinations
        ]
        for again in (office, open_office(plivo, directory)):
            with pytest.raises(AlreadyRequested) as told:
                await again.originator.place(request, idempotency_key="key")
            assert [one.placement for one in told.value.entry.parts] == list(placed.placements)
        assert set(plivo.requested) == dialled


@settings(max_examples=30)
@given(FAULTS, st.integers(1, 6), st.integers(1, 3))
def test_no_sequence_of_faults_dials_twice_or_makes_a_wrong_promise(
    faults: list[Fault], callees: int, size: int
) -> None:
    with tempfile.TemporaryDirectory() as directory:
        asyncio.run(check_faults(faults, callees, size, Path(directory)))
