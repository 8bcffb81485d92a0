"""History of an emulator: its callbacks, their answers, and the events of its calls.

1. A callback is one entry, with all its tries. It is answered once a try got a 2xx, whatever follows.
   Otherwise it is unanswered: all tries failed, or the first one still waits.
2. Notes and the ends of legs are entries too, so that the entries of a call tell its story.
3. The history is bounded: the oldest entries are dropped first, and counted. Of a body the first
   ``BODY_BYTES_KEPT`` are kept.
"""

from collections import deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final, TypeVar
from urllib.parse import urlsplit

from bridge.emulator.machine.commands import Command, LegEnded, Note, Outcome, Request, Response

ENTRIES_MAX: Final = 20_000
BODY_BYTES_KEPT: Final = 16_384

T = TypeVar("T")


@dataclass(slots=True)
class Try:
    """One request of a callback. ``outcome`` is None while it waits. Times are the machine's."""

    request: Request
    sent_at: datetime
    outcome: Outcome | None = None
    answered_at: datetime | None = None
    body_bytes: int = 0


@dataclass(slots=True)
class SentCallback:
    """A callback with its tries, in order. The first one says what was sent."""

    tries: list[Try]

    @property
    def request(self) -> Request:
        """Return the first request."""
        return self.tries[0].request

    @property
    def type(self) -> str:
        """Return the type, as ``voice.call.ring``."""
        return self.request.type

    @property
    def subject(self) -> str:
        """Return the id of the call, message or session."""
        return self.request.subject

    @property
    def parameters(self) -> Mapping[str, str]:
        """Return the parameters."""
        return self.request.parameters

    @property
    def path(self) -> str:
        """Return the path of the URL."""
        return urlsplit(self.request.url).path

    @property
    def at(self) -> datetime:
        """Return when the first try was sent."""
        return self.tries[0].sent_at

    @property
    def outcome(self) -> Outcome | None:
        """Return the outcome of the last try that has one."""
        outcomes = [one.outcome for one in self.tries if one.outcome is not None]
        return outcomes[-1] if outcomes else None

    @property
    def answer(self) -> str:
        """Return the body of the last answer; empty without one."""
        outcome = self.outcome
        return outcome.body.decode("utf-8", "replace") if isinstance(outcome, Response) else ""

    @property
    def is_answered(self) -> bool:
        """Return whether a try got a 2xx: rule 1."""
        return any(
            isinstance(one.outcome, Response) and one.outcome.is_success for one in self.tries
        )

    @property
    def is_waiting(self) -> bool:
        """Return whether a try is on its way."""
        return self.tries[-1].outcome is None


@dataclass(frozen=True, slots=True)
class Noted:
    """Something that a developer wants to know."""

    note: Note
    at: datetime

    @property
    def subject(self) -> str:
        """Return the id of the call, message or session."""
        return self.note.subject


@dataclass(frozen=True, slots=True)
class Ended:
    """The end of a leg."""

    end: LegEnded
    at: datetime

    @property
    def subject(self) -> str:
        """Return the id of the leg."""
        return self.end.call_uuid


Entry = SentCallback | Noted | Ended


@dataclass(frozen=True, slots=True)
class Match:
    """Which callbacks are meant. None and empty: any.

    ``type`` is a whole type or its last words: ``hangup`` for ``voice.call.hangup``. ``call`` is the id
    of the call, message or session. ``parameters`` must all be there with these values.
    """

    type: str | None = None
    call: str | None = None
    path: str | None = None
    parameters: Mapping[str, str] = field(default_factory=dict[str, str])

    def fits(self, callback: SentCallback) -> bool:
        """Return whether a callback is meant."""
        return (
            (self.type is None or f".{callback.type}".endswith(f".{self.type}"))
            and self.call in {None, callback.subject}
            and self.path in {None, callback.path}
            and self.parameters.items() <= callback.parameters.items()
        )


ANY: Final = Match()


class History:
    """The entries of an emulator, oldest first: rules 1 to 3."""

    def __init__(self, entries_max: int = ENTRIES_MAX) -> None:
        self.dropped = 0
        self._entries: deque[Entry] = deque()
        self._entries_max = entries_max
        self._callbacks: dict[int, SentCallback] = {}
        self._tries: dict[int, Try] = {}

    def add(self, command: Command, at: datetime) -> None:
        """Record what the machine asks for, if it belongs in a history."""
        match command:
            case Request():
                self._add_request(command, at)
            case Note():
                self._add_entry(Noted(command, at))
            case LegEnded():
                self._add_entry(Ended(command, at))
            case _:
                pass

    def add_outcome(self, request_id: int, outcome: Outcome, at: datetime) -> None:
        """Record how a request ended. One whose callback was dropped is ignored."""
        one = self._tries.pop(request_id, None)
        if one is None:
            return
        if isinstance(outcome, Response):
            one.body_bytes = len(outcome.body)
            outcome = outcome._replace(body=outcome.body[:BODY_BYTES_KEPT])
        one.outcome, one.answered_at = outcome, at

    def sent(self, match: Match = ANY) -> list[SentCallback]:
        """Return the callbacks, oldest first."""
        return [one for one in self._list(SentCallback) if match.fits(one)]

    def answered(self, match: Match = ANY) -> list[SentCallback]:
        """Return the callbacks that got a 2xx."""
        return [one for one in self.sent(match) if one.is_answered]

    def unanswered(self, match: Match = ANY) -> list[SentCallback]:
        """Return the callbacks that did not get a 2xx, or not yet."""
        return [one for one in self.sent(match) if not one.is_answered]

    def failed(self, match: Match = ANY) -> list[SentCallback]:
        """Return the callbacks whose tries all failed, so far: a retry may follow."""
        return [one for one in self.unanswered(match) if not one.is_waiting]

    def notes(self) -> list[Noted]:
        """Return the notes."""
        return list(self._list(Noted))

    def ends(self) -> list[Ended]:
        """Return the ends of legs."""
        return list(self._list(Ended))

    def by_subject(self) -> dict[str, list[Entry]]:
        """Return everything about each call, message or session, in the order of time."""
        entries: dict[str, list[Entry]] = {}
        for one in self._entries:
            entries.setdefault(one.subject, []).append(one)
        return entries

    def _list(self, kind: type[T]) -> Iterator[T]:
        return (one for one in self._entries if isinstance(one, kind))

    def _add_request(self, request: Request, at: datetime) -> None:
        one = Try(request, at)
        callback = self._callbacks.get(request.callback_id)
        if callback is not None:
            callback.tries.append(one)
        elif request.attempt == 1:
            callback = self._callbacks[request.callback_id] = SentCallback([one])
            self._add_entry(callback)
        else:
            return  # a retry of a callback that was dropped
        self._tries[request.id] = one

    def _add_entry(self, entry: Entry) -> None:
        if len(self._entries) >= self._entries_max:
            self.dropped += 1
            oldest = self._entries.popleft()
            if isinstance(oldest, SentCallback):
                del self._callbacks[oldest.request.callback_id]
                for one in oldest.tries:
                    self._tries.pop(one.request.id, None)
        self._entries.append(entry)
