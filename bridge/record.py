"""What Kafka stores."""

from dataclasses import dataclass

RecordHeader = tuple[str, bytes]


@dataclass(frozen=True, slots=True)
class Record:
    """One Kafka record to be: ``timestamp_ms`` is epoch milliseconds of the receive time."""

    topic: str
    key: bytes
    value: bytes
    headers: tuple[RecordHeader, ...]
    timestamp_ms: int
