"""Which partition a key is in: Kafka's default, so that Java's consumers can co-partition."""

from collections.abc import Sequence
from functools import lru_cache

from aiokafka.partitioner import DefaultPartitioner

_partitioner = DefaultPartitioner()


@lru_cache(maxsize=65_536)
def partition_of(key: bytes, partitions: int) -> int:
    """Return which of so many partitions a key is in: murmur2 of the key over their number."""
    numbers: Sequence[int] = range(partitions)
    return _partitioner(key, numbers, numbers)
