"""The server keeps freed memory for the next request to Kafka."""

import platform
import subprocess
import sys

import pytest

pytestmark = pytest.mark.system

# For one request to Kafka, aiokafka joins the batches of the partitions again and again.
PROGRAM = """
import resource
from bridge.ingress.server import keep_freed_memory

def count_page_faults():
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    for _ in range(100):
        blocks = [bytes(300_000) for _ in range(8)]
        del blocks
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before

count_page_faults()
without = count_page_faults()
keep_freed_memory()
count_page_faults()
print(without, count_page_faults())
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="another allocator has other rules")
def test_large_blocks_that_are_allocated_again_cause_no_page_faults() -> None:
    printed = subprocess.check_output([sys.executable, "-c", PROGRAM], text=True)
    without, kept = map(int, printed.split())
    assert without > 10_000
    assert kept < 100
