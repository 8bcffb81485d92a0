"""The URL a signature is checked against: configured, or as trusted proxies forward it."""

from collections.abc import Iterator
from datetime import UTC, datetime
from ipaddress import ip_network

import httpx
import pytest

from bridge.ingress.request import PublicUrlPolicy, RequestLimits, read_request
from tests.support.bridge import Running, running_bridge
from tests.support.plivo import FORM, PATHS, RING, Plivo, assert_problem, encoded, sample

PUBLIC = "https://hooks.example.com"
FORWARDED = {"x_forwarded_proto": "https", "x_forwarded_host": "hooks.example.com"}


def test_without_a_public_url_the_url_as_received_is_verified(
    bridge: Running, plivo: Plivo
) -> None:
    form = sample(RING)
    assert plivo.post(PATHS[RING], form).status_code == 200
    (journal,) = bridge.values(form["CallUUID"])["plivo.journal.v1"]
    assert journal["url_received"] == journal["url_verified"] == bridge.url + PATHS[RING]


@pytest.mark.parametrize("public_url", [PUBLIC, PUBLIC + "/", PUBLIC + "/telephony/eu"])
def test_a_public_url_is_what_signatures_are_checked_against(
    client: httpx.Client, public_url: str
) -> None:
    with running_bridge(public_url=public_url) as bridge:
        form = sample(RING)
        plivo = Plivo(client, bridge.url, signs=public_url.rstrip("/"))
        assert plivo.post(PATHS[RING] + "?a=b", form).status_code == 200
        (journal,) = bridge.values(form["CallUUID"])["plivo.journal.v1"]
        assert journal["url_verified"] == f"{public_url.rstrip('/')}{PATHS[RING]}?a=b"
        assert journal["url_received"] == f"{bridge.url}{PATHS[RING]}?a=b"
        assert Plivo(client, bridge.url).post(PATHS[RING], form).status_code == 403


def test_a_public_url_beats_what_proxies_say(client: httpx.Client) -> None:
    with running_bridge(public_url=PUBLIC, trusted_proxies=["127.0.0.1"]) as bridge:
        plivo = Plivo(client, bridge.url, signs=PUBLIC)
        lies = {"x_forwarded_proto": "http", "x_forwarded_host": "elsewhere.example"}
        assert plivo.post(PATHS[RING], sample(RING), **lies).status_code == 200


@pytest.mark.parametrize(
    ("trusted", "status"),
    [("127.0.0.0/8", 200), ("127.0.0.1", 200), ("10.0.0.0/8", 403), ("", 403)],
)
def test_only_trusted_proxies_are_believed(client: httpx.Client, trusted: str, status: int) -> None:
    with running_bridge(trusted_proxies=trusted) as bridge:
        plivo = Plivo(client, bridge.url, signs=PUBLIC)
        assert plivo.post(PATHS[RING], sample(RING), **FORWARDED).status_code == status
        # The other way round: a stranger's headers must not spoil what was signed as received.
        direct = Plivo(client, bridge.url).post(PATHS[RING], sample(RING), **FORWARDED)
        assert direct.status_code == (403 if status == 200 else 200)


@pytest.fixture(scope="module")
def proxied() -> Iterator[Running]:
    with running_bridge(trusted_proxies="127.0.0.1") as running:
        yield running


def test_of_a_list_the_entry_of_the_nearest_proxy_counts(
    proxied: Running, client: httpx.Client
) -> None:
    plivo = Plivo(client, proxied.url, signs=PUBLIC)
    headers = {
        "x_forwarded_proto": "http, https",
        "x_forwarded_host": "forged.example , hooks.example.com",
    }
    assert plivo.post(PATHS[RING], sample(RING), **headers).status_code == 200


def forwarded(client: httpx.Client, bridge: Running, *lines: tuple[str, str]) -> httpx.Response:
    """Send a callback signed for the public URL, with these headers more."""
    plivo = Plivo(client, bridge.url, signs=PUBLIC)
    form = encoded(sample(RING))
    headers = [*plivo.headers("POST", PATHS[RING], form).items(), ("content-type", FORM), *lines]
    return client.post(bridge.url + PATHS[RING], content=form, headers=headers)


PROTO, NAMED = ("x-forwarded-proto", "https"), ("x-forwarded-host", "hooks.example.com")
FORGED = ("x-forwarded-host", "forged.example")


@pytest.mark.parametrize(
    "lines",
    [[PROTO, FORGED, NAMED], [PROTO, NAMED, FORGED], [PROTO, NAMED, NAMED], [PROTO, PROTO, NAMED]],
)
def test_a_forwarded_header_that_is_believed_and_comes_twice_is_refused(
    proxied: Running, client: httpx.Client, lines: list[tuple[str, str]]
) -> None:
    before = proxied.metrics.value("refused_total", cause="ambiguous-headers")
    assert_problem(forwarded(client, proxied, *lines), 400, "ambiguous-headers")
    assert proxied.metrics.value("refused_total", cause="ambiguous-headers") == before + 1


def test_of_a_list_in_one_line_the_entry_of_the_nearest_proxy_counts(
    proxied: Running, client: httpx.Client
) -> None:
    listed = ("x-forwarded-host", "forged.example, hooks.example.com")
    assert forwarded(client, proxied, PROTO, listed).status_code == 200
    forged_last = ("x-forwarded-host", "hooks.example.com, forged.example")
    assert forwarded(client, proxied, PROTO, forged_last).status_code == 403


