"""The dead letters of a call are found by its key, or by its id in the callback, and count once."""

from datetime import timedelta

import pytest

from bridge.calls import find
from bridge.calls.found import TimelineEntry
from bridge.core.dead_letter import PublishReason, to_publish_dead_letter
from bridge.core.event import ContractNames
from bridge.core.record import Record
from bridge.reader.window import build_window
from tests.support.call_cluster import CALL, Cluster, types
from tests.support.call_stories import (
    ANSWER,
    HANGUP,
    MESSAGE,
    RING,
    A,
    B,
    at,
    changed,
    dialled_call,
    hangup_of_b,
    report,
)
from tests.support.kafka import Kafka
from tests.support.stored_calls import PLACED, SCHEMAS, Taken, letters_of, make_some_topics, taken

pytest_plugins = ("tests.support.kafka_fixtures",)

OTHER = "11111111-2222-4333-8444-555555555555"


@pytest.fixture
async def cluster(kafka: Kafka, prefix: str) -> Cluster:
    made = Cluster(kafka, prefix)
    await make_some_topics(kafka, prefix)
    return made


def keyed(record: Record | None, key: str) -> Record:
    assert record is not None
    return record._replace(key=key.encode())


def dead(cluster: Cluster, received_s: float = 5) -> Taken:
    return taken(ANSWER, at(received_s), prefix=cluster.prefix, is_dead=True)


def unreadable(record: Record) -> Record:
    """Return the record of a callback of which no code makes an event."""
    return record._replace(value=record.value.replace(b"x-www-form-urlencoded", b"octet-stream"))


def letter_of(entry: TimelineEntry) -> tuple[str, str]:
    assert entry.letter is not None
    return entry.letter.header("dlq_stage"), entry.letter.header("dlq_reason")


async def test_a_dead_letter_keyed_by_its_call_stands_beside_its_journal_record(
    cluster: Cluster,
) -> None:
    one = dead(cluster)
    await cluster.put([taken(RING, at(2), prefix=cluster.prefix)])
    await cluster.store([keyed(one.letter, A), keyed(one.journal, A)])
    await cluster.put([taken(HANGUP, at(70), prefix=cluster.prefix)])
    found = await cluster.find(A)
    assert types(found) == ["call.ring", "call.answer", "call.hangup"]
    ring, answer, _ = found.entries
    assert (ring.is_dead_letter, answer.is_dead_letter) == (False, True)
    assert letter_of(answer) == ("parse", "bridge_fault")
    assert answer.topic.endswith("plivo.journal.v1")
    assert (answer.event_from, answer.header_type) == ("derived", "voice.call.answer")


async def test_a_dead_letter_keyed_by_an_id_of_its_own_is_found_by_the_call_in_it(
    cluster: Cluster,
) -> None:
    one = dead(cluster)
    key = "f" * 32
    await cluster.put([taken(RING, at(2), prefix=cluster.prefix)])
    await cluster.store([keyed(one.letter, key), keyed(one.journal, key)])
    ring, answer = (await cluster.find(A)).entries
    assert (ring.type, answer.type) == ("voice.call.ring", "voice.call.answer")
    assert letter_of(answer) == ("parse", "bridge_fault")
    assert answer.topic == letters_of(cluster.prefix)


async def test_a_dead_letter_of_another_call_is_left_out_even_if_it_mentions_this_one(
    cluster: Cluster,
) -> None:
    ids = dict.fromkeys(("CallUUID", "ALegUUID", "RequestUUID", "ALegRequestUUID"), OTHER)
    steps = [changed(ANSWER, **ids), changed(ANSWER, **ids, original_call=A)]
    others = [taken(step, at(6), prefix=cluster.prefix, is_dead=True) for step in steps]
    await cluster.store([keyed(one.letter, OTHER) for one in others])
    await cluster.put([taken(RING, at(2), prefix=cluster.prefix)])
    assert types(await cluster.find(A)) == ["call.ring"]


