"""Unknown paths: compared with the known ones, counted, and logged with care."""

import re
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from structlog.testing import capture_logs

from bridge.core.catalogue import SHARED_PATH
from bridge.ingress.paths import (
    SEGMENT_MAX,
    SEGMENTS_MAX,
    KnownPaths,
    NearestPath,
    PathMismatch,
    loggable_path,
)
from tests.support.bridge import Running, running_bridge
from tests.support.plivo import HANGUP, PATHS, RING, SHARED, Plivo, assert_problem, encoded, sample

KNOWN = KnownPaths([SHARED_PATH, *PATHS.values()], SHARED_PATH)
HANGUP_PATH = "/plivo/voice/call/hangup"

MISMATCHES = [
    ("//plivo/voice/call/hangup", "double_slash", HANGUP_PATH),
    ("/plivo//voice/call///hangup", "double_slash", HANGUP_PATH),
    ("/plivo/voice/call/hangup//", "double_slash", HANGUP_PATH),
    ("//plivo", "double_slash", "/plivo"),
    ("/Plivo/Voice/Call/Hangup", "case", HANGUP_PATH),
    ("/plivo//voice/call/HANGUP/", "case", HANGUP_PATH),
    ("/PLIVO", "case", "/plivo"),
    ("/callbacks/plivo/voice/call/hangup", "prefix_left_on", HANGUP_PATH),
    ("/eu/telephony/plivo", "prefix_left_on", "/plivo"),
    ("/plivo/plivo/voice/call/hangup", "prefix_left_on", HANGUP_PATH),
    ("/callbacks//Plivo/voice/call/hangup/", "prefix_left_on", HANGUP_PATH),
    ("/voice/call/hangup", "prefix_missing", HANGUP_PATH),
    ("/call/hangup", "prefix_missing", HANGUP_PATH),
    ("/", "prefix_missing", "/plivo"),
    ("/plivo/voice/call/hangupp", "typo", HANGUP_PATH),
    ("/plivo/voice/cal/hangup", "typo", HANGUP_PATH),
    ("/plvo/voice/call/hangup", "typo", HANGUP_PATH),
    ("/plivo/voice/call/hang-up", "typo", HANGUP_PATH),
    ("/plivo/voice/hangup", "typo", HANGUP_PATH),
    ("/plivo/voice/call/hangup/events", "typo", HANGUP_PATH),
    ("/plivo/v1/voice/call/hangup", "typo", HANGUP_PATH),
    ("/plivo/voice.call.hangup", "typo", HANGUP_PATH),
    ("/plvo", "typo", "/plivo"),
    ("/plivo/no/such/type", "none", None),
    ("/plivo/unrecognised", "none", None),
    ("/favicon.ico", "none", None),
    ("/hangup", "none", None),
    ("/" + "a" * 5000, "none", None),
]


@pytest.mark.parametrize(("path", "mismatch", "nearest"), MISMATCHES, ids=range(len(MISMATCHES)))
def test_an_unknown_path_is_matched_to_the_nearest_known_one(
    path: str, mismatch: str, nearest: str | None
) -> None:
    assert KNOWN.nearest(path) == NearestPath(PathMismatch(mismatch), nearest)


def test_every_word_for_a_difference_is_shown_by_the_table() -> None:
    assert {mismatch for _, mismatch, _ in MISMATCHES} == set(PathMismatch)


SHOWN = [
    ("/plivo/no/such/type", "/plivo/no/such/type"),
    ("/plivo/voice/call/hangup/", "/plivo/voice/call/hangup/"),
    ("//plivo", "//plivo"),
    ("/v1/plivo.2/a-b_c", "/v1/plivo.2/a-b_c"),
    ("/plivo/14155550100/ring", "/plivo/…/ring"),
    ("/plivo/4155", "/plivo/…"),
    ("/plivo/a1b2c3d4e5f6", "/plivo/…"),
    ("/plivo/%1b%5b31m", "/plivo/…"),
    ("/plivo/a\x1b[31m\n", "/plivo/…"),
    ("/plivo/a%2Fb", "/plivo/…"),
    ("/" + "a" * (SEGMENT_MAX + 1), "/…"),
    ("/a" * SEGMENTS_MAX, "/a" * SEGMENTS_MAX),
    ("/a" * 4000, "/a" * SEGMENTS_MAX + "/…"),
]


