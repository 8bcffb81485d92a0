"""The costs of each station of a callback, by its type: ``python -m tests.bench.micro``.

1. Everything runs in this process, again and again, so caches are warm: a live server pays about twice
   as much. Kafka and HTTP are left out.
2. The yardstick is the standard library's ``parse_qsl`` on a hangup's form. It is timed in every round
   as well, and a ratio is of the least times of the same run.
3. Calls of Python functions, in verify, parse and build together, do not depend on the machine.
"""

import asyncio
import io
import sys
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, Any, Final
from urllib.parse import parse_qsl

import typer
from rich.console import Console

from bridge.callbacks.model import CallbackType
from bridge.core import catalogue
from bridge.core.event import ContractNames, to_event
from bridge.core.journal import to_journal
from bridge.core.keyring import Account, Keyring
from bridge.core.nonce_guard import NonceGuard
from bridge.core.parameters import parse_parameters
from bridge.core.parse import Parser
from bridge.core.request import RawCallback, index_headers
from bridge.core.verify import Verifier
from bridge.emulator.sign import sign_headers
from bridge.publish.memory import MemoryPublisher
from bridge.reply.document import ACKNOWLEDGEMENT
from bridge.telemetry import logs
from tests.bench import report
from tests.support import plivo
from tests.support.bridge import AUTH_ID, TOKEN
from tests.support.intake_harness import Walk

STATIONS: Final = ("form", "verify", "parse", "build", "intake")
_URL: Final = "https://hooks.example.com"
_NOW: Final = datetime(2026, 3, 7, 14, 13, 36, tzinfo=UTC)
_NAMING: Final = ContractNames("", "urn:callback-bridge:schemas:")
_TYPES: Final = catalogue.load_catalogue()


@dataclass(frozen=True, slots=True)
class Stations:
    """One type's stations, each ready to run on the results of those before it."""

    kind: CallbackType
    work: dict[str, Callable[[], Any]]
    intake: Callable[[], Awaitable[Any]]

    async def least_us(self, station: str, times: int) -> float:
        """Return the microseconds of CPU that one run takes."""
        if station == "intake":
            begun = time.process_time()
            for _ in range(times):
                await self.intake()
        else:
            work = self.work[station]
            begun = time.process_time()
            for _ in range(times):
                work()
        return (time.process_time() - begun) * 1e6 / times

    def calls(self) -> int:
        """Return the calls of Python functions in verify, parse and build: rule 3."""
        counted = 0

        def count(_frame: Any, what: str, _argument: Any) -> None:
            nonlocal counted
            counted += what == "call"

        for station in ("verify", "parse", "build"):
            work = self.work[station]
            work()  # caches are warm
            sys.setprofile(count)
            try:
                work()
            finally:
                sys.setprofile(None)
            counted -= 1  # ``work`` itself
        return counted


def to_raw(kind: CallbackType) -> RawCallback:
    """Return a signed callback of a type, as the server hands it to the intake."""
    form = plivo.encoded(plivo.sample(kind.name))
    headers = sign_headers("POST", _URL + kind.path, form, TOKEN)
    content_type = ("content-type", plivo.FORM)
    return RawCallback(
        "POST",
        _URL,
        _URL,
        kind.path,
        "",
        index_headers((*headers.items(), content_type)),
        form.encode(),
        "",
        _NOW,
    )


def to_stations(kind: CallbackType, walk: Walk) -> Stations:
    """Return the stations of a type."""
    raw = to_raw(kind)
    verifier = Verifier(Keyring([Account(AUTH_ID, "UTC", (TOKEN,))]), NonceGuard())
    parser = Parser(_TYPES)
    parameters = parse_parameters(raw)
    verdict = verifier.verify(raw, parameters)
    callback = parser.parse(verdict, kind)

    def build() -> None:
        event = to_event(callback, _NAMING, _NOW)
        to_journal(callback, event, _NAMING, ACKNOWLEDGEMENT)

    return Stations(
        kind,
        {
            "form": lambda: parse_parameters(raw),
            "verify": lambda: verifier.verify(raw, parameters),
            "parse": lambda: parser.parse(verdict, kind),
            "build": build,
        },
        lambda: walk.receive(raw, kind),
    )


async def measure(kinds: Sequence[CallbackType], rounds: int, times: int) -> list[list[str]]:
    """Return a row a type: each station as a ratio to the yardstick, and the calls."""
    walk = Walk(_TYPES, MemoryPublisher(records_max=64))
    every = [to_stations(kind, walk) for kind in kinds]
    body = to_raw(_TYPES.by_name[plivo.HANGUP]).body.decode()
    yardstick = Stations(every[0].kind, {"yardstick": lambda: parse_qsl(body)}, walk.take)
    least: dict[tuple[str, str], float] = {}
    for _ in range(rounds):
        for one in (yardstick, *every):
            for station in ["yardstick"] if one is yardstick else STATIONS:
                place = (station, "" if one is yardstick else one.kind.name)
                cost_us = await one.least_us(station, times)
                least[place] = min(least.get(place, cost_us), cost_us)
    unit_us = least["yardstick", ""]
    return [
        [
            one.kind.name,
            *(f"{least[station, one.kind.name] / unit_us:.2f}" for station in STATIONS),
            str(one.calls()),
        ]
        for one in every
    ]


def main(
    *,
    rounds: Annotated[int, typer.Option(min=1)] = 5,
    times: Annotated[int, typer.Option(min=1, help="Runs of each station a round.")] = 200,
    only: Annotated[str, typer.Option(help="Types, as in voice.call.hangup.")] = "",
    keep: Annotated[bool, typer.Option(help="Write the table into docs/performance.md.")] = False,
) -> None:
    """Measure each station by type, as a ratio to ``parse_qsl`` of a hangup's form."""
    logs.configure("json", "error", io.StringIO())
    kinds = [one for one in _TYPES.types if not only or one.name in only.split(",")]
    rows = asyncio.run(measure(kinds, rounds, times))
    heads = ["type", *STATIONS, "calls"]
    report.show_table(Console(), "ratios to parse_qsl of a hangup's form", heads, rows)
    if keep:
        report.write_into_docs("micro", report.markdown_table("type", heads, rows))


if __name__ == "__main__":
    typer.run(main)
