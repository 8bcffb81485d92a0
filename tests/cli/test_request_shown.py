"""What ``request show`` prints on a terminal: every destination, at any width."""

from collections.abc import Iterable

import pytest
from rich.console import Console

from bridge.cli.request_output import print_request, render_progress
from bridge.core.record import Record
from bridge.originate.entry import LedgerEntry, PartEntry
from tests.support.call_stories import at
from tests.support.placed_requests import (
    ANNA,
    BEN,
    REFERENCE,
    SIP,
    SOON,
    A,
    B,
    C,
    call_of,
    collected,
    placed,
    records_of,
    state_of,
)
from tests.support.second_account import OTHER
from tests.support.stored_calls import Taken
from tests.support.terminal import widest

BULK = (
    records_of(placed([ANNA, BEN], [A, B], parts=3)),
    records_of(placed([SIP], outcome="refused", part=2, parts=3, explanation="no credit")),
    call_of(ANNA, A),
    call_of(BEN, B, kinds=["answer"]),
    call_of("14155550199", C, kinds=["ring"]),
)


def shown(
    capsys: pytest.CaptureFixture[str], *parts: Iterable[Record] | Iterable[Taken]
) -> list[str]:
    print_request(state_of(*parts))
    return capsys.readouterr().out.splitlines()


def test_a_wide_terminal_shows_a_destination_in_a_line(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "160")
    assert [" ".join(line.split()) for line in shown(capsys, *BULK)] == [
        f"request {REFERENCE}",
        "account MAXXXXXXXXXXXXXXXXXX",
        "requested 2026-03-07T14:13:28Z by callback-bridge/1.0",
        "parts 2 of 3",
        "destinations 3: 1 ended, 1 in progress, 1 not placed, 2 answered",
        "cost 0.01000, in the account's currency",
        "",
        "destination state answered lasted cost hung up missing",
        f"{ANNA} ended yes 65 s 0.01000 Normal Hangup, callee -",
        f"{BEN} in progress yes - - - ring",
        f"{SIP} not placed - - - - -",
        "refused: no credit",
        f"call {C} to +14155550199 fits no destination: ringing",
        (
            "no record of 1 of 3 parts: they were not sent, or their records wait in the ledger for the "
            "next `call place`"
        ),
    ]


@pytest.mark.parametrize("columns", [40, 60, 100])
def test_a_terminal_of_any_width_shows_the_same_words(
    columns: int, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    words = sorted(" ".join(shown(capsys, *BULK)).split())
    monkeypatch.setenv("COLUMNS", str(columns))
    lines = shown(capsys, *BULK)
    assert widest("\n".join(lines)) <= columns
    assert sorted("".join(lines).replace(" ", "")) == sorted("".join(words))


def test_a_request_that_callbacks_resolved_says_so(capsys: pytest.CaptureFixture[str]) -> None:
    request = records_of(placed([ANNA], outcome="unknown"))
    text = " ".join(" ".join(shown(capsys, request, call_of(ANNA, A))).split())
    assert "the outcome of the request was unknown; callbacks show that Plivo dialled" in text
    assert "request resolve" not in text
    forged = " ".join(" ".join(shown(capsys, request, call_of(ANNA, A, is_verified=False))).split())
    assert "only unverified callbacks name a call" in forged
    silent = " ".join(" ".join(shown(capsys, request)).split())
    assert "1 unknown, 0 answered" in silent
    assert f"`callback-bridge request resolve {REFERENCE}` looks at Plivo" in silent


def test_what_is_stored_in_part_is_said(capsys: pytest.CaptureFixture[str]) -> None:
    text = " ".join(" ".join(shown(capsys, call_of(ANNA, A))).split())
    assert "no record of the request is stored, only callbacks that name it" in text
    other = records_of(placed([ANNA], [A], account=OTHER))
    text = " ".join(" ".join(shown(capsys, other, call_of(ANNA, A))).split())
    assert "3 callbacks of other accounts name it, not counted" in text


def test_what_only_the_ledger_has_is_said(capsys: pytest.CaptureFixture[str]) -> None:
    parts = (PartEntry(1, (ANNA,), at(0), None), PartEntry(2, (BEN,), None, None))
    records = collected()
    records.set_ledger(LedgerEntry(REFERENCE, None, OTHER, "tests/1", {}, at(0), parts))
    print_request(records.build_state(SOON))
    text = " ".join(capsys.readouterr().out.split())
    assert "destinations 2: 1 not sent, 1 unknown, 0 answered" in text
    assert "not sent: the program that places the calls stopped before" in text
    assert "Kafka has no record of 2 of 2 parts of the request, which the local ledger has" in text
    assert "they were not sent, or" not in text


def test_progress_counts_the_destinations_in_each_state() -> None:
    console = Console(width=60)
    with console.capture() as captured:
        console.print(render_progress(state_of(*BULK)))
    words = captured.get().split()
    assert words.count("1") == 3
    assert {"ended", "progress", "placed"} <= set(words)
