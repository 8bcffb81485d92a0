"""What a machine keeps of the past is bounded."""

import pytest

from bridge.emulator.machine import world as worlds
from bridge.emulator.machine.calls import CallOrder
from bridge.emulator.machine.leg import CallUrls
from bridge.emulator.machine.machine import Machine
from bridge.emulator.machine.masking import MaskingOrder
from bridge.emulator.machine.message import MessageOrder
from bridge.emulator.machine.person import Person, Pickup
from bridge.emulator.machine.recordings import begin_recording
from bridge.emulator.machine.verify import VerifyOrder
from bridge.emulator.machine.world import World
from bridge.emulator.virtual import VirtualDriver
from tests.emulator.machines import ACCOUNT, BEGIN, CALLEE, CALLER, Receiver

ORDER = CallOrder(ACCOUNT, CALLER, CALLEE, CallUrls(("", "POST")), person=Person(Pickup.BUSY))


def test_the_newest_legs_messages_recordings_and_sessions_are_kept(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(worlds, "KEPT_MAX", 3)
    world = World(BEGIN)
    driver = VirtualDriver(Machine(world), Receiver())
    legs = [driver.do(lambda machine: machine.place(ORDER)).uuid for _ in range(5)]
    order = MessageOrder(ACCOUNT, CALLER, CALLEE)
    messages = [driver.do(lambda machine: machine.send_message(order)).uuid for _ in range(5)]
    code = VerifyOrder(ACCOUNT, CALLEE)
    codes = [driver.do(lambda machine: machine.verify(code)).uuid for _ in range(5)]
    mask = MaskingOrder(ACCOUNT, CALLEE, "14155550124", CALLER)
    masks = [driver.do(lambda machine: machine.mask(mask)).uuid for _ in range(5)]
    leg = driver.machine.world.legs[legs[0]]
    recordings = [begin_recording(world, leg).id for _ in range(5)]
    assert list(world.legs) == legs  # they go on
    driver.run()
    assert [list(kept) for kept in (world.legs, world.messages, world.recordings)] == [
        legs[2:],
        messages[2:],
        recordings[2:],
    ]
    machine = driver.machine
    assert [list(machine.verify_sessions), list(machine.masking_sessions)] == [codes[2:], masks[2:]]
