"""``callback-bridge tail``: events in a pipe, one JSON line each."""

import re
import signal
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson
import pytest
import typer

from bridge.cli.options import parse_time
from bridge.core import catalogue
from bridge.core.record import Record
from bridge.derived.topics import Sizing, plan
from tests.support.call_stories import HANGUP as HANGUP_STEP
from tests.support.call_stories import at, changed, dialled_call
from tests.support.cli import run, started
from tests.support.kafka import Kafka, make_topics, running
from tests.support.ports import free_port
from tests.support.stored_calls import make_all_topics, store, taken
from tests.support.terminal import on_a_terminal, widest, words

pytest_plugins = ("tests.support.kafka_fixtures",)

NOON = datetime(2026, 3, 7, 12, tzinfo=UTC)
RING, HANGUP, JOURNAL = "voice.call.ring", "voice.call.hangup", "journal"
CALLS = [(RING, "one"), (HANGUP, "one"), (RING, "two")]
SIZING = Sizing(
    partitions=1,
    replication_factor=1,
    min_insync_replicas=1,
    event_retention_days=7,
    journal_retention_days=0,
    dead_letter_retention_days=7,
)


def event(prefix: str, kind: str, call: str) -> Record:
    now_ms = round(datetime.now(UTC).timestamp() * 1000)  # noqa: TID251 (--since is real time)
    value = orjson.dumps({"type": kind, "subject": call})
    return Record(f"{prefix}plivo.{kind}.v1", call.encode(), value, (), now_ms)


def journalled(prefix: str, kind: str, call: str) -> Record:
    record = event(prefix, kind, call)
    headers = (("callback_type", kind.encode()),)
    topic = f"{prefix}plivo.{JOURNAL}.v1"
    return Record(topic, record.key, record.value, headers, record.timestamp_ms)


async def publish(kafka: Kafka, records: Sequence[Record]) -> None:
    async with running(kafka.publisher()) as publisher:
        for record in records:
            await publisher.publish([record])


@pytest.fixture
async def published(kafka: Kafka, prefix: str) -> None:
    """Two calls' events, and the journal of the first."""
    await make_topics(kafka.connection, *plan(catalogue.load_catalogue(), prefix, SIZING))
    await publish(kafka, [event(prefix, kind, call) for kind, call in CALLS])
    await publish(kafka, [journalled(prefix, kind, call) for kind, call in CALLS[:2]])


def tail(kafka: Kafka, prefix: str, *options: str) -> list[tuple[str, str]]:
    """Return type and call of every line, whatever order topics are read in."""
    done = run(
        "tail",
        "--no-follow",
        "--since=1h",
        *options,
        kafka_bootstrap_servers=kafka.address,
        topic_prefix=prefix,
    )
    assert done.returncode == 0, done.stderr
    return sorted(named(line) for line in done.stdout.splitlines())


def named(line: str) -> tuple[str, str]:
    value: dict[str, Any] = orjson.loads(line)
    return value["type"], value["subject"]


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ([], CALLS),
        ([f"--type={HANGUP}"], [(HANGUP, "one")]),
        (["--call=two"], [(RING, "two")]),
        ([f"--type={RING}", "--call=one"], [(RING, "one")]),
        (["--call=nobody"], []),
        (["--raw"], CALLS[:2]),
        (["--raw", f"--type={HANGUP}"], [(HANGUP, "one")]),
        ([f"--type={HANGUP}", f"--type={RING}"], CALLS),
        ([f"--type={HANGUP}", f"--type={HANGUP}"], [(HANGUP, "one")]),
        ([f"--type={HANGUP}", "--type=voice.call.answer"], [(HANGUP, "one")]),
        (["--raw", f"--type={HANGUP}", f"--type={RING}"], CALLS[:2]),
    ],
)
def test_options_choose_the_lines(
    kafka: Kafka, prefix: str, published: None, options: list[str], expected: list[tuple[str, str]]
) -> None:
    assert tail(kafka, prefix, *options) == sorted(expected)


def test_without_since_nothing_of_the_past_is_shown(
    kafka: Kafka, prefix: str, published: None
) -> None:
    done = run("tail", "--no-follow", kafka_bootstrap_servers=kafka.address, topic_prefix=prefix)
    assert (done.returncode, done.stdout) == (0, "")


@pytest.mark.system
async def test_following_shows_what_comes_and_ends_at_ctrl_c(
    kafka: Kafka, prefix: str, published: None
) -> None:
    settings = {"kafka_bootstrap_servers": kafka.address, "topic_prefix": prefix}
    with started("tail", "--since=1h", **settings) as command:
        command.says('"two"')
        await publish(kafka, [event(prefix, RING, "three")])
        command.says('"three"')
        code = command.end(signal.SIGINT)
    assert code == 0
    assert sorted(map(named, command.out)) == sorted([*CALLS, (RING, "three")])
    assert "Traceback" not in command.written


