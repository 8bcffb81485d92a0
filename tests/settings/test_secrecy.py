"""No message contains a secret, wherever it was misplaced."""

import copy
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from bridge.settings.accounts import TOKEN_CHARACTERS_MIN, token_fault
from bridge.settings.load import Need, SettingsRefused, load, read_accounts
from bridge.telemetry.masking import NOT_SHOWN, mask_path, mask_url, mask_value

GOOD = "0123456789abcdef0123456789abcdef01234567"
ACCOUNTS: list[Any] = [
    {
        "auth_id": "MA0000000000TEST0001",
        "auth_tokens": [GOOD],
        "timezone": "America/New_York",
        "subaccounts": [
            {"auth_id": "SA0000000000TEST0001", "auth_tokens": [GOOD], "timezone": "UTC"}
        ],
    }
]
PLACES: list[tuple[Any, ...]] = [
    (),
    (0,),
    (0, "auth_id"),
    (0, "auth_tokens"),
    (0, "auth_tokens", 0),
    (0, "timezone"),
    (0, "subaccounts"),
    (0, "subaccounts", 0),
    (0, "subaccounts", 0, "auth_id"),
    (0, "subaccounts", 0, "auth_tokens", 0),
    (0, "subaccounts", 0, "timezone"),
]

# Long enough not to be a word of the message itself; of any characters, and the usual forms.
SECRETS = st.one_of(
    st.text(min_size=12, max_size=60),
    st.from_regex(r"[A-Za-z0-9+/]{40}", fullmatch=True),
    st.from_regex(r"/[A-Za-z0-9+/]{40}", fullmatch=True),
    st.from_regex(r"[0-9a-f]{40}", fullmatch=True),
).filter(lambda text: text.strip() != "")
WAYS = st.sampled_from(["value", "in a list", "as a key", "beside a good token", "with a blank"])


def put(where: tuple[Any, ...], way: str, secret: str) -> Any:
    """Return the accounts with the secret in a place where it does not belong."""
    value: Any = {
        "value": secret,
        "in a list": [secret],
        "as a key": {secret: secret},
        "beside a good token": [GOOD, secret + "\n"],
        "with a blank": secret + " ",
    }[way]
    if not where:
        return value
    accounts = copy.deepcopy(ACCOUNTS)
    place = accounts
    for key in where[:-1]:
        place = place[key]
    place[where[-1]] = value
    return accounts


def assert_says_nothing_of(secret: str, text: str) -> None:
    assert secret.strip() not in text
    assert repr(secret)[1:-1] not in text
    assert json.dumps(secret)[1:-1] not in text


@given(where=st.sampled_from(PLACES), way=WAYS, secret=SECRETS)
@example(where=(0, "timezone"), way="value", secret=GOOD)
@example(where=(0,), way="as a key", secret=GOOD)
def test_a_secret_anywhere_in_the_accounts_is_in_no_refusal(
    tmp_path_factory: pytest.TempPathFactory, where: tuple[Any, ...], way: str, secret: str
) -> None:
    accounts = put(where, way, secret)
    file = tmp_path_factory.getbasetemp() / "accounts.json"
    file.write_bytes(json.dumps(accounts).encode())
    for give in (
        lambda: read_accounts(file),
        lambda: load(None, Need.SERVING, accounts=accounts),
        lambda: load(None, Need.SERVING, accounts_file=file),
    ):
        try:
            give()
        except SettingsRefused as error:
            assert_says_nothing_of(secret, str(error))


@given(secret=SECRETS)
@pytest.mark.parametrize(
    "setting", ["accounts_file", "kafka", "replies_file", "spool", "public_url"]
)
def test_a_secret_in_place_of_another_setting_is_in_no_refusal(setting: str, secret: str) -> None:
    wrong: dict[str, object] = {
        "accounts_file": {"accounts_file": secret},
        "kafka": {
            "kafka": {
                "bootstrap_servers": f"user:{secret}@kafka",
                "security_protocol": "SASL_SSL",
                "sasl_username": "user",
                "sasl_password_file": secret,
                "tls_ca_file": secret,
            }
        },
        "replies_file": {"replies_file": [secret]},
        "spool": {"spool": {"directory": [secret], "bytes_max": secret + secret}},
        "public_url": {"public_url": f"https://user:{secret}@bridge.example.com/?x"},
    }
    given_settings: Any = wrong[setting]
    with pytest.raises(SettingsRefused) as refused:
        load(None, Need.SERVING, **given_settings)
    assert_says_nothing_of(secret, str(refused.value))


