"""Run a scenario on an emulator, and count what comes of it."""

import asyncio
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from random import Random
from typing import Final

from bridge.emulator.emulator import Emulator
from bridge.emulator.machine.commands import (
    Command,
    Failure,
    LegEnded,
    Note,
    Outcome,
    Request,
    Response,
)
from bridge.emulator.machine.leg import Account
from bridge.emulator.machine.machine import Machine
from bridge.emulator.scenarios.begin import (
    ReceiverUrls,
    begin_call,
    begin_message,
    choose_episode,
    plan_starts,
)
from bridge.emulator.scenarios.model import CallModel, Episode, Scenario

# How often the end of a run is looked for.
_POLL_S: Final = 0.02
# People of scenarios hang up after half a minute and more.
STRETCHED_S: Final = 10.0
_FAILURES: Final = {
    "ct": "connect timeout",
    "rt": "read timeout",
    "refused": "connection refused",
    "broken": "answer broke off",
}


@dataclass(slots=True)
class Tally:
    """Counts of a run so far.

    ``ended`` counts legs by the name of their hangup cause. ``sent`` and ``delivered`` count callbacks
    by type, each once, also one that chaos sends again: a delivered one got a 2xx, perhaps after a
    retry. ``tries`` counts requests, ``faults`` those that failed, by status or reason. ``stretched``
    counts answers that the speed made take more than ``STRETCHED_S`` longer for the calls than they
    took; ``answer_s_max`` is the longest, in emulated time.
    """

    begun: int = 0
    tries: int = 0
    ended: Counter[str] = field(default_factory=Counter[str])
    sent: Counter[str] = field(default_factory=Counter[str])
    delivered: Counter[str] = field(default_factory=Counter[str])
    faults: Counter[str] = field(default_factory=Counter[str])
    notes: Counter[str] = field(default_factory=Counter[str])
    stretched: int = 0
    answer_s_max: float = 0.0

    @property
    def undelivered(self) -> int:
        """Return how many callbacks got no 2xx, even after their retries."""
        return self.sent.total() - self.delivered.total()

    @classmethod
    def watch(cls, emulator: Emulator) -> "Tally":
        """Return a tally that counts what an emulator does from now on."""
        tally = cls()
        sent_at: dict[int, datetime] = {}
        sent, delivered = set[int](), set[int]()

        def count_command(command: Command) -> None:
            _count_command(tally, command)
            if isinstance(command, Request):
                if command.callback_id not in sent:
                    sent.add(command.callback_id)
                    tally.sent[command.type] += 1
                sent_at[command.id] = emulator.now

        def count_answer(request: Request, outcome: Outcome) -> None:
            if isinstance(outcome, Response) and outcome.is_success:
                if request.callback_id not in delivered:
                    delivered.add(request.callback_id)
                    tally.delivered[request.type] += 1
            else:
                tally.faults[_describe_fault(outcome)] += 1
            if request.id in sent_at:
                took_s = (emulator.now - sent_at.pop(request.id)).total_seconds()
                tally.answer_s_max = max(tally.answer_s_max, took_s)
                tally.stretched += took_s - took_s / emulator.speed > STRETCHED_S

        emulator.observe(count_command)
        emulator.observe_answers(count_answer)
        return tally

    def to_json(self) -> dict[str, object]:
        """Return the counts for a machine."""
        return {
            "begun": self.begun,
            "ended": dict(self.ended),
            "sent": dict(self.sent),
            "delivered": dict(self.delivered),
            "undelivered": self.undelivered,
            "requests": self.tries,
            "faults": dict(self.faults),
            "notes": dict(self.notes),
            "stretched": self.stretched,
            "answer_s_max": round(self.answer_s_max, 3),
        }


async def run_scenario(  # noqa: PLR0913 (the parts of a run)
    emulator: Emulator,
    scenario: Scenario,
    account: Account,
    urls: ReceiverUrls,
    *,
    tally: Tally,
    on_progress: Callable[[], None] = lambda: None,
) -> None:
    """Begin every call of a scenario, wait until all have ended and everything is delivered.

    ``tally`` watches the emulator; the calls that began are counted in it too.
    """
    random = Random(emulator.seed)  # noqa: S311 (repeatable on purpose)
    started_at = emulator.now
    for at_s in plan_starts(scenario.load, random):
        while (wait_s := at_s - (emulator.now - started_at).total_seconds()) > 0:
            await asyncio.sleep(min(wait_s / emulator.speed, _POLL_S))
            on_progress()
        _begin(emulator, choose_episode(scenario, random), account, urls)
        tally.begun += 1
    while not emulator.is_idle:
        await asyncio.sleep(_POLL_S)
        on_progress()


def _begin(emulator: Emulator, episode: Episode, account: Account, urls: ReceiverUrls) -> None:
    def begin(machine: Machine) -> None:
        if isinstance(episode, CallModel):
            begin_call(machine, account, episode, urls)
        else:
            begin_message(machine, account, episode, urls)

    emulator.do(begin)


def _count_command(tally: Tally, command: Command) -> None:
    match command:
        case Request():
            tally.tries += 1
        case LegEnded():
            tally.ended[command.name] += 1
        case Note():
            tally.notes[command.text] += 1
        case _:
            pass


def _describe_fault(outcome: Outcome) -> str:
    if isinstance(outcome, Failure):
        return _FAILURES.get(outcome.kind, outcome.kind)
    return f"status {outcome.status}"
