"""URLs that Plivo could call, and others."""

import pytest

from bridge.reply.urls import is_absolute, is_websocket


@pytest.mark.parametrize(
    ("rest", "expected"),
    [
        ("app.example.com/a", True),
        ("app.example.com:/a", True),
        ("app.example.com:65535/a", True),
        ("[::1]:5000/a", True),
        ("app.example.com:65536/a", False),
        ("app.example.com:0/a", False),
        ("app.example.com:port/a", False),
        ("[::1/a", False),
        (":5000/a", False),
    ],
)
def test_a_url_that_can_be_called_has_a_host_and_a_port_that_exists(
    rest: str, *, expected: bool
) -> None:
    assert is_absolute(f"https://{rest}") is expected
    assert is_websocket(f"wss://{rest}") is expected
