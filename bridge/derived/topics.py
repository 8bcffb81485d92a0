"""The topics the bridge needs, computed from the catalogue."""

from dataclasses import dataclass
from typing import Final

from bridge.core.catalogue import Catalogue
from bridge.core.event import DEAD_LETTER_TOPIC, JOURNAL_TOPIC, REJECTED_TOPIC

_DAY_MS: Final = 86_400_000
# Kafka takes away whole segments only, and they are 1 GiB unless it is said otherwise: without this
# a bound of bytes bounds little. Kafka 4 refuses segments below 1 MiB.
_SEGMENTS: Final = 4
_SEGMENT_BYTES_MIN: Final = 1_048_576


@dataclass(frozen=True, slots=True)
class Sizing:
    """What an operator chooses of every topic; 0 days keep records for ever.

    ``rejected_retention_bytes`` is of each partition: that topic alone is filled by strangers.
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
    """One topic as it should be. ``configs`` are Kafka's topic settings, as text."""

    name: str
    holds: str
    partitions: int
    replication_factor: int
    configs: dict[str, str]


def plan(catalogue: Catalogue, prefix: str, sizing: Sizing) -> list[PlannedTopic]:
    """Return every topic, event topics first, in the catalogue's order."""
    rows = [(kind.topic, kind.meaning, sizing.event_retention_days) for kind in catalogue.all_types]
    rows.append(
        (JOURNAL_TOPIC, "Every callback as it came, by call.", sizing.journal_retention_days)
    )
    rows.append(
        (
            DEAD_LETTER_TOPIC,
            "Callbacks no event could be made of.",
            sizing.dead_letter_retention_days,
        )
    )
    rows.append(
        (
            REJECTED_TOPIC,
            "A capped sample of what failed verification.",
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
    """Return the settings that bound the bytes of a partition."""
    segment_bytes = max(retention_bytes // _SEGMENTS, _SEGMENT_BYTES_MIN)
    return {"retention.bytes": str(retention_bytes), "segment.bytes": str(segment_bytes)}
