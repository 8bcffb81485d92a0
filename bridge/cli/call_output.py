"""Print a call for a person: its legs, its timeline, gaps and duplicates.

The timeline has a row for each callback, and details below it:

1. A row takes as many lines as the terminal's width requires. Columns line up, and nothing is cut.
2. The day is printed above the rows, in UTC and in the account's zone, and again when it changes. A time
   in a row has its day only if it is another one.
3. A callback of another account (see ``calls.found``) shows that account beside its type.
4. The complete reply to Plivo, the application that gave it, and the reason of a dead letter are
   printed below the row.
"""

from collections.abc import Collection, Iterable, Iterator, Sequence
from datetime import UTC, datetime
from typing import Final

from rich.console import Console
from rich.text import Text

from bridge.calls.document import classify, event_times, find_zone, to_local
from bridge.calls.find import CALLBACKS_MAX
from bridge.calls.found import CallAccounts, FoundCall, Json, TimelineEntry, split_accounts
from bridge.calls.gaps import Duplicate, Gap, describe_dead_letter, find_duplicates, find_gaps
from bridge.calls.legs import Leg, build_legs, is_cost_verified, sum_costs
from bridge.cli.layout import column_widths, format_row, indent_lines
from bridge.cli.output import key_values, make_console
from bridge.core.answer import AnswerValue
from bridge.reader.window import format_utc_ms
from bridge.telemetry.escapes import escape_unsafe

