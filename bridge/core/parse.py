"""Parse a callback's parameters into the fields of its declaration. No parameter is dropped.

1. If there is a body, its pairs are Plivo's, and those of the query are the customer's own
   (``context``). Without a body, the query's are Plivo's, except the names that the operator
   declares as the customer's.
2. A blank value counts as an absent one.
3. A parameter that is repeated with one value has that value. Repeated with several values, it is
   unreadable, because nothing says which one is meant.
4. If a field's normaliser cannot parse a text, the field is null, and ``unreadable`` has the text
   and the reason.
5. Parameters that no declaration knows are in ``undeclared``. If a parameter of the configured
   URL's query is echoed in the body, it is context, not undeclared.
6. In JSON a name is accepted in any spelling: Plivo's agent SDKs write ``call_uuid`` for
   ``CallUUID``.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Literal, cast

from bridge.callbacks.model import CallbackType, Unread
from bridge.core.catalogue import Catalogue, ParameterSources, Recognition, recognise
from bridge.core.field_map import FieldMap, FieldRule, map_fields
from bridge.core.identity import find_identifier, is_usable_id
from bridge.core.parameters import Parameters, ValuesByName, group_values
from bridge.core.verify import Unverified, Verified
from bridge.normalise import ParseContext, Unreadable, fold_name
from bridge.normalise.correlation import correlate
from bridge.normalise.time import Moment, WallTime, ZoneMismatch, load_zone
from bridge.normalise.wall_clock import Evidence, resolve_wall_times


class NoEventReason(StrEnum):
    """Why no event can be made of a callback. Stable codes: they are the reasons of dead letters."""

    NO_IDENTITY = "no_identity"
    CONTENT_TYPE = "content_type"
    CONTENT_ENCODING = "content_encoding"
    MALFORMED_JSON = "malformed_json"
    BRIDGE_FAULT = "bridge_fault"


class NoEvent(Exception):
    """No event can be made of the callback; it belongs in the dead-letter topic."""

    def __init__(self, reason: NoEventReason) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Callback:
    """A parsed callback. ``fields`` maps the data keys of its declaration to plain values.

    ``happened_at`` is RFC 3339 UTC, or None if Plivo did not send a time or the time is not
    certain.
    """

    type: CallbackType
    verdict: Verified | Unverified
    subject: str | None
    fields: dict[str, object]
    happened_at: str | None
    happened_source: str | None
    recognition: Recognition
    context: ValuesByName
    undeclared: ValuesByName
    unreadable: list[Unread]
    zone_mismatch: ZoneMismatch | None

    @property
    def recognised_by(self) -> Literal["path", "parameters"]:
        """Return whether the path or the parameters decided the type."""
        return "path" if self.recognition.by_path else "parameters"


def is_utf8(value: str) -> bool:
    """Return whether ``value`` was received in valid UTF-8 (rule 2 of ``bridge.core.parameters``)."""
    if value.isascii():
        return True
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return True


def escape_non_utf8(value: str) -> str:
    r"""Return ``value`` with bytes that are not UTF-8 written as ``\xNN``."""
    return value.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")


class _FieldParser:
    """The fields of one callback while they are being parsed."""

    def __init__(self, field_map: FieldMap, scope: ParseContext, *, json: bool) -> None:
        self.field_map = field_map
        self.scope = scope
        # In JSON, Plivo's agent SDKs write the usual names in snake_case (rule 6).
        self._by_spelling = field_map.by_spelling if json else field_map.case_insensitive
        self.fields: dict[str, object] = {}
        self.wall_times: dict[str, tuple[str, WallTime]] = {}
        self.undeclared: ValuesByName = {}
        self.unreadable: list[Unread] = []
        self._groups: dict[str, dict[str, str]] = {}
        self._parsed_from: dict[str, list[tuple[str, list[str]]]] = {}

    def _mark_unreadable(self, field: str | None, name: str, texts: list[str], reason: str) -> None:
        if field is not None:
            for earlier in self._parsed_from.pop(field, ()):
                self._mark_unreadable(field, *earlier, "spellings_disagree")
            self.fields[field] = None
        escaped = [escape_non_utf8(text) for text in texts]
        self.unreadable.append(
            Unread(field=field, parameter=escape_non_utf8(name), text=escaped, reason=reason)
        )

    def _single_text(self, field: str | None, name: str, texts: list[str]) -> str | None:
        """Return the one text of a parameter; None if it is blank or unreadable."""
        text = texts[0]
        if len(texts) > 1:
            distinct = {one for one in texts if one}
            if len(distinct) > 1:
                self._mark_unreadable(field, name, texts, "repeated")
                return None
            text = distinct.pop() if distinct else ""
        if not is_utf8(text):
            self._mark_unreadable(field, name, texts, "not_utf8")
            return None
        return text or None

    def parse_one(self, rule: FieldRule, name: str, texts: list[str]) -> None:
        """Parse one parameter into its field."""
        text = self._single_text(rule.field, name, texts)
        if text is None:
            return
        try:
            value = rule.parse(text, self.scope)
        except Unreadable as error:
            self._mark_unreadable(rule.field, name, texts, error.reason)
            return
        if isinstance(value, WallTime):
            self.wall_times[rule.name] = (rule.field, value)
        if rule.field in self.fields and self.fields[rule.field] != value:
            self._mark_unreadable(rule.field, name, texts, "spellings_disagree")
            return
        self.fields[rule.field] = value
        self._parsed_from.setdefault(rule.field, []).append((name, texts))

    def parse_other(self, name: str, texts: list[str]) -> None:
        """Parse a parameter that is not one of the declaration's exact names."""
        if not (is_utf8(name) and all(is_utf8(text) for text in texts)):
            self._mark_unreadable(None, name, texts, "not_utf8")
            return
        folded = fold_name(name)
        if folded in self._by_spelling:
            self.parse_one(self._by_spelling[folded], name, texts)
            return
        group = self.field_map.group_by_spelling.get(folded)
        if group is None:
            found = (field for pattern, field in self.field_map.patterns if pattern.fullmatch(name))
            group = next(found, None)
        if group is None:
            self.undeclared[name] = texts
            return
        text = self._single_text(None, name, texts)
        if text is not None:
            self._groups.setdefault(group, {})[name] = text

    def parse_groups(self) -> None:
        """Parse the fields that are made of several parameters."""
        for field, texts in self._groups.items():
            self.fields[field] = self.field_map.groups[field].parse(texts, self.scope)

    def resolve_times(self, received_at: datetime) -> ZoneMismatch | None:
        """Replace wall clock times by moments; return the zone mismatch, if there is one."""
        session = cast("Moment | None", self.fields.get("session_started_at"))
        utc = session["utc"] if session else None
        # The times of a Dial callback belong to the dialled leg, and so does its duration.
        duration = "duration_s" if "duration_s" in self.fields else "dial_b_leg_duration_s"
        evidence = Evidence(
            received_at=received_at,
            session_start=datetime.fromisoformat(utc) if utc else None,
            duration_s=cast("int | None", self.fields.get(duration)),
        )
        wall_times = {name: wall for name, (_, wall) in self.wall_times.items()}
        moments, mismatch = resolve_wall_times(wall_times, self.scope.zone, evidence)
        for name, (field, _) in self.wall_times.items():
            if self.fields[field] is not None:
                self.fields[field] = moments[name]
        return mismatch


