"""What a refused setting says: its name, its fault and the bound, in one line, and no secret."""

import json
import os
import re
from pathlib import Path
from typing import Any

import pytest

from bridge.kafka_settings import PREFIX
from bridge.settings import SettingsRefused, for_serving, load

SECRET = "hunter2-is-secret"
ACCOUNT = {"auth_id": "MA0000000000TEST0001", "auth_tokens": [SECRET], "timezone": "UTC"}
SASL = {
    "BRIDGE_KAFKA_SECURITY_PROTOCOL": "SASL_SSL",
    "BRIDGE_KAFKA_SASL_USERNAME": "user",
    "BRIDGE_KAFKA_SASL_PASSWORD": SECRET,
}


@pytest.fixture(autouse=True)
def _no_bridge_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in list(os.environ):  # noqa: TID251 (to empty it)
        if name.startswith(PREFIX):
            monkeypatch.delenv(name)


def accounts(**changes: Any) -> dict[str, str]:
    return {"BRIDGE_ACCOUNTS": json.dumps([{**ACCOUNT, **changes}])}


# What is set, and the line that must come of it (a regular expression).
REFUSED: list[tuple[dict[str, str], str]] = [
    ({"BRIDGE_PORT": "0"}, r"BRIDGE_PORT: .*greater than or equal to 1 \(it is '0'\)"),
    ({"BRIDGE_PORT": "65536"}, r"BRIDGE_PORT: .*less than or equal to 65535 \(it is '65536'\)"),
    ({"BRIDGE_PORT": "http"}, r"BRIDGE_PORT: .*valid integer.* \(it is 'http'\)"),
    ({"BRIDGE_PORT": "8080", "BRIDGE_MANAGEMENT_PORT": "8080"},
     r"BRIDGE_PORT and BRIDGE_MANAGEMENT_PORT are both 8080"),
    ({"BRIDGE_BODY_BYTES_MAX": "1000000"}, r"BRIDGE_BODY_BYTES_MAX: .*equal to 393216 .*"),
    ({"BRIDGE_URL_BYTES_MAX": "10"}, r"BRIDGE_URL_BYTES_MAX: .*equal to 256 \(it is '10'\)"),
    ({"BRIDGE_PARAMETERS_MAX": "-1"}, r"BRIDGE_PARAMETERS_MAX: .*equal to 16 \(it is '-1'\)"),
    ({"BRIDGE_SHUTDOWN_TIMEOUT_S": "0"}, r"BRIDGE_SHUTDOWN_TIMEOUT_S: .*greater than 0 .*"),
    ({"BRIDGE_SHUTDOWN_TIMEOUT_S": "nan"}, r"BRIDGE_SHUTDOWN_TIMEOUT_S: .*"),
    ({"BRIDGE_ACCEPT_V2": "perhaps"}, r"BRIDGE_ACCEPT_V2: .*boolean.* \(it is 'perhaps'\)"),
    ({"BRIDGE_VERIFICATION": "on"}, r"BRIDGE_VERIFICATION: .*'enforce', 'report' or 'off' .*"),
    ({"BRIDGE_LOG_LEVEL": "INFO"}, r"BRIDGE_LOG_LEVEL: .*'debug', 'info', 'warning' or 'error'.*"),
    ({"BRIDGE_TOPIC_PREFIX": "Prod"}, r"BRIDGE_TOPIC_PREFIX: .*pattern.* \(it is 'Prod'\)"),
    ({"BRIDGE_PUBLIC_URL": "hooks.example.com"}, r"BRIDGE_PUBLIC_URL: must be an absolute .*"),
    ({"BRIDGE_PUBLIC_URL": "ftp://a.example"}, r"BRIDGE_PUBLIC_URL: must be an absolute http .*"),
    ({"BRIDGE_PUBLIC_URL": "https://a.example?b=c"}, r"BRIDGE_PUBLIC_URL: must have neither .*"),
    ({"BRIDGE_TRUSTED_PROXIES": "10.0.0.0/8, nonsense"},
     r"BRIDGE_TRUSTED_PROXIES: 1: 'nonsense' does not appear to be an IPv4 or IPv6 network.*"),
    ({"BRIDGE_REPLIES": "answer.xml"}, r"BRIDGE_REPLIES: not JSON"),
    ({"BRIDGE_KAFKA_ACK_TIMEOUT_S": "31"}, r"BRIDGE_KAFKA_ACK_TIMEOUT_S: .*equal to 30 .*"),
    ({"BRIDGE_KAFKA_SECURITY_PROTOCOL": "TLS"}, r"BRIDGE_KAFKA_SECURITY_PROTOCOL: .*'SSL'.*"),
    ({"BRIDGE_KAFKA_SECURITY_PROTOCOL": "SASL_SSL"},
     r"BRIDGE_KAFKA_SASL_USERNAME is needed for SCRAM-SHA-512"),
    ({**SASL, "BRIDGE_KAFKA_SASL_MECHANISM": "OAUTHBEARER"},
     r"BRIDGE_KAFKA_SASL_OAUTH_TOKEN_URL is needed for OAUTHBEARER"),
    ({**SASL, "BRIDGE_KAFKA_TLS_KEY_FILE": "/etc/tls.key"},
     r".*BRIDGE_KAFKA_TLS_CERTIFICATE_FILE.*BRIDGE_KAFKA_TLS_KEY_FILE.*"),
    ({**SASL, "BRIDGE_KAFKA_SASL_PASSWRD": SECRET}, r"BRIDGE_KAFKA_SASL_PASSWRD: .*"),
    ({"BRIDGE_TOPICS_PARTITIONS": "0"}, r"BRIDGE_TOPICS_PARTITIONS: .*equal to 1 \(it is '0'\)"),
    ({"BRIDGE_TOPICS_REPLICATION_FACTOR": "1"},
     r"BRIDGE_TOPICS_MIN_INSYNC_REPLICAS \(2\) is over BRIDGE_TOPICS_REPLICATION_FACTOR \(1\)"),
    ({"BRIDGE_ACCOUNTS": f'[{{"auth_tokens": ["{SECRET}"'}, r"BRIDGE_ACCOUNTS: not JSON"),
    ({"BRIDGE_ACCOUNTS": f'"{SECRET}"'}, r"BRIDGE_ACCOUNTS: .*valid list"),
    ({"BRIDGE_ACCOUNTS": json.dumps([ACCOUNT, ACCOUNT])}, r"BRIDGE_ACCOUNTS names an auth_id tw.*"),
    (accounts(auth_id="XX"), r"BRIDGE_ACCOUNTS: 0\.auth_id: .*pattern '\^MA.*"),
    (accounts(timezone="EST5"), r"BRIDGE_ACCOUNTS: 0\.timezone: .*"),
    (accounts(timezone=None), r"BRIDGE_ACCOUNTS: 0\.timezone: .*"),
    (accounts(token=SECRET), r"BRIDGE_ACCOUNTS: 0\.token: .*not permitted"),
    (accounts(auth_tokens=SECRET), r"BRIDGE_ACCOUNTS: 0\.auth_tokens: .*valid list"),
    (accounts(auth_tokens=[[SECRET]]), r"BRIDGE_ACCOUNTS: 0\.auth_tokens\.0: .*valid string"),
    (accounts(subaccounts=[{"auth_id": "MA1", "auth_tokens": [SECRET]}]),
     r"BRIDGE_ACCOUNTS: 0\.subaccounts\.0\.auth_id: .*pattern '\^SA.*"),
    ({"BRIDGE_ACCOUNTS_FILE": "/no/such/file"},
     r"BRIDGE_ACCOUNTS_FILE: /no/such/file: No such file or directory"),
]  # fmt: skip


