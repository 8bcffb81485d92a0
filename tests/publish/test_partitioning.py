"""The partition of a key is the one that Kafka's own clients choose."""

import pytest
from aiokafka.partitioner import DefaultPartitioner
from hypothesis import example, given
from hypothesis import strategies as st

from bridge.publish.partitioning import partition_for_key


@given(key=st.binary(max_size=100), partitions=st.integers(1, 1000))
@example(key=b"", partitions=12)
@example(key=b"\xff" * 64, partitions=12)
@example(key=b"\xff" * 65, partitions=12)
def test_a_key_has_the_partition_that_aiokafka_chooses(key: bytes, partitions: int) -> None:
    numbers = range(partitions)
    assert partition_for_key(key, partitions) == DefaultPartitioner()(key, numbers, numbers)


# Hashes in ``testMurmur2`` of Kafka's UtilsTest, without their sign as Kafka's partitioner takes them.
@pytest.mark.parametrize(
    ("key", "murmur2"),
    [
        (b"21", -973932308),
        (b"foobar", -790332482),
        (b"a-little-bit-long-string", -985981536),
        (b"a-little-bit-longer-string", -1486304829),
        (b"lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8", -58897971),
        (b"abc", 479470107),
    ],
)
def test_a_key_has_the_partition_that_java_clients_choose(key: bytes, murmur2: int) -> None:
    assert partition_for_key(key, 1 << 31) == murmur2 & 0x7FFFFFFF
