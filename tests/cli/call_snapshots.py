"""``python -m tests.cli.call_snapshots``: store the layout of calls, to compare with."""

import contextlib
import io
import os
import sys
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from unittest.mock import patch

from bridge.calls.found import FoundCall, TimelineEntry
from bridge.cli.call_output import print_call
from bridge.core.journal import SentReply
from bridge.reader.window import build_window
from tests.support.call_stories import (
    ANSWER,
    HANGUP,
    MESSAGE,
    RING,
    A,
    B,
    at,
    changed,
    dial,
    dialled_call,
    entries,
    entry,
    report,
)
from tests.support.stored_calls import PLACED, taken

SNAPSHOTS = Path(__file__).with_name("snapshots")
WIDTHS = (80, 120, 200)
DOCUMENT = b"""<Response>
  <Speak voice="Polly.Joanna">Thank you for calling. Please hold the line, we are coming.</Speak>
  <Dial callerId="14155550100"><Number>14155550177</Number></Dial>
</Response>"""
# Just before midnight in UTC, and the evening before in New York.
LATE = timedelta(hours=9, minutes=46, seconds=15)


def dialled() -> FoundCall:
    """A call that dialled another leg, with a document as its answer."""
    call = dialled_call()
    reply = SentReply(200, "application/xml", DOCUMENT)
    call[1] = taken(ANSWER, at(5), reply=reply)
    return FoundCall(A, entries=entries(*call), followed=[B])


def dead_letters() -> FoundCall:
    """A call over midnight whose answer and recording became dead letters, found by a prefix."""
    since = PLACED + LATE
    hangup = changed(
        HANGUP,
        StartTime="2026-03-07 18:59:43",
        AnswerTime="2026-03-07 18:59:47",
        EndTime="2026-03-07 19:00:52",
        SessionStart="2026-03-07 23:59:44.250000",
    )
    ring = changed(RING, SessionStart="2026-03-07 23:59:44.250000")
    reply = SentReply(200, "application/xml", b"<Response/>")
    answer = replace(entry(taken(ANSWER, at(5, since), reply=reply, is_dead=True), 1), key=A)
    found: list[TimelineEntry] = [
        entry(taken(ring, at(2, since))),
        answer,
        replace(answer, offset=2, header_type="", letter=None, fault="malformed_json"),
        entry(taken(hangup, at(70, since)), 3),
    ]
    within = build_window(PLACED - timedelta(hours=3), None)
    return FoundCall(A, searched=within, entries=found, prefix=A[:8], prefix_within=within)


def odd() -> FoundCall:
    """A call with a long type, a long speech, names that talk to terminals, and copies."""
    speech = "I would like to speak to somebody about my bill, " * 3
    name = "\x1b]0;owned\x07\x9b2Jsip:a\u202eb@example.com"
    said = entry(taken(dial("connected", DialBLegTo=name), at(20)), 1)
    event = dict(said.event or {})
    long_type = "com.plivo.voice.conference_recording_api.completed.v1"
    unverified = entry(taken(RING, at(2)))
    unverified.callback.value["verification"] |= {"verdict": "unverified", "fault": "no_signature"}
    talk = {**event["data"], "dial_action": None, "speech": {"text": speech}}
    found = [
        unverified,
        replace(said, event={**event, "type": long_type}, key="Weekly\tteam [bold]call[/]"),
        replace(said, offset=2, event={**event, "data": talk}),
        entry(taken(ANSWER, at(25)), 3),
        replace(entry(taken(ANSWER, at(25)), 4), replay_id="7f3a"),
        entry(taken(ANSWER, at(26)), 5),
    ]
    return FoundCall(
        A,
        entries=found,
        not_followed=[B],
        missing_topics=["plivo.voice.dial.connected.v1"],
        letters_skipped=12_345,
    )


def message() -> FoundCall:
    """A message with a report that did not come."""
    return FoundCall(
        MESSAGE, entries=entries(taken(report(1, "queued"), at(1)), taken(report(3, "sent"), at(9)))
    )


FOUND: Mapping[str, Callable[[], FoundCall]] = {
    "dialled": dialled,
    "dead_letters": dead_letters,
    "odd": odd,
    "message": message,
}


def rendered(found: FoundCall, width: int) -> str:
    """Return how a call is laid out at a width, without the spaces at the ends of lines."""
    out = io.StringIO()
    with patch.dict(os.environ, {"COLUMNS": str(width)}), contextlib.redirect_stdout(out):  # noqa: TID251 (as a terminal says its width)
        print_call(found, at(24 * 3600))
    return "".join(f"{line.rstrip()}\n" for line in out.getvalue().splitlines())


def path_of(name: str, width: int) -> Path:
    return SNAPSHOTS / f"call_{name}_{width}.txt"


def main() -> None:
    """Write the snapshots."""
    SNAPSHOTS.mkdir(exist_ok=True)
    for name, found in FOUND.items():
        for width in WIDTHS:
            path = path_of(name, width)
            path.write_text(rendered(found(), width))
            sys.stdout.write(f"{path.relative_to(Path.cwd())}\n")


if __name__ == "__main__":
    main()