async def test_a_dead_letter_that_is_all_there_is_of_a_call_is_found(cluster: Cluster) -> None:
    one = dead(cluster)
    await cluster.store([keyed(one.letter, "e" * 32)])
    (answer,) = (await cluster.find(A)).entries
    assert letter_of(answer) == ("parse", "bridge_fault")


async def test_a_letter_that_cannot_be_derived_has_the_type_of_its_path(cluster: Cluster) -> None:
    one = dead(cluster)
    await cluster.store([unreadable(keyed(one.letter, "d" * 32))])
    (entry,) = (await cluster.find(A)).entries
    assert (entry.event, entry.fault, entry.header_type) == (
        None,
        "content_type",
        "voice.call.answer",
    )


async def test_a_refused_journal_record_is_found_by_its_letter(cluster: Cluster) -> None:
    one = taken(ANSWER, at(5), prefix=cluster.prefix)
    assert one.event is not None
    naming = ContractNames(cluster.prefix, SCHEMAS)
    reason = PublishReason.RECORD_TOO_LARGE
    records = (one.event.record, one.journal)
    letter = to_publish_dead_letter(records, records[1:], reason, tries=3, naming=naming)
    await cluster.store([one.event.record, letter])
    (answer,) = (await cluster.find(A)).entries
    assert letter_of(answer) == ("publish", "record_too_large")
    assert answer.event_from == "published"


async def test_an_event_that_was_made_later_is_read_and_its_letter_stays(cluster: Cluster) -> None:
    one, now = dead(cluster), taken(ANSWER, at(5), prefix=cluster.prefix)
    assert now.event is not None
    redriven = now.event.record._replace(timestamp_ms=now.event.record.timestamp_ms + 86_400_000)
    await cluster.store([keyed(one.letter, "c" * 32), keyed(one.journal, "c" * 32), redriven])
    (answer,) = (await cluster.find(A)).entries
    assert (answer.event_from, answer.callback.event_name, answer.is_dead_letter) == (
        "published",
        None,
        True,
    )


async def test_a_letter_that_names_two_legs_counts_once_whichever_has_the_journal_record(
    cluster: Cluster,
) -> None:
    one = taken(hangup_of_b(), at(33), prefix=cluster.prefix, is_dead=True)
    await cluster.put(dialled_call(cluster.prefix)[:3])
    await cluster.store([keyed(one.letter, "b" * 32), keyed(one.journal, B)])
    found = await cluster.find(A)
    assert types(found) == [*CALL[:3], "call.hangup"]
    assert [entry.letter is not None for entry in found.entries] == [False, False, False, True]


async def test_a_dead_delivery_report_is_of_its_message(cluster: Cluster) -> None:
    one = taken(report(2, "sent"), at(2), prefix=cluster.prefix, is_dead=True)
    await cluster.store([keyed(one.letter, "a" * 32)])
    (entry,) = (await cluster.find(MESSAGE)).entries
    assert (entry.type, entry.data["sequence"]) == ("messaging.message.status", 2)


async def test_of_very_many_letters_only_those_of_the_key_are_read_and_the_rest_is_counted(
    cluster: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(find, "SCAN_MAX", 1)
    older, newer = dead(cluster, 5), dead(cluster, 6)
    # Of so many keys some are in other partitions than the call's.
    await cluster.store(
        [keyed(older.letter, key) for key in ("x1", "x2", "x3", "x4", "x5", "x6", "x7", "x8")]
    )
    await cluster.store([keyed(newer.letter, A)])
    found = await cluster.find(A)
    everything = await cluster.find(A, everywhere=True)
    assert found.letters_skipped > 0
    assert at(6) in {one.callback.raw.received_at for one in found.entries}
    assert everything.letters_skipped == 0
    assert len(everything.entries) == 2


async def test_letters_outside_of_the_time_that_is_read_are_left_out(cluster: Cluster) -> None:
    early, late = dead(cluster, 5), dead(cluster, 600)
    await cluster.store([keyed(one.letter, "9" * 32) for one in (early, late)])
    found = await cluster.find(A, build_window(None, PLACED + timedelta(seconds=60)))
    assert [entry.callback.raw.received_at for entry in found.entries] == [at(5)]