@pytest.mark.kafka
def test_topics_that_are_missing_are_named_with_exit_code_3(apache_kafka: str, prefix: str) -> None:
    done = run("tail", "--no-follow", kafka_bootstrap_servers=apache_kafka, topic_prefix=prefix)
    assert done.returncode == 3
    assert "no such topic" in done.stderr
    assert f"{prefix}plivo.{RING}.v1" in done.stderr


def test_a_kafka_that_is_away_is_named_with_exit_code_3() -> None:
    address = f"127.0.0.1:{free_port()}"
    done = run("tail", "--no-follow", kafka_bootstrap_servers=address)
    assert done.returncode == 3
    assert address in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("option", ["--type=voice.call.nonsense", "--since=yesterday"])
def test_an_option_that_makes_no_sense_is_wrong_usage(option: str) -> None:
    done = run("tail", option, kafka_bootstrap_servers="127.0.0.1:1")
    assert done.returncode == 2
    assert option.partition("=")[2] in done.stderr


@pytest.mark.parametrize("others", [[], [f"--type={RING}"]])
def test_a_type_that_is_almost_one_is_answered_with_its_name(others: list[str]) -> None:
    done = run("tail", *others, "--type=voice.call.hangups", kafka_bootstrap_servers="127.0.0.1:1")
    assert done.returncode == 2
    assert "did you mean voice.call.hangup" in done.stderr
    assert "callback-bridge callbacks list" in done.stderr
    assert "messaging" not in done.stderr


@pytest.fixture
async def taken_in(kafka: Kafka, prefix: str) -> None:
    """A call, one callback of which names its caller in a way that terminals obey."""
    await make_all_topics(kafka, prefix)
    odd = changed(HANGUP_STEP, To="\x1b]0;owned\x07\x9b2Jsip:a\u202eb@example.com")
    callbacks = [*dialled_call(prefix), taken(odd, at(90), prefix=prefix)]
    await store(kafka, [record for one in callbacks for record in one.records])


@pytest.mark.system
@pytest.mark.parametrize("options", [(), ("--raw",)])
def test_a_terminal_of_any_width_shows_the_same_words(
    kafka: Kafka, prefix: str, taken_in: None, options: tuple[str, ...]
) -> None:
    shown: dict[int, str] = {}
    for columns in (80, 120, 200):
        settings = {"kafka_bootstrap_servers": kafka.address, "topic_prefix": prefix}
        command = ("tail", "--no-follow", "--since=2026-03-07", *options)
        with on_a_terminal(*command, columns=columns, **settings) as terminal:
            assert terminal.ended() == 0, terminal.text
            shown[columns] = terminal.text
        assert widest(shown[columns]) <= columns
    assert sorted(words(shown[80])) == sorted(words(shown[200])) == sorted(words(shown[120]))
    assert not re.search(r"\d{4}-\d\d-\d\dT", shown[80])
    if not options:
        assert "voice.dial.hangup.v1" in shown[80]
        assert r"\x1b]0;owned\x07\x9b2Jsip:a\u202eb@example.com" in shown[200]
    assert not any(one in shown[80] for one in "\x1b\x07\x9b\u202e")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("90s", NOON - timedelta(seconds=90)),
        ("30m", NOON - timedelta(minutes=30)),
        ("2h", NOON - timedelta(hours=2)),
        (" 1 d ", NOON - timedelta(days=1)),
        ("2026-03-07T14:00Z", NOON + timedelta(hours=2)),
        ("2026-03-07T14:00:00+02:00", NOON),
        ("2026-03-07T14:00", NOON + timedelta(hours=2)),
        ("2026-03-07", NOON - timedelta(hours=12)),
    ],
)
def test_since_is_a_duration_or_a_time_that_is_utc_unless_it_says_otherwise(
    text: str, expected: datetime
) -> None:
    assert parse_time(text, NOON, "--since") == expected


@pytest.mark.parametrize("text", ["", "h", "2w", "-2h", "tomorrow", "25:00"])
def test_any_other_since_is_refused(text: str) -> None:
    with pytest.raises(typer.BadParameter, match="neither a duration"):
        parse_time(text, NOON, "--since")


@pytest.mark.parametrize("text", ["99999999999d", "9999999999999999d"])
def test_a_duration_before_the_calendar_is_refused(text: str) -> None:
    with pytest.raises(typer.BadParameter):
        parse_time(text, NOON, "--since")
