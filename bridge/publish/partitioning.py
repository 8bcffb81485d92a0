"""Choose the partition of a key as Kafka does by default: Java consumers can co-partition."""

from collections.abc import Sequence
from functools import lru_cache
from typing import Final

from aiokafka.partitioner import DefaultPartitioner

_partitioner = DefaultPartitioner()

# Longer than Plivo's ids. So the cache takes at most some 4 MiB, whatever the keys are.
_CACHED_BYTES_MAX: Final = 64


def partition_for_key(key: bytes, partitions: int) -> int:
    """Return the partition of a key: murmur2 of the key, modulo the number of partitions."""
    if len(key) > _CACHED_BYTES_MAX:
        return _cached_partition.__wrapped__(key, partitions)
    return _cached_partition(key, partitions)


@lru_cache(maxsize=16_384)
def _cached_partition(key: bytes, partitions: int) -> int:
    numbers: Sequence[int] = range(partitions)
    return _partitioner(key, numbers, numbers)
