"""The ledger of requests that dial."""

import sqlite3
import subprocess
import sys
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.core.record import Record
from bridge.originate.entry import AlreadyRequested, LedgerUnusable, NewRequest
from bridge.originate.ledger import FILE, RequestLedger, _from_row, _prepare, _to_row
from bridge.originate.placement import Placement, PlacementOutcome

AT = datetime(2026, 3, 7, 14, 13, 40, tzinfo=UTC)
RECORDS = [
    Record("topic", b"key", bytes([value, 0, 255]), (("name", b"\xff"), ("other", b"")), 1_000)
    for value in range(3)
]


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[RequestLedger]:
    with RequestLedger(tmp_path / "state") as opened:
        yield opened


def make_request(reference: str = "ref-1", key: str | None = "key-1") -> NewRequest:
    return NewRequest(
        reference, key, "MA", "tests/1", {"to": "1<2<3"}, (("1", "2"), ("3",)), requested_at=AT
    )


def make_placement(
    outcome: PlacementOutcome = PlacementOutcome.ACCEPTED, uuids: tuple[str, ...] = ("u1", "u2")
) -> Placement:
    return Placement(
        reference="ref-1",
        destinations=("1", "2"),
        outcome=outcome,
        request_uuids=uuids,
        api_id="api",
        status=201,
        explanation="Plivo took the request",
        code="fired",
        message="call fired",
        sent_at=AT + timedelta(seconds=1, microseconds=5),
    )


def test_a_request_is_found_as_it_was_written(ledger: RequestLedger) -> None:
    ledger.begin(make_request())
    found = ledger.find("ref-1")
    assert found is not None
    assert found == ledger.find_by_key("key-1")
    assert (found.account, found.client, found.body) == ("MA", "tests/1", {"to": "1<2<3"})
    assert found.requested_at == AT
    assert [(one.part, one.destinations, one.begun_at, one.placement) for one in found.parts] == [
        (1, ("1", "2"), None, None),
        (2, ("3",), None, None),
    ]
    assert ledger.find("ref-2") is ledger.find_by_key("ref-1") is None


def test_a_part_is_not_sent_then_unknown_then_has_its_outcome(ledger: RequestLedger) -> None:
    ledger.begin(make_request())

    def summary() -> str:
        found = ledger.find("ref-1")
        assert found is not None
        return found.summary

    assert summary() == "3 not sent"
    ledger.begin_part("ref-1", 1, AT)
    assert summary() == "2 unknown, 1 not sent"
    assert ledger.end_part(1, make_placement())
    assert summary() == "2 accepted, 1 not sent"
    found = ledger.find_by_request_uuid("u2")
    assert found is not None
    assert found.parts[0].placement == make_placement()
    assert found.list_destinations("not_sent") == ("3",)


def test_the_first_outcome_of_a_part_stays(ledger: RequestLedger) -> None:
    ledger.begin(make_request())
    ledger.begin_part("ref-1", 1, AT)
    assert ledger.end_part(1, make_placement(PlacementOutcome.UNKNOWN, ()), RECORDS[:1])
    assert not ledger.end_part(1, make_placement(), RECORDS)
    assert ledger.count_unpublished() == 1
    assert ledger.find_by_request_uuid("u1") is None


@pytest.mark.parametrize(("reference", "key"), [("ref-2", "key-1"), ("ref-1", "key-2")])
def test_a_second_request_is_told_about_the_first(
    ledger: RequestLedger, reference: str, key: str
) -> None:
    ledger.begin(make_request())
    ledger.begin_part("ref-1", 1, AT)
    with pytest.raises(AlreadyRequested) as refused:
        ledger.begin(make_request(reference, key))
    assert str(refused.value) == (
        "requested already at 2026-03-07 14:13:40 UTC as ref-1: 2 unknown, 1 not sent"
    )
    assert refused.value.entry == ledger.find("ref-1")


def test_requests_without_a_key_do_not_meet(ledger: RequestLedger) -> None:
    ledger.begin(make_request("ref-1", None))
    ledger.begin(make_request("ref-2", None))
    assert ledger.find("ref-2") is not None


def test_parts_that_were_begun_long_ago_and_have_no_outcome_are_found(
    ledger: RequestLedger,
) -> None:
    ledger.begin(make_request())
    ledger.begin_part("ref-1", 1, AT)
    ledger.begin_part("ref-1", 2, AT + timedelta(minutes=5))
    assert ledger.find_open_parts(AT) == []
    ((entry, part),) = ledger.find_open_parts(AT + timedelta(minutes=1))
    assert (entry.reference, part.part) == ("ref-1", 1)
    ledger.end_part(1, make_placement())
    found = ledger.find_open_parts(AT + timedelta(hours=1))
    assert [part.part for _, part in found] == [2]


def test_records_stay_until_they_are_published(ledger: RequestLedger) -> None:
    ledger.begin(make_request())
    ledger.end_part(1, make_placement(), RECORDS)
    assert [one.record for one in ledger.list_unpublished(10)] == RECORDS
    first, second = ledger.list_unpublished(2)
    ledger.remove_published([first.number, second.number])
    ledger.remove_published([first.number])
    assert [one.record for one in ledger.list_unpublished(10)] == RECORDS[2:]
    assert ledger.count_unpublished() == 1


