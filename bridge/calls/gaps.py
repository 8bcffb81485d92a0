"""Find what is missing in a call, contradicts itself, or came twice.

1. A gap is only what the callbacks show. A callback type whose URL is not configured at Plivo never
   comes, and looks like a gap: the reader has to know which URLs are set.
2. Plivo ends a call after four hours unless it is configured otherwise (``time_limit``). Until then a
   leg without a hangup counts as in progress.
3. Times are compared only where Plivo is certain of both. Each is rounded separately.
4. Callbacks outside of what was read are not missing: after ``until``, of a leg that was not followed,
   or of a call with more callbacks than we keep. A missing report that may lie before the searched
   time is marked.
5. A copy stored by a replay says so, and is no fault.
6. A callback that became a dead letter did come, so it is not missing. Its type is that of its path,
   or what today's code makes of it. If neither gives a type, the letter may be the missing callback,
   and the gap says so.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Final

from bridge.calls.found import FoundCall, Json, TimelineEntry
from bridge.calls.legs import Leg
from bridge.core.complaints import MEANINGS, find_complaint
from bridge.core.dead_letter import REASON, STAGE, Stage

CALL_LENGTH_MAX_H: Final = 4
# No message has that many reports: a higher number does not count reports.
_REPORTS_MAX: Final = 100
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_ROUNDING: Final = timedelta(seconds=5)
_REPORT: Final = "messaging.message.status"
_HANGUPS: Final = ("voice.call.hangup", "voice.dial.hangup")
_IN_ORDER: Final = ("started_at", "answered_at", "ended_at")


@dataclass(frozen=True, slots=True)
class Gap:
    """Something an auditor should look at. ``code`` is stable; ``subject`` is the leg or message."""

    code: str
    subject: str
    text: str


@dataclass(frozen=True, slots=True)
class Duplicate:
    """An event that came more than once.

    ``is_retry``: the copies arrived at different times, so Plivo sent it again. ``replays`` are the ids
    of the replays that stored copies, one id per copy: rule 5.
    """

    event_id: str
    type: str
    positions: tuple[str, ...]
    is_retry: bool
    replays: tuple[str, ...]

    @property
    def is_fault(self) -> bool:
        """Return True if neither Plivo nor a replay explains the duplicate."""
        return not self.is_retry and len(self.positions) - len(self.replays) > 1


def find_gaps(found: FoundCall, legs: Iterable[Leg], now: datetime) -> list[Gap]:
    """Return every gap: rules 1 to 4, and 6."""
    read_until, until_ms = now, found.searched.until_ms
    # Compared as a number: the window may end after the year 9999, where Python has no datetime.
    if until_ms is not None and until_ms < now.timestamp() * 1000:
        read_until = _EPOCH + timedelta(milliseconds=until_ms)
    gaps: list[Gap] = []
    for leg in legs:
        if not found.is_truncated and leg.id not in found.not_followed:
            gaps += _find_missing(leg, _list_undecoded(found.entries, leg.id), read_until)
        gaps += _find_contradictions(leg)
        gaps += _find_stir_conflict(leg)
    for entry in found.entries:
        gaps += _find_entry_gaps(entry)
    gaps += dict.fromkeys(_find_complaints(found.entries))  # Plivo may have sent one twice
    return gaps if found.is_truncated else [*gaps, *_find_missing_reports(found)]


def find_duplicates(entries: Iterable[TimelineEntry]) -> list[Duplicate]:
    """Return the events that came more than once."""
    by_id: dict[str, list[TimelineEntry]] = {}
    for entry in entries:
        if entry.event is not None:
            by_id.setdefault(str(entry.event["id"]), []).append(entry)
    return [
        Duplicate(
            event_id=event_id,
            type=same[0].type,
            positions=tuple(entry.position for entry in same),
            is_retry=len({entry.callback.raw.received_at for entry in same}) > 1,
            replays=tuple(entry.replay_id for entry in same if entry.replay_id is not None),
        )
        for event_id, same in by_id.items()
        if len(same) > 1
    ]


def _list_undecoded(entries: Iterable[TimelineEntry], identity: str) -> list[TimelineEntry]:
    """Return the callbacks about a leg or message that today's code makes no event of: rule 6."""
    about = identity.encode()
    return [
        entry
        for entry in entries
        if entry.event is None
        and (
            entry.key == identity
            or about in entry.callback.raw.body
            or identity in entry.callback.raw.query
        )
    ]


