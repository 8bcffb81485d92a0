"""The micro-benchmark covers every station; how fast they are is not for a test to say."""

from bridge.core.catalogue import Catalogue
from tests.bench.micro import STATIONS, measure


async def test_every_station_of_a_type_has_a_ratio_and_its_calls_are_counted(
    types: Catalogue,
) -> None:
    kinds = [types.by_name[name] for name in ("voice.call.hangup", "voice.call.ring")]
    rows = await measure(kinds, rounds=1, times=2)
    assert [row[0] for row in rows] == [kind.name for kind in kinds]
    for row in rows:
        assert len(row) == len(STATIONS) + 2
        assert int(row[-1]) > 0
