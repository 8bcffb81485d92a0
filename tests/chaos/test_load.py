"""The load and the checker together, on a bridge whose records stay in memory."""

import asyncio
from collections import Counter
from random import Random

import pytest

from bridge.dev.account import ACCOUNTS
from tests.chaos.callbacks import PUBLIC_URL
from tests.chaos.check import duplicates, findings
from tests.chaos.history import Attempt, Found
from tests.chaos.load import Balancer, Load
from tests.chaos.reading import found
from tests.support.bridge import running_bridge
from tests.support.waiting import until

ATTEMPTS = 400


async def loaded(url: str) -> list[Attempt]:
    load = Load(Balancer({"one": url}), Random(7), clients=8, per_s=4_000)
    running = asyncio.create_task(load.run())
    await until(lambda: len(load.attempts) >= ATTEMPTS)
    load.stop()
    await running
    return load.attempts


@pytest.fixture(scope="module")
def history() -> tuple[list[Attempt], list[Found]]:
    """What the load saw of a bridge, and what that bridge published."""
    with running_bridge(public_url=PUBLIC_URL, accounts=ACCOUNTS) as bridge:
        attempts = asyncio.run(loaded(bridge.url))
        records = [
            found(record.topic, record.key, record.value, dict(record.headers))
            for record in bridge.publisher.records
        ]
    return attempts, records


def test_what_a_sound_bridge_does_has_no_findings(
    history: tuple[list[Attempt], list[Found]],
) -> None:
    attempts, records = history
    assert findings(attempts, records) == []
    assert duplicates(records) == 0
    kinds = Counter(record.kind for record in records)
    assert kinds["journal"] == kinds["event"] + kinds["dead letter"]
    assert min(kinds.values()) > 0


def test_forged_callbacks_are_in_every_load_and_alone_are_rejected(
    history: tuple[list[Attempt], list[Found]],
) -> None:
    statuses = Counter((one.callback.genuine, one.status) for one in history[0])
    assert set(statuses) == {(True, 200), (False, 403)}


def test_the_loss_of_any_one_record_is_found(
    history: tuple[list[Attempt], list[Found]],
) -> None:
    attempts, records = history
    for place in Random(1).sample(range(len(records)), 20):
        lost = [*records[:place], *records[place + 1 :]]
        (finding,) = findings(attempts, lost)
        assert finding.about in records[place].markers


def test_two_records_of_a_key_that_change_places_are_found(
    history: tuple[list[Attempt], list[Found]],
) -> None:
    attempts, records = history
    journal = [one for one in records if one.kind == "journal"]
    key, _ = Counter(one.key for one in journal).most_common(1)[0]
    places = [
        place for place, one in enumerate(records) if one.kind == "journal" and one.key == key
    ]
    swapped = list(records)
    swapped[places[0]], swapped[places[-1]] = records[places[-1]], records[places[0]]
    assert {finding.fault for finding in findings(attempts, swapped)} == {"out of order"}


async def test_a_request_without_an_answer_is_sent_once_more_and_written_down() -> None:
    load = Load(Balancer({"one": "http://127.0.0.1:1"}), Random(7), clients=1, per_s=1_000)
    running = asyncio.create_task(load.run())
    await until(lambda: len(load.attempts) >= 2)
    load.stop()
    await running
    first, second = load.attempts[:2]
    assert first.callback is second.callback
    assert (first.status, first.silence) == (None, "not connected")


def test_the_same_seed_sends_the_same_calls() -> None:
    loads = [Load(Balancer({"one": "http://127.0.0.1:1"}), Random(7)) for _ in range(2)]
    draws = [[chance.random() for chance in load._chances] for load in loads]
    assert draws[0] == draws[1]
