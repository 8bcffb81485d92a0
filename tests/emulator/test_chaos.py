"""What goes wrong between Plivo and a receiver."""

from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import chain
from typing import Any
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.core.catalogue import Catalogue
from bridge.core.keyring import Account as KnownAccount
from bridge.core.verify import Verified, Verifier
from bridge.emulator.chaos.clock_change import find_clock_change
from bridge.emulator.chaos.options import SOME_OF_EVERYTHING, Chaos
from bridge.emulator.chaos.parameters import list_old_changes, skew_times
from bridge.emulator.chaos.stage import add_chaos
from bridge.emulator.machine.calls import CallOrder
from bridge.emulator.machine.commands import Fault, Request
from bridge.emulator.machine.machine import Machine
from bridge.emulator.machine.machine_detection import MachineDetection
from bridge.emulator.machine.person import HangUp, Input, Person
from bridge.emulator.machine.world import World
from bridge.emulator.sender import to_wire
from bridge.emulator.virtual import VirtualDriver
from tests.emulator.machines import (
    ACCOUNT,
    BEGIN,
    CALLEE,
    CALLER,
    HOST,
    URLS,
    Receiver,
    url_of,
)
from tests.emulator.recognition import ON_SHARED_PATH
from tests.support.factories import (
    event_of,
    parsed,
    parser,
    raw_callback,
    verdict_on,
    verifier,
)

RING, ANSWER, HANGUP = "voice.call.ring", "voice.call.answer", "voice.call.hangup"
ACTION = "voice.getdigits.action"
DOCUMENTS = {
    "answer": f"""<GetDigits action="{HOST}/digits"><Speak>Press</Speak></GetDigits>""",
    "digits": f"""<Record action="{HOST}/recorded" callbackUrl="{HOST}/record"/>""",
    "recorded": f"""<Dial callbackUrl="{HOST}/dial"><Number>14155550188</Number></Dial>""",
}
PERSON = Person(inputs=(Input(digits="12#"),), hang_up=HangUp(90))
ORDER = CallOrder(
    ACCOUNT,
    CALLER,
    CALLEE,
    URLS,
    sip_headers={"Team": "blue"},
    machine_detection=MachineDetection(url=url_of("machine")),
    person=PERSON,
)


def run(chaos: Chaos | None, *, seed: int = 0, calls: int = 1) -> VirtualDriver:
    """Run calls on virtual time; return what happened."""
    world = World(BEGIN, seed=seed)
    if chaos is not None:
        add_chaos(world, chaos, seed)
    machine = Machine(world)
    driver = VirtualDriver(machine, Receiver(DOCUMENTS))
    for number in range(calls):
        person = replace(PERSON, is_machine=number % 2 == 1)
        machine.place(replace(ORDER, person=person))
    driver.run()
    return driver


def types_of(driver: VirtualDriver) -> list[str]:
    return [one.type for one in driver.requests]


def wires_of(driver: VirtualDriver) -> list[tuple[datetime, Any]]:
    """Return what goes over the wire, byte for byte, and when."""
    wires = [to_wire(one, ACCOUNT, ACCOUNT) for one in driver.requests]
    return list(zip(driver.sent_at, wires, strict=True))


PLAIN = run(None)


def test_without_shares_nothing_changes() -> None:
    assert wires_of(run(Chaos())) == wires_of(PLAIN)


def test_a_callback_is_sent_again_and_the_call_does_not_notice() -> None:
    driver = run(Chaos(duplicated=1))
    assert Counter(types_of(driver)) == {
        name: 2 * of for name, of in Counter(types_of(PLAIN)).items()
    }
    assert driver.ended == PLAIN.ended
    by_callback: dict[int, list[Request]] = {}
    for one in driver.requests:
        by_callback.setdefault(one.callback_id, []).append(one)
    for first, again in by_callback.values():
        assert first.parameters == again.parameters
    same = [first.nonces == again.nonces for first, again in by_callback.values()]
    assert {True, False} == set(same)


def test_a_lost_callback_is_never_sent_unless_plivo_needs_its_answer() -> None:
    driver = run(Chaos(lost=1))
    assert types_of(driver) == [ANSWER, ACTION, "voice.record.action"]
    assert driver.ended == PLAIN.ended


def test_a_late_callback_is_sent_within_its_bound() -> None:
    driver = run(Chaos(late=1, late_s_max=20))
    assert sorted(types_of(driver)) == sorted(types_of(PLAIN))
    sent_at = dict(zip(types_of(PLAIN), PLAIN.sent_at, strict=True))
    late = [at - sent_at[one.type] for one, at in zip(driver.requests, driver.sent_at, strict=True)]
    assert all(timedelta(0) <= one <= timedelta(seconds=20) for one in late)
    assert any(late)


def test_a_reordered_callback_is_sent_after_the_next_one() -> None:
    driver = run(Chaos(reordered=1))
    assert types_of(PLAIN)[:2] == [RING, ANSWER]
    assert types_of(driver)[:2] == [ANSWER, RING]
    assert sorted(types_of(driver)) == sorted(types_of(PLAIN))


