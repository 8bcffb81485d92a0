"""Records that a replay leaves out are counted and named, with exit code 1."""

import asyncio
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import orjson
import pytest
from structlog.testing import capture_logs

from bridge.core.record import Record
from bridge.replay.targets import http
from tests.cli.journals import lines
from tests.cli.replaying import CALLBACKS, JOURNAL, Auditor, flat
from tests.support.stored_calls import call_uuid, journal_of, store

pytest_plugins = ("tests.support.kafka_fixtures", "tests.cli.replay_fixtures")

POISON = str(call_uuid(2)).encode()


class Picky(BaseHTTPRequestHandler):
    """Answers 500 to every hangup of one call, and 200 to all else."""

    sent: list[bytes]

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"]))
        is_poison = POISON in body and b"Event=Hangup" in body
        self.sent.append(body)
        self.send_response(500 if is_poison else 200)
        self.send_header("content-length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def url(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    monkeypatch.setattr(http, "_RETRY_S", 0.001)
    monkeypatch.setattr(Picky, "sent", [], raising=False)
    with ThreadingHTTPServer(("127.0.0.1", 0), Picky) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def test_a_request_that_is_never_answered_can_be_left_out(auditor: Auditor, url: str) -> None:
    arguments = ("run", *JOURNAL, "--to-url", url, "--progress", "@p.json")
    stopped = auditor.run(*arguments)
    assert stopped.returncode == 3
    place = stopped.stderr.rpartition("the callback at ")[2].strip()
    done = auditor.run(*arguments, "--skip", place)
    end = lines(done)[-1]
    assert (done.returncode, end["state"], end["skipped"]) == (1, "done", [place])
    assert end["statuses"] == {"200": CALLBACKS - 1}
    assert (end["records"], end["records_planned"]) == (CALLBACKS - 1, CALLBACKS)
    assert len({one for one in Picky.sent if POISON in one}) == 3
    again = auditor.run(*arguments)  # what was left out is noted
    assert (again.returncode, lines(again)[-1]["skipped"]) == (1, [place])


def test_a_record_that_is_left_out_of_a_file_is_named_in_its_manifest(auditor: Auditor) -> None:
    auditor.does("run", *JOURNAL, "--to-jsonl", "@all.jsonl")
    first, *others = auditor.file("all.jsonl").read_bytes().splitlines()
    line = orjson.loads(first)
    place = f"{line['topic']}:{line['partition']}:{line['offset']}"
    done = auditor.run("run", *JOURNAL, "--to-jsonl", "@out.jsonl", "--skip", place)
    assert done.returncode == 1
    assert auditor.file("out.jsonl").read_bytes().splitlines() == others
    manifest = orjson.loads(auditor.file("out.jsonl.manifest.json").read_bytes())
    assert (manifest["records"], manifest["skipped"]) == (CALLBACKS - 1, [place])


@pytest.mark.parametrize(
    ("place", "said"), [("topic:1", "topic:partition:offset"), ("topic:0:1", "is not in the plan")]
)
def test_a_place_that_is_none_or_in_no_plan_is_wrong_usage(
    auditor: Auditor, place: str, said: str
) -> None:
    done = auditor.run("run", *JOURNAL, "--to-jsonl", "@out.jsonl", "--skip", place)
    assert (done.returncode, said in flat(done.stderr)) == (2, True)


def test_a_record_that_is_not_a_journal_record_does_not_stop_the_requests(
    owner: Auditor, url: str
) -> None:
    journal = journal_of(owner.prefix)
    with capture_logs():
        noise = Record(journal, b"k", b"no request", (), 1_772_884_800_000)
        asyncio.run(store(owner.kafka, [noise]))
    arguments = ("run", *JOURNAL, "--type", "voice.call.ring", "--type", "voice.call.answer")
    assert owner.run(*arguments, "--to-url", url, "--progress", "@some.json").returncode == 0
    done = owner.run(
        "run", *JOURNAL, "--until", "2026-03-07T14:14:00Z", "--to-url", url, "--progress=@p"
    )
    end = lines(done)[-1]
    assert (done.returncode, end["not_requests"]) == (1, 1)
    assert [one.rpartition(":")[0].rpartition(":")[0] for one in end["not_requests_at"]] == [
        journal
    ]
    assert end["records"] == end["records_planned"] == end["statuses"]["200"] + 1


def test_a_topic_recreated_since_the_plan_is_recognised_by_its_bytes(auditor: Auditor) -> None:
    auditor.does("plan", *JOURNAL, "--out", "@plan.json")
    plan = orjson.loads(auditor.file("plan.json").read_bytes())
    auditor.file("plan.json").write_bytes(orjson.dumps({**plan, "bytes": plan["bytes"] + 1}))
    done = auditor.run("run", "--plan", "@plan.json", "--to-jsonl", "@out.jsonl")
    end = lines(done)[-1]
    assert (done.returncode, end["records"]) == (1, CALLBACKS)
    assert end["bytes_planned"] == end["bytes"] + 1
    assert "was a topic deleted and created again?" in done.stderr
