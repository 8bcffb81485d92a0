"""The dearest request of a stranger, searched for: ``python -m tests.bench.worst``.

1. A request costs the CPU time from its ASGI scope to its answer, in this process: routing, decoding,
   every check of its signature, the search for a URL mismatch, the sample and the log line. The HTTP
   parser is left out; it costs about 1 ms for 256 KiB.
2. The search is bounded. It measures a grid of requests, with 1,000 tokens, then changes the dearest
   ones at random, round by round, and keeps what costs more.
3. The dearest of each kind are kept in ``tests/bench/worst``, a few lines each, and tried first the next
   time. A test counts what they make the bridge do, because time is for a benchmark and not a test.
"""

import asyncio
import io
import json
import random
import sys
import time
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any, Final

import typer
from rich.console import Console
from rich.table import Table
from starlette.routing import Router

from bridge.app import build
from bridge.core.parameters import FORM, JSON
from bridge.settings.load import load
from bridge.telemetry import logs
from bridge.telemetry.metrics import Metrics
from tests.bench.strangers import BODY_BYTES_MAX, Stranger, grid
from tests.support.delivery import without_spool

KEPT: Final = Path(__file__).parent / "worst"
TOKENS: Final = (1, 200, 1_000)
ACCOUNT: Final = "MA0000000000BENCH001"
KEPT_MAX: Final = 12
SMALL_BYTES: Final = 16_384
BOUND_MS: Final = 10.0


def accounts(tokens: int) -> list[dict[str, Any]]:
    """Return the setting of one account with so many tokens, all but one of them subaccounts'."""
    inner = [
        {"auth_id": f"SA{number:018}", "auth_tokens": [f"subaccount-token-{number:020}"]}
        for number in range(tokens - 1)
    ]
    token = "the-token-of-the-main-account-of-a-benchmark"
    return [{"auth_id": ACCOUNT, "auth_tokens": [token], "timezone": "UTC", "subaccounts": inner}]


def application(tokens: int) -> Router:
    """Return a bridge that looks for a URL mismatch of every request, and samples every one."""
    settings = load(
        None,
        accounts=accounts(tokens),
        public_url="https://bridge.example.com",
        rejected_per_minute_max=6_000,
    )
    unlimited, build.DIAGNOSES_PER_MINUTE_MAX = build.DIAGNOSES_PER_MINUTE_MAX, 1_000_000  # type: ignore[misc]
    try:
        return build.make_application(settings, without_spool(), Metrics("0"))
    finally:
        build.DIAGNOSES_PER_MINUTE_MAX = unlimited  # type: ignore[misc]


async def answer(app: Router, stranger: Stranger) -> tuple[int, float]:
    """Return the status of the answer to a request, and the milliseconds of CPU that it cost."""
    body = stranger.body(ACCOUNT)
    scope = stranger.scope(len(body))
    statuses: list[int] = []

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": body, "more_body": False}

    async def send(message: Any) -> None:
        if message["type"] == "http.response.start":
            statuses.append(message["status"])

    begun = time.process_time()
    await app(scope, receive, send)
    cpu_ms = (time.process_time() - begun) * 1000
    await asyncio.sleep(0)  # the sample is published behind the answer
    return statuses[0], cpu_ms


async def cost_ms(app: Router, stranger: Stranger, times: int) -> float:
    """Return the least CPU of several tries: what the machine adds is not the request's."""
    return min([(await answer(app, stranger))[1] for _ in range(times)])


def changed(stranger: Stranger, chance: random.Random) -> Stranger:
    """Return a request that differs in one thing."""
    changes: list[dict[str, Any]] = [
        {"times": max(1, min(510, stranger.times + chance.choice((-100, -10, -1, 1, 10, 100))))},
        {"size_bytes": chance.choice((4_000, 8_192, 16_000, 30_000, 65_536, BODY_BYTES_MAX))},
        {"signatures": chance.choice((1, 2, 16, 32))},
        {"header_lines": chance.choice((0, 60, 240))},
        {
            "query_pieces": chance.choice((0, 1, 100, 500)),
            "query_fill": chance.choice(("%41", "x")),
        },
        {"names_account": not stranger.names_account},
        {"content_type": chance.choice((FORM, JSON))},
        {"fill": stranger.fill + chance.choice(("x", "%41", "\\n", "1", "&", "=", "[", " "))},
    ]
    return replace(stranger, **chance.choice(changes))


