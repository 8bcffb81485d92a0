"""Rules: which callback is answered with a document, and which goes to the customer's application.

1. The rules are tried in their order, and the first one that matches decides. A rule matches a callback
   if each of its conditions does; a rule without a condition matches every callback of its types.
2. A document is the answer to a type whose answer Plivo executes. The rule of a document does not
   concern other types.
3. An application is asked for the answer to such a type. It is asked for the answer to an unrecognised
   callback too, because a caller may be waiting for it. All other types are notifications: they are
   sent on to the application, and Plivo is answered by the bridge.
4. If the application fails, the rule's fallback document is the answer, for the types whose callbacks it
   can answer. Otherwise it is the status 502, on which Plivo turns to the fallback URL of the call.
5. Without a rule Plivo gets an empty document for a type whose answer it needs, and no body otherwise.
6. The application of a callback is the one that its path names: see ``application_paths``.
7. Numbers are compared by their digits: ``+1 415 555-0100`` is ``14155550100``. Any other address is
   compared without regard to case. ``anonymous`` matches every withheld number.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final, NamedTuple, cast

from bridge.callbacks.model import UNRECOGNISED, CallbackType, Reply, list_fields
from bridge.core.catalogue import Catalogue
from bridge.core.journal import SentReply
from bridge.core.parse import Callback
from bridge.core.verify import Unverified, Verified
from bridge.normalise.party import Party
from bridge.reply.application_paths import ApplicationPath, ApplicationPaths
from bridge.reply.chosen import Ask, Given
from bridge.reply.document import ACKNOWLEDGEMENT, EMPTY_DOCUMENT, Document

BAD_GATEWAY: Final = SentReply(502, None, b"")
ANONYMOUS: Final = "anonymous"

# A tuple, not a set: the hash of an enumeration's member is a Python function.
_NEEDED: Final = (Reply.XML, Reply.SOUND)
_EMPTY: Final = Given(EMPTY_DOCUMENT, None)
_ACKNOWLEDGED: Final = Given(ACKNOWLEDGEMENT, None)
# No digits before the first one: otherwise a long text takes time by the square of its length.
_TELEPHONE: Final = re.compile(r"[+().\-\s]*[0-9][0-9+().\-\s]*", re.ASCII)
_NO_DIGITS: Final = re.compile(r"[^0-9]+", re.ASCII)


@dataclass(frozen=True, slots=True)
class Application:
    """An application of the customer's.

    ``origin`` is ``scheme://host[:port]``; None: it is never called. ``paths`` are prefixes of the paths
    that belong to it, without a slash at the end. A notification that it does not take is sent again
    for ``retry_for_s``.
    """

    name: str
    origin: str | None
    paths: tuple[str, ...]
    timeout_s: float
    answer_bytes_max: int
    retry_for_s: float = 900.0


class Number(NamedTuple):
    """A condition on a number or another address, made by ``to_number``: rule 7."""

    text: str
    is_prefix: bool

    def matches(self, text: str) -> bool:
        """Return whether an address, as ``fold_address`` returns it, meets the condition."""
        return text.startswith(self.text) if self.is_prefix else text == self.text

    def covers(self, other: "Number") -> bool:
        """Return whether every address that meets ``other`` meets this condition."""
        return self.matches(other.text) and (self.is_prefix or not other.is_prefix)


def to_number(text: str) -> Number:
    """Return the condition that a rule writes as a number, or as a prefix with ``*`` at its end."""
    is_prefix = text.endswith("*")
    return Number(fold_address(text.removesuffix("*")), is_prefix)


def fold_address(text: str) -> str:
    """Return a number as its digits, and any other address in lower case: rule 7."""
    if _TELEPHONE.fullmatch(text):
        return _NO_DIGITS.sub("", text)
    return text.strip().lower()


@dataclass(frozen=True, slots=True)
class Forward:
    """The answer of an application, named by its name. ``fallback`` is the answer if it fails.

    The fallback does not answer the types ``without_fallback``.
    """

    application: str
    fallback: Document | None = None
    without_fallback: frozenset[str] = frozenset()

    def find_fallback(self, kind: CallbackType) -> Document | None:
        """Return the document that answers a type if the application fails: rule 4."""
        return None if kind.name in self.without_fallback else self.fallback


@dataclass(frozen=True, slots=True)
class Rule:
    """A rule. A condition that is None matches everything. ``types`` are the types it concerns."""

    name: str
    types: frozenset[str]
    answer: Document | Forward
    accounts: frozenset[str] | None = None
    applications: frozenset[str] | None = None
    called: tuple[Number, ...] | None = None
    calling: tuple[Number, ...] | None = None

    @property
    def is_unconditional(self) -> bool:
        """Return whether it matches every callback of its types."""
        return (self.accounts, self.applications, self.called, self.calling) == (None,) * 4

    def covers(self, other: "Rule") -> bool:
        """Return whether it matches every callback that ``other`` matches, apart from their types."""
        return (
            _covers_names(self.accounts, other.accounts)
            and _covers_names(self.applications, other.applications)
            and _covers_numbers(self.called, other.called)
            and _covers_numbers(self.calling, other.calling)
        )


def _covers_names(one: frozenset[str] | None, other: frozenset[str] | None) -> bool:
    return one is None or (other is not None and other <= one)


def _covers_numbers(one: tuple[Number, ...] | None, other: tuple[Number, ...] | None) -> bool:
    if one is None or other is None:
        return one is None
    return all(any(wide.covers(narrow) for wide in one) for narrow in other)


def is_asked_for(kind: CallbackType) -> bool:
    """Return whether an application is asked for the answer to a type: rule 3."""
    return kind.reply is not Reply.ACK or kind.name == UNRECOGNISED


class _Parties(NamedTuple):
    """The fields of a type that hold who is called and who calls."""

    called: str | None
    calling: str | None


def find_parties(kind: CallbackType) -> _Parties:
    """Return the fields of a type that hold who is called and who calls, None if it has none."""
    fields = {name: mark.names for name, (_, mark, _) in list_fields(kind.model).items()}
    return _Parties(*(
        next((field for field, names in fields.items() if plivo in names), None)
        for plivo in ("To", "From")
    ))  # fmt: skip


class Rules:
    """The rules in use, and the applications that they name. It never changes."""

    def __init__(
        self, rules: Iterable[Rule], applications: Iterable[Application], catalogue: Catalogue
    ) -> None:
        self.rules = tuple(rules)
        self.applications: Mapping[str, Application] = {one.name: one for one in applications}
        self._by_type = {
            kind.name: tuple(rule for rule in self.rules if kind.name in rule.types)
            for kind in catalogue.all_types
        }
        self._unrecognised = catalogue.unrecognised
        self._notifications = frozenset(
            kind.name for kind in catalogue.all_types if not is_asked_for(kind)
        )
        self.notified = {
            rule.answer.application: self.applications[rule.answer.application]
            for rule in self.rules
            if isinstance(rule.answer, Forward) and not self._notifications.isdisjoint(rule.types)
        }
        """The applications that a rule sends notifications on to."""
        self._parties = {kind.name: find_parties(kind) for kind in catalogue.all_types}
        self._paths = ApplicationPaths({one.name: one.paths for one in self.applications.values()})
        self.without_rule = sorted(
            kind.name
            for kind in catalogue.types
            if kind.reply in _NEEDED
            and not any(rule.is_unconditional for rule in self._by_type[kind.name])
        )

    def choose(self, callback: Callback) -> Given | Ask:
        """Return how a callback is answered: rules 1 to 5."""
        kind = callback.type
        rule = None if kind.name in self._notifications else self.find_rule(callback)
        if rule is None:
            return give_without_rule(kind)
        if isinstance(rule.answer, Forward):
            fallback = rule.answer.find_fallback(kind)
            return Ask(rule.answer.application, rule.name, _fall_back(fallback, callback))
        return Given(rule.answer.fill_in(callback), rule.name)

    def choose_without_event(
        self, verdict: Verified | Unverified, route: CallbackType | None
    ) -> Given | Ask:
        """Return how a callback is answered of which no event can be made, by its path alone.

        Its numbers are not known, so no rule with a condition on them matches.
        """
        kind = route or self._unrecognised
        rules = () if kind.name in self._notifications else self._by_type[kind.name]
        rule = next((one for one in rules if self._matches_without_event(one, verdict)), None)
        if rule is None:
            return give_without_rule(kind)
        if isinstance(rule.answer, Forward):
            fallback = rule.answer.find_fallback(kind)
            return Ask(rule.answer.application, rule.name, _fall_back(fallback, None))
        return Given(rule.answer.fill_in(None), rule.name)

    def find_forward(self, callback: Callback) -> str | None:
        """Return the application that a notification is sent on to, None if there is none: rule 3."""
        if callback.type.name not in self._notifications:
            return None
        rule = self.find_rule(callback)
        if rule is None or not isinstance(rule.answer, Forward):
            return None
        return rule.answer.application

    def find_rule(self, callback: Callback) -> Rule | None:
        """Return the first rule that matches a callback: rule 1."""
        for rule in self._by_type[callback.type.name]:
            if rule.is_unconditional or self._matches(rule, callback):
                return rule
        return None

    def find_application(self, path: str) -> ApplicationPath | None:
        """Return the application that a path names, None if it names none: rule 6.

        ``path`` is percent-encoded, as received.
        """
        return self._paths.find(path)

    def _matches_without_event(self, rule: Rule, verdict: Verified | Unverified) -> bool:
        is_about_numbers = rule.called is not None or rule.calling is not None
        return not is_about_numbers and self._matches_request(rule, verdict)

    def _matches_request(self, rule: Rule, verdict: Verified | Unverified) -> bool:
        if rule.accounts is not None and rule.accounts.isdisjoint(_list_accounts(verdict)):
            return False
        if rule.applications is None:
            return True
        found = self.find_application(verdict.raw.path)
        return found is not None and found.application in rule.applications

    def _matches(self, rule: Rule, callback: Callback) -> bool:
        if not self._matches_request(rule, callback.verdict):
            return False
        fields = self._parties[callback.type.name]
        return _meets(rule.called, fields.called, callback) and _meets(
            rule.calling, fields.calling, callback
        )


def give_without_rule(kind: CallbackType) -> Given:
    """Return the reply to a type that no rule answers: rule 5."""
    return _EMPTY if kind.reply in _NEEDED else _ACKNOWLEDGED


def _fall_back(fallback: Document | None, callback: Callback | None) -> SentReply:
    """Return the reply if the application fails: rule 4."""
    return BAD_GATEWAY if fallback is None else fallback.fill_in(callback)


def _list_accounts(verdict: Verified | Unverified) -> list[str]:
    """Return the account of a callback, and its subaccount if there is one."""
    subaccount = verdict.subaccount if isinstance(verdict, Verified) else None
    return [one for one in (verdict.account, subaccount) if one]


def _meets(numbers: tuple[Number, ...] | None, field: str | None, callback: Callback) -> bool:
    """Return whether the party in a field meets one of the conditions; no condition is met too."""
    if numbers is None:
        return True
    party = cast("Party | None", callback.fields.get(field)) if field is not None else None
    if party is None:
        return False
    text = ANONYMOUS if party["kind"] == ANONYMOUS else fold_address(party["text"])
    return any(number.matches(text) for number in numbers)
