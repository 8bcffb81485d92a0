"""An emulated Plivo for tests: a context manager whose methods block, for any test framework.

    with EmulatedPlivo(wsgi=app, answer_url="https://hooks.example.com/answer") as plivo:
        call = plivo.receive_call(person=Person(inputs=(Input(digits="1"),)))
        call.wait_for_end()
        assert plivo.unanswered() == []

1. The emulator runs in a thread of its own, and its methods may be called from any thread.
2. Without ``wsgi`` and ``asgi``, callbacks go over the network: the application must listen.
3. Plivo's API and the control over HTTP are served at ``url``, on a free loopback port.
4. Timeouts are real seconds; everything else is in the emulator's time, which is ``speed`` times as
   fast.
5. What fails inside the emulator is raised by the next method that is called.
"""

import asyncio
import threading
from collections.abc import Callable, Coroutine
from contextlib import AsyncExitStack
from datetime import datetime
from types import TracebackType
from typing import Any, Final, Self, TypeVar
from zoneinfo import ZoneInfo

from starlette.types import ASGIApp

from bridge.dev.account import AUTH_ID, AUTH_TOKEN, TIMEZONE
from bridge.emulator.chaos.options import Chaos
from bridge.emulator.directory import Application, Directory, Number
from bridge.emulator.emulator import Emulator
from bridge.emulator.history import Match, SentCallback
from bridge.emulator.machine.calls import CallOrder
from bridge.emulator.machine.commands import LegEnded
from bridge.emulator.machine.leg import Account, CallUrls, Leg
from bridge.emulator.machine.machine_detection import MachineDetection
from bridge.emulator.machine.message import Message, MessageOrder
from bridge.emulator.machine.person import HangUp, Input, Person, Phase, Pickup, Reception
from bridge.emulator.machine.rooms import Control
from bridge.emulator.machine.streams import StreamEvent
from bridge.emulator.server import make_app, serve
from bridge.emulator.stories import tell_callback, tell_calls, tell_messages
from bridge.emulator.transports import (
    WsgiApplication,
    WsgiTransport,
    make_asgi_transport,
)

__all__ = [
    "ACCOUNT",
    "Call",
    "Chaos",
    "Control",
    "EmulatedPlivo",
    "HangUp",
    "Input",
    "MachineDetection",
    "Person",
    "Phase",
    "Pickup",
    "Reception",
    "StreamEvent",
]

T = TypeVar("T")

ACCOUNT: Final = Account(AUTH_ID, (AUTH_TOKEN,), ZoneInfo(TIMEZONE))
"""The account of emulated calls, as in ``callback-bridge dev``."""
NUMBER: Final = "14155550100"
"""The account's number."""
SOMEBODY: Final = "14155550123"
"""Who calls and is called."""
WAIT_S: Final = 10.0
_SPEED: Final = 60.0
_APPLICATION_ID: Final = "10000000000000001"


