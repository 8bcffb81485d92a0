"""The parts of a bridge are built as configured, and secrets go only where they belong."""

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace

import pytest
from structlog.testing import capture_logs

from bridge.app.build import make_application
from bridge.app.parts import (
    make_accounts,
    make_connection,
    make_naming,
    make_replay_connection,
    make_sizing,
)
from bridge.app.process import Bridge
from bridge.app.rules_file import RulesRefused
from bridge.callbacks.model import Reply
from bridge.core import catalogue
from bridge.core.event import ContractNames
from bridge.core.record import Record
from bridge.derived.topics import Sizing
from bridge.publish.connection import OAuth, Tls
from bridge.settings.load import Settings, load
from bridge.telemetry.metrics import Metrics
from tests.support.delivery import without_spool
from tests.support.rules import write_rules
from tests.support.waiting import until

pytest_plugins = ("tests.support.kafka_fixtures",)

ACCOUNT = {
    "auth_id": "MA0000000000TEST0001",
    "auth_tokens": ["old-token-of-the-account", "new-token-of-the-account"],
    "timezone": "America/New_York",
    "subaccounts": [
        {
            "auth_id": "SA0000000000TEST0001",
            "auth_tokens": ["token-of-the-subaccount"],
            "timezone": "Europe/Berlin",
        },
        {"auth_id": "SA0000000000TEST0002"},
    ],
}


EXECUTED = {Reply.XML, Reply.SOUND}


def settings(**given: object) -> Settings:
    return load(None, **given)


def test_a_replay_has_a_client_id_of_its_own() -> None:
    given = settings(kafka={"bootstrap_servers": "a:9092", "client_id": "us"})
    assert make_replay_connection(given) == replace(make_connection(given), client_id="us-replay")


def test_plaintext_needs_no_secrets() -> None:
    built = make_connection(settings(kafka={"bootstrap_servers": "a:9092", "client_id": "us"}))
    assert (built.bootstrap_servers, built.client_id) == ("a:9092", "us")
    assert (built.security_protocol, built.username, built.password, built.oauth) == (
        "PLAINTEXT",
        None,
        None,
        None,
    )


def test_a_password_reaches_the_connection_in_the_clear() -> None:
    kafka = {
        "bootstrap_servers": "a:9093",
        "security_protocol": "SASL_SSL",
        "sasl_mechanism": "PLAIN",
        "sasl_username": "user",
        "sasl_password": "secret",
        "tls_ca_file": "/etc/ca.pem",
    }
    built = make_connection(settings(kafka=kafka))
    assert (built.mechanism, built.username, built.password) == ("PLAIN", "user", "secret")
    assert built.tls == Tls(Path("/etc/ca.pem"), None, None)


def test_oauth_has_its_endpoint_and_its_secret() -> None:
    kafka = {
        "security_protocol": "SASL_SSL",
        "sasl_mechanism": "OAUTHBEARER",
        "sasl_oauth_token_url": "https://sso.example.com/token",
        "sasl_oauth_client_id": "bridge",
        "sasl_oauth_client_secret": "secret",
        "sasl_oauth_scope": "kafka",
    }
    assert make_connection(settings(kafka=kafka)).oauth == OAuth(
        "https://sso.example.com/token", "bridge", "secret", "kafka"
    )


def test_accounts_keep_all_their_tokens_and_subaccounts() -> None:
    (account,) = make_accounts(settings(accounts=[ACCOUNT]).accounts)
    assert (account.auth_id, account.zone, account.tokens) == (
        "MA0000000000TEST0001",
        "America/New_York",
        ("old-token-of-the-account", "new-token-of-the-account"),
    )
    first, second = account.subaccounts
    assert (first.tokens, first.zone) == (("token-of-the-subaccount",), "Europe/Berlin")
    assert (second.tokens, second.zone) == ((), None)


