"""Settings from environment and file; secrets stay secret."""

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel, SecretStr

from bridge.settings.kafka import PREFIX
from bridge.settings.load import (
    GROUPS,
    Settings,
    SettingsRefused,
    find_ledger_directory,
    load,
    require_kafka,
    require_serving,
    unknown_variables,
)

ACCOUNT = {
    "auth_id": "MA0000000000TEST0001",
    "auth_tokens": ["old-secret-token-0001", "new-secret-token-0002"],
    "timezone": "America/New_York",
    "subaccounts": [
        {
            "auth_id": "SA0000000000TEST0001",
            "auth_tokens": ["sub-secret-token-0003"],
            "timezone": "Europe/Berlin",
        }
    ],
}
OTHER_ACCOUNT = {
    "auth_id": "MA0000000000TEST0002",
    "auth_tokens": ["other-secret-token-0004"],
    "timezone": "UTC",
}

KAFKA = {"bootstrap_servers": "a:9092"}
SPOOL = {"directory": "/var/spool/bridge"}
URL = "https://hooks.example.com"

# Files that stand for another setting, and are refused beside it.
FILES = ["accounts_file", "kafka.sasl_password_file", "kafka.sasl_oauth_client_secret_file"]


# Every other setting: a value, and another one to be beaten by it.
VALUES: dict[str, tuple[Any, Any]] = {
    "accounts": ([ACCOUNT], [OTHER_ACCOUNT]),
    "public_url": ("https://hooks.example.com/plivo-eu", "http://localhost:8080"),
    "trusted_proxies": (["10.0.0.0/8", "2001:db8::/32"], ["127.0.0.1/32"]),
    "allowed_hosts": (["a.example.com", "[2001:db8::1]:8443"], ["b.example.com"]),
    "verification": ("report", "off"),
    "accept_v2": ("none", "all"),
    "accept_agentstack_v3": (True, False),
    "topic_prefix": ("prod.eu.", "test."),
    "schema_base_url": ("https://schemas.example.com/", "urn:x:"),
    "context_parameters": (["tenant", "region"], ["other"]),
    "replies_file": ("/etc/rules.toml", "/other.toml"),
    "plivo_api_url": ("http://127.0.0.1:8811", "https://api.example.com"),
    "plivo_calls_per_s": (0.5, 50.0),
    "ledger_directory": ("/var/lib/bridge", "/other"),
    "host": ("127.0.0.1", "::1"),
    "port": (8001, 8002),
    "management_host": ("127.0.0.2", "::1"),
    "management_port": (9001, 9002),
    "log_format": ("console", "json"),
    "log_level": ("debug", "error"),
    "body_bytes_max": (1024, 2048),
    "url_bytes_max": (256, 512),
    "parameters_max": (16, 32),
    "log_key": ("a-secret-key-of-the-log", "another-secret-key"),
    "log_published_every": (100, 2),
    "log_unverified_per_minute_max": (0, 10),
    "in_flight_max": (10, 20),
    "in_flight_bytes_max": (1_048_576, 2_097_152),
    "connections_max": (10, 20),
    "read_timeout_s": (0.5, 300.0),
    "rejected_per_minute_max": (0, 10),
    "shutdown_delay_s": (0.5, 120.0),
    "shutdown_timeout_s": (0.5, 300.0),
    "kafka.bootstrap_servers": ("a:9092,b:9092", "c:9092"),
    "kafka.client_id": ("one", "two"),
    "kafka.security_protocol": ("SASL_SSL", "SASL_PLAINTEXT"),
    "kafka.sasl_mechanism": ("PLAIN", "SCRAM-SHA-256"),
    "kafka.sasl_username": ("user-one", "user-two"),
    "kafka.sasl_password": ("secret-password", "other-password"),
    "kafka.sasl_oauth_token_url": ("https://sso.example.com/token", "https://b.example.com"),
    "kafka.sasl_oauth_client_id": ("client-one", "client-two"),
    "kafka.sasl_oauth_client_secret": ("secret-client", "other-client"),
    "kafka.sasl_oauth_scope": ("kafka", "other"),
    "kafka.tls_ca_file": ("/etc/ca.pem", "/b/ca.pem"),
    "kafka.tls_certificate_file": ("/etc/tls.crt", "/b/tls.crt"),
    "kafka.tls_key_file": ("/etc/tls.key", "/b/tls.key"),
    "kafka.idempotence": (False, True),
    "kafka.ack_timeout_s": (1.5, 30.0),
    "kafka.control_ack_timeout_s": (0.5, 20.0),
    "kafka.linger_ms": (2, 50),
    "kafka.flush_timeout_s": (2.5, 60.0),
    "spool.enabled": (False, True),
    "spool.directory": ("/var/spool/bridge", "/other"),
    "spool.bytes_max": (1_048_576, 2_097_152),
    "spool.append_timeout_s": (0.5, 7.0),
    "spool.records_max": (100, 200),
    "topics.partitions": (1, 24),
    "topics.replication_factor": (5, 4),
    "topics.min_insync_replicas": (3, 1),
    "topics.event_retention_days": (0, 30),
    "topics.journal_retention_days": (3650, 1),
    "topics.dead_letter_retention_days": (14, 15),
    "topics.rejected_retention_days": (1, 2),
    "topics.rejected_retention_bytes": (1_048_576, 2_097_152),
}