def _describe_absence(undecoded: Sequence[TimelineEntry], *types: str) -> str | None:
    """Return what to add to "none came"; None if one of these types did come: rule 6."""
    if any(entry.header_type in types for entry in undecoded):
        return None
    return _describe_letters(sum(not entry.header_type for entry in undecoded))


def _describe_letters(letters: int) -> str:
    """Return that so many dead letters may be the missing callback; empty if there are none."""
    if letters == 0:
        return ""
    return (
        ", unless it is the dead letter"
        if letters == 1
        else f", unless it is among {letters} dead letters"
    )


def _find_missing(leg: Leg, undecoded: Sequence[TimelineEntry], now: datetime) -> Iterator[Gap]:
    rang, answered = leg.list_entries("voice.call.ring"), leg.list_entries("voice.call.answer")
    more = _describe_absence(undecoded, "voice.call.ring")
    if answered and not rang and leg.fields.get("direction") == "outbound" and more is not None:
        yield Gap("answer_without_ring", leg.id, f"it was answered, and no ring came{more}")
    hung_up = leg.list_entries("voice.call.hangup")
    more = _describe_absence(undecoded, "voice.call.answer")
    if hung_up and leg.role == "first" and leg.was_answered and not answered and more is not None:
        yield Gap("hangup_without_answer", leg.id, f"it ended answered, and no answer came{more}")
    if len({entry.event["id"] for entry in hung_up if entry.event}) > 1:
        yield Gap("several_hangups", leg.id, "its hangups contradict each other")
    more = _describe_absence(undecoded, *_HANGUPS)
    if leg.has_ended or not (rang or leg.was_answered) or more is None:
        return
    last = max(entry.callback.raw.received_at for entry in (*leg.entries, *undecoded))
    if now - last > timedelta(hours=CALL_LENGTH_MAX_H):
        hours = int((now - last) / timedelta(hours=1))
        text = f"no hangup came, and the last callback is {hours} h old{more}"
        yield Gap("hangup_missing", leg.id, text)


def _find_contradictions(leg: Leg) -> Iterator[Gap]:
    """Yield where the times of a leg cannot all be true: rule 3."""
    times = {name: _parse_instant(leg.fields.get(name)) for name in _IN_ORDER}
    known = [(name, time) for name, time in times.items() if time is not None]
    for (name, earlier), (later_name, later) in pairwise(known):
        if later < earlier - _ROUNDING:
            yield _time_conflict(leg, f"{later_name} is before {name}")
    answered, ended = times["answered_at"], times["ended_at"]
    duration_s = leg.fields.get("duration_s")
    if answered and ended and duration_s is not None:
        talked_s = (ended - answered).total_seconds()
        if abs(talked_s - duration_s) > _ROUNDING.total_seconds():
            text = f"it lasted {talked_s:.0f} s by its times and {duration_s} s by its duration"
            yield _time_conflict(leg, text)
    last = leg.list_entries("voice.call.hangup")[:1]
    for entry in leg.list_entries("voice.call.ring", "voice.call.answer"):
        if last and leg.entries.index(entry) > leg.entries.index(last[0]):
            yield _time_conflict(leg, f"{entry.type} came after the hangup")
        at = _parse_instant(entry.data.get("session_started_at"))
        if at and ended and at > ended + _ROUNDING:
            yield _time_conflict(leg, f"{entry.type} happened after the leg ended")


def _time_conflict(leg: Leg, text: str) -> Gap:
    return Gap("times_contradict", leg.id, text)