class Parser:
    """Parses callbacks by the declarations of the catalogue.

    ``context_names`` are the customer's own query keys, as set in the URLs at Plivo.
    """

    def __init__(self, catalogue: Catalogue, context_names: Iterable[str] = ()) -> None:
        self.catalogue = catalogue
        self._context_names = frozenset(context_names)
        self._field_maps = {kind.name: map_fields(kind.model) for kind in catalogue.all_types}

    def _split(self, parameters: Parameters) -> tuple[ValuesByName, ValuesByName]:
        """Return Plivo's parameters and the customer's context (rules 1 and 5)."""
        if parameters.body:
            return group_values(parameters.body), group_values(parameters.query)
        plivo_values = group_values(parameters.query)
        context = {
            name: plivo_values.pop(name) for name in self._context_names & plivo_values.keys()
        }
        return plivo_values, context

    def find_type(self, parameters: Parameters, route: CallbackType | None) -> CallbackType | None:
        """Return the type of a callback as ``parse`` finds it; None if nothing identifies it."""
        if parameters.body_fault is not None:
            return route
        kind = self._recognise(parameters, *self._split(parameters), route).kind
        return None if kind is self.catalogue.unrecognised else kind

    def _recognise(
        self,
        parameters: Parameters,
        plivo_values: ValuesByName,
        context: ValuesByName,
        route: CallbackType | None,
    ) -> Recognition:
        is_json = parameters.json is not None
        sources = ParameterSources(
            plivo_values, context, in_body=bool(parameters.body), json=is_json
        )
        return recognise(self.catalogue, sources, route)

    def parse(self, verdict: Verified | Unverified, route: CallbackType | None) -> Callback:
        """Return the parsed callback; ``route`` is the type of its path, if the path belongs to one.

        Raises NoEvent if its body cannot be decoded, or if no identifier names its subject.
        """
        if verdict.parameters.body_fault is not None:
            raise NoEvent(NoEventReason(verdict.parameters.body_fault))
        plivo_values, context = self._split(verdict.parameters)
        json = verdict.parameters.json is not None
        recognition = self._recognise(verdict.parameters, plivo_values, context, route)
        kind = recognition.kind
        field_map = self._field_maps[kind.name]
        zone = load_zone(verdict.zone) if verdict.zone else None
        direction = next(
            (text for text in _find_texts(plivo_values, "Direction", json=json) if text), None
        )
        parser = _FieldParser(
            field_map, ParseContext(direction.lower() if direction else None, zone), json=json
        )
        for rule in field_map.rules:
            texts = plivo_values.get(rule.name)
            if texts is not None:
                parser.parse_one(rule, rule.name, texts)
        for name, texts in plivo_values.items():
            if name not in field_map.exact_names:
                parser.parse_other(name, texts)
        parser.parse_groups()
        if field_map.has_correlation:
            parser.fields["correlation"] = correlate(parser.fields)
        mismatch = parser.resolve_times(verdict.raw.received_at) if parser.wall_times else None
        for name in parser.undeclared.keys() & context.keys():
            if parser.undeclared[name] == context[name]:
                del parser.undeclared[name]
        subject = _find_subject(kind, parser, plivo_values)
        happened_at, source = _find_time(kind, parser.fields)
        return Callback(
            type=kind,
            verdict=verdict,
            subject=subject,
            fields=parser.fields,
            happened_at=happened_at,
            happened_source=source,
            recognition=recognition,
            context=_escape_all(context),
            undeclared=parser.undeclared,
            unreadable=parser.unreadable,
            zone_mismatch=mismatch,
        )


def _find_subject(
    kind: CallbackType, parser: _FieldParser, plivo_values: ValuesByName
) -> str | None:
    for field in kind.key_fields:
        subject = parser.fields.get(field)
        if is_usable_id(subject):
            return cast("str", subject)
    if not kind.anonymous:
        raise NoEvent(NoEventReason.NO_IDENTITY)
    return find_identifier(plivo_values)


def _find_texts(lists: ValuesByName, name: str, *, json: bool) -> list[str]:
    """Return the texts of a parameter; in JSON, of any spelling of its name."""
    if json and name not in lists:
        wanted = fold_name(name)
        return [
            text for other, texts in lists.items() if fold_name(other) == wanted for text in texts
        ]
    return lists.get(name, [])


def _find_time(kind: CallbackType, fields: Mapping[str, object]) -> tuple[str | None, str | None]:
    for field in kind.time_fields:
        moment = cast("Moment | None", fields.get(field))
        if moment and moment["utc"]:
            return moment["utc"], field
    return None, None


def _escape_all(lists: ValuesByName) -> ValuesByName:
    return {
        escape_non_utf8(name): [escape_non_utf8(text) for text in texts]
        for name, texts in lists.items()
    }
