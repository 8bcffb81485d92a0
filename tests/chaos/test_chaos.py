"""The short form of the chaos suite: one seed of the scenarios that between them break everything."""

import logging
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from tests.chaos.scenarios import applications, bridges, brokers, disks, outside, slips
from tests.chaos.site import Site
from tests.chaos.stage import Scenario, perform

pytest_plugins = ("tests.support.kafka_fixtures",)
pytestmark = [pytest.mark.kafka, pytest.mark.chaos, pytest.mark.asyncio(loop_scope="module")]

SHORT = [
    bridges.KILLED,
    brokers.TWO_KILLED,
    disks.FULL,
    outside.TOO_SMALL,
    slips.FILES_REMOVED,
    slips.LOG_BLOCKED,
    slips.FROZEN,
    applications.HANGING,
]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def site(kafka_libs: Path, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Site]:
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)  # it tells at length who was killed
    site = Site(kafka_libs, tmp_path_factory.mktemp("site") / "kafka")
    try:
        await site.start()
        yield site
    finally:
        await site.stop()


@pytest.mark.parametrize("scenario", SHORT, ids=lambda scenario: scenario.name)
async def test_nothing_that_was_answered_2xx_is_lost(
    site: Site, scenario: Scenario, tmp_path: Path
) -> None:
    row = await perform(site, scenario, 1, tmp_path / "run")
    assert row.faults == ()
    assert row.lost == 0
    assert row.accepted > 0
