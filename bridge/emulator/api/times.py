"""Write instants as the API does: local times of the account, with their offset."""

from datetime import datetime
from typing import Literal
from zoneinfo import ZoneInfo


def format_offset(
    instant: datetime, zone: ZoneInfo, precision: Literal["seconds", "microseconds"] = "seconds"
) -> str:
    """Return ``2022-06-28 19:39:05+05:30``."""
    return instant.astimezone(zone).isoformat(sep=" ", timespec=precision)
