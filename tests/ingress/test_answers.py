"""Answers as bytes of HTTP/1.1."""

import pytest

from bridge.ingress.answers import answer_bytes


@pytest.mark.parametrize("broken", [b"a\r\nset-cookie: b", b"a\rb", b"a\nb", b"a\0b", b"\n"])
def test_a_value_with_a_line_break_or_nul_is_never_sent(broken: bytes) -> None:
    with pytest.raises(ValueError, match="line break"):
        answer_bytes(200, [(b"x-a", b"b"), (b"x-b", broken)], b"", keep_alive=True)


@pytest.mark.parametrize("value", [b"", b" a b ", b"\t", b"\x01\x7f\xff"])
def test_any_other_value_is_sent_as_it_is(value: bytes) -> None:
    sent = answer_bytes(200, [(b"x-a", value)], b"body", keep_alive=True)
    assert sent == b"HTTP/1.1 200 OK\r\nx-a: " + value + b"\r\ncontent-length: 4\r\n\r\nbody"
