"""Topics that no longer have the whole requested time."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pytest
from aiokafka.structs import OffsetAndTimestamp, TopicPartition

from bridge.publish.connection import KafkaConnection
from bridge.replay import CannotWrite, retention
from bridge.replay.retention import (
    IncompleteTopic,
    ShortenedPartition,
    find_incomplete_topics,
    list_shortened,
    read_retention_ms,
)

DAY_MS = 86_400_000
NOW_MS = 100 * DAY_MS
WEEK = {"rings": 7 * DAY_MS}


@dataclass(frozen=True, slots=True)
class Log:
    """A partition as Kafka keeps it: what was deleted, and the timestamps of what is left."""

    deleted: int
    times: Sequence[int] = ()


class Cluster:
    """Answers questions for offsets as Kafka does."""

    def __init__(self, logs: Mapping[TopicPartition, Log]) -> None:
        self._logs = logs

    async def beginning_offsets(
        self, partitions: Sequence[TopicPartition]
    ) -> dict[TopicPartition, int]:
        return {one: self._logs[one].deleted for one in partitions}

    async def end_offsets(self, partitions: Sequence[TopicPartition]) -> dict[TopicPartition, int]:
        return {one: self._logs[one].deleted + len(self._logs[one].times) for one in partitions}

    async def offsets_for_times(
        self, timestamps: Mapping[TopicPartition, int]
    ) -> dict[TopicPartition, OffsetAndTimestamp | None]:
        return {one: self._first(self._logs[one], at) for one, at in timestamps.items()}

    @staticmethod
    def _first(log: Log, at_ms: int) -> OffsetAndTimestamp | None:
        for number, time_ms in enumerate(log.times):
            if time_ms >= at_ms:
                return OffsetAndTimestamp(log.deleted + number, time_ms)
        return None


async def test_only_partitions_whose_first_offset_moved_have_lost_records() -> None:
    logs = {
        TopicPartition("rings", 0): Log(0, [5, 6]),
        TopicPartition("rings", 1): Log(0),
        TopicPartition("rings", 2): Log(3, [8, 7]),
        TopicPartition("hangups", 0): Log(9),
    }
    assert await list_shortened(Cluster(logs), list(logs)) == [
        ShortenedPartition("rings", 2, 3, 8),
        ShortenedPartition("hangups", 0, 9, None),
    ]


async def test_topics_that_lost_nothing_need_no_further_requests() -> None:
    class Silent(Cluster):
        end_offsets = offsets_for_times = None  # type: ignore[assignment]

    logs = {TopicPartition("rings", 0): Log(0, [5])}
    assert await list_shortened(Silent(logs), list(logs)) == []  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("oldest_days", "since_days", "kept", "is_expired"),
    [
        # since in days ago; None is everything there ever was
        (6, 30, WEEK, True),
        (6, 8, WEEK, True),
        (6, 6, WEEK, False),  # the oldest record is not younger than what is asked for
        (6, 5, WEEK, False),
        (1, 2, WEEK, False),  # a quiet topic: age deleted only what is older than a week
        (1, 7, WEEK, False),
        (None, 2, WEEK, False),
        (None, 8, WEEK, True),
        (None, None, WEEK, True),
        (6, None, WEEK, True),
        (1, 2, {}, True),  # deleted by size, by hand, or nobody knows
        (None, 2, {}, True),
        (1, 1, {}, False),
    ],
)
def test_a_topic_lacks_what_its_oldest_record_and_its_retention_do_not_cover(
    oldest_days: int | None, since_days: int | None, kept: Mapping[str, int], *, is_expired: bool
) -> None:
    oldest_ms = None if oldest_days is None else NOW_MS - oldest_days * DAY_MS
    since_ms = None if since_days is None else NOW_MS - since_days * DAY_MS
    found = find_incomplete_topics(
        [ShortenedPartition("rings", 0, 4, oldest_ms)], since_ms, retention_ms=kept, now_ms=NOW_MS
    )
    assert found == ([IncompleteTopic("rings", 4, oldest_ms)] if is_expired else [])


def test_partitions_of_a_topic_are_summed_up() -> None:
    among = [
        ShortenedPartition("rings", 0, 4, 90),
        ShortenedPartition("rings", 1, 5, 80),
        ShortenedPartition("rings", 2, 6, None),
        ShortenedPartition("rings", 3, 7, 10),  # reaches back far enough
        ShortenedPartition("answers", 0, 1, None),
    ]
    assert find_incomplete_topics(among, 20, retention_ms={}, now_ms=NOW_MS) == [
        IncompleteTopic("answers", 1, None),
        IncompleteTopic("rings", 15, 80),
    ]


async def test_a_login_that_may_not_read_settings_leaves_the_retention_unknown(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def refused(_connection: KafkaConnection, _topics: Sequence[str]) -> dict[str, int]:
        raise CannotWrite

    monkeypatch.setattr(retention, "read_retention_by_age", refused)
    assert (
        await read_retention_ms(
            KafkaConnection("nowhere:1"), [ShortenedPartition("rings", 0, 4, 90)]
        )
        == {}
    )
