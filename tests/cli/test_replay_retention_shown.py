"""What ``replay`` prints of a time that the topics no longer hold, and the commands it names."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

from bridge.cli.replay import retention
from bridge.cli.replay.retention import (
    RetentionLoss,
    add_journal_command,
    find_retention_loss,
    journal_derive_command,
    journal_plan_command,
    show_retention_loss,
    with_fixed_times,
)
from bridge.publish.connection import KafkaConnection
from bridge.reader.selection import Query
from bridge.reader.topic_reader import CannotRead, RecordsMissing
from bridge.reader.window import Window
from bridge.replay.plan import Plan
from bridge.replay.progress import Destination, DestinationKind
from bridge.replay.retention import IncompleteTopic, ShortenedPartition
from tests.support.stored_records import NOON_MS, part, plan_of

NOWHERE = KafkaConnection("nowhere:1")
DAY_MS = 86_400_000
COMMAND = "callback-bridge replay plan --from journal"


def shown(loss: RetentionLoss | None, capsys: pytest.CaptureFixture[str]) -> list[str]:
    show_retention_loss(loss)
    captured = capsys.readouterr()
    assert captured.out == ""
    return captured.err.splitlines()


def test_three_topics_are_named_and_the_others_counted(capsys: pytest.CaptureFixture[str]) -> None:
    topics = [IncompleteTopic(f"topic{n}", 1000 + n, NOON_MS if n else None) for n in range(5)]
    assert shown(RetentionLoss(topics, NOON_MS - DAY_MS, COMMAND, journal=()), capsys) == [
        (
            "The topics no longer hold all since 2026-03-06T12:00:00.000Z. Kafka deletes what is older "
            "than a topic keeps:"
        ),
        "  topic0: 1,000 records were deleted, no record is left",
        "  topic1: 1,001 records were deleted, the oldest record left is of 2026-03-07T12:00:00.000Z",
        "  topic2: 1,002 records were deleted, the oldest record left is of 2026-03-07T12:00:00.000Z",
        "  and 2 more topics",
        "The journal holds these callbacks. To get them from there:",
        f"  {COMMAND}",
    ]


@pytest.mark.parametrize(
    ("journal", "said", "holds"),
    [
        ((), "The journal holds these callbacks.", True),
        (None, "The journal may hold these callbacks.", None),
        (
            (IncompleteTopic("j", 3, None),),
            "no longer holds all of them either (j: 3 records were",
            False,
        ),
    ],
)
def test_only_records_in_the_journal_are_offered_from_it(
    capsys: pytest.CaptureFixture[str],
    journal: Sequence[IncompleteTopic] | None,
    said: str,
    *,
    holds: bool | None,
) -> None:
    loss = RetentionLoss([IncompleteTopic("topic", 1, None)], None, COMMAND, journal)
    lines = shown(loss, capsys)
    assert said in lines[-2]
    assert lines[-1] == f"  {COMMAND}"
    assert loss.as_json() == {
        "topics": [{"topic": "topic", "deleted": 1, "oldest": None}],
        "journal_holds_it": holds,
        "command": COMMAND,
    }


def test_nothing_is_printed_if_nothing_is_gone(capsys: pytest.CaptureFixture[str]) -> None:
    assert shown(None, capsys) == []


EVERYTHING = Query(
    since="2026-10-01T00:00-05:00",
    until="2d",
    types=("voice.call.ring", "voice.call.hangup"),
    calls=("call1234",),
    messages=("message1",),
    accounts=("MAXXXXXXXXXXXXXXXXXX",),
)


def test_the_command_selects_the_requested_records() -> None:
    command = journal_plan_command(
        EVERYTHING, prefix="", out=Path("a b/out.plan"), settings_file=Path("bridge.toml")
    )
    assert command == (
        "callback-bridge replay plan --from journal --since 2026-10-01T00:00-05:00 --until 2d "
        "--type voice.call.ring --type voice.call.hangup --call call1234 --message message1 "
        "--account MAXXXXXXXXXXXXXXXXXX --out 'a b/out.journal.plan' --settings bridge.toml"
    )


@pytest.mark.parametrize(
    ("kind", "target"),
    [
        (None, "--write --all"),
        ("new-topic", "--write --all"),
        ("live", "--write --all --to-live"),
        ("jsonl", "--to-jsonl /data/out.derived.x"),
        ("csv", "--to-csv /data/out.derived.x"),
        ("parquet", "--to-parquet /data/out.derived.x"),
    ],
)
def test_the_command_puts_the_events_in_the_same_kind_of_place(
    kind: DestinationKind | None, target: str
) -> None:
    destination = None if kind is None else Destination(kind, "/data/out.x")
    command = journal_derive_command(Query(since="30d"), destination, prefix="", settings_file=None)
    assert command == f"callback-bridge replay derive --since 30d {target}"


def test_offsets_become_the_types_of_their_topics() -> None:
    query = Query(offsets=("p.plivo.voice.call.ring.v1:0:1-2", "p.else:0:1-"), until="1h")
    command = journal_plan_command(query, prefix="p.", out=None, settings_file=None)
    assert command == f"{COMMAND} --until 1h --type voice.call.ring"


def test_a_plans_relative_times_become_instants() -> None:
    plan = plan_of(query=Query(since="2h"), within=Window(NOON_MS, NOON_MS + 1))
    fixed = with_fixed_times(plan)
    assert (fixed.since, fixed.until) == ("2026-03-07T12:00:00.000Z", "2026-03-07T12:00:00.001Z")
    assert with_fixed_times(plan_of()) == Query()


def test_only_records_of_event_topics_can_come_from_the_journal() -> None:
    error = RecordsMissing("gone")
    assert add_journal_command(error, Query(source="journal"), COMMAND) is error
    assert COMMAND in str(add_journal_command(error, Query(), COMMAND))


class Topics:
    """The partitions of the topics that have lost records, and how long the topics keep theirs."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, kept: Mapping[str, int]) -> None:
        self.parts: dict[str, ShortenedPartition] = {}
        self._kept = kept
        monkeypatch.setattr(retention, "find_shortened", self._shortened)
        monkeypatch.setattr(retention, "read_retention_ms", self._kept_ms)

    async def _shortened(
        self, _connection: KafkaConnection, topics: Sequence[str]
    ) -> list[ShortenedPartition]:
        if "hidden.plivo.journal.v1" in topics:
            raise CannotRead
        return [self.parts[topic] for topic in topics if topic in self.parts]

    async def _kept_ms(self, _connection: KafkaConnection, _among: object) -> Mapping[str, int]:
        return self._kept