@given(
    st.builds(
        Record,
        st.text(st.characters(codec="utf-8")),
        st.binary(),
        st.binary(),
        st.lists(st.tuples(st.text(st.characters(codec="utf-8")), st.binary())).map(tuple),
        st.integers(0, 2**62),
    )
)
def test_a_record_comes_back_byte_for_byte(record: Record) -> None:
    assert _from_row(list(_to_row(record))) == record


# Two ledgers, one file


def test_a_key_holds_in_every_ledger_on_the_file(tmp_path: Path) -> None:
    with RequestLedger(tmp_path) as one, RequestLedger(tmp_path) as other:
        one.begin(make_request())
        with pytest.raises(AlreadyRequested):
            other.begin(make_request("ref-2"))
    with RequestLedger(tmp_path) as later, pytest.raises(AlreadyRequested):
        later.begin(make_request("ref-3"))


def test_of_many_requests_with_one_key_at_once_one_begins(tmp_path: Path) -> None:
    begun, refused = list[str](), list[str]()
    start = threading.Barrier(8)

    def request(reference: str) -> None:
        start.wait()
        with RequestLedger(tmp_path) as ledger:  # all of them make the file, too
            try:
                ledger.begin(make_request(reference))
                begun.append(reference)
            except AlreadyRequested as error:
                refused.append(error.entry.reference)

    threads = [threading.Thread(target=request, args=[f"ref-{n}"]) for n in range(8)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    assert refused == begun * 7


_PROCESS = """
import sys, os, signal
from datetime import UTC, datetime
from pathlib import Path
from bridge.originate.entry import AlreadyRequested, NewRequest
from bridge.originate.ledger import RequestLedger

directory, reference = sys.argv[1:]
at = datetime(2026, 3, 7, tzinfo=UTC)
with RequestLedger(Path(directory)) as ledger:
    print("open", flush=True)
    sys.stdin.readline()
    try:
        ledger.begin(NewRequest(reference, "key", "MA", "tests", {}, (("1",), ("2",)), at))
    except AlreadyRequested as error:
        print("told of", error.entry.reference)
    else:
        ledger.begin_part(reference, 1, at)
        print("begun", reference, flush=True)
        os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.mark.system
def test_of_two_processes_one_begins_and_what_it_leaves_when_it_is_killed_is_unknown(
    tmp_path: Path,
) -> None:
    processes = {
        reference: subprocess.Popen(
            [sys.executable, "-c", _PROCESS, str(tmp_path), reference],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for reference in ("a", "b")
    }
    for one in processes.values():
        assert one.stdout is not None
        assert one.stdout.readline() == "open\n"
    told = sorted(one.communicate("go\n", timeout=30)[0] for one in processes.values())
    (winner,) = (name for name, one in processes.items() if one.returncode)
    assert told == [f"begun {winner}\n", f"told of {winner}\n"]
    with RequestLedger(tmp_path) as ledger:
        found = ledger.find_by_key("key")
    assert found is not None
    assert (found.reference, found.summary) == (winner, "1 unknown, 1 not sent")


# The file


def test_nobody_else_may_read_the_ledger(ledger: RequestLedger) -> None:
    ledger.begin(make_request())
    files = list(ledger.path.parent.iterdir())
    assert len(files) == 4
    assert {one.stat().st_mode & 0o077 for one in (ledger.path.parent, *files)} == {0}


def test_every_commit_is_fsynced(ledger: RequestLedger) -> None:
    run = ledger._connection.execute
    assert run("PRAGMA journal_mode").fetchone() == ("wal",)
    assert run("PRAGMA synchronous").fetchone() == (2,)


def test_a_directory_that_is_a_file_is_explained(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(LedgerUnusable, match=r"is not usable: .*: name a directory"):
        RequestLedger(tmp_path / "file")


@pytest.mark.parametrize(
    ("statement", "words"),
    [("PRAGMA user_version = 99", "version 99"), ("PRAGMA application_id = 1", "no ledger")],
)
def test_another_database_is_left_as_it_is(tmp_path: Path, statement: str, words: str) -> None:
    with RequestLedger(tmp_path):
        pass
    other = sqlite3.connect(tmp_path / FILE)
    other.execute(statement)
    other.close()
    before = (tmp_path / FILE).read_bytes()
    with pytest.raises(LedgerUnusable, match=words):
        RequestLedger(tmp_path)
    assert (tmp_path / FILE).read_bytes() == before


def test_a_disk_that_takes_nothing_is_explained_and_nothing_of_the_request_stays(
    ledger: RequestLedger,
) -> None:
    ledger._connection.execute("PRAGMA query_only = ON")
    with pytest.raises(LedgerUnusable, match="readonly"):
        ledger.begin(make_request())
    ledger._connection.execute("PRAGMA query_only = OFF")
    assert ledger.find("ref-1") is None
    ledger.begin(make_request())


def test_nobody_is_sent_to_another_directory_from_a_ledger_that_knows_keys(
    ledger: RequestLedger,
) -> None:
    ledger.begin(make_request())
    ledger._connection.execute("PRAGMA query_only = ON")
    with pytest.raises(LedgerUnusable, match="correct that first; in another directory") as raised:
        ledger.begin(make_request())
    assert "name a directory" not in str(raised.value)


def test_a_file_system_without_wal_is_refused() -> None:
    connection = sqlite3.connect(":memory:")
    with pytest.raises(sqlite3.OperationalError, match="no WAL mode"):
        _prepare(connection)
    connection.close()
