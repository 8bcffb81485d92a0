"""The topics the bridge needs, computed from the catalogue."""

from dataclasses import dataclass
from typing import Final

from bridge.catalogue import Catalogue
from bridge.event import DEAD_LETTER_TOPIC, JOURNAL_TOPIC

_DAY_MS: Final = 86_400_000


@dataclass(frozen=True, slots=True)
class Sizing:
    """What an operator chooses of every topic; 0 days keep records for ever."""

    partitions: int
    replication_factor: int
    min_insync_replicas: int
    event_retention_days: int
    journal_retention_days: int
    dead_letter_retention_days: int


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
    rows = [(kind.topic, kind.meaning, sizing.event_retention_days) for kind in catalogue.all]
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
            },
        )
        for name, holds, days in rows
    ]