async def loss_of(plan: Plan, *, prefix: str = "") -> RetentionLoss | None:
    return await find_retention_loss(NOWHERE, plan, ["rings"], prefix=prefix, command=COMMAND)


LONG_AGO = Window(NOON_MS, None)
TODAY = Window(4_000_000_000_000, None)  # within every retention


@pytest.mark.parametrize(
    ("within", "types", "records", "is_said"),
    [
        (LONG_AGO, (), 1, True),
        (TODAY, (), 1, False),  # age explains it, and something was found
        (TODAY, (), 0, True),
        (TODAY, ("voice.call.ring",), 1, True),
    ],
)
async def test_deletion_by_age_is_reported_only_for_named_types_or_if_nothing_is_found(
    monkeypatch: pytest.MonkeyPatch,
    within: Window,
    types: tuple[str, ...],
    records: int,
    *,
    is_said: bool,
) -> None:
    topics = Topics(monkeypatch, {"rings": 7 * DAY_MS})
    topics.parts["rings"] = ShortenedPartition("rings", 0, 2, None)
    parts = [part("rings", 0, 2, 2 + records)] if records else []
    loss = await loss_of(plan_of(*parts, query=Query(types=types), within=within))
    assert (loss is not None) == is_said
    assert loss is None or (loss.journal, loss.command) == ([], COMMAND)


async def test_a_journal_that_may_not_be_read_is_not_claimed_to_hold_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    Topics(monkeypatch, {}).parts["rings"] = ShortenedPartition("rings", 0, 2, None)
    loss = await loss_of(plan_of(within=LONG_AGO), prefix="hidden.")
    assert loss is not None
    assert loss.journal is None


async def test_a_journal_that_lost_records_has_no_command(monkeypatch: pytest.MonkeyPatch) -> None:
    Topics(monkeypatch, {}).parts["rings"] = ShortenedPartition("rings", 0, 2, None)
    loss = await loss_of(plan_of(query=Query(source="journal"), within=LONG_AGO))
    assert loss is not None
    assert loss.command is None


async def test_offsets_ask_for_no_time(monkeypatch: pytest.MonkeyPatch) -> None:
    Topics(monkeypatch, {}).parts["rings"] = ShortenedPartition("rings", 0, 2, None)
    assert await loss_of(plan_of(query=Query(offsets=("rings:0:2-",)), within=LONG_AGO)) is None
