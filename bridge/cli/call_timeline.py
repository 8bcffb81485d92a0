"""The timeline of a call: a row for each callback, and details below it.

1. A row takes as many lines as the terminal's width requires. Columns line up, and nothing is cut.
2. The day is printed above the rows, in UTC and in the account's zone, and again when it changes. A time
   in a row has its day only if it is another one.
3. A callback of another account (see ``calls.accounts``) shows that account beside its type.
4. The complete reply to Plivo, and the reason of a dead letter, are printed below the row.
"""

from collections.abc import Collection, Iterable, Iterator, Sequence
from datetime import datetime
from typing import Final

from rich.console import Console
from rich.text import Text

from bridge.calls.document import event_times, find_zone
from bridge.calls.found import Json, TimelineEntry
from bridge.calls.gaps import describe_dead_letter
from bridge.cli.layout import column_widths, format_row, indent_lines
from bridge.telemetry.escapes import escape_unsafe

ID_SHORT_CHARACTERS: Final = 8
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


def timeline_lines(
    console: Console,
    entries: Sequence[TimelineEntry],
    repeated: set[str],
    other_places: Collection[str] = (),
) -> Iterator[Text]:
    """Yield the lines of the timeline: rules 1 to 4.

    ``repeated`` has the places of duplicates, ``other_places`` those of other accounts' callbacks.
    """
    rows = [_row(entry, repeated, is_other=entry.position in other_places) for entry in entries]
    head = [Text(name) for name in _HEAD]
    widths = column_widths([head, *rows])
    yield _styled(format_row(console, head, widths), "bold")
    days = ""
    for entry, row in zip(entries, rows, strict=True):
        if (today := _day_heading(entry)) != days:
            days = today
            yield Text(escape_unsafe(days), style="bold")
        is_again = entry.replay_id is not None or entry.position in repeated
        style = "yellow" if entry.position in other_places else "dim" if is_again else ""
        yield _styled(format_row(console, row, widths), style)
        for text in _detail_lines(entry):
            yield indent_lines(console, text)


def _row(entry: TimelineEntry, repeated: set[str], *, is_other: bool) -> list[Text]:
    instant = entry.callback.raw.received_at
    zone = find_zone(entry)
    there = instant.astimezone(zone) if zone else None
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
        (there.isoformat("T", "milliseconds").partition("T")[2] if there else "-", ""),
        (_event_time_text(entry), ""),
        (entry.key[:ID_SHORT_CHARACTERS], ""),
        (_verdict_text(entry), ""),
        (str(entry.callback.value["reply"]["status"]), ""),
    ]
    return [Text(escape_unsafe(text), style=style) for text, style in cells]


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
    body = entry.callback.value["reply"]["body"].replace("\r\n", "\n").expandtabs(_TAB).strip()
    if body:
        body = escape_unsafe(body, keep="\n")
        yield Text(f"reply:\n{body}" if "\n" in body else f"reply: {body}", style="green")


def _day_heading(entry: TimelineEntry) -> str:
    """Return the day of receipt in UTC and in the account's zone: rule 2."""
    instant = entry.callback.raw.received_at
    zone = find_zone(entry)
    if zone is None:
        return f"{instant.date()} in UTC"
    there = instant.astimezone(zone).date()
    if there == instant.date():
        return f"{instant.date()} in UTC and {zone.key}"
    return f"{instant.date()} in UTC, {there} in {zone.key}"


def _is_short(what: str) -> bool:
    return len(what) <= _WHAT_MAX


def _summary_text(entry: TimelineEntry) -> str:
    data = entry.data
    if data.get("hangup"):
        return hangup_text(data["hangup"])
    value = next((data[name] for name in _SUMMARY_FIELDS if data.get(name) is not None), None)
    if isinstance(value, dict):
        return str(value.get("state") or value.get("text") or "")  # pyright: ignore[reportUnknownMemberType, reportUnknownArgumentType] (JSON)
    return str(value) if value is not None else ""


def hangup_text(hangup: Json) -> str:
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