@pytest.mark.parametrize(("path", "text"), SHOWN, ids=range(len(SHOWN)))
def test_a_segment_that_may_be_a_number_or_a_key_is_not_shown(path: str, text: str) -> None:
    assert loggable_path(path) == text


@given(st.text(max_size=80) | st.text("/.plivo%1A", max_size=500))
def test_what_is_shown_is_short_and_plain_whatever_the_path(path: str) -> None:
    text = loggable_path(path)
    assert len(text) <= (SEGMENT_MAX + 1) * (SEGMENTS_MAX + 2)
    assert re.fullmatch(r"[A-Za-z0-9._/…-]*", text)
    assert not re.search(r"[0-9]{4}", text)
    assert KNOWN.nearest(path).path in {None, SHARED_PATH, *PATHS.values()}


def asked(bridge: Running, client: httpx.Client, target: str, **headers: str) -> list[Any]:
    """Return what was logged when ``target`` was asked for and answered 404."""
    with capture_logs() as lines:
        answer = client.post(bridge.url + target, content=encoded(sample(RING)), headers=headers)
    assert_problem(answer, 404, "not-found")
    return [line for line in lines if line["event"] == "path_unknown"]


def test_an_unknown_path_is_counted_and_logged_with_its_nearest(
    bridge: Running, client: httpx.Client
) -> None:
    before = bridge.metrics.value("unknown_paths_total", mismatch="case")
    (line,) = asked(bridge, client, "/plivo/voice/call/HANGUP?team=blue")
    assert line == {
        "event": "path_unknown",
        "log_level": "warning",
        "method": "POST",
        "path": "/plivo/voice/call/HANGUP",
        "mismatch": "case",
        "nearest_path": HANGUP_PATH,
        "has_signature": False,
    }
    assert bridge.metrics.value("unknown_paths_total", mismatch="case") == before + 1


def test_a_path_below_ours_that_is_near_none_is_logged_too(
    bridge: Running, client: httpx.Client
) -> None:
    (line,) = asked(bridge, client, "/plivo/no/such/type")
    assert (line["path"], line["mismatch"]) == ("/plivo/no/such/type", "none")
    assert "nearest_path" not in line


@pytest.mark.parametrize("path", ["/", "/favicon.ico", "/elsewhere/entirely"])
def test_a_request_that_was_never_meant_for_us_is_noted_only_if_it_is_signed(
    bridge: Running, client: httpx.Client, path: str
) -> None:
    before = bridge.metrics.value("unknown_paths_total")
    assert asked(bridge, client, path) == []
    assert bridge.metrics.value("unknown_paths_total") == before
    (line,) = asked(bridge, client, path, **{"X-Plivo-Signature-V2": "x"})
    assert line["has_signature"] is True
    assert bridge.metrics.value("unknown_paths_total") == before + 1


def test_lines_about_unknown_paths_are_limited_and_all_are_counted(client: httpx.Client) -> None:
    with running_bridge(log_unverified_per_minute_max=2) as bridge:
        lines = [asked(bridge, client, "/plivo/nowhere") for _ in range(5)]
        assert [len(one) for one in lines] == [1, 1, 0, 0, 0]
        assert bridge.metrics.value("unknown_paths_total", mismatch="none") == 5


@pytest.mark.parametrize("path", [PATHS[HANGUP] + "/", SHARED + "/"])
@pytest.mark.parametrize("method", ["post", "get"])
def test_a_slash_at_the_end_is_the_same_path_and_part_of_what_is_signed(
    bridge: Running, plivo: Plivo, client: httpx.Client, path: str, method: str
) -> None:
    form = sample(HANGUP)
    assert getattr(plivo, method)(path, form).status_code == 200
    event = bridge.event(form["CallUUID"])
    assert event["type"] == "com.plivo.voice.call.hangup.v1"
    (journal,) = bridge.values(form["CallUUID"])["plivo.journal.v1"]
    assert journal["url_verified"].partition("?")[0] == bridge.url + path
    signed_without = plivo.headers("POST", path.removesuffix("/"), encoded(form))
    refused = client.post(bridge.url + path, content=encoded(form), headers=signed_without)
    assert refused.status_code == 403


@pytest.mark.parametrize("slashes", ["//", "///"])
def test_more_slashes_at_the_end_are_an_unknown_path(
    bridge: Running, client: httpx.Client, slashes: str
) -> None:
    (line,) = asked(bridge, client, HANGUP_PATH + slashes)
    assert (line["mismatch"], line["nearest_path"]) == ("double_slash", HANGUP_PATH)
