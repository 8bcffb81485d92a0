"""Messages about faulty settings: name, fault and remedy in one line, and no secret."""

import json
import os
from pathlib import Path
from typing import Any

import pytest

from bridge.settings.kafka import PREFIX
from bridge.settings.load import Need, SettingsRefused, load, read_accounts, require_serving
from tests.support.bridge import AUTH_ID

SECRET = "hunter2-is-a-secret-token"
ACCOUNT = {"auth_id": AUTH_ID, "auth_tokens": [SECRET], "timezone": "UTC"}
SASL = {
    "BRIDGE_KAFKA_SECURITY_PROTOCOL": "SASL_SSL",
    "BRIDGE_KAFKA_SASL_USERNAME": "user",
    "BRIDGE_KAFKA_SASL_PASSWORD": SECRET,
}
ONE = '{"auth_id": "MA…", "auth_tokens": ["…"], "timezone": "America/New_York"}'
ZONE = "give the zone set in Plivo's console, by its IANA name such as America/New_York"
ALL = "remove it (docs/reference/settings.md lists all settings)"
NO_PATH = "(not shown: it does not look like a path)"


@pytest.fixture(autouse=True)
def _no_bridge_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in list(os.environ):  # noqa: TID251 (to empty it)
        if name.startswith(PREFIX):
            monkeypatch.delenv(name)


def accounts(**changes: Any) -> dict[str, str]:
    return {"BRIDGE_ACCOUNTS": json.dumps([{**ACCOUNT, **changes}])}


