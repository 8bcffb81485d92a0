"""The two sides that the checker compares: what the load sent, and what is on the topics."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, Literal

from tests.chaos.callbacks import Callback

OK: Final = range(200, 300)

Silence = Literal["", "not connected", "cut off", "timed out"]
Kind = Literal["event", "journal", "dead letter", "answer"]


@dataclass(frozen=True, slots=True)
class Attempt:
    """One request and its end. ``slot`` names the bridge it went to; times only grow, seconds.

    ``status`` is None where no answer came; ``silence`` says how that showed.
    """

    callback: Callback
    slot: str
    begun_s: float
    ended_s: float
    status: int | None
    silence: Silence = ""

    @property
    def accepted(self) -> bool:
        return self.status in OK

    @property
    def took_s(self) -> float:
        return self.ended_s - self.begun_s


@dataclass(frozen=True, slots=True)
class Found:
    """One record, as read back. ``topic`` lacks its prefix; ``verified`` is what the record says.

    ``markers`` are all that its value holds. ``asked`` says that an application was asked for its
    answer.
    """

    kind: Kind
    topic: str
    key: str
    identity: str
    markers: frozenset[str]
    verified: bool
    asked: bool = False


@dataclass(frozen=True, slots=True)
class Accepted:
    """A callback that was answered 2xx, with all that was tried for it.

    It may have been tried again, by a client that saw no answer, and elsewhere.
    """

    callback: Callback
    first_begun_s: float
    accepted_s: float
    slot: str | None
    """The bridge that all attempts went to; None where they went to several."""


def accepted(attempts: Iterable[Attempt]) -> list[Accepted]:
    """Return the callbacks of a history that were answered 2xx."""
    of_marker: dict[str, list[Attempt]] = {}
    for attempt in attempts:
        of_marker.setdefault(attempt.callback.marker, []).append(attempt)
    whole: list[Accepted] = []
    for tried in of_marker.values():
        answered = [attempt.ended_s for attempt in tried if attempt.accepted]
        if not answered:
            continue
        slots = {attempt.slot for attempt in tried}
        whole.append(
            Accepted(
                callback=tried[0].callback,
                first_begun_s=min(attempt.begun_s for attempt in tried),
                accepted_s=min(answered),
                slot=slots.pop() if len(slots) == 1 else None,
            )
        )
    return whole
