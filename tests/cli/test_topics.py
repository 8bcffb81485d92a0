"""``callback-bridge topics``: plan, apply and check, as a user sees them."""

from subprocess import CompletedProcess
from typing import Any

import orjson
import pytest

from bridge.core import catalogue
from bridge.derived.own_records import list_event_types
from tests.support.cli import run
from tests.support.kafka import Kafka
from tests.support.ports import free_port

pytest_plugins = ("tests.support.kafka_fixtures",)

ONE_BROKER = {
    "topics_partitions": "2",
    "topics_replication_factor": "1",
    "topics_min_insync_replicas": "1",
}
NAMES = [kind.topic for kind in list_event_types(catalogue.load_catalogue()).values()] + [
    "plivo.journal.v1",
    "plivo.bridge.deadletter.v1",
    "plivo.bridge.rejected.v1",
]


def topics(verb: str, kafka: Kafka, prefix: str, **settings: str) -> CompletedProcess[str]:
    given = {"kafka_bootstrap_servers": kafka.address, "topic_prefix": prefix, **ONE_BROKER}
    return run("topics", verb, **{**given, **settings})


def lines(done: CompletedProcess[str]) -> list[dict[str, Any]]:
    return [orjson.loads(line) for line in done.stdout.splitlines()]


def states(done: CompletedProcess[str]) -> set[str]:
    return {line["state"] for line in lines(done)}


def test_the_plan_names_every_topic_without_asking_a_cluster() -> None:
    done = run("topics", "plan", topic_prefix="prod.eu.")
    assert done.returncode == 0
    assert [line["name"] for line in lines(done)] == ["prod.eu." + name for name in NAMES]


def test_the_plan_has_the_settings_of_the_environment() -> None:
    done = run("topics", "plan", topics_partitions="7", topics_event_retention_days="2")
    (ring,) = (line for line in lines(done) if line["name"] == "plivo.voice.call.ring.v1")
    assert ring["partitions"] == 7
    assert ring["configs"]["retention.ms"] == str(2 * 86_400_000)


def test_the_journal_is_planned_to_be_kept_for_ever() -> None:
    (journal,) = (
        line for line in lines(run("topics", "plan")) if line["name"] == "plivo.journal.v1"
    )
    assert journal["configs"]["retention.ms"] == "-1"


@pytest.mark.system
def test_what_strangers_fill_is_planned_to_be_small() -> None:
    done = run("topics", "plan", topics_rejected_retention_bytes="8388608")
    (rejected,) = (line for line in lines(done) if line["name"] == "plivo.bridge.rejected.v1")
    assert rejected["configs"]["retention.ms"] == str(7 * 86_400_000)
    assert rejected["configs"]["retention.bytes"] == "8388608"
    # Kafka takes away whole segments only.
    assert rejected["configs"]["segment.bytes"] == "2097152"


def test_check_finds_all_missing_then_apply_makes_them_and_check_is_content(
    kafka: Kafka, prefix: str
) -> None:
    before = topics("check", kafka, prefix)
    assert (before.returncode, states(before)) == (1, {"missing"})
    applied = topics("apply", kafka, prefix)
    assert (applied.returncode, states(applied)) == (0, {"ok"})
    after = topics("check", kafka, prefix)
    assert (after.returncode, [line["topic"] for line in lines(after)]) == (
        0,
        [prefix + name for name in NAMES],
    )


def test_what_only_an_operator_can_decide_is_reported_with_exit_code_1(
    kafka: Kafka, prefix: str
) -> None:
    topics("apply", kafka, prefix)
    done = topics("check", kafka, prefix, topics_partitions="1")
    assert done.returncode == 1
    assert {tuple(line["differences"]) for line in lines(done)} == {("2 partitions, planned 1",)}


def test_plan_and_apply_say_how_many_replicas_there_are_to_be(kafka: Kafka, prefix: str) -> None:
    settings = "set by BRIDGE_TOPICS_PARTITIONS and BRIDGE_TOPICS_REPLICATION_FACTOR"
    count = len(NAMES)
    planned = run("topics", "plan")
    assert planned.stderr == (
        f"{count} topics, {count * 12} partitions, {count * 36:,} replicas in all; {settings}\n"
    )
    applied = topics("apply", kafka, prefix)
    assert applied.stderr == (
        f"{count} topics, {count * 2} partitions, {count * 2} replicas in all; {settings}\n"
    )


@pytest.mark.kafka
def test_more_replicas_than_brokers_names_the_settings_and_what_to_set(
    apache_kafka: str, prefix: str
) -> None:
    done = run(
        "topics",
        "apply",
        kafka_bootstrap_servers=apache_kafka,
        topic_prefix=prefix,
        topics_replication_factor="7",
    )
    assert (done.returncode, done.stdout) == (3, "")
    *_, line = done.stderr.splitlines()
    assert line == (
        f"{prefix}{NAMES[0]}: the cluster has fewer brokers than the 7 replicas of "
        "BRIDGE_TOPICS_REPLICATION_FACTOR; set that and BRIDGE_TOPICS_MIN_INSYNC_REPLICAS to fit: "
        "both to 1 for one broker"
    )


def test_without_an_address_the_setting_that_is_missing_is_named() -> None:
    done = run("topics", "apply")
    assert done.returncode == 2
    assert "BRIDGE_KAFKA_BOOTSTRAP_SERVERS is not set" in done.stderr


def test_a_setting_out_of_bounds_is_named_with_exit_code_2() -> None:
    done = run("topics", "plan", topics_partitions="0")
    assert done.returncode == 2
    assert "BRIDGE_TOPICS_PARTITIONS" in done.stderr


def test_a_kafka_that_is_away_is_one_line_and_exit_code_3() -> None:
    address = f"127.0.0.1:{free_port()}"
    done = run("topics", "check", kafka_bootstrap_servers=address)
    assert done.returncode == 3
    assert address in done.stderr
    assert "Traceback" not in done.stderr
