"""The stage between the call machine and what sends its requests.

1. It draws from a random generator of its own, so that calls and ids are the same with and without it.
2. It waits on the machine's time, so that it works on virtual time as well.
3. It notes every change of a request.
"""

from collections.abc import Callable
from dataclasses import dataclass
from random import Random
from typing import Final

from bridge.callbacks.model import Reply
from bridge.core import catalogue
from bridge.emulator.chaos.options import Chaos
from bridge.emulator.chaos.parameters import add_undocumented, make_old, skew_times
from bridge.emulator.machine.commands import Fault, Request, Response
from bridge.emulator.machine.tasks import Signal
from bridge.emulator.machine.world import World

_LOST_ANSWER: Final = Response(200)


def add_chaos(world: World, chaos: Chaos, seed: int) -> None:
    """Let things go wrong with the requests of a world."""
    world.deliveries.send_through(_Stage(world, chaos, seed).send)


@dataclass(frozen=True, slots=True)
class _Held:
    """A request that waits for the next one about its subject."""

    request: Request
    overtaken: Signal[None]


class _Stage:
    def __init__(self, world: World, chaos: Chaos, seed: int) -> None:
        self._world = world
        self._chaos = chaos
        self._random = Random(f"chaos {seed}")  # noqa: S311 (repeatable on purpose)
        self._duplicates = 0
        self._held: dict[str, _Held] = {}
        self._ignored = {
            kind.name for kind in catalogue.load_catalogue().all_types if kind.reply is Reply.ACK
        }

    def send(self, request: Request) -> None:
        """Do to a request what the shares say, and send it on."""
        chaos = self._chaos
        request = self._change(request)
        is_ignored = request.type in self._ignored
        if self._hits(chaos.lost) and is_ignored:
            self._note(request, "lost")
            self._world.deliveries.answer(request.id, _LOST_ANSWER)
            return
        if self._hits(chaos.duplicated):
            self._duplicate(request)
        late, reordered = self._hits(chaos.late), self._hits(chaos.reordered)
        self._let_pass_held(request)
        if late and is_ignored:
            self._note(request, "late")
            self._start_later(request, self._random.uniform(0, chaos.late_s_max))
        elif reordered and is_ignored:
            self._note(request, "held until the next one")
            self._hold(request)
        else:
            self._emit(request)

    def _change(self, request: Request) -> Request:
        """Return a request with other fields, or one that is cut or slow."""
        chaos, parameters = self._chaos, request.parameters
        changes: tuple[tuple[float, str, Callable[[], Request]], ...] = (
            (chaos.old_fields, "old fields", lambda: request._replace(
                parameters=make_old(request.type, parameters, self._random))),
            (chaos.undocumented_fields, "undocumented fields", lambda: request._replace(
                parameters=add_undocumented(request.parameters, self._random))),
            (chaos.skewed, "a skewed clock", lambda: request._replace(
                parameters=skew_times(request.parameters, self._draw_skew_s()))),
            (chaos.cut, "cut off", lambda: request._replace(fault=Fault.CUT)),
            (chaos.slow, "slow", lambda: request._replace(fault=Fault.SLOW)),
        )  # fmt: skip
        for share, text, change in changes:
            if self._hits(share):
                request = change()
                self._note(request, text)
        return request

    def _draw_skew_s(self) -> float:
        return self._random.uniform(-self._chaos.skew_s_max, self._chaos.skew_s_max)

    def _duplicate(self, request: Request) -> None:
        self._duplicates += 1
        nonces = request.nonces
        if self._hits(0.5):
            nonces = (str(self._random.randrange(10**20)), str(self._random.randrange(10**20)))
        # No request of the machine has a negative id, so that nobody waits for the answer.
        copy = request._replace(id=-self._duplicates, nonces=nonces)
        self._note(request, "sent again")
        self._start_later(copy, self._random.uniform(0, self._chaos.duplicate_s_max))

    def _start_later(self, request: Request, delay_s: float) -> None:
        self._world.scheduler.start(self._emit_later(request, delay_s))

    async def _emit_later(self, request: Request, delay_s: float) -> None:
        await self._world.scheduler.sleep(delay_s)
        self._emit(request)

    def _hold(self, request: Request) -> None:
        held = _Held(request, Signal())
        self._held[request.subject] = held
        self._world.scheduler.start(self._emit_overtaken(held))

    async def _emit_overtaken(self, held: _Held) -> None:
        timeout_s = self._chaos.reorder_s_max
        await self._world.scheduler.wait_first(held.overtaken, timeout_s=timeout_s)
        if self._held.get(held.request.subject) is held:
            del self._held[held.request.subject]
        self._emit(held.request)

    def _let_pass_held(self, request: Request) -> None:
        """Release what was held for this request: its task runs after this one is sent."""
        held = self._held.pop(request.subject, None)
        if held is not None:
            held.overtaken.set(None)

    def _emit(self, request: Request) -> None:
        self._world.scheduler.commands.append(request)

    def _hits(self, share: float) -> bool:
        return self._random.random() < share

    def _note(self, request: Request, text: str) -> None:
        self._world.note(request.subject, f"chaos: {text}: {request.type}")
