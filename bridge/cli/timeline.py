"""Events and journal records as lines for a person, laid out for the terminal's width.

1. A line starts with the time of day, UTC, when the bridge received the callback. So an event and its
   journal record have the same time. Plivo's own time is printed at the end.
2. The lines are in the order in which Kafka returns the records. Within a partition that is the order in
   which they were stored; records of several partitions are not sorted by time.
3. The day is printed once, and again when it changes.
"""

from collections.abc import Collection
from datetime import UTC, datetime
from typing import Any, Final

import orjson
from rich.console import Console
from rich.text import Text

from bridge.app.parts import make_connection
from bridge.cli import output
from bridge.cli.layout import format_row
from bridge.core.journal import JOURNAL_KIND, JournalKind
from bridge.core.requested import REQUESTED
from bridge.reader.journal import is_callback
from bridge.reader.topic_reader import StoredRecord, read_topics
from bridge.settings.load import Settings
from bridge.telemetry.escapes import escape_unsafe

_VERDICTS: Final = {"verified": "green", "unverified": "bold red"}
_OUTCOMES: Final = {"accepted": "green", "refused": "red", "unknown": "yellow"}
_TYPE_PREFIX: Final = "com.plivo."
# Time of day and type. Almost every type fits, and 80 columns still have room for the numbers.
_WIDTHS: Final = (12, 27)


class Timeline:
    """Prints records one by one; remembers the day."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._day = ""

    def show(self, stored: StoredRecord) -> None:
        """Print one record: rules 1 and 3."""
        received_at, cells = _format_record(stored)
        day = received_at.date().isoformat()
        if day != self._day:
            self._day = day
            self._console.print(Text(f"{day} UTC", style="bold"))
        time = Text(received_at.time().isoformat("milliseconds"), style="bold")
        self._console.print(format_row(self._console, [time, *cells], _WIDTHS))


def _format_record(stored: StoredRecord) -> tuple[datetime, list[Text]]:
    """Return the receive time of a record's callback, and the cells of its line."""
    try:
        value: dict[str, Any] = orjson.loads(stored.value)
        if "specversion" in value:
            return _format_any_event(value)
        if not is_callback(stored):
            return stored.timestamp, _format_other_record(stored, value)
        return _parse_utc(value["received_at"]), _format_journal_record(value)
    except (AttributeError, KeyError, TypeError, ValueError):
        # Anyone with write access to the topic can put a record of any form there.
        name = Text(escape_unsafe(stored.topic), style="cyan")
        return stored.timestamp, [name, Text(f"{len(stored.value)} bytes")]


def _parse_utc(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)


def _format_any_event(event: dict[str, Any]) -> tuple[datetime, list[Text]]:
    """Return the time of an event, and the cells of its line; a request was sent, not received."""
    data = event["data"]
    if event["type"] != REQUESTED.event_type:
        return _parse_utc(data["received_at"]), _format_event(event)
    detail = "" if data["outcome"] == "accepted" else data["explanation"]
    cells = [
        Text(escape_unsafe(event["type"].removeprefix(_TYPE_PREFIX)), style="cyan"),
        Text(escape_unsafe(_parties(data))),
        _outcome(data["outcome"]),
        Text(escape_unsafe(f"reference {data['reference']}"), style="dim"),
        *([Text(escape_unsafe(detail))] if detail else []),
    ]
    return _parse_utc(data["requested_at"]), cells


def _outcome(outcome: str) -> Text:
    return Text(escape_unsafe(outcome), style=_OUTCOMES.get(outcome, ""))


def _format_event(event: dict[str, Any]) -> list[Text]:
    data = event["data"]
    moment, certainty = _original_time(data)
    cells = [
        Text(escape_unsafe(event["type"].removeprefix(_TYPE_PREFIX)), style="cyan"),
        Text(escape_unsafe(f"{data.get('direction') or '-'} {_parties(data)}")),
        _verification(data["verification"]),
    ]
    if data.get("stir"):
        cells.append(Text(escape_unsafe(f"stir {_stir(data['stir'])}")))
    cells.append(
        Text(escape_unsafe(f"{moment}, {certainty}" if certainty else moment), style="dim")
    )
    extra = [f"{len(data[name])} {name}" for name in ("undeclared", "unreadable") if data.get(name)]
    if extra:
        cells.append(Text(", ".join(extra), style="yellow"))
    return cells