class EmulatedPlivo:
    """An emulated Plivo with one account and one number, whose calls the application answers."""

    def __init__(  # noqa: PLR0913 (all by keyword, each with a default)
        self,
        *,
        answer_url: str = "",
        hangup_url: str = "",
        fallback_url: str = "",
        message_url: str = "",
        method: str = "POST",
        wsgi: WsgiApplication | None = None,
        asgi: ASGIApp | None = None,
        account: Account = ACCOUNT,
        number: str = NUMBER,
        speed: float = _SPEED,
        seed: int = 0,
        start: datetime | None = None,
        chaos: Chaos | None = None,
    ) -> None:
        self.auth_id, self.auth_token = account.auth_id, account.auth_tokens[0]
        self.number = number
        self.url = ""
        self._account = account
        self._given_urls = {
            "answer": answer_url,
            "hangup": hangup_url,
            "fallback": fallback_url,
            "message": message_url,
        }
        self._urls, self._method = self._given_urls, method
        transport = WsgiTransport(wsgi) if wsgi else make_asgi_transport(asgi) if asgi else None
        directory = Directory([account], [self._make_application()], [self._make_number()])
        self.emulator = Emulator(
            directory, seed=seed, speed=speed, start=start, transport=transport, chaos=chaos
        )
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._stack = AsyncExitStack()
        self._faults: list[dict[str, Any]] = []

    def __enter__(self) -> Self:
        self._loop.set_exception_handler(lambda _loop, fault: self._faults.append(fault))
        self._thread.start()
        try:
            self.url = self._wait(self._begin())
        except BaseException:
            self._stop()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        try:
            self._wait(self._stack.aclose())
        finally:
            self._stop()
        if kind is None:
            self._raise_fault()

    # Calls

    def receive_call(
        self, *, caller: str = SOMEBODY, number: str | None = None, person: Person | None = None
    ) -> "Call":
        """Call the number. ``person`` is who calls; None: somebody who listens for a minute."""
        called = number or self.number
        leg = self._do(lambda: self.emulator.receive_call(caller, called, person))
        return Call(self, leg)

    def place_call(
        self,
        *,
        to: str = SOMEBODY,
        person: Person | None = None,
        machine_detection: MachineDetection | None = None,
        ring_url: str = "",
    ) -> "Call":
        """Place a call from the number, as an API request does; its other URLs are the application's.

        ``person`` is who is called; None: somebody who answers and listens for a minute.
        """
        order = CallOrder(
            self._account,
            self.number,
            to.removeprefix("+"),
            self._make_urls(ring_url),
            person=person,
            machine_detection=machine_detection,
        )
        return Call(self, self._do(lambda: self.emulator.place_call(order)))

    # Messages

    def receive_message(self, text: str, *, sender: str = SOMEBODY) -> Message:
        """Send a message to the number. Return it: its ``uuid`` is ``MessageUUID``."""
        return self._do(lambda: self.emulator.receive_message(sender, self.number, text))

    def send_message(self, text: str, *, to: str = SOMEBODY, status_url: str = "") -> Message:
        """Send a message from the number, as an API request does; return it.

        ``status_url`` gets the delivery reports. What becomes of the message, the person at ``to``
        decides: ``Person(receives=Reception.UNDELIVERED)``.
        """
        order = MessageOrder(
            self._account,
            self.number,
            to.removeprefix("+"),
            text,
            url=(status_url, self._method),
        )
        return self._do(lambda: self.emulator.send_message(order))

    # What the calls meet

    def set_urls(
        self,
        *,
        answer: str | None = None,
        hangup: str | None = None,
        fallback: str | None = None,
        message: str | None = None,
    ) -> None:
        """Change URLs of the application, until the next reset; None: as it is."""
        changes = {"answer": answer, "hangup": hangup, "fallback": fallback, "message": message}
        given = {name: url for name, url in changes.items() if url is not None}
        self._do(lambda: self._set_urls(self._urls | given))

    def set_person(self, number: str, person: Person) -> None:
        """Say who is reached at a number that a document dials, until the next reset."""
        self._do(lambda: self.emulator.set_person(number, person))

    # What was sent

    def sent(self, type: str | None = None, **parameters: str) -> list[SentCallback]:  # noqa: A002 (the words of a test)
        """Return the callbacks of a type with these parameters, oldest first.

        A type may be its last words: ``hangup`` for ``voice.call.hangup``.
        """
        match = Match(type, parameters=parameters)
        return self._do(lambda: self.emulator.history.sent(match))

    def answered(self, type: str | None = None, **parameters: str) -> list[SentCallback]:  # noqa: A002 (as above)
        """Return the callbacks that got a 2xx."""
        match = Match(type, parameters=parameters)
        return self._do(lambda: self.emulator.history.answered(match))

    def unanswered(self, type: str | None = None, **parameters: str) -> list[SentCallback]:  # noqa: A002 (as above)
        """Return the callbacks that got no 2xx, or not yet."""
        match = Match(type, parameters=parameters)
        return self._do(lambda: self.emulator.history.unanswered(match))

    def notes(self) -> list[str]:
        """Return what a developer should know, for example elements that Plivo ignores."""
        return self._do(lambda: [one.note.text for one in self.emulator.history.notes()])

    def tell(self) -> str:
        """Return the stories of all calls and messages, for people."""
        stories = self._do(self._tell)
        return "\n\n".join("\n".join(lines) for lines in stories) or "no calls"

    # Waiting

    def wait_for(
        self,
        type: str | None = None,  # noqa: A002 (as above)
        *,
        count: int = 1,
        timeout_s: float = WAIT_S,
        **parameters: str,
    ) -> SentCallback:
        """Wait until so many callbacks were answered; return the last of them.

        Raises AssertionError with the stories of all calls if time runs out.
        """
        match = Match(type, parameters=parameters)
        what = " ".join([type or "callback", *(f"{name}={of}" for name, of in parameters.items())])
        self.wait_until(
            lambda: len(self.emulator.history.answered(match)) >= count,
            f"{count} answered {what}",
            timeout_s=timeout_s,
        )
        return self._do(lambda: self.emulator.history.answered(match))[-1]

    def wait_until_idle(self, *, timeout_s: float = WAIT_S) -> None:
        """Wait until every call has ended, and everything is delivered.

        Raises AssertionError with the stories of all calls if time runs out.
        """
        self.wait_until(lambda: self.emulator.is_idle, "the end of all calls", timeout_s=timeout_s)

    def wait_until(
        self, condition: Callable[[], bool], what: str, *, timeout_s: float = WAIT_S
    ) -> None:
        """Wait for a condition on the emulator, which is evaluated in its thread.

        Raises AssertionError that names ``what`` if time runs out.
        """
        if not self._wait(self.emulator.wait_until(condition, timeout_s)):
            message = f"waited {timeout_s:g} s for {what}\n\n{self.tell()}"
            raise AssertionError(message)

    def assert_all_answered(self) -> None:
        """Raise AssertionError if a callback was not answered with a 2xx."""
        missing = [tell_callback(one) for one in self.unanswered()]
        if missing:
            message = "not answered with a 2xx: " + "; ".join(missing) + f"\n\n{self.tell()}"
            raise AssertionError(message)

    def reset(self) -> None:
        """Forget all calls and callbacks, stop what is on its way, and set the URLs as at the start."""
        self._wait(self.emulator.reset())
        self._do(lambda: self._set_urls(self._given_urls))

    # The thread

    def act(self, change: Callable[[Emulator], T]) -> T:
        """Run ``change`` in the emulator's thread, for what has no method here; return its result."""
        return self._do(lambda: change(self.emulator))

    async def _begin(self) -> str:
        await self._stack.enter_async_context(self.emulator)
        return await self._stack.enter_async_context(serve(make_app(self.emulator)))

    def _make_urls(self, ring_url: str = "") -> CallUrls:
        answer, hangup, fallback = (self._urls[name] for name in ("answer", "hangup", "fallback"))
        method = self._method
        return CallUrls((answer, method), (ring_url, method), (hangup, method), (fallback, method))

    def _set_urls(self, urls: dict[str, str]) -> None:
        self._urls = urls
        self.emulator.directory.add_application(self._make_application())

    def _tell(self) -> list[list[str]]:
        history, world = self.emulator.history, self.emulator.world
        calls = tell_calls(history, world.legs.values())
        return [*calls.values(), *tell_messages(history, world.messages.values()).values()]

    def _make_application(self) -> Application:
        message = (self._urls["message"], self._method)
        return Application(_APPLICATION_ID, self._account.auth_id, self._make_urls(), message)

    def _make_number(self) -> Number:
        return Number(self.number, self._account.auth_id, _APPLICATION_ID)

    def _do(self, act: Callable[[], T]) -> T:
        async def run() -> T:
            return act()

        return self._wait(run())

    def _wait(self, work: Coroutine[Any, Any, T]) -> T:
        result = asyncio.run_coroutine_threadsafe(work, self._loop).result()
        self._raise_fault()
        return result

    def _raise_fault(self) -> None:
        if self._faults:
            fault = self._faults.pop(0)
            message = f"the emulator failed: {fault.get('message')}"
            raise RuntimeError(message) from fault.get("exception")

    def _stop(self) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.run_until_complete(self._loop.shutdown_default_executor())
        self._loop.close()