def test_names_and_sizes_are_the_configured_ones() -> None:
    chosen = settings(
        topic_prefix="eu.",
        schema_base_url="https://schemas.example.com/",
        topics={"partitions": 6, "replication_factor": 2, "min_insync_replicas": 1},
    )
    assert make_naming(chosen) == ContractNames("eu.", "https://schemas.example.com/")
    assert make_sizing(chosen) == Sizing(6, 2, 1, 7, 0, 90)


def test_a_document_that_cannot_be_a_reply_stops_the_start(tmp_path: Path) -> None:
    chosen = settings(replies_file=write_rules(tmp_path, {"voice.call.answer": "<Speak/>"}))
    with pytest.raises(RulesRefused, match="only <Response>"):
        make_application(chosen, without_spool(), Metrics("0"))


def test_a_document_that_plivo_executes_in_part_is_warned_of(tmp_path: Path) -> None:
    text = "<Response><Speak>Hello</Speak>\n<Pause/></Response>"
    chosen = settings(replies_file=write_rules(tmp_path, {"voice.call.answer": text}))
    with capture_logs() as lines:
        make_application(chosen, without_spool(), Metrics("0"))
    (line,) = [line for line in lines if line["event"] == "reply_rule_warning"]
    assert line == {
        "event": "reply_rule_warning",
        "log_level": "warning",
        "rule": "rule voice.call.answer",
        "file": str(tmp_path / "voice.call.answer.xml"),
        "line": 2,
        "element": "Pause",
        "meaning": 'TwiML, which Plivo ignores: use <Wait length="seconds"/>',
    }


def test_a_rule_about_an_unknown_account_is_warned_of(tmp_path: Path) -> None:
    path = write_rules(tmp_path, {"voice.call.answer": "<Response/>"})
    ids = [ACCOUNT["auth_id"], "MAYYYYYYYYYYYYYYYYYY"]
    path.write_text(f"{path.read_text()}account = {ids}\n")
    with capture_logs() as lines:
        make_application(
            settings(accounts=[ACCOUNT], replies_file=path), without_spool(), Metrics("0")
        )
    unknown = [line for line in lines if line["event"] == "reply_rule_account_unknown"]
    assert [(line["rule"], line["account"]) for line in unknown] == [
        ("voice.call.answer", "MAYYYYYYYYYYYYYYYYYY")
    ]


@pytest.mark.parametrize(
    ("given", "warnings"),
    [
        ({}, ["public_url_not_configured", "reply_not_configured"]),
        ({"public_url": "https://a.example"}, ["reply_not_configured"]),
        ({"trusted_proxies": "10.0.0.1"}, ["reply_not_configured"]),
        ({"allowed_hosts": "a.example"}, ["reply_not_configured"]),
        (
            {"verification": "off", "public_url": "https://a.example"},
            ["reply_not_configured", "verification_not_enforced"],
        ),
    ],
    ids=str,
)
def test_surprising_settings_are_logged_at_the_start(
    given: dict[str, object], warnings: list[str]
) -> None:
    with capture_logs() as lines:
        make_application(settings(**given), without_spool(), Metrics("0"))
    assert sorted(line["event"] for line in lines) == warnings


def test_with_every_reply_configured_no_warning_mentions_replies(tmp_path: Path) -> None:
    executed = [
        kind.name
        for kind in catalogue.load_catalogue().types_with_executed_reply
        if kind.reply in EXECUTED
    ]
    chosen = settings(
        public_url="https://a.example",
        replies_file=write_rules(tmp_path, dict.fromkeys(executed, "<Response/>")),
    )
    with capture_logs() as lines:
        make_application(chosen, without_spool(), Metrics("0"))
    assert lines == []


def test_all_the_types_without_a_reply_are_one_line(tmp_path: Path) -> None:
    rules = write_rules(tmp_path, {"voice.call.answer": "<Response/>"})
    with capture_logs() as lines:
        make_application(
            settings(public_url="https://a.example", replies_file=rules),
            without_spool(),
            Metrics("0"),
        )
    (line,) = lines
    assert line["event"] == "reply_not_configured"
    assert line["callback_types"] == sorted(
        kind.name
        for kind in catalogue.load_catalogue().types
        if kind.reply in EXECUTED and kind.name != "voice.call.answer"
    )


