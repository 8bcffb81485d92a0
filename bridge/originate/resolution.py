"""Search Plivo's list of calls for those of a request whose outcome is unknown.

1. A call may be the request's if caller and destination fit, it is outbound, it began in the time that
   is searched, and no other request of the ledger has its id.
2. A call that is found proves that Plivo dialled this number then, not that this request made it dial:
   another program may have called the same number.
3. No call proves nothing. Plivo's list may come late, and a call that waits may begin later. So there is
   no verdict "not dialled"; the callbacks that carry the reference are the better witness.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime
from enum import StrEnum
from typing import Final, NamedTuple

from bridge.originate.listed import ListedCall


class Verdict(StrEnum):
    """The verdict of Plivo's list about one destination."""

    FOUND = "found"
    SEVERAL = "several"
    NOT_FOUND = "not_found"


_WORDS: Final = {
    Verdict.FOUND: "Plivo has one such call, so it dialled, unless another program called this number",
    Verdict.SEVERAL: "Plivo has several such calls; at most one is this request's",
    Verdict.NOT_FOUND: "Plivo lists no such call. That is no proof: the list may be late. Look again, "
    "and look for callbacks with the reference, before this destination is called again",
}


class Finding(NamedTuple):
    """The result for one destination: the calls that may be the request's."""

    destination: str
    verdict: Verdict
    calls: tuple[ListedCall, ...]

    @property
    def explanation(self) -> str:
        """Return what that means, in words."""
        return _WORDS[self.verdict]


class Resolution(NamedTuple):
    """The results for all destinations of a request whose outcome is unknown.

    Calls that began from ``since`` to ``until`` were searched. ``is_complete`` False: there were more
    than could be read, so a call may have been missed.
    """

    reference: str
    findings: tuple[Finding, ...]
    since: datetime
    until: datetime
    is_complete: bool


class Search(NamedTuple):
    """A search for calls from ``caller`` that began from ``since`` to ``until``."""

    caller: str
    destinations: tuple[str, ...]
    since: datetime
    until: datetime


def judge_calls(search: Search, calls: Iterable[ListedCall]) -> tuple[Finding, ...]:
    """Return a finding for each destination, in order. ``calls`` are nobody else's: rule 1."""
    # A call can be listed twice, because it began or ended meanwhile; the later state stands.
    fitting = {one.call_uuid: one for one in calls if _fits(search, one)}
    return tuple(_judge(one, list(fitting.values())) for one in search.destinations)


def _fits(search: Search, call: ListedCall) -> bool:
    is_then = call.began_at is None or search.since <= call.began_at <= search.until
    is_ours = call.direction == "outbound" and _fold(call.caller) == _fold(search.caller)
    return is_then and is_ours


def _judge(destination: str, calls: Sequence[ListedCall]) -> Finding:
    found = tuple(one for one in calls if _fold(one.callee) == _fold(destination))
    if not found:
        return Finding(destination, Verdict.NOT_FOUND, ())
    return Finding(destination, Verdict.FOUND if len(found) == 1 else Verdict.SEVERAL, found)


def _fold(party: str) -> str:
    return party.removeprefix("+").lower()