class Call:
    """A call, or one of its legs."""

    def __init__(self, plivo: EmulatedPlivo, leg: Leg) -> None:
        self.uuid = leg.uuid
        self._plivo = plivo
        self._leg = leg

    @property
    def status(self) -> str:
        """Return Plivo's ``CallStatus``."""
        return self._plivo.act(lambda _: self._leg.status)

    def press(self, digits: str) -> None:
        """Press keys."""
        self._plivo.act(lambda one: one.do(lambda machine: machine.press(self.uuid, digits)))

    def say(self, words: str) -> None:
        """Say words."""
        self._plivo.act(lambda one: one.do(lambda machine: machine.say(self.uuid, words)))

    def control(self, control: Control) -> None:
        """Do something to this member of a conference or multi-party call; raises AssertionError."""
        found = self._plivo.act(
            lambda one: one.do(lambda machine: machine.control(self.uuid, control))
        )
        if not found:
            message = f"call {self.uuid} is in no conference and no multi-party call"
            raise AssertionError(message)

    def stream(self, event: StreamEvent, detail: str = "") -> None:
        """Let something happen to the audio stream of the call; raises AssertionError."""
        found = self._plivo.act(
            lambda one: one.do(lambda machine: machine.stream(self.uuid, event, detail))
        )
        if not found:
            message = f"call {self.uuid} has no audio stream"
            raise AssertionError(message)

    def hang_up(self) -> None:
        """Hang up."""
        self._plivo.act(lambda one: one.do(lambda machine: machine.hang_up(self.uuid)))

    def sent(self, type: str | None = None, **parameters: str) -> list[SentCallback]:  # noqa: A002 (the words of a test)
        """Return the callbacks of this call, oldest first."""
        match = Match(type, call=self.uuid, parameters=parameters)
        return self._plivo.act(lambda one: one.history.sent(match))

    def wait_for_input(self, *, timeout_s: float = WAIT_S) -> None:
        """Wait until an element waits for digits or speech; raises AssertionError."""
        self._plivo.wait_until(
            lambda: self._leg.phase is Phase.INPUT, "a prompt for input", timeout_s=timeout_s
        )

    def wait_for_end(self, *, timeout_s: float = WAIT_S) -> LegEnded:
        """Wait until the call has ended and its callbacks are delivered, or given up.

        What comes after the end, such as a recording, is waited for by ``wait_until_idle``. Returns
        the cause. Raises AssertionError with the stories of all calls if time runs out.
        """
        found: list[LegEnded] = []

        def has_ended() -> bool:
            # Kept at once: a moment later a callback that follows the end may be on its way.
            found.extend(self._find_ends(self._plivo.emulator))
            return bool(found)

        self._plivo.wait_until(has_ended, f"the end of call {self.uuid}", timeout_s=timeout_s)
        return found[0]

    def _find_ends(self, emulator: Emulator) -> list[LegEnded]:
        """Return the end of the call, once nothing of it is on its way."""
        of_call = Match(call=self.uuid)
        if any(one.is_waiting for one in emulator.history.unanswered(of_call)):
            return []
        return [one.end for one in emulator.history.ends() if one.subject == self.uuid]
