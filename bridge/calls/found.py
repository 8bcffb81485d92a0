"""What was found about a call, and which account it belongs to.

1. Plivo gives each call an id of its own. So if two accounts send callbacks about one id, one of them
   is false. A call belongs to the account of its first verified callback; if none is verified, to that
   of the first callback.
2. Callbacks of other accounts stay in the timeline, marked with their account. They count for nothing
   else: no leg, no cost, no gap, no duplicate, and no id is followed from them.
3. A callback that is not verified, and names no other account, belongs to the call (with
   ``BRIDGE_VERIFICATION`` report or off there may be no others). Verified values take precedence, and
   values from unverified callbacks only are marked.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final, Literal, cast

from bridge.audit.redrive import DeadLetter
from bridge.core.answer import AnswerGiven, AnswerValue
from bridge.core.journal import EventName, ReplyGiven
from bridge.reader.journal import JournalledCallback
from bridge.reader.window import Window

_LINKS: Final = ("call", "leg", "other_leg", "parent_call")

Json = dict[str, Any]
AnswerKey = tuple[str, int]
"""The common key of an answer and its callback: the id in the headers of both, and the timestamp."""


@dataclass(frozen=True, slots=True)
class TimelineEntry:
    """One callback as it came, and its event if there is one.

    ``key`` is the key of its record. ``event_from`` says whether the event was read or derived.
    ``fault`` says why today's code makes no event. ``replay_id`` is set for a copy that a replay stored.
    ``derived_event`` is the event today's code makes. ``header_type`` is the type in the record's
    headers; without an event, the type of the path that Plivo called. ``letter`` is its dead letter.
    ``stored_id`` is the id of its event, or its own, in the record's headers. ``answer`` is the
    record of the answer that a customer's application gave.
    """

    topic: str
    partition: int
    offset: int
    timestamp_ms: int
    key: str
    callback: JournalledCallback
    event: Json | None
    event_from: Literal["published", "derived"] | None
    fault: str | None = None
    replay_id: str | None = None
    derived_event: EventName | None = None
    header_type: str = ""
    letter: DeadLetter | None = None
    stored_id: str = ""
    answer: AnswerValue | None = None

    @property
    def position(self) -> str:
        """Return the callback's topic, partition and offset."""
        return f"{self.topic}:{self.partition}:{self.offset}"

    @property
    def account(self) -> str | None:
        """Return its account without a subaccount, None if it names none.

        Calls of a subaccount belong to the main account too, because they are billed together.
        """
        return self.callback.verdict.account

    @property
    def is_verified(self) -> bool:
        """Return True if its signature was valid."""
        return self.callback.value["verification"]["verdict"] == "verified"

    @property
    def reply(self) -> ReplyGiven | AnswerGiven | None:
        """Return the reply to Plivo; None if the record of an application's answer is missing."""
        return self.callback.value["reply"] or (self.answer["reply"] if self.answer else None)

    @property
    def is_dead_letter(self) -> bool:
        """Return True if it became a dead letter: no event was made, or Kafka refused a record."""
        return self.letter is not None or self.callback.event_name is None

    @property
    def data(self) -> Json:
        """Return the event's data, empty without an event."""
        return cast("Json", self.event["data"]) if self.event else {}

    @property
    def type(self) -> str:
        """Return the callback type's name, such as ``voice.call.ring``; empty without an event."""
        if self.event is None:
            return ""
        return str(self.event["type"]).removeprefix("com.plivo.").rpartition(".v")[0]

    @property
    def correlation(self) -> Mapping[str, str | None]:
        """Return the ids that its event relates it to, by their role."""
        return self.data.get("correlation") or {}

    @property
    def linked_ids(self) -> list[str]:
        """Return the ids of calls and legs that it is correlated with."""
        return [one for name in _LINKS if (one := self.correlation.get(name)) is not None]

    @property
    def ids(self) -> set[str]:
        """Return the ids it is about, as far as its key and today's code say."""
        return {self.key, str((self.event or {}).get("partitionkey")), *self.linked_ids}


@dataclass(slots=True)
class FoundCall:
    """What was found, in the journal's order. ``searched`` is the time window that was read."""

    id: str
    searched: Window = field(default_factory=Window)
    entries: list[TimelineEntry] = field(default_factory=list[TimelineEntry])
    answers: dict[AnswerKey, AnswerValue] = field(default_factory=dict[AnswerKey, AnswerValue])
    """The answers of applications by the callbacks they belong to."""
    followed: list[str] = field(default_factory=list[str])
    not_followed: list[str] = field(default_factory=list[str])
    missing_topics: list[str] = field(default_factory=list[str])
    prefix: str | None = None
    """The prefix that the user gave instead of the id; it is unique in ``prefix_within``."""
    prefix_within: Window | None = None
    letters_skipped: int = 0
    """How many dead letters were not read."""
    is_truncated: bool = False
    """There are more callbacks than we keep: these are the first."""


@dataclass(frozen=True, slots=True)
class CallAccounts:
    """A call with the callbacks of its own account, and those of others: rules 1 and 2."""

    account: str | None
    own: FoundCall
    others: Sequence[TimelineEntry]

    @property
    def other_positions(self) -> frozenset[str]:
        """Return the positions of other accounts' callbacks."""
        return frozenset(one.position for one in self.others)

    @property
    def other_accounts(self) -> list[str]:
        """Return the other accounts, each once."""
        return list(dict.fromkeys(one.account for one in self.others if one.account is not None))


def split_accounts(found: FoundCall) -> CallAccounts:
    """Return what was found, split by account."""
    own, others = split_by_account(found.entries, found.id)
    return CallAccounts(find_account(found.entries, found.id), replace(found, entries=own), others)


def split_by_account(
    entries: Sequence[TimelineEntry], identity: str
) -> tuple[list[TimelineEntry], list[TimelineEntry]]:
    """Return the callbacks of the call's account, and those of others: rule 1."""
    owner = find_account(entries, identity)
    own = [one for one in entries if one.account in {None, owner}]
    return own, [one for one in entries if one.account not in {None, owner}]


def find_account(entries: Sequence[TimelineEntry], identity: str) -> str | None:
    """Return the account of an id, None if no callback names one."""
    named = [one for one in entries if one.account is not None]
    about = [one for one in named if identity in one.ids] or named
    return next(
        (one.account for one in about if one.is_verified), about[0].account if about else None
    )