def _format_journal_record(record: dict[str, Any]) -> list[Text]:
    events = ", ".join(one["id"] for one in record["events"]) or "no event"
    return [
        Text("journal", style="magenta"),
        Text(escape_unsafe(f"{record['method']} {record['path']}")),
        Text(escape_unsafe(_format_reply(record))),
        _verification(record["verification"]),
        Text(escape_unsafe(events), style="dim"),
    ]


def _format_other_record(stored: StoredRecord, record: dict[str, Any]) -> list[Text]:
    """Return the cells of a journal record that is no callback."""
    kind = stored.headers[JOURNAL_KIND].decode("utf-8", "replace")
    cells = [Text("journal", style="magenta"), Text(escape_unsafe(kind))]
    if kind == JournalKind.REQUEST:
        count = len(record["destinations"])
        cells += [
            Text(f"{count} destinations" if count != 1 else "1 destination"),
            _outcome(record["outcome"]),
            Text(escape_unsafe(f"reference {record['reference']}"), style="dim"),
        ]
    elif kind == JournalKind.ANSWER:
        cells += [
            Text(escape_unsafe(f"{record['application']} in {record['duration_ms']} ms")),
            Text(escape_unsafe(f"replied {record['reply']['status']} by {record['given_by']}")),
        ]
    return cells


def _format_reply(record: dict[str, Any]) -> str:
    reply = record["reply"]
    return f"replied {reply['status']}" if reply else f"asked {record.get('reply_from', '')}"


def _parties(data: dict[str, Any]) -> str:
    return f"{_party(data.get('from'))} > {_party(data.get('to'))}"


def _party(party: dict[str, Any] | None) -> str:
    return (party["e164"] or party["text"]) if party else "-"


def _stir(stir: dict[str, Any]) -> str:
    letter = f" {stir['attestation']}" if stir["attestation"] else ""
    return f"{stir['verification']}{letter}{' (conflict)' if stir['conflict'] else ''}"


def _original_time(data: dict[str, Any]) -> tuple[str, str]:
    """Return the event's time as Plivo wrote it, with its zone, and its certainty.

    The day is left out if it is the day of receipt.
    """
    source = data["time_source"]
    moment = data.get(source)
    if not isinstance(moment, dict):
        return "no time from Plivo", ""
    day = _parse_utc(data["received_at"]).date().isoformat()
    text = str(moment["text"]).removeprefix(day).strip()  # pyright: ignore[reportUnknownArgumentType] (JSON)
    zone = moment["zone"] or "in an unknown zone"  # pyright: ignore[reportUnknownVariableType] (JSON)
    return f"{source} {text} {zone}", str(moment["certainty"])  # pyright: ignore[reportUnknownArgumentType] (JSON)


def _verification(verification: dict[str, Any]) -> Text:
    verdict = verification["verdict"]
    detail = verification["scheme"] or verification["fault"]
    return Text(escape_unsafe(f"{verdict} {detail}"), style=_VERDICTS.get(verdict, ""))


async def print_records(  # noqa: PLR0913 (what to show, by name)
    settings: Settings,
    topics: list[str],
    since: datetime | None,
    *,
    follow: bool,
    call: str | None = None,
    kinds: Collection[str] = (),
    from_start: bool = False,
) -> None:
    """Print records of ``topics``. ``kinds`` filters journal records by their type header."""
    timeline = Timeline(output.make_console(soft_wrap=True))
    as_timeline = output.on_terminal()
    wanted = {kind.encode() for kind in kinds}
    stream = read_topics(
        make_connection(settings), topics, since=since, from_start=from_start, follow=follow
    )
    async for stored in stream:
        if call is not None and stored.key != call.encode():
            continue
        if wanted and stored.headers.get("callback_type") not in wanted:
            continue
        if as_timeline:
            timeline.show(stored)
        else:
            output.emit_json_text(stored.value.decode("utf-8", "replace"))
