"""A journal record is derived with today's code and compared with its published event."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import orjson
import pytest

from bridge.audit.compare import ABSENT, Difference
from bridge.audit.derive import Deriver, DeriveResult, DeriveState, DeriveSummary
from bridge.audit.reverify import ReverifyResult, ReverifyVerdict
from bridge.core.event import ContractNames
from bridge.core.parse import NoEventReason, Parser
from bridge.core.record import Record
from tests.support.emulated_call import EmulatedCallback
from tests.support.factories import HANGUP, parser
from tests.support.stored_calls import PLACED, SCHEMAS, TYPES, Taken, saying, taken

LATER = PLACED + timedelta(days=100)
HANGUP_STEP = EmulatedCallback("/plivo/voice/call/hangup", dict(HANGUP))
NAMELESS = EmulatedCallback("/plivo/voice/call/ring", {"Event": "Ring"})
DERIVER = Deriver(parser(TYPES), ContractNames("", SCHEMAS))


@pytest.fixture
def hangup() -> Taken:
    return taken(HANGUP_STEP, PLACED)


def published(one: Taken) -> Record:
    assert one.event is not None
    return one.event.record


def judged(one: Taken, event: bytes | None, **change: object) -> DeriveResult:
    value = orjson.dumps(orjson.loads(one.journal.value) | change) if change else one.journal.value
    return DERIVER.derive_and_compare(value, event, source="journal:0:7", at=LATER)


def test_what_was_published_is_derived_again_and_unchanged(hangup: Taken) -> None:
    found = judged(hangup, published(hangup).value)
    assert (found.state, found.differences, found.reason) == (DeriveState.UNCHANGED, (), None)
    assert hangup.event is not None
    assert (found.id, found.callback_type) == (hangup.event.id, "com.plivo.voice.call.hangup.v1")
    assert found.event is not None
    assert orjson.loads(found.event.record.value)["recordedtime"] == "2026-06-15T14:13:28Z"


def test_what_differs_is_named_with_both_sides(hangup: Taken) -> None:
    was = saying(published(hangup), {"duration_s": 65, "old": 1})
    found = judged(hangup, was.value)
    assert found.state is DeriveState.CHANGED
    assert found.differences == (
        Difference("data.duration_s", 65, 66),
        Difference("data.old", 1, ABSENT),
    )


def test_an_event_that_is_no_longer_there_cannot_be_compared(hangup: Taken) -> None:
    assert judged(hangup, None).state is DeriveState.EVENT_EXPIRED


def test_an_event_of_another_id_is_changed_though_the_first_is_no_longer_there(
    hangup: Taken,
) -> None:
    name = {"id": "0" * 32, "type": "com.plivo.unrecognised.v1", "topic": "plivo.unrecognised.v1"}
    found = judged(hangup, None, events=[name])
    assert found.state is DeriveState.CHANGED
    assert [one.path for one in found.differences] == ["id", "type"]
    assert found.differences[1].derived == "com.plivo.voice.call.hangup.v1"


def test_a_dead_letter_that_today_is_an_event_is_new() -> None:
    found = judged(taken(HANGUP_STEP, PLACED, is_dead=True), None)
    assert (found.state, found.callback_type) == (DeriveState.NEW, "com.plivo.voice.call.hangup.v1")


def test_a_dead_letter_that_was_run_again_is_compared_with_what_it_became(hangup: Taken) -> None:
    dead = taken(HANGUP_STEP, PLACED, is_dead=True)
    assert judged(dead, published(hangup).value).state is DeriveState.UNCHANGED


def test_an_event_that_today_is_none_is_gone(hangup: Taken) -> None:
    for event in (None, published(hangup).value):
        found = judged(hangup, event, body="Event=Hangup")
        assert (found.state, found.reason) == (DeriveState.GONE, NoEventReason.NO_IDENTITY)
        assert found.id == orjson.loads(hangup.journal.value)["events"][0]["id"]


def test_what_was_no_event_and_is_none_cannot_be_derived() -> None:
    found = judged(taken(NAMELESS, PLACED, is_dead=True), None)
    assert (found.state, found.reason) == (DeriveState.CANNOT_DERIVE, NoEventReason.NO_IDENTITY)


@pytest.mark.parametrize("value", [b"", b"{}", b"no JSON", b"[]"])
def test_what_is_no_journal_record_cannot_be_derived_and_says_so(value: bytes) -> None:
    found = DERIVER.derive_and_compare(value, None, source="journal:0:7", at=LATER)
    assert (found.state, found.reason) == (DeriveState.CANNOT_DERIVE, "not_a_journal_record")


def test_a_fault_of_todays_code_is_of_that_callback_alone(
    hangup: Taken, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> None:
        raise ArithmeticError

    monkeypatch.setattr(Parser, "parse", broken)
    found = judged(hangup, published(hangup).value)
    assert (found.state, found.reason) == (DeriveState.GONE, NoEventReason.BRIDGE_FAULT)


def test_the_names_are_those_of_the_settings(hangup: Taken) -> None:
    deriver = Deriver(parser(TYPES), ContractNames("prod.", "https://schemas.example.com/"))
    value = hangup.journal.value
    found = deriver.derive_and_compare(
        value, published(hangup).value, source="journal:0:7", at=LATER
    )
    assert [one.path for one in found.differences] == ["dataschema"]
    assert found.event is not None
    assert found.event.record.topic == "prod.plivo.voice.call.hangup.v1"


@pytest.mark.parametrize("kind", [kind.name for kind in TYPES.all_types])
def test_every_sample_of_every_type_is_derived_as_it_was(kind: str) -> None:
    of = TYPES.by_name[kind]
    for form in of.samples.values():
        one = taken(EmulatedCallback(of.path if of.has_path else "/plivo", {}), PLACED, form=form)
        assert judged(one, published(one).value).state is DeriveState.UNCHANGED


@pytest.mark.parametrize(
    ("found", "faults"),
    [
        ([], []),
        (
            [
                DeriveResult(DeriveState.UNCHANGED, ""),
                DeriveResult(DeriveState.EVENT_EXPIRED, ""),
                DeriveResult(DeriveState.REPEATED, ""),
            ],
            [],
        ),
        ([DeriveResult(DeriveState.CANNOT_DERIVE, "", reason="no_identity")], []),
        ([DeriveResult(DeriveState.CANNOT_DERIVE, "", reason="bridge_fault")], ["cannot_derive"]),
        (
            [DeriveResult(DeriveState.CANNOT_DERIVE, "", reason="not_a_journal_record")],
            ["cannot_derive"],
        ),
        (
            [DeriveResult(DeriveState.CHANGED, ""), DeriveResult(DeriveState.UNCHANGED, "")],
            ["changed"],
        ),
        ([DeriveResult(DeriveState.NEW, "")], ["new"]),
        ([DeriveResult(DeriveState.GONE, "", reason="no_identity")], ["gone"]),
        (
            [
                ReverifyResult(ReverifyVerdict.HOLDS, "k"),
                ReverifyResult(ReverifyVerdict.NEVER_VERIFIED, None),
            ],
            [],
        ),
        ([ReverifyResult(ReverifyVerdict.DOES_NOT_HOLD, "k")], ["does_not_hold"]),
        ([ReverifyResult(ReverifyVerdict.KEY_UNKNOWN, "k")], ["key_unknown"]),
    ],
)
def test_only_results_an_auditor_must_look_at_are_faults(
    found: list[Any], faults: list[str]
) -> None:
    tally = DeriveSummary()
    for one in found:
        (tally.add if isinstance(one, DeriveResult) else tally.add_reverified)(one)
    assert tally.list_faults() == faults


def test_a_field_is_counted_once_an_event() -> None:
    tally = DeriveSummary()
    for path in ("data.stir.verification", "data.stir.conflict", "dataschema"):
        tally.add(
            replace(DeriveResult(DeriveState.CHANGED, ""), differences=(Difference(path, 1, 2),))
        )
    both = (Difference("data.stir.a", 1, 2), Difference("data.stir.b", 1, 2))
    tally.add(DeriveResult(DeriveState.CHANGED, "", differences=both))
    assert tally.fields == {"data.stir": 3, "dataschema": 1}
    assert tally.records == 4
