"""Output of ``request show`` on a terminal of any width: a summary, then a row for each destination."""

from collections.abc import Iterator, Sequence
from typing import Final

from rich.console import Console
from rich.table import Table
from rich.text import Text

from bridge.calls.found import Json
from bridge.calls.request import CALLBACKS_MAX, CallState, DestinationState, RequestState
from bridge.cli.layout import column_widths, format_row, indent_lines
from bridge.cli.output import key_values, make_console, make_table
from bridge.normalise.time import to_rfc3339
from bridge.telemetry.escapes import escape_unsafe

_HEAD: Final = ("destination", "state", "answered", "lasted", "cost", "hung up", "missing")
_STYLES: Final = {
    CallState.QUEUED: "dim",
    CallState.RINGING: "cyan",
    CallState.IN_PROGRESS: "green",
    CallState.ENDED: "",
    CallState.NOT_PLACED: "red",
    CallState.NOT_SENT: "dim",
    CallState.UNKNOWN: "yellow",
}


def print_request(state: RequestState) -> None:
    """Print a request with its destinations, and the calls that match none."""
    console = make_console()
    console.print(key_values(_summary(state)))
    console.print()
    head = [Text(name, style="bold") for name in _HEAD]
    rows = [_row(one) for one in state.destinations]
    widths = column_widths([head, *rows])
    console.print(format_row(console, head, widths), soft_wrap=True)  # laid out already
    for one, row in zip(state.destinations, rows, strict=True):
        console.print(format_row(console, row, widths), soft_wrap=True)
        for line in _detail_lines(console, one):
            console.print(line, soft_wrap=True)
    for note in _notes(state):
        console.print(indent_lines(console, Text(escape_unsafe(note), style="yellow"), 0))


def render_progress(state: RequestState) -> Table:
    """Return a small table with the number of destinations in each state, to be replaced in place."""
    counts = state.count_states()
    return make_table(
        ("state", "destinations"),
        [(_word(name), f"{counts[name]:,}") for name in CallState if counts[name]],
    )


def _summary(state: RequestState) -> list[tuple[str, str]]:
    lines = [("request", state.reference)]
    if state.account is not None:
        lines.append(("account", state.account))
    if state.requested_at is not None:
        lines.append(("requested", f"{to_rfc3339(state.requested_at)} by {state.client}"))
    if state.parts > 1:
        lines.append(("parts", f"{state.parts_found} of {state.parts}"))
    answered = sum(one.was_answered for one in state.destinations)
    counts = [f"{count:,} {_word(name)}" for name, count in sorted(state.count_states().items())]
    lines.append(
        (
            "destinations",
            f"{len(state.destinations):,}: {', '.join([*counts, f'{answered:,} answered'])}",
        )
    )
    if state.total_cost is not None:
        lines.append(("cost", f"{state.total_cost}, in the account's currency"))
    return lines


def _row(one: DestinationState) -> Sequence[Text]:
    fields: Json = one.leg.fields if one.leg else {}
    hangup: Json = fields.get("hangup") or {}
    duration_s = fields.get("duration_s")
    doubt = "" if one.is_cost_verified else " (not verified)"
    cells = [
        (one.destination.number, "cyan"),
        (_word(one.state), _STYLES[one.state]),
        ("yes" if one.was_answered else "no" if one.state is CallState.ENDED else "-", ""),
        ("-" if duration_s is None else f"{duration_s} s", ""),
        ("-" if one.cost is None else one.cost + doubt, ""),
        (_name_hangup(hangup), ""),
        (", ".join(kind.removeprefix("voice.call.") for kind in one.missing) or "-", "yellow"),
    ]
    return [Text(escape_unsafe(text), style=style) for text, style in cells]


def _name_hangup(hangup: Json) -> str:
    words = [hangup.get("name") or hangup.get("cause"), hangup.get("source")]
    return ", ".join(str(word) for word in words if word) or "-"


def _detail_lines(console: Console, one: DestinationState) -> Iterator[Text]:
    """Yield the lines below a row: what the table has no room for."""
    texts: list[str] = []
    if one.is_resolved:
        texts.append("the outcome of the request was unknown; callbacks show that Plivo dialled")
    elif one.destination.outcome == "unknown" and one.calls:
        texts.append("the outcome of the request is unknown: only unverified callbacks name a call")
    elif one.destination.outcome != "accepted":
        outcome = one.destination.outcome.replace("_", " ")
        texts.append(f"{outcome}: {one.destination.explanation}")
    texts += [f"{gap.code.replace('_', ' ')}: {gap.text}" for gap in one.gaps]
    for text in dict.fromkeys(texts):
        yield indent_lines(console, Text(escape_unsafe(text), style="yellow"))


def _notes(state: RequestState) -> Iterator[str]:
    for one in state.unmatched:
        fields: Json = one.leg.fields if one.leg else {}
        party: Json = fields.get("to") or {}
        called = party.get("e164") or party.get("text") or "an unknown party"
        yield f"call {one.id} to {called} fits no destination: {_word(one.state)}"
    only_here = state.parts_only_in_ledger
    if only_here:
        which = "" if state.parts == 1 else f"{only_here:,} of {state.parts:,} parts of "
        yield (
            f"Kafka has no record of {which}the request, which the local ledger has; the next "
            "`call place` publishes what waits there"
        )
    lacks = state.parts - state.parts_found - only_here
    if lacks > 0:
        yield (
            f"no record of {lacks:,} of {state.parts:,} parts: they were not "
            "sent, or their records wait in the ledger for the next `call place`"
        )
    if not state.destinations:
        yield "no record of the request is stored, only callbacks that name it"
    if any(
        one.destination.outcome == "unknown" and not one.is_resolved for one in state.destinations
    ):
        yield (
            f"`callback-bridge request resolve {state.reference}` looks at Plivo for the calls whose "
            "outcome is unknown"
        )
    if state.callbacks_of_other_accounts:
        yield f"{state.callbacks_of_other_accounts} callbacks of other accounts name it, not counted"
    if state.is_truncated:
        yield f"only the first {CALLBACKS_MAX:,} callbacks are taken into account"


def _word(state: CallState) -> str:
    return state.value.replace("_", " ")