def _named(value: object) -> str:
    return ",".join(value) if isinstance(value, dict) else ""


def refusal(file: Path | None = None) -> str:
    with pytest.raises(SettingsRefused) as refused:
        load(file)
    text = str(refused.value)
    assert SECRET not in text
    assert "Traceback" not in text
    return text


@pytest.mark.parametrize(("given", "line"), REFUSED, ids=_named)
def test_a_refusal_is_one_line_with_name_fault_and_bound(
    monkeypatch: pytest.MonkeyPatch, given: dict[str, str], line: str
) -> None:
    for name, value in given.items():
        monkeypatch.setenv(name, value)
    assert re.fullmatch(line, refusal())


@pytest.mark.parametrize("empty", ["", "[]", "[{}]"])
def test_an_account_without_its_zone_or_id_is_not_guessed(
    monkeypatch: pytest.MonkeyPatch, empty: str
) -> None:
    monkeypatch.setenv("BRIDGE_ACCOUNTS", empty)
    if empty == "[{}]":
        lines = refusal().splitlines()
        assert [line.partition(" ")[0] for line in lines] == ["BRIDGE_ACCOUNTS:"] * 2
        assert "auth_id" in lines[0]
        assert "timezone" in lines[1]
    elif empty == "[]":
        assert load().accounts == []


