"""Verify sessions: the callbacks of each attempt, and the code."""

from datetime import timedelta

import pytest

from bridge.core.catalogue import Catalogue
from bridge.emulator.machine.commands import Outcome, Response
from bridge.emulator.machine.machine import Machine
from bridge.emulator.machine.person import Person, Pickup, Reception
from bridge.emulator.machine.verify import VerifyOrder
from bridge.emulator.machine.world import World
from bridge.emulator.virtual import VirtualDriver
from tests.emulator.machines import ACCOUNT, BEGIN, CALLEE, Receiver, url_of
from tests.emulator.recognition import check_recognised

ORDER = VerifyOrder(ACCOUNT, CALLEE, url=url_of("verify"))
CALL = VerifyOrder(ACCOUNT, CALLEE, "voice", url_of("verify"))


def begin(person: Person | None = None, outcome: Outcome | None = None) -> VirtualDriver:
    """Return a driver of a machine without any session."""
    recipient = person or Person()
    machine = Machine(World(BEGIN, find_person=lambda *_: recipient))
    return VirtualDriver(machine, Receiver({}, {"verify": outcome or Response(200)}))


def values(driver: VirtualDriver, *names: str) -> list[tuple[str, ...]]:
    """Return these parameters of all requests, in order."""
    return [tuple(one.parameters[name] for name in names) for one in driver.requests]


@pytest.mark.parametrize(
    ("order", "person", "expected"),
    [
        (ORDER, Person(), [("queued", ""), ("sent", ""), ("delivered", "")]),
        (
            ORDER,
            Person(receives=Reception.UNDELIVERED),
            [("queued", ""), ("sent", ""), ("undelivered", "80")],
        ),
        (ORDER, Person(receives=Reception.FAILED), [("queued", ""), ("failed", "300")]),
        (CALL, Person(), [("ringing", ""), ("in-progress", ""), ("completed", "")]),
        (CALL, Person(Pickup.BUSY), [("ringing", ""), ("completed", "")]),
    ],
)
def test_each_change_of_the_channel_is_reported(
    order: VerifyOrder, person: Person, expected: list[tuple[str, str]], types: Catalogue
) -> None:
    driver = begin(person)
    driver.machine.verify(order)
    driver.run()
    assert values(driver, "ChannelStatus", "ChannelErrorCode") == expected
    assert set(values(driver, "Channel", "AttemptSequence", "SessionStatus")) == {
        (order.channel, "1", "in-progress")
    }
    check_recognised(types, driver)


def test_another_attempt_has_its_own_id_and_the_next_sequence() -> None:
    driver = begin()
    session = driver.machine.verify(ORDER)
    driver.run()
    driver.machine.verify_again(session.uuid, "voice")
    driver.run()
    assert values(driver, "AttemptSequence", "Channel") == [("1", "sms")] * 3 + [("2", "voice")] * 3
    assert len(set(values(driver, "AttemptUUID"))) == 2
    assert set(values(driver, "SessionUUID")) == {(session.uuid,)}


def test_a_session_is_verified_by_its_code_once_and_in_time() -> None:
    driver = begin()
    session = driver.machine.verify(ORDER)
    late = driver.machine.verify(ORDER)
    wrong = "x" + session.code
    assert not driver.machine.check_code(session.uuid, wrong)
    assert driver.machine.check_code(session.uuid, session.code)
    assert not driver.machine.check_code(session.uuid, session.code)
    driver.run(until=BEGIN + timedelta(minutes=10))
    assert not driver.machine.check_code(late.uuid, late.code)
    driver.machine.verify_again(session.uuid, "sms")
    driver.machine.verify_again(late.uuid, "sms")
    driver.run()
    statuses = set(values(driver, "SessionUUID", "AttemptSequence", "SessionStatus"))
    assert statuses == {
        (session.uuid, "1", "verified"),
        (session.uuid, "2", "verified"),
        (late.uuid, "1", "in-progress"),
        (late.uuid, "2", "expired"),
    }


def test_a_callback_of_verify_is_retried_as_those_of_messages() -> None:
    driver = begin(Person(receives=Reception.FAILED), Response(500))
    driver.machine.verify(ORDER)
    driver.run()
    assert [one.attempt for one in driver.requests].count(4) == 2


def test_the_times_of_a_request_are_utc_with_a_letter() -> None:
    driver = begin()
    driver.machine.verify(ORDER)
    driver.run()
    assert set(values(driver, "RequestTime")) == {("2026-03-07T14:13:30.000000Z",)}