def _find_stir_conflict(leg: Leg) -> Iterator[Gap]:
    if any(stir["conflict"] for entry in leg.entries if (stir := entry.data.get("stir"))):
        yield Gap("stir_conflict", leg.id, "its STIR parameters contradict each other")


def _find_entry_gaps(entry: TimelineEntry) -> Iterator[Gap]:
    name = entry.type or entry.header_type or entry.position
    verification = entry.callback.value["verification"]
    if verification["verdict"] != "verified":
        yield Gap("not_verified", entry.key, f"{name}: {verification['fault']}")
    if entry.is_dead_letter:
        yield Gap("dead_letter", entry.key, f"{name}: {describe_dead_letter(entry)}")
    raw, event = entry.callback.raw, entry.event
    if event is not None and entry.data.get("time_source") != "received":
        ahead = datetime.fromisoformat(str(event["time"])) - raw.received_at
        if ahead > _ROUNDING:
            yield Gap("times_contradict", entry.key, f"{name} came before it happened")
    if entry.data.get("zone_mismatch"):
        text = f"{name}: its local times are not in the zone configured for the account"
        yield Gap("zone_mismatch", entry.key, text)
    for field, value in entry.data.items():
        certainty = _read_certainty(value)
        if certainty not in {None, "exact", "assumed_zone", "ambiguous_resolved"}:
            yield Gap("time_unsure", entry.key, f"{name}: {field} is {certainty}")


def describe_dead_letter(entry: TimelineEntry) -> str:
    """Return why a callback became a dead letter, and what today's code makes of it."""
    letter = entry.letter
    if letter is None:
        why = "no event was made of it, and its dead letter was not found"
    else:
        topics = ", ".join(letter.topics)
        why = f"stage {letter.header(STAGE)}, reason {letter.header(REASON)}"
        why += f", lacking in {topics}" if letter.header(STAGE) == Stage.PUBLISH else ""
    if entry.event_from == "published":
        return f"{why}; its event is on its topic" + ("" if entry.callback.event_name else " since")
    if entry.fault:
        return f"{why}; today's code makes no event of it: {entry.fault}"
    return f"{why}; today's code makes an event of it: `callback-bridge deadletters redrive`"


def _find_missing_reports(found: FoundCall) -> Iterator[Gap]:
    """Yield the delivery reports that are missing in Plivo's own numbering: rule 4."""
    by_message: dict[str, set[int]] = {}
    for entry in found.entries:
        number = entry.data.get("sequence")
        if entry.type == _REPORT and isinstance(number, int):
            by_message.setdefault(entry.key, set()).add(number)
    for message, numbers in by_message.items():
        missing = sorted(set(range(1, min(max(numbers), _REPORTS_MAX))) - numbers)
        if missing:
            undecoded = _list_undecoded(found.entries, message)
            more = _describe_letters(sum(entry.header_type in {"", _REPORT} for entry in undecoded))
            text = f"no delivery report numbered {', '.join(map(str, missing))} came{more}"
            if found.searched.since_ms is not None and missing[0] < min(numbers):
                text += "; it may lie outside the searched time"
            yield Gap("report_missing", message, text)


def _find_complaints(entries: Iterable[TimelineEntry]) -> Iterator[Gap]:
    """Yield Plivo's error reports about our answers, if their signature is valid."""
    for entry in entries:
        code = find_complaint(entry.type, entry.data)
        if code is not None and entry.is_verified:
            yield Gap("plivo_complaint", entry.key, f"{code}: {MEANINGS[code]}")


def _read_certainty(value: object) -> str | None:
    moment: Json = value if isinstance(value, dict) else {}  # pyright: ignore[reportUnknownVariableType] (JSON)
    return str(moment["certainty"]) if {"text", "certainty"} <= moment.keys() else None


def _parse_instant(moment: Json | None) -> datetime | None:
    utc = moment["utc"] if moment else None
    return datetime.fromisoformat(utc) if utc else None
