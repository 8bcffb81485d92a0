"""Hosts for which callbacks are accepted, and invalid hosts."""

import httpx
import pytest

from bridge.emulator.sign import sign_headers
from tests.support.bridge import TOKEN, Running, running_bridge
from tests.support.plivo import (
    FORM,
    PATHS,
    RING,
    SHARED,
    Plivo,
    assert_problem,
    encoded,
    exchange,
    request_bytes,
    sample,
    status_of,
)

PUBLIC = "https://hooks.example.com"
PROXY = "127.0.0.1"
NO_HOSTS = [
    "a b", "a/b", "a?b", "a#b", "a@b", "a,b", "a:99999", "a%41", "", "a/plivo?x", "[::1", "a:b", "a;b",
]  # fmt: skip


def sent(bridge: Running, url: str, host: str, **forwarded: str) -> int:
    """Return the status of a callback that is signed for ``url``, sent with that ``Host``."""
    body = encoded(sample(RING))
    headers = {
        "host": host,
        **sign_headers("POST", url + PATHS[RING], body, TOKEN),
        "content-type": FORM,
        "content-length": str(len(body)),
        "connection": "close",
        **{name.replace("_", "-"): of for name, of in forwarded.items()},
    }
    return status_of(
        exchange(bridge.address, request_bytes("POST", PATHS[RING], headers, body.encode()))
    )


@pytest.mark.parametrize("host", NO_HOSTS)
@pytest.mark.parametrize("public_url", [None, PUBLIC])
def test_an_invalid_host_is_refused(host: str, public_url: str | None) -> None:
    with running_bridge(public_url=public_url) as bridge:
        # The emulator of Plivo signs no URL that it cannot parse.
        url = public_url or (PUBLIC if "[" in host else f"http://{host}")
        assert sent(bridge, url, host) == 400
        assert bridge.publisher.records == []


def test_a_signed_text_cannot_become_the_host_of_another_callback() -> None:
    forged = encoded(sample(RING))
    text = "".join(key + of for key, of in sorted(sample(RING).items()))
    message = {"From": "14155550199", "Text": f"x{SHARED}?{text}"}
    signed = sign_headers("POST", "http://bridge.example/hook", encoded(message), TOKEN)
    headers = {
        "host": "bridge.example/hook?From14155550199Textx",
        **signed,
        "content-type": FORM,
        "content-length": str(len(forged)),
        "connection": "close",
    }
    with running_bridge() as bridge:
        answer = exchange(bridge.address, request_bytes("POST", SHARED, headers, forged.encode()))
        assert status_of(answer) == 400
        assert bridge.publisher.records == []


@pytest.mark.parametrize("host", ["a/b", "a b", "a,b/c", "b@a", "a:99999", "a%41"])
def test_an_invalid_forwarded_host_is_refused(host: str) -> None:
    with running_bridge(trusted_proxies=[PROXY]) as bridge:
        assert sent(bridge, f"http://{host}", "inner:8080", x_forwarded_host=host) == 400
        assert bridge.publisher.records == []


# The hosts that are allowed, the URL Plivo called, and what comes of it.
CALLED = [
    (["hooks.example.com"], "http://hooks.example.com", 200),
    (["hooks.example.com"], "http://HOOKS.example.com.", 200),
    (["hooks.example.com"], "http://hooks.example.com:80", 200),
    (["hooks.example.com"], "http://hooks.example.com:8080", 421),
    (["hooks.example.com:8080"], "http://hooks.example.com:8080", 200),
    (["hooks.example.com", "other.example.com"], "http://other.example.com", 200),
    (["hooks.example.com"], "http://staging.example.com", 421),
    (["hooks.example.com"], "http://hooks.example.com.evil.example", 421),
    ([], "http://anything.example.com", 200),
]


@pytest.mark.parametrize(("allowed", "url", "status"), CALLED)
def test_a_callback_is_accepted_for_allowed_hosts_only(
    allowed: list[str], url: str, status: int
) -> None:
    with running_bridge(allowed_hosts=allowed) as bridge:
        assert sent(bridge, url, url.removeprefix("http://")) == status
        refused = bridge.metrics.value("refused_total", cause="host-not-allowed")
        assert refused == (1 if status == 421 else 0)


@pytest.mark.parametrize(
    ("forwarded", "status"),
    [
        ("hooks.example.com", 200),
        ("staging.example.com", 421),
        ("staging.example.com, hooks.example.com", 200),
    ],
)
def test_the_forwarded_host_of_a_trusted_proxy_must_be_allowed_too(
    forwarded: str, status: int
) -> None:
    with running_bridge(allowed_hosts=["hooks.example.com"], trusted_proxies=[PROXY]) as bridge:
        url = "https://" + forwarded.rpartition(", ")[2]
        https = {"x_forwarded_host": forwarded, "x_forwarded_proto": "https"}
        assert sent(bridge, url, "inner:8080", **https) == status


def test_a_public_url_makes_the_host_of_no_matter(client: httpx.Client) -> None:
    with running_bridge(public_url=PUBLIC, allowed_hosts=["other.example.com"]) as bridge:
        assert sent(bridge, PUBLIC, "inner:8080") == 200


def test_a_host_that_is_not_allowed_is_a_problem_document_and_a_line_in_the_log(
    client: httpx.Client,
) -> None:
    with (
        running_bridge(allowed_hosts=["hooks.example.com"]) as bridge,
        bridge.captured_logs() as lines,
    ):
        answer = Plivo(client, bridge.url).post(PATHS[RING], sample(RING))
        assert_problem(answer, 421, "host-not-allowed")
    (line,) = [line for line in lines if line["event"] == "callback_refused"]
    assert (line["cause"], line["host"]) == ("host-not-allowed", f"127.0.0.1:{bridge.port}")


def test_what_is_no_host_is_in_no_line_of_the_log() -> None:
    with running_bridge(trusted_proxies=[PROXY]) as bridge, bridge.captured_logs() as lines:
        assert sent(bridge, PUBLIC, "inner:8080", x_forwarded_host="secret/place") == 400
    (line,) = [line for line in lines if line["event"] == "callback_refused"]
    assert line["cause"] == "invalid-host"
    assert "secret" not in str(line)
