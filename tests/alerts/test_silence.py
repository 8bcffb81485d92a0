"""When a type is missed: weeks of an office's callbacks, and what becomes of the third Monday.

Day 0 is a Monday. Each site has a type that follows its hours, and one that never rests, so that the
site is never all silent.
"""

import itertools
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import pytest
import yaml

from tests.alerts.conftest import Promtool
from tests.alerts.rules import ALERTS

STEPS_AN_HOUR: Final = 12
DAYS: Final = 16
A_STEP: Final = 5  # callbacks of a busy type

Busy = Callable[[int, int], bool]


def office(day: int, hour: int, *, opens: int = 8, closes: int = 18) -> bool:
    return day % 7 < 5 and opens <= hour < closes


def until_the_third_monday(busy: Busy) -> Busy:
    return lambda day, hour: busy(day, hour) and day < 14


@dataclass(frozen=True, slots=True)
class Site:
    """What a site does, and the hours at which its type is missed, and before which it is not."""

    busy: Busy
    missed: tuple[int, ...]
    not_missed: tuple[int, ...]
    since_day: int = 0


def at(day: int, *hours: int) -> tuple[int, ...]:
    return tuple(24 * day + hour for hour in hours)


ALL_DAY: Final = tuple(range(24))

SITES: Final = {
    "an office whose type stays away is missed while it is open, and not at night": Site(
        until_the_third_monday(office),
        missed=at(14, 11, 14, 17),
        not_missed=(*at(14, 3, 8, 9, 19, 23), *at(15, 3)),
    ),
    "an office that goes on is never missed, not even on its days of rest": Site(
        office,
        missed=(),
        not_missed=(*at(12, *ALL_DAY), *at(13, *ALL_DAY), *at(14, *ALL_DAY)),
    ),
    "an office that opens an hour later since clocks changed is not missed": Site(
        lambda day, hour: office(day, hour, **({"opens": 9, "closes": 19} if day >= 14 else {})),
        missed=(),
        not_missed=at(14, *ALL_DAY),
    ),
    "an office that closes an hour earlier since clocks changed is not missed": Site(
        lambda day, hour: office(day, hour, **({"opens": 7, "closes": 17} if day >= 14 else {})),
        missed=(),
        not_missed=at(14, *ALL_DAY),
    ),
    "one lost day does not hide the next from us": Site(
        lambda day, _: day < 13,
        missed=at(14, 6, 12, 18),
        not_missed=at(13, 0),
    ),
    "a type that began two days ago is not known well enough to be missed": Site(
        lambda day, _: day < 14,
        since_day=12,
        missed=(),
        not_missed=at(14, *ALL_DAY),
    ),
}


def growth(site: Site) -> Iterator[int]:
    """Yield by how much the site's counter grows in each step since its first day."""
    for day, hour in itertools.product(range(site.since_day, DAYS), range(24)):
        yield from [A_STEP * site.busy(day, hour)] * STEPS_AN_HOUR


def values(site: Site) -> str:
    """Return the site's counter as promtool writes series."""
    parts = [f"_x{24 * STEPS_AN_HOUR * site.since_day}"] if site.since_day else []
    counted = 0
    for grown, steps in itertools.groupby(growth(site)):
        count = len(list(steps))
        parts.append(f"{counted}+{grown}x{count - 1}")
        counted += grown * count
    return " ".join(parts)


def series(namespace: str, kind: str, counted: str) -> dict[str, str]:
    labels = f'type="{kind}",product="voice",method="POST",outcome="published"'
    where = f'job="b",namespace="{namespace}",pod="b-0"'
    return {"series": f"callback_bridge_callbacks_total{{{labels},{where}}}", "values": counted}


def expectation(namespace: str, hour: int, *, missed: bool) -> dict[str, Any]:
    """Return that the type is missed at an hour, or was not missed all through the one before it."""
    alert = f'alertname="CallbackBridgeTypeSilent",alertstate="firing",namespace="{namespace}"'
    firing = f"ALERTS{{{alert}}}" if missed else f"max_over_time(ALERTS{{{alert}}}[1h])"
    sample = {"labels": '{type="voice.call.hangup"}', "value": 1}
    return {
        "expr": f"max by (type) ({firing})",
        "eval_time": f"{hour}h",
        "exp_samples": [sample] if missed else [],
    }


@pytest.mark.chart
def test_a_missing_type_is_reported_if_it_always_comes_at_that_time(
    promtool: Promtool, tmp_path: Path
) -> None:
    always = f"0+{A_STEP}x{24 * STEPS_AN_HOUR * DAYS - 1}"
    names = {sentence: sentence.replace(" ", "-") for sentence in SITES}
    test = {
        "interval": f"{60 // STEPS_AN_HOUR}m",
        "input_series": [
            one
            for sentence, site in SITES.items()
            for one in (
                series(names[sentence], "voice.call.hangup", values(site)),
                series(names[sentence], "voice.call.ring", always),
            )
        ],
        "promql_expr_test": [
            expectation(names[sentence], hour, missed=missed)
            for sentence, site in SITES.items()
            for missed, hours in ((True, site.missed), (False, site.not_missed))
            for hour in hours
        ],
    }
    case = tmp_path / "silence.yaml"
    told = {"rule_files": [str(ALERTS)], "evaluation_interval": "15m", "tests": [test]}
    case.write_text(yaml.safe_dump(told))
    assert "SUCCESS" in promtool("test", "rules", case)