# What is set, and the lines that must come of it.
REFUSED: list[tuple[dict[str, str], list[str]]] = [
    ({"BRIDGE_PORT": "0"}, ["BRIDGE_PORT: should be greater than or equal to 1 (it is '0')"]),
    ({"BRIDGE_PORT": "65536"},
     ["BRIDGE_PORT: should be less than or equal to 65535 (it is '65536')"]),
    ({"BRIDGE_PORT": "http"},
     [("BRIDGE_PORT: should be a valid integer, unable to parse string as an integer "
      "(it is 'http')")]),
    ({"BRIDGE_PORT": "tcp://10.0.0.1:80"},
     [("BRIDGE_PORT: is what Kubernetes sets for a Service named `bridge`; set enableServiceLinks: "
      "false in the pod, or this variable to the port")]),
    ({"BRIDGE_PORT": SECRET},
     ["BRIDGE_PORT: should be a valid integer, unable to parse string as an integer"]),
    ({"BRIDGE_PORT": "8080", "BRIDGE_MANAGEMENT_PORT": "8080"},
     ["BRIDGE_PORT and BRIDGE_MANAGEMENT_PORT are both 8080; change one"]),
    ({"BRIDGE_BODY_BYTES_MAX": "1000000"},
     ["BRIDGE_BODY_BYTES_MAX: should be less than or equal to 393216 (it is '1000000')"]),
    ({"BRIDGE_URL_BYTES_MAX": "10"},
     ["BRIDGE_URL_BYTES_MAX: should be greater than or equal to 256 (it is '10')"]),
    ({"BRIDGE_PARAMETERS_MAX": "-1"},
     ["BRIDGE_PARAMETERS_MAX: should be greater than or equal to 16 (it is '-1')"]),
    ({"BRIDGE_SHUTDOWN_TIMEOUT_S": "0"},
     ["BRIDGE_SHUTDOWN_TIMEOUT_S: should be greater than 0 (it is '0')"]),
    ({"BRIDGE_SHUTDOWN_TIMEOUT_S": "nan"},
     ["BRIDGE_SHUTDOWN_TIMEOUT_S: should be less than or equal to 300 (it is 'nan')"]),
    ({"BRIDGE_ACCEPT_V2": "perhaps"},
     ["BRIDGE_ACCEPT_V2: should be 'except_voice', 'all' or 'none' (it is 'perhaps')"]),
    ({"BRIDGE_VERIFICATION": "on"},
     ["BRIDGE_VERIFICATION: should be 'enforce', 'report' or 'off' (it is 'on')"]),
    ({"BRIDGE_LOG_LEVEL": "INFO"},
     ["BRIDGE_LOG_LEVEL: should be 'debug', 'info', 'warning' or 'error' (it is 'INFO')"]),
    ({"BRIDGE_LOG_KEY": "short-secret"},
     ["BRIDGE_LOG_KEY: should have at least 16 characters, not 12"]),
    ({"BRIDGE_LOG_KEY": "long-secret " * 6},
     ["BRIDGE_LOG_KEY: should have at most 64 characters, not 72"]),
    ({"BRIDGE_TOPIC_PREFIX": "Prod"},
     [("BRIDGE_TOPIC_PREFIX: should be words in lower case, each followed by a dot, such as "
      "prod.eu. (it is 'Prod')")]),
    ({"BRIDGE_SCHEMA_BASE_URL": "schemas/"},
     [("BRIDGE_SCHEMA_BASE_URL: must be an absolute URI without white space, such as "
      "https://schemas.example.com/ (it is 'schemas/')")]),
    ({"BRIDGE_SCHEMA_BASE_URL": "urn:a b:"},
     [("BRIDGE_SCHEMA_BASE_URL: must be an absolute URI without white space, such as "
      "https://schemas.example.com/ (it is 'urn:a b:')")]),
    ({"BRIDGE_SCHEMA_BASE_URL": "https://schemas.example.com"},
     [("BRIDGE_SCHEMA_BASE_URL: must end in / or :, because the path of a schema follows "
      "directly")]),
    ({"BRIDGE_PUBLIC_URL": "hooks.example.com"},
     [("BRIDGE_PUBLIC_URL: must be an absolute http or https URL, such as "
      "https://callbacks.example.com")]),
    ({"BRIDGE_PLIVO_API_URL": "api.plivo.com"},
     [("BRIDGE_PLIVO_API_URL: must be an absolute http or https URL, such as "
      "https://api.plivo.com")]),
    ({"BRIDGE_PLIVO_API_URL": "http://api.plivo.com"},
     ["BRIDGE_PLIVO_API_URL: would send the auth token unencrypted; write https://"]),
    ({"BRIDGE_PLIVO_API_URL": f"https://me:{SECRET}@api.plivo.com"},
     ["BRIDGE_PLIVO_API_URL: must not contain a user; the account's own token is sent"]),
    ({"BRIDGE_PUBLIC_URL": "ftp://a.example"},
     [("BRIDGE_PUBLIC_URL: must be an absolute http or https URL, such as "
      "https://callbacks.example.com")]),
    ({"BRIDGE_PUBLIC_URL": "https://a.example:port"},
     ["BRIDGE_PUBLIC_URL: is not a URL; write one like https://callbacks.example.com"]),
    ({"BRIDGE_PUBLIC_URL": f"https://user:{SECRET}@a.example?b=c"},
     ["BRIDGE_PUBLIC_URL: must have neither query nor fragment; write https://host[/prefix]"]),
    ({"BRIDGE_PUBLIC_URL": "https://a.example\n"},
     ["BRIDGE_PUBLIC_URL: has white space in it; remove it"]),
    ({"BRIDGE_ALLOWED_HOSTS": "https://a.example"},
     [("BRIDGE_ALLOWED_HOSTS[0]: must be a host, or a host and a port, without https:// and without "
      "a path (it is 'https://a.example')")]),
    ({"BRIDGE_TRUSTED_PROXIES": "10.0.0.0/8, nonsense"},
     [("BRIDGE_TRUSTED_PROXIES[1]: is not an IP address, nor a network such as 10.0.0.0/8 "
      "(it is 'nonsense')")]),
    ({"BRIDGE_REPLIES": "rules.toml"},
     ["BRIDGE_REPLIES is not a setting; did you mean BRIDGE_REPLIES_FILE?"]),
    ({"BRIDGE_KAFKA": "kafka:9092"},
     [("BRIDGE_KAFKA: is a group of settings: [kafka] in the settings file, BRIDGE_KAFKA_… in the "
      "environment")]),
    ({"BRIDGE_KAFKA_BOOTSTRAP_SERVERS": "kafka"},
     [("BRIDGE_KAFKA_BOOTSTRAP_SERVERS: has no port; write kafka:9092, or the port that your brokers "
      "listen on (it is 'kafka')")]),
    ({"BRIDGE_KAFKA_BOOTSTRAP_SERVERS": "kafka-1.example.com:9092, kafka-2"},
     [("BRIDGE_KAFKA_BOOTSTRAP_SERVERS: broker 2 has no port; write kafka-2:9092, or the port that "
      "your brokers listen on")]),
    ({"BRIDGE_KAFKA_BOOTSTRAP_SERVERS": SECRET},
     [("BRIDGE_KAFKA_BOOTSTRAP_SERVERS: has no port; write the host:9092, or the port that your "
      "brokers listen on")]),
    ({"BRIDGE_KAFKA_BOOTSTRAP_SERVERS": "a:http"},
     [("BRIDGE_KAFKA_BOOTSTRAP_SERVERS: has no port between 1 and 65535 after its colon "
      "(it is 'a:http')")]),
    ({"BRIDGE_KAFKA_BOOTSTRAP_SERVERS": "a:70000"},
     [("BRIDGE_KAFKA_BOOTSTRAP_SERVERS: has no port between 1 and 65535 after its colon "
      "(it is 'a:70000')")]),
    ({"BRIDGE_KAFKA_BOOTSTRAP_SERVERS": "::1"},
     [("BRIDGE_KAFKA_BOOTSTRAP_SERVERS: is not host:port, such as kafka-1:9092 (put an IPv6 address "
      "in brackets) (it is '::1')")]),
    ({"BRIDGE_KAFKA_BOOTSTRAP_SERVERS": f"user:{SECRET}@kafka:9092"},
     [("BRIDGE_KAFKA_BOOTSTRAP_SERVERS: has more than a host and a port; write host:port, such as "
      "kafka-1:9092")]),
    ({"BRIDGE_KAFKA_BOOTSTRAP_SERVERS": "SSL://kafka:9092"},
     [("BRIDGE_KAFKA_BOOTSTRAP_SERVERS: has more than a host and a port; write host:port, such as "
      "kafka-1:9092 (it is 'SSL://kafka:9092')")]),
    ({"BRIDGE_KAFKA_ACK_TIMEOUT_S": "31"},
     ["BRIDGE_KAFKA_ACK_TIMEOUT_S: should be less than or equal to 30 (it is '31')"]),
    ({"BRIDGE_KAFKA_SECURITY_PROTOCOL": "TLS"},
     [("BRIDGE_KAFKA_SECURITY_PROTOCOL: should be 'PLAINTEXT', 'SSL', 'SASL_PLAINTEXT' or "
      "'SASL_SSL' (it is 'TLS')")]),
    ({"BRIDGE_KAFKA_SECURITY_PROTOCOL": "SASL_SSL"},
     ["BRIDGE_KAFKA_SASL_USERNAME is needed for SCRAM-SHA-512; set it",
      ("BRIDGE_KAFKA_SASL_PASSWORD is needed for SCRAM-SHA-512; set it, or "
      "BRIDGE_KAFKA_SASL_PASSWORD_FILE")]),
    ({**SASL, "BRIDGE_KAFKA_SASL_MECHANISM": "OAUTHBEARER"},
     ["BRIDGE_KAFKA_SASL_OAUTH_TOKEN_URL is needed for OAUTHBEARER; set it",
      "BRIDGE_KAFKA_SASL_OAUTH_CLIENT_ID is needed for OAUTHBEARER; set it",
      ("BRIDGE_KAFKA_SASL_OAUTH_CLIENT_SECRET is needed for OAUTHBEARER; set it, or "
      "BRIDGE_KAFKA_SASL_OAUTH_CLIENT_SECRET_FILE")]),
    ({**SASL, "BRIDGE_KAFKA_TLS_KEY_FILE": "/etc/tls.key"},
     [("BRIDGE_KAFKA_TLS_CERTIFICATE_FILE and BRIDGE_KAFKA_TLS_KEY_FILE go together; set both or "
      "neither")]),
    ({**SASL, "BRIDGE_KAFKA_SASL_PASSWORD": f"{SECRET}\n"},
     [("BRIDGE_KAFKA_SASL_PASSWORD: has a line break in it; remove it (`echo` adds one, `printf %s` "
      "none)")]),
    ({"BRIDGE_TOPICS_PARTITIONS": "0"},
     ["BRIDGE_TOPICS_PARTITIONS: should be greater than or equal to 1 (it is '0')"]),
    ({"BRIDGE_TOPICS_REPLICATION_FACTOR": "1"},
     [("BRIDGE_TOPICS_MIN_INSYNC_REPLICAS (2) is over BRIDGE_TOPICS_REPLICATION_FACTOR (1); no "
      "record could be acknowledged: lower the one or raise the other")]),
    ({"BRIDGE_ACCOUNTS": f'[{{"auth_tokens": ["{SECRET}"'},
     [("BRIDGE_ACCOUNTS: not JSON (line 1, column 46: unexpected end of data); set it to "
      f"[{ONE}]")]),
    ({"BRIDGE_ACCOUNTS": "/etc/accounts.json"},
     [("BRIDGE_ACCOUNTS: not JSON (line 1, column 1: unexpected character, expected a JSON value); "
      f"set it to [{ONE}], or BRIDGE_ACCOUNTS_FILE to a file of it")]),
    ({"BRIDGE_ACCOUNTS": f'"{SECRET}"'},
     [f"BRIDGE_ACCOUNTS: accounts are a list, even of one: [{ONE}]"]),
    ({"BRIDGE_ACCOUNTS": json.dumps(ACCOUNT)},
     [f"BRIDGE_ACCOUNTS: accounts are a list, even of one: [{ONE}]"]),
    ({"BRIDGE_ACCOUNTS": f'["{SECRET}"]'}, [f"BRIDGE_ACCOUNTS[0]: an account is an object: {ONE}"]),
    ({"BRIDGE_ACCOUNTS": "[{}]"},
     [("BRIDGE_ACCOUNTS[0].auth_id: is missing: an auth id is MA and 18 letters or digits, the "
      "letters in upper case"),
      f"BRIDGE_ACCOUNTS[0].timezone: is missing: {ZONE}"]),
    ({"BRIDGE_ACCOUNTS": json.dumps([ACCOUNT, ACCOUNT])},
     [f"BRIDGE_ACCOUNTS names an auth_id twice: {AUTH_ID}; put its tokens in one account"]),
    (accounts(auth_id=SECRET),
     [("BRIDGE_ACCOUNTS[0].auth_id: an auth id is MA and 18 letters or digits, the letters in upper "
      "case")]),
    (accounts(timezone="EST5"),
     [f"BRIDGE_ACCOUNTS[0].timezone of {AUTH_ID}: is no zone: {ZONE}"]),
    (accounts(timezone=SECRET),
     [f"BRIDGE_ACCOUNTS[0].timezone of {AUTH_ID}: is no zone: {ZONE}"]),
    (accounts(timezone="america/new york\n"),
     [f"BRIDGE_ACCOUNTS[0].timezone of {AUTH_ID}: is no zone; did you mean America/New_York?"]),
    (accounts(timezone=None), [f"BRIDGE_ACCOUNTS[0].timezone of {AUTH_ID}: {ZONE}"]),
    (accounts(token=SECRET),
     [f"BRIDGE_ACCOUNTS[0] of {AUTH_ID}: has a key that is not known; did you mean auth_tokens?"]),
    (accounts(**{SECRET: ""}),
     [(f"BRIDGE_ACCOUNTS[0] of {AUTH_ID}: has a key that is not known; known are auth_id, "
      "auth_tokens, timezone, subaccounts")]),
    (accounts(auth_tokens=SECRET),
     [(f"BRIDGE_ACCOUNTS[0].auth_tokens of {AUTH_ID}: auth_tokens is a list, even of one: "
      '["…"]')]),
    (accounts(auth_tokens=[SECRET, [SECRET]]),
     [f'BRIDGE_ACCOUNTS[0].auth_tokens[1] of {AUTH_ID}: a token is text in quotes: "…"']),
    (accounts(subaccounts={"auth_id": SECRET}),
     [(f"BRIDGE_ACCOUNTS[0].subaccounts of {AUTH_ID}: subaccounts is a list, even of one: "
      '[{"auth_id": "SA…"}]')]),
    (accounts(subaccounts=[SECRET]),
     [(f"BRIDGE_ACCOUNTS[0].subaccounts[0] of {AUTH_ID}: a subaccount is an object: "
      '{"auth_id": "SA…"}')]),
    (accounts(subaccounts=[{"auth_id": AUTH_ID, "zone": SECRET}]),
     [(f"BRIDGE_ACCOUNTS[0].subaccounts[0].auth_id of {AUTH_ID}: an auth id is SA and 18 letters or "
      "digits, the letters in upper case"),
      (f"BRIDGE_ACCOUNTS[0].subaccounts[0] of {AUTH_ID}: has a key that is not known; did you mean "
      "timezone?")]),
    ({"BRIDGE_ACCOUNTS_FILE": "/no/such/file"},
     ["BRIDGE_ACCOUNTS_FILE: /no/such/file: No such file or directory"]),
    ({"BRIDGE_ACCOUNTS_FILE": SECRET},
     [f"BRIDGE_ACCOUNTS_FILE: {NO_PATH}: No such file or directory"]),
    ({"BRIDGE_ACCOUNTS_FILE": f"{SECRET}/" * 200},
     [f"BRIDGE_ACCOUNTS_FILE: {NO_PATH}: File name too long"]),
    ({"BRIDGE_ACCOUNTS_FILE": json.dumps([ACCOUNT])},
     ["BRIDGE_ACCOUNTS_FILE: is JSON and not a path; put it into BRIDGE_ACCOUNTS, or into a file"]),
]  # fmt: skip

