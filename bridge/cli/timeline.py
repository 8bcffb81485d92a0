"""Events and journal records as lines for a person."""

from typing import Any, Final

import orjson
from rich.text import Text

from bridge.replay.source import Stored

_VERDICTS: Final = {"verified": "green", "unverified": "bold red"}
_TYPE_PREFIX: Final = "com.plivo."
_TYPE_WIDTH: Final = 23  # most types; a longer one pushes its line to the right


def _party(party: dict[str, Any] | None) -> str:
    return (party["e164"] or party["text"]) if party else "-"


def _stir(data: dict[str, Any]) -> str:
    stir = data.get("stir")
    if not stir:
        return "-"
    letter = f" {stir['attestation']}" if stir["attestation"] else ""
    return f"{stir['verification']}{letter}{' (conflict)' if stir['conflict'] else ''}"


def _original_time(data: dict[str, Any]) -> str:
    """Return the event's time as Plivo wrote it, with its zone, and how sure it is."""
    source = data["time_source"]
    moment = data.get(source)
    if not isinstance(moment, dict):
        return "no time of Plivo's: when it was received"
    return f"{source} {moment['text']} {moment['zone']}, {moment['certainty']}"


def _verification(verification: dict[str, Any]) -> Text:
    verdict = verification["verdict"]
    detail = verification["scheme"] or verification["fault"]
    return Text(f"{verdict} {detail}", style=_VERDICTS.get(verdict, ""))


def event_text(event: dict[str, Any]) -> Text:
    """Return one event as a line and a half of text: columns that line up from line to line."""
    data = event["data"]
    kind = event["type"].removeprefix(_TYPE_PREFIX)
    line = Text()
    line.append(f"{event['time']:<28}", style="bold")
    line.append(f"{kind:<{_TYPE_WIDTH}}", style="cyan")
    line.append(f"{data.get('direction') or '-':<9}")
    line.append(f"{_party(data.get('from'))} > {_party(data.get('to'))}  ")
    line.append(f"stir {_stir(data)}  ")
    line.append_text(_verification(data["verification"]))
    line.append(f"\n{'':<28}{_original_time(data)}", style="dim")
    extra = [f"{len(data[name])} {name}" for name in ("undeclared", "unreadable") if data.get(name)]
    if extra:
        line.append(f"  {', '.join(extra)}", style="yellow")
    return line


def journal_text(record: dict[str, Any]) -> Text:
    """Return one journal record as a line: when it was received, the request, what it became."""
    line = Text()
    line.append(f"{record['received_at']:<28}", style="bold")
    line.append(f"{'journal':<{_TYPE_WIDTH}}", style="magenta")
    line.append(f"{record['method']:<9}{record['path']}  replied {record['reply']['status']}  ")
    line.append_text(_verification(record["verification"]))
    events = ", ".join(one["id"] for one in record["events"]) or "no event"
    line.append(f"\n{'':<28}{events}", style="dim")
    return line


def stored_text(stored: Stored) -> Text:
    """Return any record of ours as text; a value that is not JSON is shown as its size."""
    try:
        value = orjson.loads(stored.value)
    except orjson.JSONDecodeError:
        return Text(f"{stored.timestamp.isoformat()}  {stored.topic}  {len(stored.value)} bytes")
    return event_text(value) if "specversion" in value else journal_text(value)
