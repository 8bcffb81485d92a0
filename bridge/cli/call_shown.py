"""A call laid out for a person: its legs, its time line, what is missing and what came twice."""

import re
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Final

from rich.markup import escape
from rich.table import Table
from rich.text import Text

from bridge.cli.call_document import happened, kind_of, local, received
from bridge.cli.showing import facts, show, table
from bridge.replay.call import CALLBACKS_MAX, Entry, Found, Json
from bridge.replay.call_gaps import Duplicate, Gap, duplicates_of, gaps_of
from bridge.replay.call_legs import Leg, legs_of, total_cost

_SHORT: Final = 8
_FRACTION: Final = re.compile(r"(\.\d{3})\d+")
_REPLY_CHARACTERS: Final = 40
# What a callback says beside its type, in a few words: the first of these that is there.
_TELLING: Final = (
    "dial_action",
    "dial_status",
    "digits",
    "speech",
    "conference_action",
    "state",
    "status",
    "event_name",
    "call_status",
)


def show_found(found: Found, now: datetime) -> None:
    """Print everything that was found."""
    legs = legs_of(found.entries, found.id)
    gaps = gaps_of(found, legs, now)
    duplicates = duplicates_of(found.entries)
    repeated = {place for one in duplicates for place in one.places[1:]}
    show(facts(_head(found, legs)))
    for leg in legs:
        role = f"{leg.role} leg" if leg.is_of_call else "leg of another call"
        show("", f"[bold]{role}[/] [cyan]{escape(leg.id)}[/]", facts(_leg(leg)))
    show("", _time_line(found.entries, repeated))
    show(*_gap_lines(gaps), *_duplicate_lines(duplicates), *_notes(found))


def _head(found: Found, legs: Sequence[Leg]) -> list[tuple[str, str]]:
    first, last = found.entries[0], found.entries[-1]
    zone = first.callback.value["zone"]
    lines = [
        (kind_of(found.entries, legs) or "", found.id),
        ("account", first.callback.value["source"].removeprefix("/plivo/accounts/")),
        ("zone", zone or "not known"),
        (
            "callbacks",
            f"{len(found.entries)}, received {received(first)[0]} to {received(last)[0]}",
        ),
    ]
    lines += _message(found.entries)
    cost = total_cost(legs)
    if cost is not None:
        lines.append(("cost", f"{cost}, in the account's currency"))
    others = [one for one in found.followed if one not in {leg.id for leg in legs}]
    if others:
        lines.append(("also looked for", ", ".join(others)))
    return lines


def _message(entries: Sequence[Entry]) -> list[tuple[str, str]]:
    """Return what the last callback of a message says of it; nothing of anything else."""
    said = entries[-1].data
    if "message_uuid" not in said:
        return []
    lines = [("who", f"{_party(said.get('from'))} > {_party(said.get('to'))}")]
    names = {"status": "state", "error_code": "error", "units": "units", "total_amount": "cost"}
    return lines + [(ours, str(said[name])) for name, ours in names.items() if said.get(name)]


def _leg(leg: Leg) -> list[tuple[str, str]]:
    said = leg.fields
    from_to = f"{_party(said.get('from'))} > {_party(said.get('to'))}"
    lines = [("who", f"{said.get('direction') or ''} {from_to}".strip())]
    last = leg.entries[-1]
    times = [name for name in ("started_at", "answered_at", "ended_at") if name in said]
    lines += [(name.removesuffix("_at"), _moment(said[name], last)) for name in times]
    if "duration_s" in said:
        billed = f", billed {said['bill_duration_s']} s" if "bill_duration_s" in said else ""
        lines.append(("lasted", f"{said['duration_s']} s{billed}"))
    if "total_cost" in said or "bill_rate" in said:
        rate = f" at {said['bill_rate']} a minute" if "bill_rate" in said else ""
        lines.append(("cost", f"{said.get('total_cost') or 'not said'}{rate}"))
    if "hangup" in said:
        lines.append(("hung up", _hangup(said["hangup"])))
    elif "call_status" in said:
        lines.append(("state", str(said["call_status"])))
    if "stir" in said:
        lines.append(("stir", _stir(said["stir"])))
    return lines


