"""The call machine as its driver sees it: report what happened, then do what ``run`` returns.

The driver sets the time, reports inputs, and runs: ``advance``, any number of inputs, ``run``.
"""

from collections import OrderedDict
from datetime import datetime

from bridge.emulator.machine import api_actions, calls, masking, messages, people, verify
from bridge.emulator.machine.call_queue import CallQueue
from bridge.emulator.machine.calls import CallOrder
from bridge.emulator.machine.commands import Command, Outcome
from bridge.emulator.machine.leg import Account, CallUrls, Leg, Parties
from bridge.emulator.machine.masking import MaskingOrder, MaskingSession
from bridge.emulator.machine.message import Message, MessageOrder
from bridge.emulator.machine.person import Input, Person
from bridge.emulator.machine.rooms import Control
from bridge.emulator.machine.streams import StreamEvent, StreamInput
from bridge.emulator.machine.verify import VerifyOrder, VerifySession
from bridge.emulator.machine.world import World, keep_newest


class Machine:
    """One emulated Plivo with all its calls."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.queue = CallQueue(world)
        self.verify_sessions: OrderedDict[str, VerifySession] = OrderedDict()
        self.masking_sessions: OrderedDict[str, MaskingSession] = OrderedDict()

    def advance(self, now: datetime) -> None:
        """Set the time of the inputs that follow."""
        self.world.scheduler.now = now

    def run(self) -> list[Command]:
        """Let everything happen that the inputs cause; return what the driver has to do."""
        return self.world.scheduler.run()

    def answer(self, request_id: int, outcome: Outcome, took_s: float | None = None) -> None:
        """Report how a request ended. ``took_s`` None: as long as the machine's time says."""
        self.world.deliveries.answer(request_id, outcome, took_s)

    def fire(self, timer_id: int) -> None:
        """Report that a timer is due."""
        self.world.scheduler.fire(timer_id)

    def place(self, order: CallOrder) -> Leg:
        """Begin an outbound call."""
        return calls.place(self.world, order)

    def receive(self, account: Account, person: Person, parties: Parties, urls: CallUrls) -> Leg:
        """Begin an inbound call of ``person`` to a number of the account."""
        return calls.receive(self.world, account, person, parties, urls)

    def send_message(self, order: MessageOrder) -> Message:
        """Begin to send a message."""
        return messages.send(self.world, order)

    def receive_message(self, order: MessageOrder) -> Message:
        """Begin to receive a message; ``order.url`` is the URL of the application that it is for."""
        return messages.receive(self.world, order)

    def verify(self, order: VerifyOrder) -> VerifySession:
        """Begin a verify session: send a code."""
        session = verify.begin(self.world, order)
        keep_newest(self.verify_sessions, session.uuid, session)
        return session

    def verify_again(self, session_uuid: str, channel: str) -> None:
        """Send the code of a verify session once more, by ``sms`` or ``voice``."""
        verify.try_again(self.world, self.verify_sessions[session_uuid], channel)

    def check_code(self, session_uuid: str, code: str) -> bool:
        """Return whether a code is that of a verify session, and in time."""
        return verify.check_code(self.world, self.verify_sessions[session_uuid], code)

    def mask(self, order: MaskingOrder) -> MaskingSession:
        """Begin a masking session."""
        session = masking.begin(self.world, order)
        keep_newest(self.masking_sessions, session.uuid, session)
        return session

    def call_virtual_number(self, session_uuid: str, caller: str) -> bool:
        """Let ``caller`` call the number of a masking session; return whether it is connected."""
        return masking.call_virtual_number(self.world, self.masking_sessions[session_uuid], caller)

    def press(self, call_uuid: str, digits: str) -> None:
        """Press digits on the phone of a leg."""
        for digit in digits:
            self.world.legs[call_uuid].pressed.put(digit)

    def say(self, call_uuid: str, words: str) -> None:
        """Speak on a leg."""
        self.world.legs[call_uuid].spoken.put(Input(speech=words))

    def control(self, call_uuid: str, control: Control) -> bool:
        """Do something to a leg in a conference or multi-party call. False: it is in none."""
        for rooms in (self.world.conferences, self.world.multi_party_calls):
            found = rooms.find_member(call_uuid)
            if found is not None:
                found[1].controls.put(control)
                return True
        return False

    def stream(self, call_uuid: str, event: StreamEvent, detail: str = "") -> bool:
        """Let something happen to the audio stream of a leg. False: it has none."""
        audio = self.world.legs[call_uuid].stream
        if audio is not None:
            audio.inputs.put(StreamInput(event, detail))
        return audio is not None

    def hang_up(self, call_uuid: str, *, by_api: bool = False) -> None:
        """End a leg, as its person does or as the API does."""
        leg = self.world.legs[call_uuid]
        if by_api:
            api_actions.hang_up(self.world, leg)
        else:
            people.hang_up(self.world, leg)