# Tokens that cannot be one, and words of what is said.
WRONG_TOKENS = [
    ("", "is blank"),
    (" ", "is blank"),
    ("\n", "is blank"),
    (f"{GOOD}\n", "white space around"),
    (f"{GOOD}\r\n", "white space around"),
    (f" {GOOD}", "white space around"),
    (f"{GOOD}\t", "white space around"),
    (f"{GOOD}\u00a0", "white space around"),
    (f"{GOOD} {GOOD}", "white space in it"),
    (f"{GOOD}\n{GOOD}", "white space in it"),
    (f"\ufeff{GOOD}", "invisible"),
    (f"{GOOD}\u200b", "invisible"),
    (f"{GOOD}\x00", "invisible"),
    (f'"{GOOD}"', "quotes"),
    (f"'{GOOD}'", "quotes"),
    ("${PLIVO_AUTH_TOKEN}_AND_MORE", "placeholder"),
    ("{{ .Values.plivoToken }}", "white space in it"),
    ("{{.Values.plivoAuthToken}}", "placeholder"),
    ("<the token of your account>", "white space in it"),
    ("<your-plivo-auth-token>", "placeholder"),
    ("$PLIVO_AUTH_TOKEN_OF_MAIN", "placeholder"),
    ("%PLIVO_AUTH_TOKEN_OF_MAIN%", "placeholder"),
    ("MA0000000000TEST0001", "is an auth id"),
    ("SA0000000000TEST0001", "is an auth id"),
    ("0" * 40, "repeats a few characters"),
    ("xyz" * 13, "repeats a few characters"),
    ("...", "shorter than 20"),
    ("x", "shorter than 20"),
    (GOOD[: TOKEN_CHARACTERS_MIN - 1], "shorter than 20"),
]


@pytest.mark.parametrize(("token", "words"), WRONG_TOKENS)
def test_a_token_that_cannot_be_one_is_refused_naming_the_account_and_not_the_token(
    tmp_path: Path, token: str, words: str
) -> None:
    file = tmp_path / "accounts.json"
    file.write_text(json.dumps([{**ACCOUNTS[0], "auth_tokens": [GOOD, token]}]))
    with pytest.raises(SettingsRefused) as refused:
        read_accounts(file)
    (line,) = str(refused.value).splitlines()
    assert line.startswith(
        f"BRIDGE_ACCOUNTS_FILE ({file})[0].auth_tokens[1] of MA0000000000TEST0001: "
    )
    assert words in line
    assert GOOD not in line


def test_a_token_of_a_subaccount_is_refused_naming_the_subaccount() -> None:
    sub = {"auth_id": "SA0000000000TEST0001", "auth_tokens": [f"{GOOD} "]}
    with pytest.raises(SettingsRefused, match="of SA0000000000TEST0001: has white space around it"):
        load(accounts=[{**ACCOUNTS[0], "subaccounts": [sub]}])


@given(
    st.text(
        st.characters(min_codepoint=0x21, max_codepoint=0x7E, exclude_characters="\"'"),
        min_size=TOKEN_CHARACTERS_MIN,
    )
    .filter(lambda token: not token.startswith(("$", "%", "{{", "<")))
    .map(lambda token: f"{token}aB3dE9")  # of many different characters
)
def test_any_other_word_is_accepted_as_a_token_unchanged(token: str) -> None:
    assert token_fault(token) is None
    (account,) = load(accounts=[{**ACCOUNTS[0], "auth_tokens": [token]}]).accounts
    assert account.auth_tokens[0].get_secret_value() == token


@pytest.mark.parametrize(
    "path",
    [
        "/etc/bridge/accounts.json",
        "/run/secrets/kafka-password",
        "/no/such/file",
        "answer.xml",
        "./answer.xml",
        str(Path(__file__)),
        str(Path(__file__).with_name("none-of-that-name-1234567890")),
    ],
)
def test_what_is_plainly_a_path_is_shown(path: str) -> None:
    assert mask_path(path) == path


@pytest.mark.parametrize(
    "secret",
    [
        GOOD,
        "MjU3YmYwNjUtMTc5Yi00ZGFk/MDY1LTE3OWItNGRh",
        "/jU3YmYwNjUtMTc5Yi00ZGFkMDY1LTE3OWItNGRh",
        "hunter2",
        "correct horse battery staple",
        json.dumps(ACCOUNTS),
        "x" * 5000,
        f"/etc/{GOOD}\n",
        "a\0b",
    ],
)
def test_what_may_be_a_secret_is_not_shown_as_a_path(secret: str) -> None:
    assert mask_path(secret) == NOT_SHOWN


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("https://user:secret@a.example/p?q=a@b", "https://***@a.example/p?q=a@b"),
        ("https://token@a.example", "https://***@a.example"),
        ("https://a.example/@p", "https://a.example/@p"),
        ("//user:a:b@c@a.example", "//***@a.example"),
    ],
)
def test_a_url_is_shown_without_its_user(url: str, shown: str) -> None:
    assert mask_url(url) == shown


@pytest.mark.parametrize(
    ("value", "shown"),
    [("http", "'http'"), (0, "0"), (1.5, "1.5"), (GOOD, None), ("a:b@c", None), ([1], None)],
)
def test_a_short_value_is_shown_and_no_other(value: object, shown: str | None) -> None:
    assert mask_value(value) == shown