def test_a_forwarded_header_that_is_not_believed_may_come_twice(client: httpx.Client) -> None:
    with running_bridge(public_url=PUBLIC, trusted_proxies=["127.0.0.1"]) as bridge:
        assert forwarded(client, bridge, PROTO, FORGED, FORGED).status_code == 200


@pytest.mark.parametrize("empty", ["", ",", ", ,"])
def test_an_empty_forwarded_header_says_nothing(
    proxied: Running, client: httpx.Client, empty: str
) -> None:
    plivo = Plivo(client, proxied.url)
    headers = {"x_forwarded_proto": empty, "x_forwarded_host": empty}
    assert plivo.post(PATHS[RING], sample(RING), **headers).status_code == 200


# What a proxy writes, and the URL that is set at Plivo: one URL to RFC 3986.
SPELLED = [
    ("HTTPS", "hooks.example.com", PUBLIC),
    ("Https", "Hooks.Example.COM", PUBLIC),
    ("https", "hooks.example.com:443", PUBLIC),
    ("https", "hooks.example.com", PUBLIC + ":443"),
    ("https", "hooks.example.com.", PUBLIC),
    ("https", "Hooks.example.com", "https://Hooks.example.com"),
    ("HTTP", "hooks.example.com:80", "http://hooks.example.com"),
    ("https", "hooks.example.com:8443", PUBLIC + ":8443"),
]


@pytest.mark.parametrize(("proto", "host", "signs"), SPELLED)
def test_a_forwarded_scheme_and_host_are_compared_as_uris(
    proxied: Running, client: httpx.Client, proto: str, host: str, signs: str
) -> None:
    form = sample(RING)
    headers = {"x_forwarded_proto": proto, "x_forwarded_host": host}
    answer = Plivo(client, proxied.url, signs=signs).post(PATHS[RING], form, **headers)
    assert answer.status_code == 200
    (journal,) = proxied.values(form["CallUUID"])["plivo.journal.v1"]
    assert journal["url_verified"] == signs + PATHS[RING]


@pytest.mark.parametrize("proto", ["wss", "on", "https:", '"https"'])
def test_a_forwarded_scheme_that_is_not_https_or_http_says_nothing(
    proxied: Running, client: httpx.Client, proto: str
) -> None:
    plivo = Plivo(client, proxied.url)
    answer = plivo.post(PATHS[RING], sample(RING), x_forwarded_proto=proto)
    assert answer.status_code == 200


@pytest.mark.parametrize(
    ("public_url", "signs"),
    [
        ("HTTPS://Hooks.Example.com", PUBLIC),
        ("https://hooks.example.com:443/eu/", PUBLIC + "/eu"),
        (PUBLIC + "/eu", PUBLIC + ":443/eu"),
    ],
)
def test_a_public_url_is_compared_as_a_uri(
    client: httpx.Client, public_url: str, signs: str
) -> None:
    with running_bridge(public_url=public_url) as bridge:
        plivo = Plivo(client, bridge.url, signs=signs)
        assert plivo.post(PATHS[RING], sample(RING)).status_code == 200
        other = Plivo(client, bridge.url, signs=signs.replace("hooks", "books"))
        assert other.post(PATHS[RING], sample(RING)).status_code == 403


def test_the_forwarded_headers_are_journalled(proxied: Running, client: httpx.Client) -> None:
    form = sample(RING)
    Plivo(client, proxied.url, signs=PUBLIC).post(PATHS[RING], form, **FORWARDED)
    (journal,) = proxied.values(form["CallUUID"])["plivo.journal.v1"]
    assert ["x-forwarded-host", "hooks.example.com"] in journal["headers"]
    assert journal["remote_address"] == "127.0.0.1"


@pytest.mark.parametrize(
    ("network", "remote", "trusted"),
    [
        ("10.0.0.0/8", "10.1.2.3", True),
        ("10.0.0.0/8", "11.1.2.3", False),
        ("2001:db8::/32", "2001:db8::17", True),
        ("2001:db8::/32", "2001:db9::17", False),
        ("10.0.0.0/8", "2001:db8::17", False),
        # What an IPv4 client looks like to a socket that listens on "::".
        ("10.0.0.0/8", "::ffff:10.1.2.3", True),
        ("10.0.0.0/8", "::ffff:11.1.2.3", False),
        ("10.0.0.0/8", "", False),
        ("10.0.0.0/8", "a-unix-socket", False),
        ("0.0.0.0/0", "not an address", False),
    ],
)
def test_a_remote_address_is_trusted_by_its_network(
    network: str, remote: str, *, trusted: bool
) -> None:
    assert PublicUrlPolicy(None, (ip_network(network),)).trusts(remote) is trusted


def test_an_ipv6_remote_is_named_in_the_callback() -> None:
    scope = {
        "method": "GET",
        "scheme": "http",
        "raw_path": b"/plivo",
        "query_string": b"",
        "headers": [(b"host", b"[2001:db8::1]:8080"), (b"x-forwarded-host", b"a.example")],
        "client": ("2001:db8::17", 1234),
    }
    publicity = PublicUrlPolicy(None, (ip_network("2001:db8::/32"),))
    now = datetime(2026, 3, 7, tzinfo=UTC)
    raw = read_request(scope, b"", now, RequestLimits(1024, 1024, 16), publicity)
    assert raw.remote_address == "2001:db8::17"
    assert raw.origin == "http://[2001:db8::1]:8080"
    assert raw.public_origin == "http://a.example"
