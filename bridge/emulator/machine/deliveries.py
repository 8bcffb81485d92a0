"""Deliver callbacks: each try is one ``Request``, and its outcome decides about the next try."""

from dataclasses import dataclass
from random import Random
from typing import Any
from urllib.parse import urldefrag

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


class Deliveries:
    """The callbacks on their way."""

    def __init__(self, scheduler: Scheduler, random: Random) -> None:
        self._scheduler = scheduler
        self._random = random
        self._waiting: dict[int, Signal[Outcome]] = {}
        self._requests = 0

    def answer(self, request_id: int, outcome: Outcome) -> None:
        """Report how a request ended."""
        waiting = self._waiting.pop(request_id, None)
        if waiting is not None:
            waiting.set(outcome)

    def notify(self, callback: Callback) -> Task[Any]:
        """Deliver a callback while the call goes on. The answer is ignored.

        It is sent at once, so callbacks leave in the order in which the machine makes them.
        """
        return self._scheduler.start_now(self.deliver(callback))

    async def deliver(self, callback: Callback) -> Outcome:
        """Deliver a callback, with its retries; return the outcome of the last try."""
        policy = callback.policy or parse_policy(callback.url)
        started_at = self._scheduler.now
        outcome: Outcome = Failure("ct")
        for attempt, pause_s in enumerate((0.0, *policy.pauses_s), 1):
            elapsed_s = (self._scheduler.now - started_at).total_seconds()
            left_s = policy.total_timeout_s - elapsed_s - pause_s
            if left_s <= 0:
                break
            if pause_s:
                await self._scheduler.sleep(pause_s)
            outcome = await self._try_once(callback, policy, attempt, left_s)
            if not policy.retries(outcome):
                break
        return outcome

    async def _try_once(
        self, callback: Callback, policy: RetryPolicy, attempt: int, left_s: float
    ) -> Outcome:
        self._requests += 1
        nonces = (str(self._random.randrange(10**20)), str(self._random.randrange(10**20)))
        request = Request(
            id=self._requests,
            type=callback.type,
            subject=callback.subject,
            method=callback.method,
            url=urldefrag(callback.url).url,
            parameters=callback.parameters,
            auth_id=callback.auth_id,
            nonces=nonces,
            connect_timeout_s=min(policy.connect_timeout_s, left_s),
            read_timeout_s=min(policy.read_timeout_s, left_s),
            attempt=attempt,
        )
        answered: Signal[Outcome] = Signal()
        self._waiting[request.id] = answered
        self._scheduler.commands.append(request)
        try:
            return await answered
        finally:
            self._waiting.pop(request.id, None)
