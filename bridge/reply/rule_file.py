"""Parse the file of rules: its applications, its rules, and every fault of them.

1. The file is TOML: a table ``[applications.NAME]`` for each application, and ``[[rules]]`` in the order
   in which they are tried. Reading it, and the documents that it names, is the caller's part.
2. All faults are found together. An error makes the file unusable; a warning does not.
3. A document must name its types, because Plivo's answer to one type is rarely right for another: a
   menu that answers its own digits never ends. Forwarding needs no types.
4. So the fallback of a rule can concern calls, sounds and messages at once. It is checked as the answer
   to a call. It answers the others too, if it has no fault for them.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import cast

from pydantic import BaseModel, ValidationError

from bridge.callbacks.model import CallbackType, Reply
from bridge.core.catalogue import Catalogue
from bridge.reply.document import BadDocument, Document
from bridge.reply.finding import Finding, Severity, closest_name
from bridge.reply.rule_tables import (
    ApplicationTable,
    Keys,
    NamedApplication,
    RuleTable,
    explain_error,
)
from bridge.reply.rules import (
    Application,
    Forward,
    Number,
    Rule,
    Rules,
    find_parties,
    is_asked_for,
    to_number,
)


@dataclass(frozen=True, slots=True)
class RuleFinding:
    """A fault of the file of rules, or of a document that it names.

    ``about`` is the rule or the application, as ``rule sales``. ``file``, ``line`` and ``element`` are
    those of a document; for a fault of the file of rules itself they are None, and ``keys`` is the place
    in it.
    """

    severity: Severity
    keys: Keys
    about: str
    fault: str
    remedy: str = ""
    file: str | None = None
    line: int | None = None
    element: str | None = None

    @property
    def is_error(self) -> bool:
        """Return whether the file cannot be used because of it."""
        return self.severity == "error"


@dataclass(frozen=True, slots=True)
class ParsedRules:
    """The rules of a file and its faults. ``rules`` is None if there is an error."""

    rules: Rules | None
    findings: tuple[RuleFinding, ...]


ReadDocument = Callable[[str, Collection[CallbackType]], tuple[Document, Sequence[Finding]]]
"""Returns the document of a name, which answers these types, and its warnings. Raises BadDocument."""


def parse_rules(
    values: Mapping[str, object], catalogue: Catalogue, read: ReadDocument
) -> ParsedRules:
    """Return the rules of a parsed file, with every document checked, and all faults."""
    parsing = _Parsing(catalogue, read)
    parsing.parse(values)
    found = tuple(parsing.findings)
    if any(finding.is_error for finding in found):
        return ParsedRules(None, found)
    return ParsedRules(Rules(parsing.rules, parsing.applications, catalogue), found)


def list_documents(values: Mapping[str, object]) -> list[str]:
    """Return the names of the documents in a file that need not be valid, each once."""
    tables = values.get("rules")
    names = [
        cast("Mapping[str, object]", table).get(key)
        for table in (cast("list[object]", tables) if isinstance(tables, list) else ())
        if isinstance(table, dict)
        for key in ("document", "fallback")
    ]
    return list(dict.fromkeys(name for name in names if isinstance(name, str) and name))


@dataclass(slots=True)
class _Parsing:
    """The results of one file so far."""

    catalogue: Catalogue
    read: ReadDocument
    findings: list[RuleFinding] = field(default_factory=list[RuleFinding])
    applications: list[Application] = field(default_factory=list[Application])
    rules: list[Rule] = field(default_factory=list[Rule])
    # The names of all applications, also of those with a fault, and of those without an origin.
    _declared: set[str] = field(default_factory=set[str])
    _without_origin: set[str] = field(default_factory=set[str])
    _places: dict[str, Keys] = field(default_factory=dict[str, Keys])

    def parse(self, values: Mapping[str, object]) -> None:
        """Parse the whole file: rule 2."""
        for key in values:
            if key not in {"applications", "rules"}:
                meant = closest_name(key, ("applications", "rules"))
                remedy = f"did you mean {meant}?" if meant else "it has applications and rules"
                self._add("error", (key,), "", f"unknown key {key}", remedy)
        applications = values.get("applications", {})
        if isinstance(applications, dict):
            for name, table in cast("dict[str, object]", applications).items():
                self._parse_application(name, table)
        else:
            remedy = "write [applications.NAME]"
            self._add("error", ("applications",), "", "applications is not a table", remedy)
        rules = values.get("rules", [])
        if isinstance(rules, list):
            for index, table in enumerate(cast("list[object]", rules)):
                self._parse_rule(index, table)
        else:
            self._add("error", ("rules",), "", "rules is not a list of tables", "write [[rules]]")
        self._check_reach()

    def _add(
        self, severity: Severity, keys: Keys, about: str, fault: str, remedy: str = ""
    ) -> None:
        self.findings.append(RuleFinding(severity, keys, about, fault, remedy))

    def _parse_application(self, name: str, table: object) -> None:
        keys, about = ("applications", name), f"application {name}"
        self._declared.add(name)
        try:
            parsed = NamedApplication.model_validate({"name": name, "table": table})
        except ValidationError as error:
            self._add_errors(error, keys, about, ApplicationTable)
            return
        given = parsed.table
        if given.origin is None:
            self._without_origin.add(name)
        for path in given.paths:
            owner = next((one.name for one in self.applications if path in one.paths), None)
            if owner is not None:
                fault = f"the path {path or '/'} belongs to {owner} already"
                self._add("error", (*keys, "paths"), about, fault, "remove it from one of them")
        self.applications.append(
            Application(
                name,
                given.origin,
                tuple(given.paths),
                given.timeout_s,
                given.answer_bytes_max,
                given.retry_for_s,
            )
        )

    def _add_errors(
        self, error: ValidationError, keys: Keys, about: str, model: type[BaseModel]
    ) -> None:
        for one in error.errors(include_url=False, include_context=False):
            inside = tuple(key for key in one["loc"] if key != "table")
            # The place of an item of a list is the place of the list.
            is_key = one["type"] != "missing" and (inside[:1] != ("name",) or model is RuleTable)
            place = inside[:1] if is_key else ()
            fault, remedy = explain_error(one, inside, model)
            self._add("error", (*keys, *place), about, fault, remedy)

    def _parse_rule(self, index: int, table: object) -> None:
        keys: Keys = ("rules", index)
        about = _name_rule(index, table)
        before = len(self.findings)
        given = self._validate_rule(table, keys, about)
        if given is None:
            return
        if given.name in self._places:
            self._add("error", (*keys, "name"), about, "another rule has this name", "change one")
        self._places[given.name] = keys
        types = self._find_types(given, keys, about)
        for name in given.application or ():
            self._check_declared(name, (*keys, "application"), about)
        answer = self._find_answer(given, types, keys, about)
        if answer is None or any(one.is_error for one in self.findings[before:]):
            return
        rule = Rule(
            name=given.name,
            types=frozenset(kind.name for kind in types),
            answer=answer,
            accounts=_to_set(given.account),
            applications=_to_set(given.application),
            called=_to_numbers(given.called),
            calling=_to_numbers(given.calling),
        )
        self._check_numbers(rule, types, keys, about)
        self.rules.append(rule)

    def _validate_rule(self, table: object, keys: Keys, about: str) -> RuleTable | None:
        """Return a rule without its faulty keys, so that the other faults are found too: rule 2.

        None if what is left says nothing about its answer.
        """
        try:
            return RuleTable.model_validate(table)
        except ValidationError as error:
            self._add_errors(error, keys, about, RuleTable)
            faulty = {key for one in error.errors() for key in one["loc"][:1]}
        if not isinstance(table, dict) or faulty & {"type", "document", "forward", "fallback"}:
            return None
        values = cast("dict[str, object]", table)
        left = {key: value for key, value in values.items() if key not in faulty}
        return RuleTable.model_validate({"name": f"rules[{keys[1]}]", **left})

    def _find_types(self, given: RuleTable, keys: Keys, about: str) -> list[CallbackType]:
        """Return the types that a rule concerns; add a finding for each pattern that matches none."""
        is_document = given.document is not None
        if given.type is None:
            if is_document:
                fault = "it has a document and no type"
                remedy = "write the types that the document answers, such as voice.call.answer"
                self._add("error", keys, about, fault, remedy)
            return [] if is_document else list(self.catalogue.all_types)
        found: list[CallbackType] = []
        for pattern in given.type:
            matched = [one for one in self.catalogue.all_types if _matches_type(pattern, one.name)]
            answered = [one for one in matched if one.reply is not Reply.ACK]
            if not matched:
                meant = closest_name(pattern, list(self.catalogue.by_name))
                fault = f"there is no callback type {pattern}"
                listed = "`callback-bridge callbacks list` lists them"
                remedy = f"did you mean {meant}?" if meant else listed
                self._add("error", (*keys, "type"), about, fault, remedy)
            elif is_document and not answered:
                fault = f"Plivo executes no answer to {pattern}"
                remedy = "remove it, or forward it to an application"
                self._add("error", (*keys, "type"), about, fault, remedy)
            found += answered if is_document else matched
        return list({kind.name: kind for kind in found}.values())

    def _find_answer(
        self, given: RuleTable, types: list[CallbackType], keys: Keys, about: str
    ) -> Document | Forward | None:
        """Return the answer of a rule; None, with a finding, if it has not exactly one."""
        if (given.document is None) == (given.forward is None):
            has = "neither document nor forward" if given.forward is None else "both"
            remedy = 'write one of document = "FILE" and forward = "APPLICATION"'
            fault = f"it has {has}" + (" document and forward" if has == "both" else "")
            self._add("error", keys, about, fault, remedy)
            return None
        if given.forward is None:
            if given.fallback is not None:
                fault = "fallback belongs to forward: a document cannot fail"
                self._add("error", (*keys, "fallback"), about, fault, "remove it")
            name = cast("str", given.document)
            return self._read_document(name, types, (*keys, "document"), about)
        place = (*keys, "forward")
        if self._check_declared(given.forward, place, about) and (
            given.forward in self._without_origin
        ):
            remedy = f"set origin in [applications.{given.forward}]"
            self._add(
                "error", place, about, f"the application {given.forward} has no origin", remedy
            )
        if given.fallback is None:
            return Forward(given.forward)
        return self._find_fallback(given.forward, given.fallback, types, (*keys, "fallback"), about)

    def _find_fallback(
        self, forward: str, name: str, types: list[CallbackType], keys: Keys, about: str
    ) -> Forward:
        """Return the answer of an application with its fallback: rule 4."""
        asked = [kind for kind in types if is_asked_for(kind)]
        if types and not asked:
            fault = "Plivo executes no answer to these types, so the fallback is never used"
            self._add("warning", keys, about, fault, "remove it")
        of_calls = [kind for kind in asked if kind.reply in {Reply.XML, Reply.ACK}] or asked
        fallback = self._read_document(name, of_calls, keys, about)
        without: list[CallbackType] = []
        for reply in (Reply.SOUND, Reply.OPTIONAL_XML):
            others = [kind for kind in asked if kind.reply is reply and kind not in of_calls]
            if fallback is not None and others and not self._can_answer(name, others):
                without += others
        return Forward(forward, fallback, frozenset(kind.name for kind in without))

    def _can_answer(self, name: str, types: list[CallbackType]) -> bool:
        try:
            _, found = self.read(name, types)
        except BadDocument:
            return False
        return not found

    def _check_declared(self, name: str, keys: Keys, about: str) -> bool:
        """Return whether an application is declared; add a finding if it is not."""
        if name in self._declared:
            return True
        meant = closest_name(name, sorted(self._declared))
        remedy = f"did you mean {meant}?" if meant else f"write [applications.{name}]"
        self._add("error", keys, about, f"there is no application {name}", remedy)
        return False

    def _read_document(
        self, name: str, types: list[CallbackType], keys: Keys, about: str
    ) -> Document | None:
        try:
            document, warnings = self.read(name, types)
        except BadDocument as error:
            found: Sequence[Finding] = error.findings
            document = None
        else:
            found = warnings
        self.findings += [
            RuleFinding(
                one.severity, keys, about, one.fault, one.remedy, name, one.line, one.element
            )
            for one in found
        ]
        return document

    def _check_numbers(self, rule: Rule, types: list[CallbackType], keys: Keys, about: str) -> None:
        """Warn if no type of a rule has the number that the rule asks for."""
        parties = [find_parties(kind) for kind in types]
        for key, numbers, fields in (
            ("called", rule.called, [one.called for one in parties]),
            ("calling", rule.calling, [one.calling for one in parties]),
        ):
            if numbers is not None and not any(fields):
                fault = f"callbacks of these types have no number that is {key}: it never matches"
                self._add("warning", (*keys, key), about, fault, f"remove {key}")

    def _check_reach(self) -> None:
        """Warn about rules that never match, and about applications that no rule names."""
        for index, rule in enumerate(self.rules):
            earlier = self.rules[:index]
            covering = [
                next((one for one in earlier if name in one.types and one.covers(rule)), None)
                for name in rule.types
            ]
            if all(covering):
                names = list(dict.fromkeys(one.name for one in covering if one is not None))
                fault = f"it never matches: {' and '.join(sorted(names))} decide before it"
                remedy = "move it up, or remove it"
                self._add("warning", self._places[rule.name], f"rule {rule.name}", fault, remedy)
        named = {
            name
            for rule in self.rules
            for name in (
                *(rule.applications or ()),
                *((rule.answer.application,) if isinstance(rule.answer, Forward) else ()),
            )
        }
        has_errors = any(finding.is_error for finding in self.findings)
        for application in self.applications:
            if application.name not in named and not has_errors:
                fault = "no rule names it"
                remedy = f'write a rule with forward = "{application.name}", or remove it'
                keys = ("applications", application.name)
                self._add("warning", keys, f"application {application.name}", fault, remedy)


def _name_rule(index: int, table: object) -> str:
    """Return how messages name a rule, which need not be valid: by its name, or else by its number."""
    name = cast("dict[str, object]", table).get("name") if isinstance(table, dict) else None
    return f"rule {name}" if isinstance(name, str) and name else f"rule {index + 1}"


def _matches_type(pattern: str, name: str) -> bool:
    if pattern.endswith("*"):
        return name.startswith(pattern[:-1])
    return name == pattern


def _to_set(names: list[str] | None) -> frozenset[str] | None:
    return None if names is None else frozenset(names)


def _to_numbers(texts: list[str] | None) -> tuple[Number, ...] | None:
    return None if texts is None else tuple(to_number(text) for text in texts)