async def search(rounds: int, seed: int) -> list[tuple[float, Stranger]]:
    """Return the dearest requests, the dearest first: rule 2."""
    chance = random.Random(seed)
    app = application(TOKENS[-1])
    found = [(await cost_ms(app, one, 1), one) for one in dict.fromkeys([*kept(), *grid()])]
    best = _dearest(
        [(await cost_ms(app, one, 3), one) for _, one in _dearest(found, 60, of_one_shape=6)],
        30,
        of_one_shape=4,
    )
    for _ in range(rounds):
        tried = [changed(one, chance) for _, one in best]
        new = [(await cost_ms(app, one, 3), one) for one in tried if one not in dict(_by(best))]
        best = _dearest([*best, *new], 30, of_one_shape=4)
    return best


def _by(best: Iterable[tuple[float, Stranger]]) -> list[tuple[Stranger, float]]:
    return [(one, cost) for cost, one in best]


def _dearest(
    found: Iterable[tuple[float, Stranger]], count: int, *, of_one_shape: int
) -> list[tuple[float, Stranger]]:
    """Return the dearest, so many of one shape at most: a search needs variety."""
    ordered = sorted(found, key=lambda one: -one[0])
    taken: dict[tuple[str, str, bool], int] = {}
    chosen: list[tuple[float, Stranger]] = []
    for cost, one in ordered:
        shape = (one.content_type, one.before[:4] + one.head, one.size_bytes > SMALL_BYTES)
        taken[shape] = taken.get(shape, 0) + 1
        if taken[shape] <= of_one_shape and len(chosen) < count:
            chosen.append((cost, one))
    return chosen


def kept() -> list[Stranger]:
    """Return the requests that earlier searches found."""
    return [Stranger(**json.loads(path.read_text())) for path in sorted(KEPT.glob("*.json"))]


def keep(strangers: Sequence[Stranger]) -> None:
    """Keep these in place of what was kept."""
    for path in KEPT.glob("*.json"):
        path.unlink()
    for place, one in enumerate(strangers, 1):
        (KEPT / f"{place:02}.json").write_text(one.kept)


async def table(strangers: Sequence[Stranger]) -> list[tuple[Stranger, int, dict[int, float]]]:
    """Return what each request costs with each number of tokens, and its status."""
    apps = {tokens: application(tokens) for tokens in TOKENS}
    rows = []
    for one in strangers:
        status, _ = await answer(apps[1], one)
        costs = {tokens: await cost_ms(app, one, 5) for tokens, app in apps.items()}
        rows.append((one, status, costs))
    return rows


def main(
    *,
    rounds: Annotated[
        int, typer.Option(help="Rounds of random changes; 0 measures only what was kept.")
    ] = 20,
    seed: Annotated[int, typer.Option(help="Where the random changes begin.")] = 1,
    keeps: Annotated[bool, typer.Option("--keep", help="Keep what was found.")] = False,
) -> None:
    """Search for the dearest request of a stranger, in milliseconds of CPU before it is rejected."""
    logs.configure("json", "warning", io.StringIO())
    strangers = kept()
    if rounds:
        best = _dearest(asyncio.run(search(rounds, seed)), KEPT_MAX, of_one_shape=1)
        strangers = [one for _, one in best]
    if rounds and keeps:
        keep(strangers)
    rows = asyncio.run(table(strangers))
    shown = Table(title="ms of CPU for one request of a stranger, by the number of tokens")
    for title in ("request", "bytes", "status", *map(str, TOKENS)):
        shown.add_column(title, justify="left" if title == "request" else "right", overflow="fold")
    for one, status, costs in rows:
        cells = [f"{costs[tokens]:.1f}" for tokens in TOKENS]
        length = f"{len(one.body(ACCOUNT)) + len(one.query()):,}"
        shown.add_row(" ".join(one.kept.split()), length, str(status), *cells)
    console = Console()
    console.print(shown)
    worst = max(max(costs.values()) for _, _, costs in rows)
    console.print(f"The dearest costs {worst:.1f} ms; the bound is {BOUND_MS:.0f} ms.")
    sys.exit(worst > BOUND_MS)


if __name__ == "__main__":
    typer.run(main)
