"""Publish what the ledger holds for Kafka, after each part and with the next command."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bridge.core.record import Record
from bridge.originate.originator import Originator, OriginatorRules
from bridge.originate.placement import PlacementOutcome
from bridge.publish import RecordTooLarge, Unavailable
from bridge.publish.memory import MemoryPublisher
from tests.originate.dialling import CALLEE, OTHERS, Dialled, emulated
from tests.originate.originators import BRIDGE, NAMING, Office, make_request, open_office

ACCEPTED = PlacementOutcome.ACCEPTED


@pytest.fixture
async def plivo() -> AsyncIterator[Dialled]:
    async with emulated() as dialled:
        yield dialled


@pytest.fixture
async def office(plivo: Dialled, tmp_path: Path) -> Office:
    return open_office(plivo, tmp_path)


async def test_without_kafka_the_records_stay_until_the_next_request(
    plivo: Dialled, tmp_path: Path
) -> None:
    office = open_office(plivo, tmp_path)
    office.publisher.available = False
    placed = await office.originator.place(make_request())
    assert (placed.placements[0].outcome, placed.unpublished) == (ACCEPTED, 2)
    office.publisher.available = True
    placed = await office.originator.place(make_request(OTHERS[0]))
    assert placed.unpublished == 0
    assert office.outcomes == [(CALLEE, "accepted"), (OTHERS[0], "accepted")]


async def test_events_are_published_after_each_part_and_rarely_tried_without_kafka(
    plivo: Dialled, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    office = open_office(plivo, tmp_path, destinations_per_request=1)
    seen = list[int]()
    request = make_request(*OTHERS[:4])
    await office.originator.place(request, on_part=lambda _: seen.append(len(office.events)))
    assert seen == [0, 1, 2, 3]
    office.publisher.available = False
    tried, publish = list[int](), office.publisher.publish

    def count(records: list[Record]) -> "asyncio.Future[None]":
        tried.append(len(records))
        return publish(records)

    monkeypatch.setattr(office.publisher, "publish", lambda records, **_: count(records))
    placed = await office.originator.place(request)
    assert (tried, placed.unpublished) == ([2, 8], 8)


async def test_without_a_publisher_the_records_stay(plivo: Dialled, office: Office) -> None:
    originator = Originator(
        plivo.calls(), office.ledger, None, rules=OriginatorRules(BRIDGE, NAMING)
    )
    assert (await originator.place(make_request())).unpublished == 2
    assert await originator.publish_pending() == (0, 2, "no Kafka is configured")


async def test_a_record_that_kafka_refuses_does_not_keep_the_others_waiting(
    plivo: Dialled, tmp_path: Path
) -> None:
    # The journal record names all destinations, so it alone is too large.
    publisher = MemoryPublisher(record_bytes_max=3_000)
    office = open_office(plivo, tmp_path, publisher=publisher)
    placed = await office.originator.place(make_request(*OTHERS))
    assert placed.unpublished == 1
    assert office.outcomes == [(one, "accepted") for one in OTHERS]
    again = await office.originator.publish_pending()
    assert (again.published, again.unpublished) == (0, 1)
    assert again.fault == f"record {len(OTHERS) + 1} is refused: over 3000 bytes"
    publisher._record_bytes_max = 1_000_000
    assert (await office.originator.publish_pending()).unpublished == 0


async def test_kafka_may_go_away_while_records_are_published_one_by_one(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    office.publisher.available = False
    await office.originator.place(make_request())
    answers = iter([RecordTooLarge("too large"), None, Unavailable("away")])

    async def publish(*_: object, **__: object) -> None:
        answer = next(answers)
        if answer is not None:
            raise answer

    monkeypatch.setattr(office.publisher, "publish", publish)
    assert await office.originator.publish_pending() == (1, 1, "away")