def test_every_refused_setting_has_its_own_line(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("PORT", "KAFKA_ACK_TIMEOUT_S", "TOPICS_PARTITIONS", "LOG_FORMAT"):
        monkeypatch.setenv(PREFIX + name, "nonsense")
    lines = refusal().splitlines()
    assert sorted(line.partition(":")[0] for line in lines) == [
        "BRIDGE_KAFKA_ACK_TIMEOUT_S",
        "BRIDGE_LOG_FORMAT",
        "BRIDGE_PORT",
        "BRIDGE_TOPICS_PARTITIONS",
    ]


def test_accounts_and_an_accounts_file_together_are_refused(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "accounts.json").write_text(json.dumps([ACCOUNT]))
    monkeypatch.setenv("BRIDGE_ACCOUNTS", json.dumps([ACCOUNT]))
    monkeypatch.setenv("BRIDGE_ACCOUNTS_FILE", str(tmp_path / "accounts.json"))
    assert refusal() == "BRIDGE_ACCOUNTS and BRIDGE_ACCOUNTS_FILE are both set; set one"


@pytest.mark.parametrize(
    ("content", "fault"),
    [
        (f'[{{"auth_tokens": ["{SECRET}"', "BRIDGE_ACCOUNTS_FILE: .*: not JSON"),
        (f'"{SECRET}"', r"BRIDGE_ACCOUNTS(_FILE)?: .*valid list"),
        (json.dumps([{**ACCOUNT, "zone": SECRET}]), r"BRIDGE_ACCOUNTS(_FILE)?: 0\.zone: .*"),
    ],
)
def test_a_bad_accounts_file_is_refused_without_its_content(
    tmp_path: Path, content: str, fault: str
) -> None:
    mounted, file = tmp_path / "accounts.json", tmp_path / "bridge.toml"
    mounted.write_text(content)
    file.write_text(f'accounts_file = "{mounted}"\n')
    assert re.fullmatch(fault, refusal(file))


@pytest.mark.parametrize(
    ("content", "line"),
    [
        ("port =\nhost = 1", r".*bridge\.toml: .*line 1.*"),
        ("prt = 8080", r"BRIDGE_PRT: .*not permitted.*"),
        ("port = 0", r"BRIDGE_PORT: .*greater than or equal to 1 \(it is 0\)"),
        ("[kafka]\nack_timeout = 1", r"BRIDGE_KAFKA_ACK_TIMEOUT: .*not permitted.*"),
        (f'acounts = [{{auth_tokens = ["{SECRET}"]}}]', r"BRIDGE_ACOUNTS: .*not permitted.*"),
        (f'[kafka]\npassword = "{SECRET}"', r"BRIDGE_KAFKA_PASSWORD: .*not permitted.*"),
        (f'kafka = "{SECRET}"', r"BRIDGE_KAFKA: .*"),
        (f'[kafka]\nsasl_password = ["{SECRET}"]', r"BRIDGE_KAFKA_SASL_PASSWORD: .*string"),
    ],
)
def test_a_bad_file_is_refused_like_a_bad_variable(tmp_path: Path, content: str, line: str) -> None:
    file = tmp_path / "bridge.toml"
    file.write_text(content)
    assert re.fullmatch(line, refusal(file))


def test_a_file_that_is_not_there_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "none.toml"
    assert refusal(file) == f"BRIDGE_SETTINGS_FILE: {file}: no such file"


def test_serving_without_a_place_for_the_spool_is_refused_and_says_what_else_there_is() -> None:
    given = {"kafka": {"bootstrap_servers": "a:9092"}, "accounts": [ACCOUNT]}
    with pytest.raises(SettingsRefused) as refused:
        for_serving(load(None, **given))
    text = str(refused.value)
    assert text.startswith("BRIDGE_SPOOL_DIRECTORY is not set: a directory")
    assert "BRIDGE_SPOOL_ENABLED=false" in text
    assert for_serving(load(None, spool={"enabled": False}, **given))
