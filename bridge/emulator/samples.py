"""One callback of any type, from the sample of its declaration.

1. Samples are of an account in New York, in March 2026. ``move_times`` moves all times by the same
   amount, so that the latest one is ``now``, and writes local times in the account's own zone.
2. Every UUID is replaced by a new one, the same one everywhere, so that two callbacks are of two calls.
"""

import re
from datetime import UTC, datetime
from random import Random
from typing import Final
from urllib.parse import parse_qsl
from uuid import UUID
from zoneinfo import ZoneInfo

from bridge.emulator.machine.commands import Parameters
from bridge.emulator.machine.fields import format_local, format_ms, format_utc

_SAMPLE_ZONE: Final = ZoneInfo("America/New_York")
_LOCAL_NAMES: Final = frozenset({"StartTime", "AnswerTime", "EndTime"})
_TIME: Final = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(\.\d{1,6})?", re.ASCII)
_EPOCH_MS: Final = re.compile(r"1[6-9]\d{11}", re.ASCII)
_UUID: Final = re.compile(r"[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}", re.ASCII)


def parse_sample(form: str) -> Parameters:
    """Return the parameters of a sample."""
    return dict(parse_qsl(form, keep_blank_values=True))


def renew_ids(parameters: Parameters, random: Random) -> Parameters:
    """Return the parameters with new UUIDs: rule 2."""
    renewed: dict[str, str] = {}

    def renew(found: re.Match[str]) -> str:
        return renewed.setdefault(found[0], str(UUID(int=random.getrandbits(128), version=4)))

    return {name: _UUID.sub(renew, text) for name, text in parameters.items()}


def move_times(parameters: Parameters, now: datetime, zone: ZoneInfo) -> Parameters:
    """Return the parameters with the latest time at ``now``: rule 1."""
    instants = {
        name: at for name, text in parameters.items() if (at := _read_time(name, text)) is not None
    }
    if not instants:
        return parameters
    delta = now - max(instants.values())
    moved = {
        name: _write_time(name, parameters[name], at + delta, zone) for name, at in instants.items()
    }
    return parameters | moved


def _read_time(name: str, text: str) -> datetime | None:
    """Return the instant of a time, None if the text is none."""
    if _EPOCH_MS.fullmatch(text):
        return datetime.fromtimestamp(int(text) / 1000, UTC)
    if not _TIME.fullmatch(text):
        return None
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        return None
    return found.replace(tzinfo=_SAMPLE_ZONE if name in _LOCAL_NAMES else UTC).astimezone(UTC)


def _write_time(name: str, before: str, at: datetime, zone: ZoneInfo) -> str:
    if _EPOCH_MS.fullmatch(before):
        return format_ms(at)
    text = format_local(at, zone) if name in _LOCAL_NAMES else format_utc(at)
    return text if "." in before else text[: len("2026-03-07 14:13:30")]
