"""Deliver callbacks: each try is one ``Request``, and its outcome decides about the next try."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from random import Random
from typing import Any, NamedTuple

from bridge.emulator.machine.commands import Failure, Outcome, Parameters, Request
from bridge.emulator.machine.retries import RetryPolicy, parse_policy
from bridge.emulator.machine.tasks import Scheduler, Signal, Task

METHODS = ("GET", "POST")


@dataclass(frozen=True, slots=True)
class Callback:
    """One callback to deliver. ``type``, ``subject`` and ``auth_id`` are as in ``Request``.

    ``url`` is as the customer wrote it, with its fragment. ``policy`` None: the fragment decides.
    """

    type: str
    subject: str
    auth_id: str
    url: str
    method: str
    parameters: Parameters
    policy: RetryPolicy | None = None


class _Answer(NamedTuple):
    outcome: Outcome
    took_s: float


class _Waiting(NamedTuple):
    answered: Signal[_Answer]
    sent_at: datetime


class Deliveries:
    """The callbacks on their way."""

    def __init__(self, scheduler: Scheduler, random: Random) -> None:
        self._scheduler = scheduler
        self._random = random
        self._waiting: dict[int, _Waiting] = {}
        self._requests = 0
        self._callbacks = 0
        self._send: Callable[[Request], None] = self._emit

    def send_through(self, stage: Callable[[Request], None]) -> None:
        """Hand requests to ``stage``, which sends them on as commands."""
        self._send = stage

    def answer(self, request_id: int, outcome: Outcome, took_s: float | None = None) -> None:
        """Report how a request ended. ``took_s`` None: as long as the machine's time says.

        A driver that lets the machine's time pass faster than a receiver's reports real seconds.
        """
        waiting = self._waiting.pop(request_id, None)
        if waiting is not None:
            elapsed_s = (self._scheduler.now - waiting.sent_at).total_seconds()
            waiting.answered.set(_Answer(outcome, elapsed_s if took_s is None else took_s))

    def notify(self, callback: Callback) -> Task[Any]:
        """Deliver a callback while the call goes on. The answer is ignored.

        It is sent at once, so callbacks leave in the order in which the machine makes them.
        """
        return self._scheduler.start_now(self.deliver(callback))

    async def deliver(self, callback: Callback) -> Outcome:
        """Deliver a callback, with its retries; return the outcome of the last try."""
        policy = callback.policy or parse_policy(callback.url)
        self._callbacks += 1
        callback_id = self._callbacks
        left_s = policy.total_timeout_s
        outcome: Outcome = Failure("ct")
        for attempt, pause_s in enumerate((0.0, *policy.pauses_s), 1):
            left_s -= pause_s
            if left_s <= 0:
                break
            if pause_s:
                await self._scheduler.sleep(pause_s)
            request = self._make_request(callback, policy, left_s, (callback_id, attempt))
            outcome, took_s = await self._try_once(request)
            left_s -= took_s
            if not policy.retries(outcome):
                break
        return outcome

    def _make_request(
        self, callback: Callback, policy: RetryPolicy, left_s: float, ids: tuple[int, int]
    ) -> Request:
        self._requests += 1
        return Request(
            id=self._requests,
            type=callback.type,
            subject=callback.subject,
            method=callback.method,
            url=callback.url.partition("#")[0],
            parameters=callback.parameters,
            auth_id=callback.auth_id,
            nonces=(str(self._random.randrange(10**20)), str(self._random.randrange(10**20))),
            connect_timeout_s=min(policy.connect_timeout_s, left_s),
            read_timeout_s=min(policy.read_timeout_s, left_s),
            attempt=ids[1],
            total_timeout_s=left_s,
            callback_id=ids[0],
        )

    async def _try_once(self, request: Request) -> _Answer:
        answered: Signal[_Answer] = Signal()
        self._waiting[request.id] = _Waiting(answered, self._scheduler.now)
        self._send(request)
        try:
            return await answered
        finally:
            self._waiting.pop(request.id, None)

    def _emit(self, request: Request) -> None:
        self._scheduler.commands.append(request)