@pytest.fixture(autouse=True)
def _no_bridge_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in list(os.environ):  # noqa: TID251 (to empty it)
        if name.startswith(PREFIX):
            monkeypatch.delenv(name)


def variable(name: str) -> str:
    return PREFIX + name.replace(".", "_").upper()


def env_text(name: str, value: Any) -> str:
    if name in {"trusted_proxies", "allowed_hosts", "context_parameters"}:
        return ", ".join(value)
    return value if isinstance(value, str) else json.dumps(value)


def toml(value: Any) -> str:
    """Return a value as TOML; JSON's scalars and strings are TOML's too."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{json.dumps(key)} = {toml(of)}" for key, of in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(toml, value)) + "]"
    return json.dumps(value)


def write_toml(path: Path, which: int) -> Path:
    lines = [f"{name} = {toml(pair[which])}" for name, pair in VALUES.items()]
    path.write_text("\n".join(lines) + "\n")
    return path


def plain(value: Any) -> Any:
    """Return a settings value with its secrets in the clear and its paths as text."""
    match value:
        case SecretStr():
            return value.get_secret_value()
        case BaseModel():
            return {name: plain(of) for name, of in value if of is not None and of != []}
        case list():
            return [plain(one) for one in value]
        case dict():
            return {key: plain(of) for key, of in value.items()}
        case Path():
            return str(value)
    return value


def at(settings: Settings, name: str) -> Any:
    value: Any = settings
    for part in name.split("."):
        value = getattr(value, part)
    return plain(value)


def names_of(model: type[BaseModel], prefix: str = "") -> Iterator[str]:
    for name in model.model_fields:
        if name not in GROUPS:
            yield prefix + name
    if not prefix:
        for group, model_of_group in GROUPS.items():
            yield from names_of(model_of_group, f"{group}.")


def test_every_setting_is_in_the_table_above() -> None:
    assert sorted([*VALUES, *FILES]) == sorted(names_of(Settings))


def test_every_setting_is_described() -> None:
    for model in (Settings, *GROUPS.values()):
        for name, field in model.model_fields.items():  # type: ignore[attr-defined]
            if name not in GROUPS:
                assert field.description, name
                assert field.description.endswith("."), name


def test_every_setting_is_read_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, (value, _) in VALUES.items():
        monkeypatch.setenv(variable(name), env_text(name, value))
    settings = load()
    for name, (value, _) in VALUES.items():
        assert at(settings, name) == value, name


def test_every_setting_is_read_from_a_file(tmp_path: Path) -> None:
    settings = load(write_toml(tmp_path / "bridge.toml", 0))
    for name, (value, _) in VALUES.items():
        assert at(settings, name) == value, name


@pytest.mark.parametrize("name", VALUES)
def test_the_environment_beats_the_file_setting_by_setting(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, name: str
) -> None:
    monkeypatch.setenv(variable(name), env_text(name, VALUES[name][0]))
    settings = load(write_toml(tmp_path / "bridge.toml", 1))
    for other, pair in VALUES.items():
        assert at(settings, other) == pair[0 if other == name else 1], other


def test_what_the_call_gives_beats_both(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("BRIDGE_KAFKA_CLIENT_ID", "from-the-environment")
    given: dict[str, object] = {"kafka": {"bootstrap_servers": "given:1"}, "port": 1234}
    settings = load(write_toml(tmp_path / "bridge.toml", 1), **given)
    assert settings.kafka.bootstrap_servers == "given:1"
    assert settings.kafka.client_id == "from-the-environment"
    assert (settings.port, settings.management_port) == (1234, 9002)


def test_accounts_are_read_from_a_mounted_file(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    mounted = tmp_path / "accounts.json"
    mounted.write_text(json.dumps([ACCOUNT]))
    monkeypatch.setenv("BRIDGE_ACCOUNTS_FILE", str(mounted))
    assert at(load(), "accounts") == [ACCOUNT]


def test_secrets_are_in_no_text_made_of_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, (value, _) in VALUES.items():
        monkeypatch.setenv(variable(name), env_text(name, value))
    settings = load()
    everything = f"{settings!r} {settings} {settings.kafka!r} {settings.accounts} "
    everything += settings.model_dump_json() + str(settings.model_dump())
    assert "secret-" not in everything
    assert "-secret" not in everything


def test_the_defaults_are_enough_but_for_kafka_the_spool_the_accounts_and_the_url() -> None:
    settings = load(kafka=KAFKA, spool=SPOOL, accounts=[ACCOUNT], public_url=URL)
    assert require_serving(settings) is settings
    assert (settings.verification, settings.kafka.idempotence) == ("enforce", True)


def test_serving_without_a_broker_is_refused() -> None:
    with pytest.raises(SettingsRefused, match=r"^BRIDGE_KAFKA_BOOTSTRAP_SERVERS is not set: host"):
        require_kafka(load())


def test_enforcing_without_a_token_is_refused_and_says_why() -> None:
    for accounts in ([], [{**ACCOUNT, "auth_tokens": [], "subaccounts": []}]):
        settings = load(kafka=KAFKA, accounts=accounts)
        with pytest.raises(SettingsRefused) as refused:
            require_serving(settings)
        text = str(refused.value)
        assert text.startswith("BRIDGE_ACCOUNTS contains no auth token, so no callback could be v")
        assert "BRIDGE_VERIFICATION=report" in text


@pytest.mark.parametrize("policy", ["report", "off"])
def test_without_enforcing_no_token_is_needed(policy: str) -> None:
    settings = load(kafka=KAFKA, spool=SPOOL, verification=policy)
    assert require_serving(settings) is settings


def test_a_subaccounts_token_is_enough_to_enforce() -> None:
    account = {**ACCOUNT, "auth_tokens": []}
    assert require_serving(load(kafka=KAFKA, spool=SPOOL, accounts=[account], public_url=URL))


@pytest.mark.parametrize("more", [{}, {"trusted_proxies": ["10.0.0.0/8"]}])
def test_enforcing_for_any_host_is_refused_and_says_why(more: dict[str, Any]) -> None:
    given = {"kafka": KAFKA, "spool": SPOOL, "accounts": [ACCOUNT], **more}
    with pytest.raises(SettingsRefused, match=r"^BRIDGE_PUBLIC_URL is not set.*BRIDGE_ALLOWED_HO"):
        require_serving(load(**given))
    assert require_serving(load(**given, allowed_hosts=["a.example.com"]))
    assert require_serving(load(**given, public_url=URL))
    assert require_serving(load(**given, verification="report"))


@pytest.mark.parametrize(
    "name", ["kafka.sasl_password", "kafka.sasl_oauth_client_secret", "accounts"]
)
def test_a_setting_and_the_file_with_its_value_exclude_each_other(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, name: str
) -> None:
    file = tmp_path / "secret"
    file.write_text("[]")
    monkeypatch.setenv(variable(name), env_text(name, VALUES[name][0]))
    monkeypatch.setenv(variable(f"{name}_file"), str(file))
    with pytest.raises(SettingsRefused, match=f"{variable(name)} and {variable(name)}_FILE"):
        load()


def test_a_file_is_enough_where_a_password_is_needed() -> None:
    given = {
        "security_protocol": "SASL_SSL",
        "sasl_username": "writer",
        "sasl_password_file": "/run/secrets/kafka",
    }
    assert load(kafka=given).kafka.sasl_password_file == Path("/run/secrets/kafka")


def test_misspelt_variables_are_listed(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("BRIDGE_PRT", "BRIDGE_KAFKA_BOOTSTRAP_SERVER", "NOT_BRIDGE_PORT"):
        monkeypatch.setenv(name, "1")
    for name in (*VALUES, "accounts_file", "settings_file"):
        monkeypatch.setenv(variable(name), "1")
    assert unknown_variables() == ["BRIDGE_KAFKA_BOOTSTRAP_SERVER", "BRIDGE_PRT"]


@pytest.mark.parametrize(
    ("state_home", "directory", "found"),
    [
        (None, None, "/home/me/.local/state/callback-bridge"),
        ("/state", None, "/state/callback-bridge"),
        ("relative", None, "/home/me/.local/state/callback-bridge"),
        ("/state", "/var/lib/bridge", "/var/lib/bridge"),
    ],
)
def test_the_ledger_is_kept_where_the_setting_says_or_in_the_users_ledger_directory(
    monkeypatch: pytest.MonkeyPatch, state_home: str | None, directory: str | None, found: str
) -> None:
    monkeypatch.setenv("HOME", "/home/me")
    if state_home is None:
        monkeypatch.delenv("XDG_STATE_HOME", raising=False)
    else:
        monkeypatch.setenv("XDG_STATE_HOME", state_home)
    settings = load(**({"ledger_directory": directory} if directory else {}))
    assert find_ledger_directory(settings) == Path(found)