def _time_line(entries: Iterable[Entry], repeated: set[str]) -> Table:
    head = ("received, UTC", "local", "type", "id", "what", "happened, UTC", "verified", "reply")
    made = table(head, [])
    for entry in entries:
        received_at, received_local = received(entry)
        again = ""
        if entry.replay_id is not None:
            again = " (replayed)"
        elif entry.place in repeated:
            again = " (again)"
        cells = [
            f"{_day(received_at)} {_clock(received_at)}",
            _beside(received_local, received_at),
            entry.type or "no event",
            entry.key[:_SHORT],
            _what(entry) + again,
            _beside(happened(entry)[0], received_at),
            _verified(entry),
            _reply(entry),
        ]
        made.add_row(*map(Text, cells), style="dim" if again else None)
    return made


def _what(entry: Entry) -> str:
    data = entry.data
    if data.get("hangup"):
        return _hangup(data["hangup"])
    said = next((data[name] for name in _TELLING if data.get(name) is not None), None)
    if isinstance(said, dict):
        return str(said.get("state") or said.get("text") or "")  # pyright: ignore[reportUnknownMemberType, reportUnknownArgumentType] (JSON)
    return str(said) if said is not None else entry.fault or ""


def _hangup(hangup: Json) -> str:
    """Return who ended a leg and why."""
    whose = f"by {hangup['source']}: " if hangup.get("source") else ""
    why = hangup.get("name") or hangup.get("cause") or "no cause"
    codes = ", ".join(filter(None, (hangup.get("code"), hangup.get("group"))))
    return f"{whose}{why}" + (f" ({codes})" if codes else "")


def _stir(stir: Json) -> str:
    words = [stir["verification"], stir["attestation"], stir["role"]]
    return " ".join(filter(None, [*words, "(conflict)" if stir["conflict"] else None]))


def _party(party: Json | None) -> str:
    return str(party["e164"] or party["text"]) if party else "-"


def _moment(moment: Json, entry: Entry) -> str:
    """Return a time in UTC and in the account's zone, or what Plivo wrote where it is not sure."""
    if moment["utc"] is None:
        return f"{moment['text']} {moment['zone'] or ''}: {moment['certainty']}"
    there = local(datetime.fromisoformat(moment["utc"]), entry)
    utc = str(moment["utc"])
    return f"{utc}  {_beside(there, utc)} local" if there else utc


def _clock(time: str | None) -> str:
    """Return the time of day of an RFC 3339 time to the millisecond, with its offset."""
    if time is None:
        return "-"
    return _FRACTION.sub(r"\1", time.partition("T")[2])


def _day(time: str) -> str:
    return time.partition("T")[0]


def _beside(time: str | None, other: str) -> str:
    """Return a time that is shown beside another: its day only where that is another one."""
    if time is None or _day(time) == _day(other):
        return _clock(time)
    return f"{_day(time)} {_clock(time)}"


def _verified(entry: Entry) -> str:
    verification = entry.callback.value["verification"]
    if verification["verdict"] == "verified":
        return f"{verification['scheme']} {verification['key_id']}"
    return f"no: {verification['fault']}"


def _reply(entry: Entry) -> str:
    reply = entry.callback.value["reply"]
    body = " ".join(reply["body"].split())
    if len(body) > _REPLY_CHARACTERS:
        body = body[: _REPLY_CHARACTERS - 1] + "…"
    return f"{reply['status']} {body}".strip()


def _gap_lines(gaps: Sequence[Gap]) -> list[str]:
    return [
        f"[yellow]{gap.code.replace('_', ' ')}[/]  {escape(gap.of[:_SHORT])}  {escape(gap.text)}"
        for gap in gaps
    ] or ["[green]no gaps[/]"]


def _duplicate_lines(duplicates: Sequence[Duplicate]) -> list[str]:
    lines: list[str] = []
    for one in duplicates:
        why = ["Plivo sent it again"] if one.is_retry else []
        why += [f"replayed by {name}" for name in dict.fromkeys(one.replays)]
        why += ["stored more than once"] if one.is_fault else []
        text = escape(f"{one.type} {one.event_id}: {', '.join(why)}")
        lines.append(f"[yellow]{len(one.places)} times[/]  {text}")
    return lines


def _notes(found: Found) -> list[str]:
    notes: list[str] = []
    derived = sum(entry.event_from == "derived" and bool(entry.named) for entry in found.entries)
    if derived:
        notes.append(
            f"{derived} events are no longer on their topics: derived from the journal by today's code"
        )
    if found.missing_topics:
        names = ", ".join(found.missing_topics)
        notes.append(f"not there, or this login may not Describe them: {escape(names)}")
    if found.not_followed:
        notes.append(f"not followed any further: {escape(', '.join(found.not_followed))}")
    if found.is_cut:
        notes.append(f"there are more: these are the first {CALLBACKS_MAX:,} callbacks")
    return notes
