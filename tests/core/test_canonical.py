"""The canonical encoding that digests are computed of."""

import json

from hypothesis import given, settings
from hypothesis import strategies as st

from bridge.core.canonical import encode_canonical

# Text as the parameters have it: a lone surrogate stands for a byte that is not UTF-8.
TEXTS = st.binary(max_size=6).map(lambda octets: octets.decode("utf-8", "surrogateescape"))
CLOSE_TEXTS = st.text('ü😀\udc80\udcff\\"u,[\x7f', max_size=4)
VALUES = st.recursive(
    st.none() | TEXTS | CLOSE_TEXTS, lambda inner: st.lists(inner, max_size=3), max_leaves=6
)


@settings(max_examples=500)
@given(VALUES)
def test_a_json_parser_returns_the_value_again(value: object) -> None:
    # So two values never have one encoding.
    assert json.loads(encode_canonical(value)) == value


@settings(max_examples=500)
@given(st.lists(VALUES, min_size=2, max_size=2))
def test_two_values_have_one_encoding_exactly_if_they_are_equal(values: list[object]) -> None:
    one, other = values
    assert (encode_canonical(one) == encode_canonical(other)) is (one == other)


def test_the_encoding_is_written_down() -> None:
    # Every id depends on it, so no version of a library may change it.
    text = "".join(map(chr, range(128))) + "ü\u2028😀"
    assert encode_canonical(["MA1", None, [("a", text)]]) == (
        rb'["MA1",null,[["a","\u0000\u0001\u0002\u0003\u0004\u0005\u0006\u0007\b\t\n\u000b\f\r\u000e'
        rb"\u000f\u0010\u0011\u0012\u0013\u0014\u0015\u0016\u0017\u0018\u0019\u001a\u001b\u001c\u001d"
        rb"\u001e\u001f !\""
        b"#$%&'()*+,-./0123456789:;<=>?@ABCDEFGHIJKLMNOPQRSTUVWXYZ["
        rb"\\"
        b"]^_`abcdefghijklmnopqrstuvwxyz{|}~\x7f" + "ü\u2028😀".encode() + b'"]]]'
    )
    assert encode_canonical(["ü", "\udcff"]) == rb'["\u00fc","\udcff"]'