@pytest.mark.parametrize(
    ("chaos", "fault"), [(Chaos(cut=1), Fault.CUT), (Chaos(slow=1), Fault.SLOW)]
)
def test_a_connection_is_cut_or_slow(chaos: Chaos, fault: Fault) -> None:
    driver = run(chaos)
    assert {one.fault for one in driver.requests} == {fault}
    # A document that Plivo cannot fetch ends the call.
    assert driver.ended[0].code == ("7011" if fault is Fault.CUT else "4000")


def test_undocumented_fields_stand_beside_the_documented_ones() -> None:
    for one, plain in zip(run(Chaos(undocumented_fields=1)).requests, PLAIN.requests, strict=True):
        assert plain.parameters.items() <= one.parameters.items()
        assert len(one.parameters) > len(plain.parameters)


def test_a_wrong_clock_shifts_the_times_of_a_callback_together() -> None:
    skewed = run(Chaos(skewed=1, skew_s_max=90)).requests[-1].parameters
    plain = PLAIN.requests[-1].parameters
    names = ["StartTime", "AnswerTime", "EndTime"]
    shifts = {
        datetime.fromisoformat(skewed[name]) - datetime.fromisoformat(plain[name]) for name in names
    }
    (shift,) = shifts
    assert timedelta(0) < abs(shift) <= timedelta(seconds=90)


@pytest.mark.parametrize(
    ("name", "value", "skewed"),
    [
        ("SessionStart", "2026-03-07 23:59:30.910772", "2026-03-08 00:00:30.910772"),
        ("EndTime", "2026-03-07 09:13:30", "2026-03-07 09:14:30"),
        ("EventTimestamp", "2026-03-07 14:13:40+00:00", "2026-03-07 14:14:40+00:00"),
        ("RequestTime", "2026-03-07T14:13:29.363253Z", "2026-03-07T14:14:29.363253Z"),
        ("RecordingStartMs", "1772892810000", "1772892870000"),
        ("RecordingEndMs", "1772892810000.00000", "1772892870000.00000"),
        ("RecordingEndMs", "-1", "-1"),
        ("recording_start_ms", "1772892810000", "1772892870000"),
        ("recording_duration_ms", "8000", "8000"),
        ("RecordingDurationMs", "8000", "8000"),
        ("AnswerTime", "", ""),
        ("EndTime", "2026-13-07 09:13:30", "2026-13-07 09:13:30"),
        ("From", "14155550100", "14155550100"),
    ],
)
def test_only_times_are_shifted(name: str, value: str, skewed: str) -> None:
    assert skew_times({name: value}, 60.2) == {name: skewed}


@pytest.mark.parametrize(
    ("kind", "parameters", "old"),
    [
        (ANSWER, {"CallStatus": "ringing"}, {"CallStatus": "in-progress"}),
        (ANSWER, {"CallStatus": "in-progress"}, {"CallStatus": "in-progress"}),
        ("voice.dial.digits", {"DialDigitsPressedBy": "BLeg"}, {"DialDigitsPressedBy": "bleg"}),
        ("voice.stream.status", {"Event": "DroppedStream"}, {"Event": "failed"}),
        ("voice.stream.status", {"Event": "DegradedStream"}, {"Event": "DegradedStream"}),
        (
            "messaging.message.inbound",
            {"Media0": "a", "Media1": "b", "MediaCount": "2"},
            {"Media1": "a", "Media2": "b", "MediaCount": "2"},
        ),
    ],
)
def test_an_older_generation_writes_what_its_pages_and_captures_show(
    kind: str, parameters: dict[str, str], old: dict[str, str]
) -> None:
    for change in list_old_changes(kind):
        parameters = change(parameters)
    assert parameters == old


def test_every_old_form_is_recognised_and_read(types: Catalogue) -> None:
    for request in run(None, calls=2).requests:
        for change in list_old_changes(request.type):
            pairs = list(change(request.parameters).items())
            own = parsed(types, pairs, route=types.by_name[request.type], zone=ACCOUNT.zone.key)
            assert own.type.name == request.type
            assert (own.undeclared, own.unreadable) == ({}, []), request.type
            shared = parsed(types, pairs, zone=ACCOUNT.zone.key)
            assert shared.type.name == ON_SHARED_PATH.get(request.type, request.type)


@given(seed=st.integers(0, 2**32))
def test_whatever_goes_wrong_every_leg_ends_once_and_everything_is_accounted_for(seed: int) -> None:
    more = {"lost": 0.3, "duplicated": 0.3, "reordered": 0.3, "late": 0.3}
    chaos = SOME_OF_EVERYTHING.model_copy(update=more)
    driver = run(chaos, seed=seed, calls=3)
    legs = driver.machine.world.legs
    assert Counter(one.call_uuid for one in driver.ended) == dict.fromkeys(legs, 1)
    told = Counter(one.text.split(": ")[1] for one in driver.notes if one.text.startswith("chaos"))
    made = {one.callback_id for one in driver.requests}
    repeated = sum(one.id < 0 for one in driver.requests)
    tries = sum(one.attempt > 1 for one in driver.requests)
    assert len(driver.requests) == len(made) + repeated + tries
    assert repeated == told["sent again"]


