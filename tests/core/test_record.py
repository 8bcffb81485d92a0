"""The memory that a record's value takes."""

import tracemalloc

import orjson
import pytest

from bridge.core.record import encode_json


@pytest.mark.parametrize("length", [1, 1_500, 30_000, 250_000])
def test_a_value_takes_no_more_memory_than_its_text(length: int) -> None:
    document = {"text": "x" * length}
    tracemalloc.start()
    try:
        before, _ = tracemalloc.get_traced_memory()
        value = encode_json(document)
        after, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert orjson.loads(value) == document
    assert after - before < len(value) + 500
