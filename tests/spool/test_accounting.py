"""What the spool counts: when it is full, and when it has room again."""

import pytest

from bridge.spool import SpoolFull
from bridge.spool.accounting import SpoolAccounting, SpoolCounts
from bridge.spool.codec import SpoolEntry
from tests.support.spool_store import row


def ledger(records_max: int = 4) -> SpoolAccounting:
    return SpoolAccounting(bytes_max=1_000_000, records_max=records_max)


def fill(ledger: SpoolAccounting) -> list[SpoolEntry]:
    """Have two callbacks kept, and a third refused."""
    for name in "ab":
        one = row(name)
        ledger.enqueue([one])
        ledger.finish([one], ok=True)
    with pytest.raises(SpoolFull):
        ledger.enqueue([row("c")])
    assert ledger.full
    size = row("a").size_bytes
    return [SpoolEntry(number, b"call", 2, size) for number in (1, 3)]


def test_it_is_full_from_a_refusal_until_there_is_room_for_what_was_refused() -> None:
    full = ledger()
    kept = fill(full)
    full.record_removal(kept[:1], ok=True)
    assert not full.full
    full.enqueue([row("c")])


def test_a_file_that_was_deleted_or_set_aside_makes_room() -> None:
    full = ledger()
    fill(full)
    full.reset(SpoolCounts(), number_min=5)
    assert not full.full


def test_what_was_queued_and_could_not_be_written_makes_room() -> None:
    full = ledger(records_max=2)
    queued = row("a")
    full.enqueue([queued])
    with pytest.raises(SpoolFull):
        full.enqueue([row("b")])
    assert full.full
    full.finish([queued], ok=False)
    assert not full.full


def test_what_is_on_kafka_and_cannot_be_deleted_is_remembered_without_what_it_says() -> None:
    full = ledger()
    kept = fill(full)
    full.record_removal(kept, ok=False)
    assert full.published == {one.number: one for one in kept}
    assert {field for one in kept for field in one._fields} == {
        "number",
        "key",
        "records",
        "size_bytes",
    }


@pytest.mark.parametrize(
    ("records_max", "callbacks", "room"),
    [(8, 2, True), (7, 2, True), (4, 2, True), (3, 2, False), (2, 1, True)],
)
def test_an_empty_spool_has_room_for_what_is_within_its_bounds(
    records_max: int,
    callbacks: int,
    room: bool,  # noqa: FBT001 (a table)
) -> None:
    one = row("a")
    assert ledger(records_max).has_room([one] * callbacks) is room


def test_a_spool_that_holds_something_leaves_half_of_its_room_to_what_is_coming_in() -> None:
    spool = ledger(records_max=8)
    own = row("own")
    spool.enqueue([own])
    one = row("a")
    assert spool.has_room([one])
    assert not spool.has_room([one, one])
