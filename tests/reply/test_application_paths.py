"""The application that a path names."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.reply.application_paths import (
    ApplicationPaths,
    find_no_application,
    is_application_name,
)

PATHS = ApplicationPaths({"pbx": ["/voice", "/voice/menu/"], "crm": ["/voice/menu/sales"]})

NAMED = [
    ("/applications/pbx", ("pbx", "")),
    ("/applications/pbx/", ("pbx", "/")),
    ("/applications/pbx/voice/call/answer", ("pbx", "/voice/call/answer")),
    ("/applications/crm/voice", ("crm", "/voice")),
    ("/voice", ("pbx", "")),
    ("/voice/answer", ("pbx", "/answer")),
    ("/voice/menu", ("pbx", "")),
    ("/voice/menu/sales", ("crm", "")),
    ("/voice/menu/sales/1", ("crm", "/1")),
    ("/voice/menu/salesman", ("pbx", "/salesman")),
    ("/voice/../plivo", ("pbx", "/../plivo")),
    ("/voice//x", ("pbx", "//x")),
    ("/voice/%2e%2e/x", ("pbx", "/%2e%2e/x")),
]
NAMING_NONE = [
    "",
    "/",
    "/applications",
    "/applications/",
    "/applications/pbxs",
    "/applications/other/voice",
    "/applications/PBX",
    "/applications//pbx",
    "/applications/../voice",
    "/%61pplications/pbx",
    "/voicemail",
    "/Voice",
    "//voice",
    "/voice%2Fanswer",
    "/voic%65/answer",
    "/plivo",
    "/plivo/voice/call/answer",
]


@pytest.mark.parametrize(("path", "named"), NAMED)
def test_the_longest_prefix_names_the_application(path: str, named: tuple[str, str]) -> None:
    assert PATHS.find(path) == named


@pytest.mark.parametrize("path", NAMING_NONE)
def test_other_paths_name_none(path: str) -> None:
    assert PATHS.find(path) is None
    assert find_no_application(path) is None


@pytest.mark.parametrize(
    ("name", "can_be"),
    [("pbx", True), ("2-crm_b", True), ("a" * 64, True)]
    + [(name, False) for name in ("", "-a", "a/b", "a b", "a.b", "é", "a\n", "a" * 65)],
)
def test_the_name_of_an_application_is_a_plain_segment(name: str, *, can_be: bool) -> None:
    assert is_application_name(name) is can_be


def test_a_prefix_of_one_slash_names_all_but_the_callback_paths() -> None:
    paths = ApplicationPaths({"pbx": ["/"]})
    assert paths.find("/answer") == ("pbx", "/answer")
    assert paths.find("/plivox") == ("pbx", "/plivox")
    for path in ("/plivo", "/plivo/voice", "/pl%69vo", "/%70livo/voice", "/plivo%2Fvoice"):
        assert paths.find(path) is None


@given(st.text("/avpplicationsbx.%2e", max_size=60))
def test_prefix_and_rest_are_the_path(path: str) -> None:
    found = PATHS.find(path)
    if found is not None:
        prefix = path.removesuffix(found.rest)
        assert prefix + found.rest == path
        assert found.rest == "" or found.rest.startswith("/")
        assert prefix in {"/applications/pbx", "/applications/crm", "/voice", "/voice/menu"} | {
            "/voice/menu/sales"
        }
