"""Mutated callbacks of every type through the core: an event or NoEvent, and nothing lost.

``python -m tests.fuzz.mutate --count 200000 --seed 1`` exits with 1 on a finding, and prints for each
the index by which ``--only INDEX`` repeats it alone, under the same seed.

1. A case is a sample, mutated up to six times, sent by POST, GET or as JSON, signed before or after
   (or never), to its own path, another's or the shared one. All of it follows from seed and index.
2. No exception leaves the core but NoEvent.
3. Where there is an event, every parameter is found in it again, the journal holds the request byte
   for byte, and what is derived from the journal is the same event.
4. Where there is none, the dead letter and its journal record hold the request byte for byte.
5. Event and journal record are valid by their schemas, in one case of ``SCHEMA_EVERY``.
"""

import argparse
import sys
import time
import traceback
from collections import Counter
from dataclasses import dataclass, field
from random import Random

import orjson
from rich.console import Console
from rich.progress import track

from bridge.callbacks.model import CallbackType
from bridge.core.dead_letter import to_dead_letter
from bridge.core.event import to_event
from bridge.core.journal import SentReply, to_journal
from bridge.core.parameters import parse_parameters
from bridge.core.parse import NoEvent, Parser
from bridge.core.request import RawCallback
from bridge.core.verify import Verified
from bridge.reader.journal import to_raw_callback
from tests.fuzz.mutations import mutated, raw_of
from tests.support.conformance import SAMPLES, TYPES, Sample, Taken, assert_valid
from tests.support.factories import NAMING, RECORDED, verifier
from tests.support.parameter_loss import lost

SCHEMA_EVERY = 5
FINDINGS_MAX = 50
REPLY = SentReply(200, None, b"")
PARSERS = (Parser(TYPES), Parser(TYPES, ("team", "to", "Event")))


@dataclass
class Tally:
    """What became of the cases so far."""

    ends: Counter[str] = field(default_factory=Counter)
    types: Counter[str] = field(default_factory=Counter)
    findings: list[tuple[int, str]] = field(default_factory=list)


@dataclass(frozen=True)
class Case:
    """One mutated callback, and how it reaches the core."""

    index: int
    sample: Sample
    raw: RawCallback
    route: CallbackType | None
    parser: Parser


def case(seed: int, index: int) -> Case:
    """Return the case that seed and index name: rule 1."""
    chance = Random(f"{seed}/{index}")
    sample = chance.choice(SAMPLES)
    raw = raw_of(mutated(list(sample.pairs), chance), sample, chance)
    routes = [sample.route] * 6 + [None] * 3 + [chance.choice(TYPES.types)]
    return Case(index, sample, raw, chance.choice(routes), chance.choice(PARSERS))


def derived(raw: RawCallback, one: Case) -> Taken:
    """Return what the core makes of ``raw``; raises NoEvent."""
    verdict = verifier().verify(raw, parse_parameters(raw))
    callback = one.parser.parse(verdict, one.route)
    event = to_event(callback, NAMING, RECORDED)
    return Taken(callback, event, to_journal(callback, event, NAMING, REPLY))


def end_of(one: Case) -> tuple[str, str]:
    """Return how the case ended, and its type; raises whatever is wrong with it."""
    try:
        taken = derived(one.raw, one)
    except NoEvent as no_event:
        verdict = verifier().verify(one.raw, parse_parameters(one.raw))
        _, records = to_dead_letter(verdict, no_event.reason, NAMING, REPLY)
        for record in records:
            assert to_raw_callback(orjson.loads(record.value)) == one.raw, "dead letter differs"
        return no_event.reason.value, ""
    missing = lost(taken.callback)
    assert not missing, f"lost: {sorted({name for name, _ in missing})}"
    again = to_raw_callback(orjson.loads(taken.journal.value))
    assert again == one.raw, "the journal differs"
    assert derived(again, one).event == taken.event, "derived again, it differs"
    if one.index % SCHEMA_EVERY == 0:
        assert_valid(taken)
    signed = "verified" if isinstance(taken.callback.verdict, Verified) else "unverified"
    return signed, taken.event.type.name


def check(one: Case, tally: Tally) -> None:
    """Count how the case ended, or what was found: rules 2 to 5."""
    try:
        end, name = end_of(one)
    except Exception as error:  # noqa: BLE001 (any is a finding)
        place = traceback.extract_tb(error.__traceback__)[-1]
        what = f"{type(error).__name__}: {str(error).splitlines()[:1]} ({place.filename}:{place.lineno})"
        tally.findings.append((one.index, f"{one.sample.kind.name}: {what}"))
        tally.ends["finding"] += 1
        return
    tally.ends[end] += 1
    if name:
        tally.types[name] += 1


def run(seed: int, indices: range, tally: Tally) -> Tally:
    """Return the tally with these cases in it."""
    for index in indices:
        check(case(seed, index), tally)
    return tally


def main() -> int:
    """Run the cases; return 1 when anything was found."""
    arguments = argparse.ArgumentParser(description=__doc__, add_help=True)
    arguments.add_argument("--count", type=int, default=200_000)
    arguments.add_argument("--seed", type=int, default=1)
    arguments.add_argument("--only", type=int, help="repeat one case, and show it")
    chosen = arguments.parse_args()
    console = Console()
    if chosen.only is not None:
        one = case(chosen.seed, chosen.only)
        console.print(one.raw, one.route and one.route.name)
        console.print(end_of(one))
        return 0
    tally, started, step = Tally(), time.perf_counter(), 1000
    for first in track(range(0, chosen.count, step), "mutating", console=console):
        run(chosen.seed, range(first, min(first + step, chosen.count)), tally)
    took_s = time.perf_counter() - started
    console.print(
        f"{chosen.count} callbacks in {took_s:.1f} s: {chosen.count / took_s:.0f} a second"
    )
    for end, times in tally.ends.most_common():
        console.print(f"{times:>9} {end}", highlight=False)
    console.print(f"{len(tally.types)} of {len(TYPES.all_types)} types")
    alike: dict[str, list[int]] = {}
    for index, what in tally.findings:
        alike.setdefault(what, []).append(index)
    for what, indices in list(alike.items())[:FINDINGS_MAX]:
        console.print(f"{len(indices)} times, --only {indices[0]}: {what}", soft_wrap=True)
    return 1 if tally.findings else 0


if __name__ == "__main__":
    sys.exit(main())