def event_for(types: Catalogue, request: Request, by: Verifier) -> tuple[str, str | None, str]:
    """Return type, subject and id of the event that the bridge makes of a request as it is sent."""
    wire = to_wire(request, ACCOUNT, ACCOUNT)
    parts = urlsplit(wire.url)
    raw = raw_callback(
        parts.query,
        wire.body,
        method=wire.method,
        path=parts.path,
        origin=HOST,
        headers=wire.headers.items(),
        content_type=None,
    )
    verdict = verdict_on(raw, by)
    assert isinstance(verdict, Verified)
    callback = parser(types).parse(verdict, types.by_name[request.type])
    return callback.type.name, callback.subject, event_of(callback).id


def test_the_bridge_makes_a_verified_event_of_whatever_arrives(types: Catalogue) -> None:
    more = {"duplicated": 0.5, "reordered": 0.3, "late": 0.3, "skewed": 0.3}
    chaos = SOME_OF_EVERYTHING.model_copy(update=more)
    by = verifier(KnownAccount(ACCOUNT.auth_id, ACCOUNT.zone.key, ACCOUNT.auth_tokens))
    ids: dict[int, set[str]] = {}
    for request in run(chaos, calls=30).requests:
        kind, subject, event_id = event_for(types, request, by)
        assert (kind, subject) == (request.type, request.subject)
        # The id of a type that can repeat may have the nonce in it.
        if request.attempt == 1 and not types.by_name[kind].can_repeat:
            ids.setdefault(request.callback_id, set()).add(event_id)
    # What is sent again has the id of the first, so that a consumer can tell.
    assert {len(of_callback) for of_callback in ids.values()} == {1}
    assert len({*chain.from_iterable(ids.values())}) == len(ids)


def test_the_same_seed_gives_the_same_callbacks_byte_for_byte() -> None:
    more = dict.fromkeys(["lost", "duplicated", "reordered", "late", "skewed"], 0.2)
    chaos = SOME_OF_EVERYTHING.model_copy(update=more)
    first = wires_of(run(chaos, seed=7, calls=20))
    assert first == wires_of(run(chaos, seed=7, calls=20))
    assert first != wires_of(run(chaos, seed=8, calls=20))
    assert wires_of(run(None, seed=7, calls=20)) == wires_of(run(None, seed=7, calls=20))


@pytest.mark.parametrize(
    ("name", "value"), [("lost", -0.1), ("cut", 1.5), ("late_s_max", -1), ("skew_s_max", 9_999)]
)
def test_a_share_or_limit_out_of_range_is_refused(name: str, value: float) -> None:
    with pytest.raises(ValueError, match=rf"{name}\s+Input should be (less|greater) than or equal"):
        Chaos(**{name: value})


@pytest.mark.parametrize(
    ("zone", "back", "expected"),
    [
        ("America/New_York", True, datetime(2025, 11, 2, 6, 0, tzinfo=UTC)),
        ("America/New_York", False, datetime(2025, 3, 9, 7, 0, tzinfo=UTC)),
        ("Europe/Berlin", True, datetime(2025, 10, 26, 1, 0, tzinfo=UTC)),
        ("Australia/Lord_Howe", True, datetime(2025, 4, 5, 15, 0, tzinfo=UTC)),
        ("Australia/Lord_Howe", False, datetime(2025, 10, 4, 15, 30, tzinfo=UTC)),
    ],
)
def test_the_last_clock_change_is_found(zone: str, expected: datetime, *, back: bool) -> None:
    before = datetime(2026, 3, 7, 12, 34, tzinfo=UTC)
    assert find_clock_change(ZoneInfo(zone), before, back=back) == expected


def test_a_zone_without_clock_changes_has_none() -> None:
    with pytest.raises(ValueError, match="Asia/Kolkata has set no clock back in the two years"):
        find_clock_change(ZoneInfo("Asia/Kolkata"), BEGIN, back=True)


def test_calls_in_the_hour_of_a_clock_change_have_ambiguous_times() -> None:
    change = find_clock_change(ACCOUNT.zone, BEGIN, back=True)
    world = World(change - timedelta(seconds=30))
    machine = Machine(world)
    driver = VirtualDriver(machine, Receiver({"answer": "<Wait length='500'/>"}))
    machine.place(ORDER)
    driver.run()
    hangup = driver.requests[-1].parameters
    assert (hangup["AnswerTime"], hangup["EndTime"]) == (
        "2025-11-02 01:59:34",
        "2025-11-02 01:01:04",
    )