# Variables that are no settings, and what is said of each.
UNKNOWN = {
    "BRIDGE_PUBLIC_UL": "did you mean BRIDGE_PUBLIC_URL?",
    "BRIDGE_PRT": "did you mean BRIDGE_PORT?",
    "bridge_prt": "did you mean BRIDGE_PORT?",
    "BRIDGE_TOPICS_PARTITION": "did you mean BRIDGE_TOPICS_PARTITIONS?",
    "BRIDGE_KAFKA_SASL_PASSWRD": "did you mean BRIDGE_KAFKA_SASL_PASSWORD?",
    "BRIDGE_BOOTSTRAP_SERVERS": "did you mean BRIDGE_KAFKA_BOOTSTRAP_SERVERS?",
    "BRIDGE_DIRECTORY": "did you mean BRIDGE_SPOOL_DIRECTORY?",
    "BRIDGE_AUTH_TOKEN": "did you mean BRIDGE_ACCOUNTS?",
    "BRIDGE_TIMEZONE": "did you mean BRIDGE_ACCOUNTS?",
    "BRIDGE_QQQ": ALL,
}


def _named(value: object) -> str:
    return ",".join(value) if isinstance(value, dict) else ""


def refusal(file: Path | None = None, need: Need = Need.NOTHING) -> list[str]:
    with pytest.raises(SettingsRefused) as refused:
        load(file, need)
    text = str(refused.value)
    assert SECRET not in text
    return text.splitlines()


