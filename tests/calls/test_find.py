"""A call or message found on a cluster, by its id alone."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.calls import find as calling
from bridge.calls.found import TimelineEntry
from bridge.core.answer import Answered, Failure, to_answer_record
from bridge.core.journal import Asked, SentReply
from bridge.publish.partitioning import partition_for_key
from bridge.reader.topic_reader import CannotRead
from tests.support.call_cluster import CALL, Cluster, filled, types
from tests.support.call_stories import HANGUP, MESSAGE, ROOM, A, B, at, dialled_call, entry, report
from tests.support.emulated_call import EmulatedCallback
from tests.support.kafka import Kafka, make_topics, planned
from tests.support.placed_requests import other_records
from tests.support.stored_calls import (
    call_uuid,
    journal_of,
    letters_of,
    make_some_topics,
    saying,
    taken,
)
from tests.support.stored_records import read_topics

pytest_plugins = ("tests.support.kafka_fixtures",)


@pytest.fixture
async def cluster(kafka: Kafka, prefix: str) -> Cluster:
    return await filled(kafka, prefix)


@pytest.mark.parametrize("identity", [A, B])
async def test_every_leg_of_a_call_is_found_from_any_of_them(
    cluster: Cluster, identity: str
) -> None:
    found = await cluster.find(identity)
    assert types(found) == CALL
    assert {one.key for one in found.entries} == {A}
    assert {one.event_from for one in found.entries} == {"published"}
    assert [identity, *found.followed] == [identity, B if identity == A else A]
    assert (found.not_followed, found.is_truncated) == ([], False)


async def test_the_partitions_the_key_is_not_in_are_not_read(cluster: Cluster) -> None:
    whole = len(await read_topics(cluster.kafka.connection, journal_of(cluster.prefix)))
    await cluster.find(MESSAGE)
    assert cluster.read["reading the journal"] < whole
    await cluster.find(MESSAGE, everywhere=True)
    assert cluster.read["reading the journal"] == whole


async def test_an_id_that_is_a_key_is_searched_in_its_partition_only(cluster: Cluster) -> None:
    await cluster.find(A)
    assert "looking for the leg" not in cluster.read
    await cluster.find(B)
    assert "looking for the leg" in cluster.read


async def test_an_unknown_id_is_not_found(cluster: Cluster) -> None:
    found = await cluster.find("00000000-0000-0000-0000-000000000000")
    assert (found.entries, found.followed) == ([], [])
    assert "reading events" not in cluster.read


async def test_a_message_is_found_with_its_delivery_reports(cluster: Cluster) -> None:
    await cluster.put([taken(report(n, "sent"), at(n), prefix=cluster.prefix) for n in (1, 2)])
    found = await cluster.find(MESSAGE)
    assert [one.data["sequence"] for one in found.entries] == [1, 2]
    assert found.followed == []


async def test_an_event_says_what_a_callback_means_and_is_derived_where_it_is_gone(
    cluster: Cluster,
) -> None:
    first, second = (taken(report(n, "sent"), at(n), prefix=cluster.prefix) for n in (1, 2))
    assert first.event is not None
    said = saying(first.event.record, {"status": "as published"})
    await cluster.store([said, first.journal, second.journal])
    found = await cluster.find(MESSAGE)
    assert [(one.data["status"], one.event_from) for one in found.entries] == [
        ("as published", "published"),
        ("sent", "derived"),
    ]


async def test_what_was_derived_later_is_not_what_was_published(cluster: Cluster) -> None:
    one = taken(report(1, "sent"), at(1), prefix=cluster.prefix)
    assert one.event is not None
    record = one.event.record
    derived = record._replace(headers=(*record.headers, ("derived", b"1")))
    noise = record._replace(value=b"no event")
    await cluster.store([derived, noise, one.journal])
    (entry,) = (await cluster.find(MESSAGE)).entries
    assert entry.event_from == "derived"


async def test_what_is_no_journal_record_is_passed_over(cluster: Cluster) -> None:
    one = taken(report(1, "sent"), at(1), prefix=cluster.prefix)
    await cluster.store([one.journal._replace(value=b"{}"), *one.records])
    assert len((await cluster.find(MESSAGE)).entries) == 1


async def test_journal_records_that_are_no_callbacks_are_passed_over(cluster: Cluster) -> None:
    whole = await cluster.find(A)
    await cluster.store(other_records(cluster.prefix))
    found = await cluster.find(A)
    assert [one.position for one in found.entries] == [one.position for one in whole.entries]
    assert found.followed == whole.followed


async def test_the_answer_of_an_application_is_joined_to_its_callback_and_a_retry_has_its_own(
    cluster: Cluster,
) -> None:
    inbound = report(1, "sent")
    first, retried, unanswered = (
        taken(inbound, at(second), prefix=cluster.prefix, reply=Asked("ivr"))
        for second in (1, 9, 30)
    )
    reply, failure = SentReply(200, "text/xml", b"<Response/>"), Failure("timeout", "10 s")
    answers = [
        to_answer_record(first.journal, Answered("r", "ivr", "fallback", 10_000, failure, reply)),
        to_answer_record(retried.journal, Answered("r", "ivr", "application", 12, None, reply)),
    ]
    broken = answers[0]._replace(value=b"{}")
    await cluster.put([first, retried, unanswered])
    await cluster.store([broken, *answers])
    one, other, third = (await cluster.find(MESSAGE)).entries
    assert one.answer is not None
    assert other.answer is not None
    assert (one.answer["given_by"], other.answer["given_by"]) == ("fallback", "application")
    assert other.reply == {"status": 200, "content_type": "text/xml", "body": "<Response/>"}
    assert (third.answer, third.reply) == (None, None)


async def test_a_callback_no_event_was_made_of_is_derived_or_says_why_not(
    cluster: Cluster,
) -> None:
    one = taken(report(1, "sent"), at(1), prefix=cluster.prefix, is_dead=True)
    dead = one.journal._replace(key=MESSAGE.encode())
    broken = dead.value.replace(b"x-www-form-urlencoded", b"octet-stream")
    await cluster.store([dead, dead._replace(value=broken)])
    today, never = (await cluster.find(MESSAGE)).entries
    assert (today.callback.event_name, today.event_from, today.fault) == (None, "derived", None)
    assert (never.event, never.event_from, never.fault) == (None, None, "content_type")
    assert (never.type, never.data) == ("", {})


@pytest.mark.kafka
async def test_records_from_before_a_topic_was_given_more_partitions_are_found_everywhere(
    apache_kafka: str, prefix: str
) -> None:
    kafka = Kafka(apache_kafka, idempotence=True)
    cluster = Cluster(kafka, prefix)
    await make_some_topics(kafka, prefix)
    await cluster.put(dialled_call(prefix))
    moved = next(n for n in range(4, 40) if partition_for_key(A.encode(), n) > 2)
    await make_topics(kafka.connection, planned(journal_of(prefix), partitions=moved))
    # Nothing is where the key would be now, so every partition is read for what names the call.
    assert types(await cluster.find(A)) == CALL
    # Once something of it is there, only that is found by the key.
    late = taken(HANGUP, at(80), prefix=prefix)
    await cluster.store([late.journal])
    assert len((await cluster.find(A)).entries) == 1
    assert types(await cluster.find(A, everywhere=True))[: len(CALL)] == CALL


async def test_legs_are_followed_so_far_and_the_rest_is_named(
    cluster: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(calling, "IDS_MAX", 1)
    found = await cluster.find(A)
    assert (found.followed, found.not_followed) == ([], [B])
    monkeypatch.setattr(calling, "IDS_MAX", 32)
    monkeypatch.setattr(calling, "ROUNDS_MAX", 1)
    found = await cluster.find(A)
    assert (found.followed, found.not_followed) == ([], [B])


async def test_calls_in_the_same_conference_are_not_followed(cluster: Cluster) -> None:
    def entered(call: str) -> EmulatedCallback:
        who = {"CallUUID": call, "ConferenceUUID": ROOM, "ConferenceName": "room-of-many"}
        return EmulatedCallback(
            "/plivo/voice/conference/enter", {**who, "ConferenceAction": "enter"}
        )

    stranger = str(call_uuid(3))
    callbacks = [entered(A), entered(stranger)]
    await cluster.put([taken(one, at(40), prefix=cluster.prefix) for one in callbacks])
    found = await cluster.find(A)
    assert found.followed == [B]
    assert {one.key for one in found.entries} == {A}
    assert types(found) == [*CALL, "conference.enter"]


async def test_a_copy_that_a_replay_stored_names_the_replay(cluster: Cluster) -> None:
    one = taken(report(1, "sent"), at(1), prefix=cluster.prefix)
    copy = one.journal._replace(headers=(*one.journal.headers, ("replay_id", b"abcd1234")))
    await cluster.store([*one.records, copy])
    assert [one.replay_id for one in (await cluster.find(MESSAGE)).entries] == [None, "abcd1234"]


@pytest.mark.kafka
async def test_an_event_topic_that_is_not_there_is_named_and_counts_as_empty(
    apache_kafka: str, prefix: str
) -> None:
    # The embedded broker makes every topic it is asked about.
    kafka = Kafka(apache_kafka, idempotence=True)
    status, journal = prefix + "plivo.messaging.message.status.v1", journal_of(prefix)
    await make_topics(kafka.connection, planned(journal, partitions=3))
    cluster = Cluster(kafka, prefix)
    await cluster.store([taken(report(1, "sent"), at(1), prefix=prefix).journal])
    found = await cluster.find(MESSAGE)
    assert [one.event_from for one in found.entries] == ["derived"]
    assert found.missing_topics == [letters_of(prefix), status]


@pytest.mark.kafka
async def test_a_journal_that_is_not_there_cannot_be_read(apache_kafka: str, prefix: str) -> None:
    cluster = Cluster(Kafka(apache_kafka, idempotence=True), prefix)
    with pytest.raises(CannotRead, match=f"no such topic: {journal_of(prefix)}"):
        await cluster.find(MESSAGE)


async def test_a_call_with_too_many_callbacks_is_marked_as_truncated(
    cluster: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(calling, "CALLBACKS_MAX", 3)
    found = await cluster.find(A)
    assert (len(found.entries), found.is_truncated) == (3, True)


@given(times=st.lists(st.lists(st.integers(0, 9), max_size=6), max_size=4), seed=st.randoms())
def test_partitions_are_merged_by_time_and_none_is_reordered(
    times: list[list[int]], seed: Any
) -> None:
    one = entry(taken(report(1, "sent"), at(1)))
    whole = [
        replace(one, partition=number, offset=offset, timestamp_ms=time)
        for number, lane in enumerate(times)
        for offset, time in enumerate(lane)
    ]
    left: dict[int, list[TimelineEntry]] = {}
    for found in whole:
        left.setdefault(found.partition, []).append(found)
    shuffled = list(whole)
    seed.shuffle(shuffled)
    for found in calling._merge_in_order(shuffled):
        heads = [lane[0] for lane in left.values() if lane]
        assert found.timestamp_ms == min(head.timestamp_ms for head in heads)
        assert left[found.partition].pop(0) == found
    assert not any(left.values())


async def test_a_key_is_searched_in_the_partition_of_the_producer(cluster: Cluster) -> None:
    records = await read_topics(cluster.kafka.connection, journal_of(cluster.prefix))
    assert len({one.partition for one in records}) > 1
    for one in records:
        assert partition_for_key(one.key or b"", 3) == one.partition