_ID_SHORT_CHARACTERS: Final = 8
_HEAD: Final = ("received", "type", "what", "local", "happened", "id", "verified", "reply")
_WHAT_MAX: Final = 40
_TAB: Final = 2
# The first of these fields that a callback has is printed beside its type.
_SUMMARY_FIELDS: Final = (
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


def print_call(found: FoundCall, now: datetime) -> None:
    """Print everything that was found about an id."""
    console = make_console()
    accounts = split_accounts(found)
    own = accounts.own
    legs = build_legs(own.entries, found.id)
    gaps = find_gaps(own, legs, now)
    duplicates = find_duplicates(own.entries)
    repeated = {position for one in duplicates for position in one.positions[1:]}
    console.print(key_values(_head(accounts, legs)))
    _print_legs(console, legs)
    lines = [
        Text(),
        *_timeline_lines(console, found.entries, repeated, accounts.other_positions),
        Text(),
        *_gap_lines(console, gaps),
        *_duplicate_lines(console, duplicates),
        *[indent_lines(console, Text(escape_unsafe(note)), 0) for note in _notes(found)],
    ]
    for line in lines:
        console.print(line, soft_wrap=True)  # laid out already


def print_legs(found: FoundCall) -> None:
    """Print only the legs of a call."""
    _print_legs(make_console(), build_legs(split_accounts(found).own.entries, found.id))


def _print_legs(console: Console, legs: Sequence[Leg]) -> None:
    for leg in legs:
        role = f"{leg.role} leg" if leg.is_of_call else "leg of another call"
        title = Text.assemble("\n", (role, "bold"), " ", (escape_unsafe(leg.id), "cyan"))
        console.print(title, key_values(_leg(leg)), sep="\n")


def _head(accounts: CallAccounts, legs: Sequence[Leg]) -> list[tuple[str, str]]:
    found = accounts.own
    first, last = (
        entry.callback.raw.received_at for entry in (found.entries[0], found.entries[-1])
    )
    value = found.entries[0].callback.value
    lines = [(classify(found.entries, legs) or "", found.id)]
    if found.prefix is not None and found.prefix_within is not None:
        since_ms = found.prefix_within.since_ms
        when = "in the whole journal" if since_ms is None else f"since {format_utc_ms(since_ms)}"
        lines.append(("found by", f"{found.prefix}; no other id {when} starts with it"))
    lines += [
        ("account", value["source"].removeprefix("/plivo/accounts/")),
        *[("other accounts", one) for one in _other_account_lines(accounts)],
        ("zone", value["zone"] or "unknown"),
        ("callbacks", f"{len(found.entries)}, received {_format_span(first, last)}"),
    ]
    lines += _message(found.entries)
    cost = sum_costs(legs)
    if cost is not None:
        doubt = "" if is_cost_verified(legs) else "; no verified callback reports it"
        lines.append(("cost", f"{cost}, in the account's currency{doubt}"))
    others = [one for one in found.followed if one not in {leg.id for leg in legs}]
    if others:
        lines.append(("also searched for", ", ".join(others)))
    return lines


def _other_account_lines(accounts: CallAccounts) -> Iterator[str]:
    """Yield the number of callbacks that each other account sent about the id."""
    for account in accounts.other_accounts:
        count = sum(one.account == account for one in accounts.others)
        yield f"{count} callbacks of account {account}, shown only in the timeline"


def _message(entries: Sequence[TimelineEntry]) -> list[tuple[str, str]]:
    """Return a message's state from its last callback; nothing for a call."""
    data = entries[-1].data
    if "message_uuid" not in data:
        return []
    lines = [("who", f"{_party(data.get('from'))} > {_party(data.get('to'))}")]
    names = {"status": "state", "error_code": "error", "units": "units", "total_amount": "cost"}
    return lines + [(ours, str(data[name])) for name, ours in names.items() if data.get(name)]


def _leg(leg: Leg) -> list[tuple[str, str]]:
    fields = leg.fields
    from_to = f"{_party(fields.get('from'))} > {_party(fields.get('to'))}"
    lines = [("who", f"{fields.get('direction') or ''} {from_to}".strip())]
    lines += _moments(leg)
    if "duration_s" in fields:
        billed = f", billed {fields['bill_duration_s']} s" if "bill_duration_s" in fields else ""
        lines.append(("lasted", f"{fields['duration_s']} s{billed}"))
    if "total_cost" in fields or "bill_rate" in fields:
        rate = f" at {fields['bill_rate']} a minute" if "bill_rate" in fields else ""
        lines.append(("cost", f"{fields.get('total_cost') or 'not known yet,'}{rate}"))
    if "hangup" in fields:
        lines.append(("hung up", _hangup_text(fields["hangup"])))
    elif "call_status" in fields:
        lines.append(("state", str(fields["call_status"])))
    if "stir" in fields:
        lines.append(("stir", _stir(fields["stir"])))
    if leg.not_verified:
        lines.append(("not verified", ", ".join(sorted(leg.not_verified))))
    return lines


def _stir(stir: Json) -> str:
    words = [stir["verification"], stir["attestation"], stir["role"]]
    return " ".join(filter(None, [*words, "(conflict)" if stir["conflict"] else None]))


def _party(party: Json | None) -> str:
    return str(party["e164"] or party["text"]) if party else "-"


def _format_span(first: datetime, last: datetime) -> str:
    """Return a time span in UTC; the day once if both ends are on it."""
    begin, end = (_time_of_day(one.astimezone(UTC)) for one in (first, last))
    if first.date() != last.date():
        end = f"{last.date()} {end}"
    return f"{first.date()} {begin} to {end} UTC"


def _moments(leg: Leg) -> list[tuple[str, str]]:
    """Return a leg's times in UTC and in the account's zone, or what Plivo wrote where it is unsure.

    The day is printed once, and again when it changes.
    """
    lines: list[tuple[str, str]] = []
    day: str | None = None
    for name in ("started_at", "answered_at", "ended_at"):
        moment = leg.fields.get(name)
        if moment is None:
            continue
        if moment["utc"] is None:
            text = f"{moment['text']} {moment['zone'] or ''}: {moment['certainty']}"
        else:
            utc = datetime.fromisoformat(moment["utc"])
            text = f"{_time_of_day(utc)} UTC"
            if (today := utc.date().isoformat()) != day:
                text, day = f"{today} {text}", today
            local = to_local(utc, leg.entries[-1])
            text += f"  {_local_time_text(local, today)}" if local else ""
        lines.append((name.removesuffix("_at"), text))
    return lines


def _local_time_text(time: str, day: str) -> str:
    """Return a local time with its offset, and its day if that is not ``day``."""
    instant = datetime.fromisoformat(time)
    text = _time_of_day(instant) + time[-6:]
    same = instant.date().isoformat() == day
    return f"{text} local" if same else f"{instant.date()} {text} local"


def _time_of_day(instant: datetime) -> str:
    """Return the time of day; with milliseconds unless it is a whole second."""
    return instant.time().isoformat("milliseconds" if instant.microsecond else "seconds")


def _gap_lines(console: Console, gaps: Sequence[Gap]) -> list[Text]:
    return [
        format_row(
            console,
            [
                Text(gap.code.replace("_", " "), style="yellow"),
                Text(escape_unsafe(gap.subject[:_ID_SHORT_CHARACTERS])),
                Text(escape_unsafe(gap.text)),
            ],
        )
        for gap in gaps
    ] or [Text("no gaps", style="green")]


def _duplicate_lines(console: Console, duplicates: Sequence[Duplicate]) -> list[Text]:
    lines: list[Text] = []
    for one in duplicates:
        why = ["Plivo sent it again"] if one.is_retry else []
        why += [f"replayed by {name}" for name in dict.fromkeys(one.replays)]
        why += ["stored more than once"] if one.is_fault else []
        cells = [
            Text(f"{len(one.positions)} times", style="yellow"),
            Text(escape_unsafe(f"{one.type} {one.event_id}:")),
            Text(escape_unsafe(", ".join(why))),
        ]
        lines.append(format_row(console, cells))
    return lines


def _notes(found: FoundCall) -> list[str]:
    notes: list[str] = []
    derived = sum(
        entry.event_from == "derived"
        and entry.callback.event_name is not None
        and entry.letter is None
        for entry in found.entries
    )
    if derived:
        notes.append(
            f"{derived} events are no longer on their topics; derived again from the journal"
        )
    if found.letters_skipped:
        notes.append(
            f"{found.letters_skipped:,} dead letters have another key than this call, and were not "
            "searched: --all reads them"
        )
    if found.missing_topics:
        names = ", ".join(found.missing_topics)
        notes.append(f"missing topics, or no permission to describe them: {names}")
    if found.not_followed:
        notes.append(f"related ids that were not followed: {', '.join(found.not_followed)}")
    if found.is_truncated:
        notes.append(f"only the first {CALLBACKS_MAX:,} callbacks are shown")
    return notes


def _timeline_lines(
    console: Console,
    entries: Sequence[TimelineEntry],
    repeated: set[str],
    other_positions: Collection[str] = (),
) -> Iterator[Text]:
    """Yield the lines of the timeline: rules 1 to 4.

    ``repeated`` has the positions of duplicates, ``other_positions`` those of other accounts' callbacks.
    """
    rows = [_row(entry, repeated, is_other=entry.position in other_positions) for entry in entries]
    head = [Text(name) for name in _HEAD]
    widths = column_widths([head, *rows])
    yield _styled(format_row(console, head, widths), "bold")
    days = ""
    for entry, row in zip(entries, rows, strict=True):
        if (today := _day_heading(entry)) != days:
            days = today
            yield Text(escape_unsafe(days), style="bold")
        is_again = entry.replay_id is not None or entry.position in repeated
        style = "yellow" if entry.position in other_positions else "dim" if is_again else ""
        yield _styled(format_row(console, row, widths), style)
        for text in _detail_lines(entry):
            yield indent_lines(console, text)


def _row(entry: TimelineEntry, repeated: set[str], *, is_other: bool) -> list[Text]:
    instant = entry.callback.raw.received_at
    zone = find_zone(entry)
    local = instant.astimezone(zone) if zone else None
    what = _summary_text(entry)
    owner = f"(of account {entry.account})" if is_other else ""
    cells = [
        (instant.time().isoformat("milliseconds"), "bold"),
        (entry.type or entry.header_type or "unknown type", "cyan"),
        (
            " ".join(
                filter(
                    None, [what if _is_short(what) else "", owner, _repeat_mark(entry, repeated)]
                )
            ),
            "",
        ),
        (local.isoformat("T", "milliseconds").partition("T")[2] if local else "-", ""),
        (_event_time_text(entry), ""),
        (entry.key[:_ID_SHORT_CHARACTERS], ""),
        (_verdict_text(entry), ""),
        (_reply_text(entry), ""),
    ]
    return [Text(escape_unsafe(text), style=style) for text, style in cells]


def _reply_text(entry: TimelineEntry) -> str:
    reply = entry.reply
    return str(reply["status"]) if reply else f"from {entry.callback.value.get('reply_from', '')}"


def _describe_answer(answer: AnswerValue) -> str:
    """Return who gave the answer, how long it took, and why it was not the application."""
    took = f"application {answer['application']}, {answer['duration_ms']} ms"
    failure = answer["failure"]
    if failure is None:
        return took
    return (
        f"{took}: {failure['code']}, answered by the {answer['given_by']} of rule {answer['rule']}"
    )


def _repeat_mark(entry: TimelineEntry, repeated: set[str]) -> str:
    if entry.replay_id is not None:
        return "(replayed)"
    return "(again)" if entry.position in repeated else ""


def _detail_lines(entry: TimelineEntry) -> Iterable[Text]:
    """Yield the details below a row: rule 4."""
    what = _summary_text(entry)
    if not _is_short(what):
        yield Text(escape_unsafe(what))
    if entry.is_dead_letter:
        yield Text(escape_unsafe(f"dead letter: {describe_dead_letter(entry)}"), style="yellow")
    if entry.answer is not None:
        yield Text(escape_unsafe(_describe_answer(entry.answer)), style="dim")
    reply = entry.reply
    text = reply.get("body", "") if reply else ""
    body = text.replace("\r\n", "\n").expandtabs(_TAB).strip()
    if body:
        body = escape_unsafe(body, keep="\n")
        yield Text(f"reply:\n{body}" if "\n" in body else f"reply: {body}", style="green")


def _day_heading(entry: TimelineEntry) -> str:
    """Return the day of receipt in UTC and in the account's zone: rule 2."""
    instant = entry.callback.raw.received_at
    zone = find_zone(entry)
    if zone is None:
        return f"{instant.date()} in UTC"
    local = instant.astimezone(zone).date()
    if local == instant.date():
        return f"{instant.date()} in UTC and {zone.key}"
    return f"{instant.date()} in UTC, {local} in {zone.key}"


def _is_short(what: str) -> bool:
    return len(what) <= _WHAT_MAX


def _summary_text(entry: TimelineEntry) -> str:
    data = entry.data
    if data.get("hangup"):
        return _hangup_text(data["hangup"])
    value = next((data[name] for name in _SUMMARY_FIELDS if data.get(name) is not None), None)
    if isinstance(value, dict):
        return str(value.get("state") or value.get("text") or "")  # pyright: ignore[reportUnknownMemberType, reportUnknownArgumentType] (JSON)
    return str(value) if value is not None else ""


def _hangup_text(hangup: Json) -> str:
    """Return who hung up, and why."""
    source = f"by {hangup['source']}: " if hangup.get("source") else ""
    why = hangup.get("name") or hangup.get("cause") or "no cause"
    codes = ", ".join(filter(None, (hangup.get("code"), hangup.get("group"))))
    return f"{source}{why}" + (f" ({codes})" if codes else "")


def _event_time_text(entry: TimelineEntry) -> str:
    """Return Plivo's time of the event in UTC, with its day if that is not the day of receipt."""
    utc, _ = event_times(entry)
    if utc is None:
        return "-"
    instant = datetime.fromisoformat(utc)
    time = instant.time().isoformat("milliseconds" if instant.microsecond else "seconds")
    is_same_day = instant.date() == entry.callback.raw.received_at.date()
    return time if is_same_day else f"{instant.date()} {time}"


def _verdict_text(entry: TimelineEntry) -> str:
    verification = entry.callback.value["verification"]
    if verification["verdict"] == "verified":
        return f"{verification['scheme']} {verification['key_id']}"
    return f"no: {verification['fault']}"


def _styled(text: Text, style: str) -> Text:
    text.stylize(style)
    return text
