"""The request of a callback, as received."""

from hypothesis import given
from hypothesis import strategies as st

from bridge.core import request as wire
from bridge.core.request import Header
from tests.support.factories import raw_callback

NAMES = st.sampled_from([wire.SIGNATURE_V3, wire.NONCE_V3, wire.SIGNATURE_V1, "host"])


@given(st.lists(st.tuples(NAMES, st.text("ab,", max_size=3)), max_size=6))
def test_the_lines_of_one_header_are_joined_in_their_order(headers: list[Header]) -> None:
    raw = raw_callback(headers=headers, content_type=None)
    for name in (wire.SIGNATURE_V3, wire.NONCE_V3, wire.SIGNATURE_V1, "host", "x-request-id"):
        lines = [value for key, value in headers if key == name]
        assert raw.headers.values.get(name) == (",".join(lines) if lines else None)
    assert raw.is_signed is (wire.SIGNATURE_V3 in dict(headers))
