"""No command prints a secret that was set in the wrong place."""

import json
import re
from pathlib import Path

import pytest

from bridge.cli.emulate.serve import Served, _print_introduction
from bridge.cli.replay.options import parse_destination
from bridge.dev.account import AUTH_ID, AUTH_TOKEN
from bridge.replay.progress import Destination
from tests.support.cli import run

ROOT = Path(__file__).parents[2]
SECRET = "c0ffee11decade22facade33c0ffee44decade55"
ACCOUNT = {"auth_id": "MA0000000000TEST0001", "auth_tokens": ["f" * 40], "timezone": "UTC"}
SETTINGS = sorted(
    set(re.findall(r"BRIDGE_[A-Z0-9_]*[A-Z0-9]", (ROOT / "docs/reference/settings.md").read_text()))
)
WRONG = {
    "a token": SECRET,
    "a secret's file": json.dumps([{**ACCOUNT, "auth_tokens": [SECRET]}]),
    "a URL with a password": f"https://user:{SECRET}@bridge.example.com/x",
    "a token with a line break": f"{SECRET}\n",
}
COMMANDS = [["serve", "--check"], ["spool", "status"], ["topics", "plan"]]


def said(*arguments: str, **settings: str) -> str:
    """Run a command to its end in this process, and return what it wrote."""
    named = {name.removeprefix("BRIDGE_"): value for name, value in settings.items()}
    done = run(*arguments, **named)
    return done.stdout + done.stderr


@pytest.mark.parametrize("name", SETTINGS)
def test_a_secret_in_place_of_any_setting_is_not_shown(name: str, tmp_path: Path) -> None:
    settings = {
        "BRIDGE_ACCOUNTS": json.dumps([ACCOUNT]),
        "BRIDGE_PUBLIC_URL": "https://bridge.example.com",
        "BRIDGE_KAFKA_BOOTSTRAP_SERVERS": "127.0.0.1:1",
        "BRIDGE_PORT": "0",
        "BRIDGE_MANAGEMENT_PORT": "0",
        "BRIDGE_SPOOL_DIRECTORY": str(tmp_path),
    }
    if "SASL" in name:
        settings["BRIDGE_KAFKA_SECURITY_PROTOCOL"] = "SASL_SSL"
        settings["BRIDGE_KAFKA_SASL_USERNAME"] = "user"
    if "OAUTH" in name:
        settings["BRIDGE_KAFKA_SASL_MECHANISM"] = "OAUTHBEARER"
    if name == "BRIDGE_ACCOUNTS_FILE":
        del settings["BRIDGE_ACCOUNTS"]
    for what, wrong in WRONG.items():
        for command in COMMANDS:
            shown = said(*command, **{**settings, name: wrong})
            assert SECRET not in shown, (what, command)


def test_the_emulator_prints_no_token_but_its_own(capsys: pytest.CaptureFixture[str]) -> None:
    for token in (AUTH_TOKEN, SECRET):
        account = (AUTH_ID, token, "UTC")
        served = Served(("127.0.0.1", 0), False, account, "14155550100", {}, None, 1.0, 0, 2)  # noqa: FBT003
        _print_introduction(served, "http://127.0.0.1:8811", 0)
        assert (token in capsys.readouterr().err) is (token == AUTH_TOKEN)


@pytest.mark.parametrize("setting", ["ACCOUNTS_FILE", "KAFKA_SASL_PASSWORD_FILE"])
def test_a_secret_in_place_of_its_file_is_refused_naming_the_setting(setting: str) -> None:
    settings = {
        "BRIDGE_PUBLIC_URL": "https://bridge.example.com",
        "BRIDGE_KAFKA_BOOTSTRAP_SERVERS": "127.0.0.1:1",
        "BRIDGE_KAFKA_SECURITY_PROTOCOL": "SASL_SSL",
        "BRIDGE_KAFKA_SASL_USERNAME": "user",
        f"BRIDGE_{setting}": SECRET,
    }
    shown = said("serve", "--check", **settings)
    assert f"BRIDGE_{setting}" in shown
    assert SECRET not in shown


@pytest.mark.parametrize(
    "arguments",
    [
        ["spool", "status", "--directory", SECRET],
        ["spool", "status", "--settings", SECRET],
        ["spool", "export", "--directory", SECRET],
    ],
)
def test_a_secret_in_place_of_an_option_is_not_shown(arguments: list[str]) -> None:
    assert SECRET not in said(*arguments)


def test_where_a_replay_goes_is_shown_without_a_password() -> None:
    url = f"https://user:{SECRET}@target.example:8443/base"
    to = parse_destination(live=False, jsonl=None, csv=None, parquet=None, url=url)
    assert to == Destination("url", url)  # as it is sent to
    assert to.display_text == "https://***@target.example:8443/base"
    assert Destination("jsonl", "/a//b@c").display_text == "/a//b@c"
