"""The result of a run: one row, for the terminal, for a file, and for docs/guarantees.md."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

from tests.chaos.check import Finding, duplicates
from tests.chaos.history import Attempt, Found, accepted

_LOST: Final = ("not in its topic", "not in the journal")
_SHOWN_MAX: Final = 5
REJECTED: Final = 403
WAITED_S: Final = 1.0


@dataclass(frozen=True, slots=True)
class Row:
    """One run of a scenario. ``refused`` are 4xx and 5xx to callbacks with a valid signature.

    ``unconnected`` and ``unanswered`` are requests that reached nobody, and that got no answer;
    ``unverified`` are those rightly answered 403, ``waited`` answers that took WAITED_S or more: as
    long as a callback waits for Kafka that a caller waits for.
    ``longest_s`` are the longest answers to requests begun before, during and after the fault.
    """

    scenario: str
    seed: int
    tried: int
    accepted: int
    refused: int
    unconnected: int
    unanswered: int
    unverified: int
    lost: int
    duplicated: int
    spooled: int
    waited: int
    longest_s: tuple[float, float, float]
    drain_s: float | None
    took_s: float
    notes: tuple[str, ...]
    faults: tuple[str, ...]
    """The broken promises, a sentence each; empty if the run passed."""


def longest(attempts: Iterable[Attempt], marks_s: Sequence[float]) -> tuple[float, float, float]:
    """Return the longest answer time of the requests that started in each phase, cut at ``marks_s``."""
    never = float("inf")
    edges = [-never, *marks_s, *[never] * (3 - len(marks_s))]
    answered = [attempt for attempt in attempts if attempt.status is not None]
    before, during, after = (
        max((one.took_s for one in answered if begin <= one.begun_s < end), default=0.0)
        for begin, end in pairwise(edges)
    )
    return before, during, after


def counts(attempts: Sequence[Attempt], found: Sequence[Found]) -> dict[str, int]:
    """Return a row's numbers of callbacks, requests and records."""
    sound = [attempt for attempt in attempts if attempt.callback.genuine]
    return {
        "tried": len({attempt.callback.marker for attempt in attempts}),
        "accepted": len(accepted(attempts)),
        "refused": sum(one.status is not None and not one.accepted for one in sound),
        "unconnected": sum(one.silence == "not connected" for one in attempts),
        "unanswered": sum(one.silence in {"cut off", "timed out"} for one in attempts),
        "unverified": sum(one.status == REJECTED for one in attempts if not one.callback.genuine),
        "duplicated": duplicates(found),
        "waited": sum(one.took_s >= WAITED_S for one in attempts if one.status is not None),
    }


def lost(findings: Iterable[Finding]) -> int:
    """Return how many callbacks are missing from a topic."""
    return len({finding.about for finding in findings if finding.fault in _LOST})


def sentences(findings: Iterable[Finding]) -> list[str]:
    """Return one sentence for each kind of finding."""
    by_fault: dict[str, list[str]] = {}
    for finding in findings:
        by_fault.setdefault(finding.fault, []).append(finding.about)
    return [
        f"{len(about)} {fault}: {', '.join(about[:_SHOWN_MAX])}"
        for fault, about in by_fault.items()
    ]


def wrong_answers(attempts: Iterable[Attempt]) -> list[str]:
    """Return a sentence for forged callbacks with another answer than 403."""
    answers = Counter(
        attempt.status
        for attempt in attempts
        if not attempt.callback.genuine and attempt.status is not None
    )
    taken = {status: count for status, count in answers.items() if 200 <= status < 300}
    return [f"forged callbacks were answered 2xx: {taken}"] if taken else []


def markdown(rows: Sequence[Row], names: dict[str, str]) -> str:
    """Return the rows as a table: one line a scenario, with all its seeds."""
    head = (
        "| scenario | runs | tried | 2xx | refused | not connected | no answer | lost |"
        " duplicated records | answers after 1 s or more | longest answer before / during / after, s |"
        " drained after, s |\n"
        "|---|---|---|---|---|---|---|---|---|---|---|---|\n"
    )
    return head + "".join(
        _line(names[scenario], [row for row in rows if row.scenario == scenario])
        for scenario in dict.fromkeys(row.scenario for row in rows)
    )


def _line(name: str, rows: Sequence[Row]) -> str:
    sums = [
        sum(getattr(row, column) for row in rows)
        for column in (
            "tried",
            "accepted",
            "refused",
            "unconnected",
            "unanswered",
            "lost",
            "duplicated",
            "waited",
        )
    ]
    longest_s = [max(row.longest_s[phase] for row in rows) for phase in range(3)]
    drained = [row.drain_s for row in rows if row.drain_s is not None]
    cells = [
        f"{rows[0].scenario} {name}",
        str(len(rows)),
        *(f"{number:,}" for number in sums),
        " / ".join(f"{value:.2f}" for value in longest_s),
        f"{max(drained):.1f}" if drained else "",
    ]
    return f"| {' | '.join(cells)} |\n"
