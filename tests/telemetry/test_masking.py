"""What a message may show of a value that an operator set: the rules of bridge.telemetry.masking."""

from pathlib import Path

import pytest

from bridge.telemetry.masking import NOT_SHOWN, mask_path, mask_url, mask_value

TOKEN = "c0ffee11decade22facade33c0ffee44decade55"


@pytest.mark.parametrize("text", ["/etc/bridge/accounts.json", "settings.toml", "/nowhere/at-all"])
def test_a_path_of_plain_words_is_shown(text: str) -> None:
    assert mask_path(text) == text


def test_a_path_below_a_folder_that_exists_is_shown(tmp_path: Path) -> None:
    assert mask_path(tmp_path / TOKEN) == str(tmp_path / TOKEN)


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(TOKEN, id="a token"),
        pytest.param(f"/{TOKEN}", id="a token with a slash"),
        pytest.param("a" * 256, id="more characters than a name may have"),
        pytest.param("é" * 200, id="more bytes than a name may have"),
        pytest.param("/etc\n/passwd", id="a line break"),
    ],
)
def test_what_may_be_a_secret_in_place_of_a_path_is_not_shown(text: str) -> None:
    assert mask_path(text) == NOT_SHOWN


def test_a_url_is_shown_without_its_user_and_password() -> None:
    assert mask_url("https://me:secret@host:8443/a?b=c") == "https://***@host:8443/a?b=c"


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("short", "'short'"),
        (8080, "8080"),
        (TOKEN, None),
        ("me:pw@host", None),
        (["short"], None),
        (None, None),
    ],
)
def test_another_value_is_shown_only_if_it_is_shorter_than_any_token(
    value: object, shown: str | None
) -> None:
    assert mask_value(value) == shown
