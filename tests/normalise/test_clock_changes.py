"""36,000 calls around the clock changes of all time zones, without a wrong time."""

import random
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from zoneinfo import available_timezones

import pytest

from bridge.normalise.time import load_zone, to_rfc3339
from bridge.normalise.wall_clock import Evidence, find_instants
from tests.normalise.clock_changes import resolved
from tests.normalise.strategies import NAMES, readings

CALLS = 36_000
FIRST_DAY = datetime(2023, 1, 1, tzinfo=UTC)
DAYS = 4 * 365
STORIES = ("prompt", "late", "second leg", "queued")


def changes() -> list[tuple[str, datetime]]:
    """Return the changes of clocks of those days: for each that differs, one zone that has it."""
    found: dict[tuple[datetime, object, object], str] = {}
    for name in sorted(available_timezones()):
        zone = load_zone(name)
        after = FIRST_DAY.astimezone(zone).utcoffset()
        for day in range(DAYS):
            low = FIRST_DAY + timedelta(days=day)
            high = low + timedelta(days=1)
            before, after = after, high.astimezone(zone).utcoffset()
            if before == after:
                continue
            while high - low > timedelta(seconds=1):
                middle = low + (high - low) / 2
                if middle.astimezone(zone).utcoffset() == before:
                    low = middle
                else:
                    high = middle
            found.setdefault((high.replace(microsecond=0), before, after), name)
    return [(name, change) for (change, _, _), name in found.items()]


def calls(chance: random.Random) -> Iterator[tuple[str, str, dict[str, datetime], Evidence]]:
    """Yield calls by their story: zone, true times of what the callback carries, and its evidence."""
    every = changes()
    for number in range(CALLS):
        zone, change = every[number % len(every)]
        story = STORIES[number % 7 % len(STORIES)]
        early = session = change + timedelta(seconds=chance.randint(-7200, 7200))
        start = early - timedelta(seconds=chance.randint(0, 90))
        answer = session + timedelta(seconds=chance.randint(0, 90))
        end = answer + timedelta(
            seconds=chance.choice([chance.randint(0, 90), chance.randint(0, 9000)])
        )
        delivery = timedelta(seconds=chance.randint(0, 60))
        long = timedelta(minutes=chance.choice([13, 30, 45, 60, 90, 120, chance.randint(13, 840)]))
        if story == "late":
            delivery = long
        elif story == "second leg":
            session -= long
        elif story == "queued":
            start -= long
        times = dict(zip(NAMES, (start, answer, end), strict=True))
        if chance.random() < 0.3 and story != "prompt":
            times.pop(chance.choice(NAMES[:2]))
        has_session = story != "late" or chance.random() < 0.5
        evidence = Evidence(
            received_at=end + delivery,
            session_start=session if has_session else None,
            duration_s=None
            if story != "prompt" and chance.random() < 0.2
            else int((end - answer).total_seconds()),
        )
        yield story, zone, times, evidence


def is_coincidence(zone: str, times: dict[str, datetime], evidence: Evidence) -> bool:
    """Return whether a queue, or a first leg, is as long as the clocks went back.

    Then the session follows the other instant of the start, as it does when there is neither. Only the
    length of a dialled leg tells that one apart.
    """
    start = times.get("StartTime")
    if start is None or evidence.session_start is None:
        return False
    naive = start.astimezone(load_zone(zone)).replace(tzinfo=None)
    others = set(find_instants(naive, load_zone(zone))[0]) - {start}
    return any(abs(evidence.session_start - other) < timedelta(minutes=15) for other in others)


# What it runs is measured where the other tests run it: to measure all of this takes twice as long.
@pytest.mark.no_cover
@pytest.mark.parametrize("seed", [20_260_329])
def test_no_call_around_a_change_of_clocks_has_a_wrong_time(seed: int) -> None:
    certainties: dict[str, Counter[str]] = {story: Counter() for story in STORIES}
    coincidences = 0
    for story, zone, times, evidence in calls(random.Random(seed)):
        tells = story == "second leg" and evidence.duration_s is not None
        if not tells and story in STORIES[2:] and is_coincidence(zone, times, evidence):
            coincidences += 1
            continue
        moments, mismatch = resolved(readings(zone, times), zone, evidence)
        assert mismatch is None, (story, zone, times, evidence)
        for name, moment in moments.items():
            right = moment["utc"] in {None, to_rfc3339(times[name])}
            assert right, (story, zone, name, times, evidence, moment)
            certainties[story][moment["certainty"]] += 1
    assert coincidences < CALLS / 100
    for story, counts in certainties.items():
        assert counts["contradicted"] == counts["nonexistent"] == 0
        assert counts["ambiguous_resolved"] > 100, story
    assert certainties["prompt"].keys() == {"exact", "ambiguous_resolved"}
