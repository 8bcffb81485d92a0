"""Output of ``call place``: what would be sent, what was sent, and what to do next.

1. JSON lines have one line per destination, and for ``--dry-run`` one per request to Plivo.
2. On a terminal an explanation that several destinations share is printed once, below them.
3. Neither the auth token nor a password in a URL is printed.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Final

import orjson
from rich.text import Text

from bridge.cli import output
from bridge.cli.exit_codes import EXIT_DIFFERS, EXIT_UNKNOWN
from bridge.cli.layout import column_widths, format_row
from bridge.core.requested import remove_credentials
from bridge.originate.originator import PlacedCalls
from bridge.originate.placement import Placement, PlacementOutcome

_STYLES: Final[Mapping[PlacementOutcome, str]] = {
    PlacementOutcome.ACCEPTED: "green",
    PlacementOutcome.REFUSED: "red",
    PlacementOutcome.UNKNOWN: "yellow",
}


def print_dry_run(url: str, bodies: Iterable[Mapping[str, object]], *, as_json: bool) -> None:
    """Print the requests that would be sent: rules 1 and 3."""
    for sent in bodies:
        body = {name: remove_credentials(value) for name, value in sent.items()}
        if as_json:
            output.emit_json_lines([{"method": "POST", "url": url, "body": body}])
        else:
            rows = [(name, _to_text(value)) for name, value in body.items()]
            output.show(f"POST {url}", output.key_values(rows))


def print_placed(placed: PlacedCalls, *, as_json: bool) -> None:
    """Print the outcome of each destination, then on standard error the sum and the next command."""
    placements, reference = placed.placements, placed.reference
    if as_json:
        output.emit_json_lines(row for one in placements for row in _to_rows(one))
    else:
        _print_table(placements)
    counts = Counter(dict.fromkeys(PlacementOutcome, 0))
    for one in placements:
        counts[one.outcome] += len(one.destinations)
    counted = ", ".join(f"{count:,} {outcome}" for outcome, count in counts.items() if count)
    output.print_stderr(f"request {reference}: {counted}")
    if counts[PlacementOutcome.UNKNOWN]:
        output.print_stderr(
            "Plivo may have dialled: do not place the unknown calls again before "
            f"`callback-bridge request show {reference} --follow` says what became of them; without "
            f"callbacks, `callback-bridge request resolve {reference}` looks for them at Plivo"
        )
    elif counts[PlacementOutcome.ACCEPTED]:
        output.print_stderr(
            f"`callback-bridge request show {reference} --follow` shows how the calls end"
        )
    if placed.unpublished:
        output.print_stderr(
            f"Kafka does not have {placed.unpublished:,} records of requests yet; they wait in the "
            "ledger, and the next `call place` publishes them"
        )


def to_exit_code(placements: Iterable[Placement]) -> int:
    """Return the exit code: an unknown outcome weighs more than a refusal."""
    outcomes = {one.outcome for one in placements}
    if PlacementOutcome.UNKNOWN in outcomes:
        return EXIT_UNKNOWN
    return EXIT_DIFFERS if PlacementOutcome.REFUSED in outcomes else 0


def _to_rows(placement: Placement) -> Iterable[dict[str, object]]:
    for destination, uuid in placement.pair_destinations():
        yield {
            "reference": placement.reference,
            "to": destination,
            "outcome": placement.outcome,
            "request_uuid": uuid,
            "api_id": placement.api_id,
            "status": placement.status,
            "code": placement.code,
            "explanation": placement.explanation,
        }


def _print_table(placements: Sequence[Placement]) -> None:
    rows = [
        (
            Text(destination, style="cyan"),
            Text(one.outcome, style=_STYLES[one.outcome]),
            Text(uuid or "-"),
        )
        for one in placements
        for destination, uuid in one.pair_destinations()
    ]
    console = output.make_console()
    head = tuple(Text(name, style="bold") for name in ("to", "outcome", "request"))
    widths = column_widths([head, *rows])
    output.show(*(format_row(console, row, widths) for row in (head, *rows)))
    explained = dict.fromkeys((one.outcome, one.explanation) for one in placements)
    for outcome, explanation in explained:
        output.show(Text(f"{outcome}: {explanation}", style=_STYLES[outcome]))


def _to_text(value: object) -> str:
    return value if isinstance(value, str) else orjson.dumps(value).decode()
