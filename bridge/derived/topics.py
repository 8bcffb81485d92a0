"""Plan the topics that the bridge needs, from the catalogue and the declarations of its own events."""

from dataclasses import dataclass
from typing import Final

from bridge.core.catalogue import Catalogue
from bridge.core.journal import DEAD_LETTER_TOPIC, JOURNAL_TOPIC, REJECTED_TOPIC
from bridge.derived.own_records import list_event_types

_DAY_MS: Final = 86_400_000
# Kafka deletes only whole segments, and a segment is 1 GiB by default. So a limit of bytes works only
# with smaller segments. Kafka 4 refuses segments below 1 MiB.
_SEGMENTS: Final = 4
_SEGMENT_BYTES_MIN: Final = 1_048_576


@dataclass(frozen=True, slots=True)
class Sizing:
    """What an operator configures for the topics; 0 days keep records for ever.

    ``rejected_retention_bytes`` is the limit of each partition. Only the rejected topic has one,
    because unverified clients can fill it.
    """

    partitions: int
    replication_factor: int
    min_insync_replicas: int
    event_retention_days: int
    journal_retention_days: int
    dead_letter_retention_days: int
    rejected_retention_days: int = 7
    rejected_retention_bytes: int = 104_857_600


@dataclass(frozen=True, slots=True)
class PlannedTopic:
    """The intended state of one topic. ``configs`` are Kafka's topic settings, as text."""

    name: str
    holds: str
    partitions: int
    replication_factor: int
    configs: dict[str, str]


def plan(catalogue: Catalogue, prefix: str, sizing: Sizing) -> list[PlannedTopic]:
    """Return every topic: event topics first, in the catalogue's order, then the bridge's own."""
    rows = [
        (kind.topic, kind.meaning, sizing.event_retention_days)
        for kind in list_event_types(catalogue).values()
    ]
    rows.append(
        (
            JOURNAL_TOPIC,
            "Every callback as it came, ordered by call, and every request of ours.",
            sizing.journal_retention_days,
        )
    )
    rows.append(
        (
            DEAD_LETTER_TOPIC,
            "Verified callbacks that could not be published as events.",
            sizing.dead_letter_retention_days,
        )
    )
    rows.append(
        (
            REJECTED_TOPIC,
            "A limited sample of the rejected callbacks.",
            sizing.rejected_retention_days,
        )
    )
    bounded = {REJECTED_TOPIC: _bounded(sizing.rejected_retention_bytes)}
    return [
        PlannedTopic(
            name=prefix + name,
            holds=holds,
            partitions=sizing.partitions,
            replication_factor=sizing.replication_factor,
            configs={
                "cleanup.policy": "delete",
                "min.insync.replicas": str(sizing.min_insync_replicas),
                "retention.bytes": "-1",
                "retention.ms": str(days * _DAY_MS) if days else "-1",
                **bounded.get(name, {}),
            },
        )
        for name, holds, days in rows
    ]


def _bounded(retention_bytes: int) -> dict[str, str]:
    """Return the topic settings that limit the bytes of a partition."""
    segment_bytes = max(retention_bytes // _SEGMENTS, _SEGMENT_BYTES_MIN)
    return {"retention.bytes": str(retention_bytes), "segment.bytes": str(segment_bytes)}