@pytest.mark.parametrize(("given", "lines"), REFUSED, ids=_named)
def test_a_refusal_has_a_line_for_each_fault_with_name_fault_and_remedy(
    monkeypatch: pytest.MonkeyPatch, given: dict[str, str], lines: list[str]
) -> None:
    for name, value in given.items():
        monkeypatch.setenv(name, value)
    assert refusal() == lines


@pytest.mark.parametrize(("name", "remedy"), UNKNOWN.items())
def test_a_variable_that_is_no_setting_is_refused_with_the_one_it_resembles(
    monkeypatch: pytest.MonkeyPatch, name: str, remedy: str
) -> None:
    monkeypatch.setenv(name, SECRET)
    assert refusal() == [f"{name} is not a setting; {remedy}"]


def test_variables_that_kubernetes_sets_for_a_service_are_no_misspelt_settings(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    of_a_service = {
        "BRIDGE_SERVICE_HOST": "10.0.0.1",
        "BRIDGE_SERVICE_PORT": "8080",
        "BRIDGE_SERVICE_PORT_HTTP": "8080",
        "BRIDGE_KAFKA_SERVICE_HOST": "10.0.0.2",
        "BRIDGE_KAFKA_PORT": "tcp://10.0.0.2:9092",
        "BRIDGE_KAFKA_PORT_9092_TCP": "tcp://10.0.0.2:9092",
        "BRIDGE_PORT_8080_TCP_ADDR": "10.0.0.1",
        "BRIDGE_PORT": "8080",
    }
    for name, value in of_a_service.items():
        monkeypatch.setenv(name, value)
    assert load().port == 8080


def test_all_faults_of_all_kinds_are_reported_at_once(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    file = tmp_path / "bridge.toml"
    file.write_text('log_format = "xml"\nprt = 8080\n[kafka]\nack_timeout_s = 0\n')
    given = {
        "BRIDGE_PUBLIC_UL": "https://a.example",
        "BRIDGE_PORT": "9090",
        "BRIDGE_ACCOUNTS": json.dumps([{**ACCOUNT, "auth_tokens": [f"{SECRET}\n"]}]),
        "BRIDGE_TOPICS_REPLICATION_FACTOR": "1",
        "BRIDGE_KAFKA_SECURITY_PROTOCOL": "SASL_SSL",
        "BRIDGE_KAFKA_SASL_USERNAME": "user",
        "BRIDGE_KAFKA_SASL_PASSWORD_FILE": SECRET,
    }
    for name, value in given.items():
        monkeypatch.setenv(name, value)
    assert refusal(file, Need.SERVING) == [
        f"prt ({file}, line 2) is not a setting; did you mean port?",
        "BRIDGE_PUBLIC_UL is not a setting; did you mean BRIDGE_PUBLIC_URL?",
        f"log_format ({file}, line 1): should be 'json' or 'console' (it is 'xml')",
        f"kafka.ack_timeout_s ({file}, line 4): should be greater than 0 (it is 0)",
        (
            f"BRIDGE_ACCOUNTS[0].auth_tokens[0] of {AUTH_ID}: has white space around it; remove it "
            "(`echo` adds a line break, `printf %s` none)"
        ),
        "BRIDGE_PORT and BRIDGE_MANAGEMENT_PORT are both 9090; change one",
        (
            "BRIDGE_TOPICS_MIN_INSYNC_REPLICAS (2) is over BRIDGE_TOPICS_REPLICATION_FACTOR (1); no "
            "record could be acknowledged: lower the one or raise the other"
        ),
        "BRIDGE_KAFKA_BOOTSTRAP_SERVERS is not set: host:port of a broker, or several with commas",
        (
            "BRIDGE_PUBLIC_URL is not set, so a callback that Plivo signed for any other server of the "
            "account would be accepted. Set it to the URL that Plivo calls, or set "
            "BRIDGE_ALLOWED_HOSTS to the hosts that Plivo calls this bridge by"
        ),
        (
            "BRIDGE_SPOOL_DIRECTORY is not set: set it to a directory on a local disk that outlives the "
            "process. Or set BRIDGE_SPOOL_ENABLED=false, and callbacks are lost while Kafka is away"
        ),
        (
            f"BRIDGE_KAFKA_SASL_PASSWORD_FILE: {NO_PATH}: No such file or directory; set it to a file. "
            "Or set its content as BRIDGE_KAFKA_SASL_PASSWORD"
        ),
    ]


@pytest.mark.parametrize("faulty", ["BRIDGE_PORT", "BRIDGE_KAFKA_BOOTSTRAP_SERVERS"])
def test_what_follows_from_a_fault_is_not_reported_as_another(
    monkeypatch: pytest.MonkeyPatch, faulty: str
) -> None:
    monkeypatch.setenv("BRIDGE_MANAGEMENT_PORT", "8080")  # what BRIDGE_PORT is by default
    monkeypatch.setenv("BRIDGE_PORT", "8081")
    monkeypatch.setenv("BRIDGE_KAFKA_BOOTSTRAP_SERVERS", "kafka:9092")
    monkeypatch.setenv(faulty, "nonsense")
    (line,) = refusal(need=Need.KAFKA)
    assert line.startswith(f"{faulty}: ")


def test_accounts_and_an_accounts_file_together_are_refused(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "accounts.json").write_text(json.dumps([ACCOUNT]))
    monkeypatch.setenv("BRIDGE_ACCOUNTS", json.dumps([ACCOUNT]))
    monkeypatch.setenv("BRIDGE_ACCOUNTS_FILE", str(tmp_path / "accounts.json"))
    assert refusal() == ["BRIDGE_ACCOUNTS and BRIDGE_ACCOUNTS_FILE are both set; set one"]


# What a mounted file of accounts holds, and what is said of it, behind its setting's name.
ACCOUNTS_FILES = [
    (f'[{{"auth_tokens": ["{SECRET}"', (": {file}: not JSON (line 1, column 46: unexpected end of "
     "data)")),
    (f'"{SECRET}"', f" ({{file}}): accounts are a list, even of one: [{ONE}]"),
    (json.dumps([{**ACCOUNT, "zone": SECRET}]),
     f" ({{file}})[0] of {AUTH_ID}: has a key that is not known; did you mean timezone?"),
    (json.dumps([{**ACCOUNT, "auth_tokens": [f"{SECRET} "]}]),
     (f" ({{file}})[0].auth_tokens[0] of {AUTH_ID}: has white space around it; remove it (`echo` adds "
     "a line break, `printf %s` none)")),
    (json.dumps([ACCOUNT, ACCOUNT]),
     f" ({{file}}) names an auth_id twice: {AUTH_ID}; put its tokens in one account"),
]  # fmt: skip


@pytest.mark.parametrize(("content", "fault"), ACCOUNTS_FILES)
def test_a_bad_accounts_file_is_refused_without_its_content(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, content: str, fault: str
) -> None:
    mounted = tmp_path / "accounts.json"
    mounted.write_text(content)
    monkeypatch.setenv("BRIDGE_ACCOUNTS_FILE", str(mounted))
    line = "BRIDGE_ACCOUNTS_FILE" + fault.replace("{file}", str(mounted))
    assert refusal() == [line]
    with pytest.raises(SettingsRefused) as refused:
        read_accounts(mounted)
    assert str(refused.value) == line


def test_files_for_kafka_are_read_before_kafka_is_asked(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    empty = tmp_path / "password"
    empty.write_text("\n")
    given = {
        "BRIDGE_KAFKA_BOOTSTRAP_SERVERS": "kafka:9092",
        "BRIDGE_KAFKA_SECURITY_PROTOCOL": "SASL_SSL",
        "BRIDGE_KAFKA_SASL_USERNAME": "user",
        "BRIDGE_KAFKA_SASL_PASSWORD_FILE": str(empty),
        "BRIDGE_KAFKA_TLS_CA_FILE": str(tmp_path),
    }
    for name, value in given.items():
        monkeypatch.setenv(name, value)
    assert refusal(need=Need.KAFKA) == [
        (
            f"BRIDGE_KAFKA_SASL_PASSWORD_FILE: {empty}: the file is empty; set it to a file. Or "
            "set its content as BRIDGE_KAFKA_SASL_PASSWORD"
        ),
        f"BRIDGE_KAFKA_TLS_CA_FILE: {tmp_path}: Is a directory; set it to a file",
    ]


def test_serving_without_a_place_for_the_spool_is_refused_and_says_what_else_there_is() -> None:
    given = {
        "kafka": {"bootstrap_servers": "a:9092"},
        "accounts": [ACCOUNT],
        "public_url": "https://hooks.example.com",
    }
    with pytest.raises(SettingsRefused) as refused:
        require_serving(load(None, **given))
    text = str(refused.value)
    assert text.startswith("BRIDGE_SPOOL_DIRECTORY is not set: set it to a directory")
    assert "BRIDGE_SPOOL_ENABLED=false" in text
    assert require_serving(load(None, spool={"enabled": False}, **given))


def test_a_setting_inside_a_group_that_is_faulty_is_not_reported_as_missing(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    given = {
        "BRIDGE_SPOOL": "on",
        "BRIDGE_SPOOL_DIRECTORY": str(tmp_path),
        "BRIDGE_KAFKA_BOOTSTRAP_SERVERS": "kafka:9092",
        "BRIDGE_VERIFICATION": "off",
    }
    for name, value in given.items():
        monkeypatch.setenv(name, value)
    assert refusal(None, Need.SERVING) == [
        (
            "BRIDGE_SPOOL: is a group of settings: [spool] in the settings file, BRIDGE_SPOOL_… in the "
            "environment"
        )
    ]