def test_a_bridge_with_an_obviously_wrong_clock_is_not_ready(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    given: dict[str, object] = {
        "kafka": {"bootstrap_servers": "127.0.0.1:1"},
        "spool": {"directory": tmp_path},
    }
    bridge = Bridge(settings(**given))
    assert "clock" not in str(bridge.not_ready())
    monkeypatch.setattr("bridge.app.process.CLOCK_EARLIEST", datetime(2100, 1, 1, tzinfo=UTC))
    assert bridge.not_ready() == "the clock is wrong: it is before 2100-01-01"
    bridge.begin_stopping()
    assert bridge.not_ready() == "stopping"


async def test_what_kafka_acknowledges_is_counted_by_topic_whether_it_was_spooled_or_not(
    embedded_kafka: str, prefix: str, tmp_path: Path
) -> None:
    direct, drained = (
        tuple(Record(prefix + topic, key, b"12345", (), 0) for topic in ("events", "journal"))
        for key in (b"a", b"b")
    )
    bridge = starting(embedded_kafka, tmp_path, ack_timeout_s=30)
    await bridge.start()
    try:
        await until(lambda: bridge.publisher.available)
        assert await bridge.delivery.deliver(direct, deadline_s=30) == "kafka"
        assert bridge.spool is not None
        await bridge.spool.append(drained)
        await until(lambda: bridge.metrics.value("drained_total") == 1)
    finally:
        await bridge.stop()
    for topic in ("events", "journal"):
        assert bridge.metrics.value("records_total", topic=prefix + topic) == 2
        assert bridge.metrics.value("record_bytes_total", topic=prefix + topic) == 10


def starting(servers: str, spool: Path, *, ack_timeout_s: float) -> Bridge:
    kafka = {
        "bootstrap_servers": servers,
        "idempotence": False,
        "ack_timeout_s": ack_timeout_s,
        "control_ack_timeout_s": ack_timeout_s,
    }
    return Bridge(settings(kafka=kafka, spool={"directory": spool}))


async def test_a_starting_bridge_is_ready_when_it_has_reached_kafka(
    embedded_kafka: str, tmp_path: Path
) -> None:
    bridge = starting(embedded_kafka, tmp_path, ack_timeout_s=30)
    await bridge.start()
    try:
        assert bridge.not_ready() == "kafka has not been reached yet"
        await until(lambda: bridge.not_ready() is None)
        assert bridge.publisher.available
    finally:
        await bridge.stop()


async def test_a_starting_bridge_is_ready_without_kafka_after_a_deadline(
    nobody: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    now_s = 1000.0
    monkeypatch.setattr("bridge.app.process.time", SimpleNamespace(monotonic=lambda: now_s))
    bridge = starting(nobody, tmp_path, ack_timeout_s=5)
    await bridge.start()
    try:
        now_s += 4.9
        assert bridge.not_ready() == "kafka has not been reached yet"
        now_s += 0.1
        await until(lambda: bridge.not_ready() is None)
        assert not bridge.publisher.available
    finally:
        await bridge.stop()


def test_a_spool_directory_that_is_open_to_others_is_warned_of(tmp_path: Path) -> None:
    tmp_path.chmod(0o777)
    with capture_logs() as lines:
        Bridge(settings(spool={"directory": tmp_path}))
    (warned,) = (line for line in lines if line["event"] == "spool_directory_not_private")
    assert warned["directory"] == str(tmp_path)
    tmp_path.chmod(0o755)
    with capture_logs() as lines:
        Bridge(settings(spool={"directory": tmp_path}))
    assert not [line for line in lines if line["event"] == "spool_directory_not_private"]
