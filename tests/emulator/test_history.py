"""What an emulator remembers of callbacks, notes and ends."""

from datetime import timedelta

import pytest

from bridge.emulator.history import BODY_BYTES_KEPT, History, Match, SentCallback
from bridge.emulator.machine.commands import (
    Failure,
    LegEnded,
    Note,
    Outcome,
    Request,
    Response,
    SetTimer,
)
from bridge.emulator.stories import tell_callback
from tests.emulator.machines import BEGIN, HOST

RING, HANGUP = "voice.call.ring", "voice.call.hangup"
END = LegEnded("call-1", "NORMAL_CLEARING", "4000", "Normal Hangup", "Callee")


def request(
    number: int, *, callback: int | None = None, attempt: int = 1, kind: str = RING
) -> Request:
    return Request(
        id=number,
        type=kind,
        subject=f"call-{callback or number}",
        method="POST",
        url=f"{HOST}/ring?a=1",
        parameters={"CallUUID": f"call-{callback or number}", "Event": "Ring"},
        auth_id="MA",
        nonces=("1", "2"),
        connect_timeout_s=2.0,
        read_timeout_s=40.0,
        attempt=attempt,
        total_timeout_s=55.0,
        callback_id=callback or number,
    )


def history_of(*outcomes: Outcome | None) -> History:
    """Return the history of one callback with these tries; None: it still waits."""
    history = History()
    for number, outcome in enumerate(outcomes, 1):
        history.add(request(number, callback=1, attempt=number), BEGIN)
        if outcome is not None:
            history.add_outcome(number, outcome, BEGIN + timedelta(seconds=number))
    return history


@pytest.mark.parametrize(
    ("outcomes", "answered", "waiting", "story"),
    [
        ([None], False, True, "no answer yet"),
        ([Response(200)], True, False, "200"),
        ([Response(500)], False, False, "500"),
        ([Failure("rt", "read timeout"), None], False, True, "read timeout, then no answer yet"),
        ([Failure("ct"), Response(204)], True, False, "connect timeout, then 204"),
        ([Failure("refused", "no"), Failure("broken")], False, False,
         "connection refused (no), then the answer broke off"),
        ([Response(200, "text/xml; charset=utf-8", b"<Response/>")], True, False, "200 text/xml"),
    ],
)  # fmt: skip
def test_a_callback_is_answered_once_a_try_got_a_2xx(
    outcomes: list[Outcome | None], *, answered: bool, waiting: bool, story: str
) -> None:
    history = history_of(*outcomes)
    (callback,) = history.sent()
    assert (callback.is_answered, callback.is_waiting) == (answered, waiting)
    assert len(callback.tries) == len(outcomes)
    assert (history.answered(), history.unanswered()) == (
        ([callback], []) if answered else ([], [callback])
    )
    assert tell_callback(callback) == f"{RING} -> {story}"


@pytest.mark.parametrize(
    ("match", "fits"),
    [
        (Match(), True),
        (Match(RING), True),
        (Match("ring"), True),
        (Match("call.ring"), True),
        (Match("ing"), False),
        (Match(HANGUP), False),
        (Match(call="call-1"), True),
        (Match(call="call-2"), False),
        (Match(path="/ring"), True),
        (Match(path="/ring?a=1"), False),
        (Match(parameters={"Event": "Ring"}), True),
        (Match(parameters={"Event": "Hangup"}), False),
        (Match(parameters={"Event": "Ring", "Missing": ""}), False),
        (Match(RING, "call-1", "/ring", {"CallUUID": "call-1"}), True),
    ],
)
def test_a_match_chooses_callbacks(match: Match, *, fits: bool) -> None:
    history = history_of(Response(200))
    assert len(history.sent(match)) == fits


def test_the_oldest_entries_are_dropped_and_counted() -> None:
    history = History(entries_max=2)
    for number in (1, 2, 3):
        history.add(request(number), BEGIN)
    # What belongs to a dropped callback is dropped as well.
    history.add(request(4, callback=1, attempt=2), BEGIN)
    history.add_outcome(1, Response(200), BEGIN)
    history.add_outcome(4, Response(200), BEGIN)
    assert [one.subject for one in history.sent()] == ["call-2", "call-3"]
    assert (history.dropped, history.answered()) == (1, [])


def test_a_long_body_is_cut() -> None:
    (callback,) = history_of(Response(200, "text/xml", b"x" * 100_000)).sent()
    (one,) = callback.tries
    assert isinstance(one.outcome, Response)
    assert (len(one.outcome.body), one.body_bytes) == (BODY_BYTES_KEPT, 100_000)


def test_notes_and_ends_are_part_of_what_happened() -> None:
    history = history_of(Response(200))
    history.add(Note("call-1", "<Say> is skipped"), BEGIN)
    history.add(SetTimer(1, 5.0), BEGIN)
    history.add(END, BEGIN)
    assert [one.note.text for one in history.notes()] == ["<Say> is skipped"]
    assert [one.end for one in history.ends()] == [END]
    (entries,) = history.by_subject().values()
    assert isinstance(entries[0], SentCallback)
    assert len(entries) == 3
