"""Calls and messages as stories: what happened on each, line by line, for people.

1. Times count from the begin of the call or message, in the machine's seconds.
2. Legs that were dialled belong to the story of the first leg.
"""

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from typing import assert_never

from bridge.emulator.history import Ended, Entry, History, Noted, SentCallback
from bridge.emulator.machine.commands import Failure, Outcome, Response
from bridge.emulator.machine.leg import Leg
from bridge.emulator.machine.message import Message

_FAILURES = {
    "broken": "the answer broke off",
    "ct": "connect timeout",
    "refused": "connection refused",
    "rt": "read timeout",
}


def tell_calls(history: History, legs: Iterable[Leg]) -> dict[str, list[str]]:
    """Return the story of each call by its id, oldest first, one event a line."""
    entries = history.by_subject()
    dialled: dict[str, list[Leg]] = {}
    first_legs: list[Leg] = []
    for leg in legs:
        if leg.a_leg is None:
            first_legs.append(leg)
        else:
            dialled.setdefault(leg.a_leg.uuid, []).append(leg)
    return {leg.uuid: _tell_call(entries, leg, dialled.get(leg.uuid, [])) for leg in first_legs}


def _tell_call(entries: Mapping[str, list[Entry]], leg: Leg, dialled: Iterable[Leg]) -> list[str]:
    told = [(entry, "") for entry in entries.get(leg.uuid, [])]
    for one in dialled:
        told += [(entry, f"leg to {one.callee}: ") for entry in entries.get(one.uuid, [])]
    told.sort(key=lambda pair: pair[0].at)
    lines = [f"{leg.direction} call {leg.uuid} from {leg.caller} to {leg.callee}: {leg.status}"]
    for entry, whom in told:
        lines += _tell_entries(leg.started_at, [entry], whom)
    return lines


def tell_messages(history: History, messages: Iterable[Message]) -> dict[str, list[str]]:
    """Return the story of each message by its id, oldest first, one event a line."""
    entries = history.by_subject()
    return {one.uuid: _tell_message(one, entries.get(one.uuid, [])) for one in messages}


def _tell_message(message: Message, entries: Iterable[Entry]) -> list[str]:
    source, destination = message.order.source, message.order.destination
    title = f"{message.direction} message {message.uuid} from {source} to {destination}"
    return [f"{title}: {message.state}", *_tell_entries(message.made_at, entries)]


def _tell_entries(begin: datetime, entries: Iterable[Entry], whom: str = "") -> Iterator[str]:
    for entry in entries:
        elapsed_s = (entry.at - begin).total_seconds()
        yield f"{elapsed_s:9.1f} s  {whom}{_tell_entry(entry)}"


def tell_callback(callback: SentCallback) -> str:
    """Return what was sent and how each try ended, in one line."""
    tries = [tell_outcome(one.outcome) for one in callback.tries]
    return f"{callback.type} -> {', then '.join(tries)}"


def tell_outcome(outcome: Outcome | None) -> str:
    """Return how a request ended, in a few words."""
    match outcome:
        case None:
            return "no answer yet"
        case Failure(kind, detail):
            what = _FAILURES.get(kind, kind)
            return f"{what} ({detail})" if detail and detail != what else what
        case Response(status, content_type, body):
            if not body:
                return str(status)
            return f"{status} {content_type.partition(';')[0]}".rstrip()
        case _:
            assert_never(outcome)


def _tell_entry(entry: Entry) -> str:
    match entry:
        case SentCallback():
            return tell_callback(entry)
        case Noted(note):
            return f"note: {note.text}"
        case Ended(end):
            return f"ended: {end.code} {end.name} ({end.source})"
        case _:
            assert_never(entry)
