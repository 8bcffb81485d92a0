"""Parse a callback's parameters into the fields of its declaration. No parameter is dropped.

1. If there is a body, its pairs are Plivo's, and those of the query are the customer's own
   (``context``). Without a body, the query's are Plivo's, except the names that the operator
   declares as the customer's, and the reference that the URLs of our own requests carry.
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
from typing import Final, Literal, cast
from zoneinfo import ZoneInfo

from bridge.callbacks.model import CallbackType, Unread
from bridge.core.catalogue import Catalogue, Recognition, recognise
from bridge.core.field_map import Assignment, FieldMap, PlainRule, assign_names, map_fields
from bridge.core.identity import find_identifier, is_usable_id
from bridge.core.parameters import (
    Parameters,
    TextsByName,
    ValuesByName,
    group_values,
    is_utf8,
    list_texts,
)
from bridge.core.verify import Unverified, Verified
from bridge.normalise import Unreadable, fold_name
from bridge.normalise.correlation import correlate
from bridge.normalise.time import Moment, ZoneMismatch, load_zone
from bridge.normalise.wall_clock import Evidence, resolve_wall_times

REFERENCE_PARAMETER: Final = "bridge_reference"
"""The query parameter with the reference of the request that a call was placed by."""


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


@dataclass(slots=True, init=False)
class Callback:
    """A parsed callback. ``fields`` maps the data keys of its declaration to plain values.

    ``happened_at`` is RFC 3339 UTC, or None if Plivo did not send a time or the time is not
    certain. Only the parser may change a callback.
    """

    type: CallbackType
    verdict: Verified | Unverified
    recognition: Recognition
    context: ValuesByName
    fields: dict[str, object]
    undeclared: ValuesByName
    unreadable: list[Unread]
    subject: str | None
    happened_at: str | None
    happened_source: str | None
    zone_mismatch: ZoneMismatch | None

    def __init__(
        self, verdict: Verified | Unverified, recognition: Recognition, context: ValuesByName
    ) -> None:
        self.type = recognition.kind
        self.verdict = verdict
        self.recognition = recognition
        self.context = context
        self.fields = {}
        self.undeclared = {}
        self.unreadable = []
        self.subject = None
        self.happened_at = None
        self.happened_source = None
        self.zone_mismatch = None

    @property
    def recognised_by(self) -> Literal["path", "parameters"]:
        """Return whether the path or the parameters decided the type."""
        return "path" if self.recognition.by_path else "parameters"


def escape_non_utf8(value: str) -> str:
    r"""Return ``value`` with bytes that are not UTF-8 written as ``\xNN``."""
    return value.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")


class _Reading:
    """The fields of one callback while they are being read."""

    def __init__(self, callback: Callback, texts: TextsByName, assigned: Assignment) -> None:
        self.fields = callback.fields
        self.undeclared = callback.undeclared
        self.unreadable = callback.unreadable
        self._texts = texts
        self._assigned = assigned

    def read(self) -> dict[str, dict[str, str]]:
        """Read every parameter; return the texts of each group by their names.

        Rare cases are calls out of the loops.
        """
        all_texts = self._texts
        groups: dict[str, dict[str, str]] = {}
        self._read_fields(self._assigned.rules)
        for name, rules, group in self._assigned.others:
            texts = all_texts[name]
            if isinstance(texts, list) and not all(map(is_utf8, (name, *texts))):
                self._mark_unreadable(None, name, "not_utf8")
            elif group is not None:
                text = texts if isinstance(texts, str) else self._choose_text(None, name, texts)
                if text and group in groups:
                    groups[group][name] = text
                elif text:
                    groups[group] = {name: text}
            elif rules:
                self._read_fields(rules)
            else:
                self.undeclared[name] = list_texts(texts)
        return groups

    def _read_fields(self, rules: Iterable[PlainRule]) -> None:
        """Read the parameters that fill a field alone."""
        fields, all_texts = self.fields, self._texts
        for name, field, parse in rules:
            text: str | list[str] | None = all_texts[name]
            if isinstance(text, list):
                text = self._choose_text(field, name, text)
            if not text:
                continue
            try:
                value = text if parse is None else parse(text)
            except Unreadable as error:
                self._mark_unreadable(field, name, error.reason)
                continue
            if field not in fields:
                fields[field] = value
            elif fields[field] != value:
                self._mark_unreadable(field, name, "spellings_disagree")

    def _choose_text(self, field: str | None, name: str, texts: list[str]) -> str | None:
        """Return the one text of a parameter (rule 3); None if it is blank or unreadable."""
        distinct = {text for text in texts if text}
        if len(distinct) > 1:
            self._mark_unreadable(field, name, "repeated")
            return None
        text = distinct.pop() if distinct else None
        if text is not None and not is_utf8(text):
            self._mark_unreadable(field, name, "not_utf8")
            return None
        return text

    def _mark_unreadable(self, field: str | None, name: str, reason: str) -> None:
        """Keep the texts of a parameter, and of those that its field has been read from: rule 4."""
        marked = [(name, reason)]
        if field is not None:
            self.fields[field] = None
            marked = [
                *((one, "spellings_disagree") for one in self._list_read(field, name)),
                *marked,
            ]
        for parameter, why in marked:
            texts = [escape_non_utf8(text) for text in list_texts(self._texts[parameter])]
            self.unreadable.append(
                Unread(field=field, parameter=escape_non_utf8(parameter), text=texts, reason=why)
            )

    def _list_read(self, field: str, name: str) -> list[str]:
        """Return the parameters that the field has been read from before the one of this name."""
        spelled = [rule for _, rules, _ in self._assigned.others for rule in rules]
        names = [one for one, of, _ in (*self._assigned.rules, *spelled) if of == field]
        marked = {one["parameter"] for one in self.unreadable if one["field"] in {field, None}}
        earlier = names[: names.index(name)]
        return [one for one in earlier if one not in marked and any(list_texts(self._texts[one]))]


class Parser:
    """Parses callbacks by the declarations of the catalogue.

    ``context_names`` are the customer's own query keys, as set in the URLs at Plivo: rule 1.
    """

    def __init__(self, catalogue: Catalogue, context_names: Iterable[str] = ()) -> None:
        self.catalogue = catalogue
        self._context_names = frozenset((*context_names, REFERENCE_PARAMETER))
        self._field_maps = {kind.name: map_fields(kind.model) for kind in catalogue.all_types}

    def _split(self, parameters: Parameters) -> tuple[TextsByName, ValuesByName]:
        """Return the texts of Plivo's parameters, and the customer's context (rules 1 and 5)."""
        texts = parameters.texts
        if not parameters.body:
            texts = texts.copy()
            names = [name for name in texts if name in self._context_names]
            return texts, {name: list_texts(texts.pop(name)) for name in names}
        return texts, group_values(parameters.query) if parameters.query else {}

    def find_type(self, parameters: Parameters, route: CallbackType | None) -> CallbackType | None:
        """Return the type of a callback as ``parse`` finds it; None if nothing identifies it."""
        if parameters.body_fault is not None:
            return route
        kind = recognise(self.catalogue, parameters, *self._split(parameters), route).kind
        return None if kind is self.catalogue.unrecognised else kind

    def parse(self, verdict: Verified | Unverified, route: CallbackType | None) -> Callback:
        """Return the parsed callback; ``route`` is the type of its path, if the path belongs to one.

        Raises NoEvent if its body cannot be decoded, or if no identifier names its subject.
        """
        parameters = verdict.parameters
        if parameters.body_fault is not None:
            raise NoEvent(NoEventReason(parameters.body_fault))
        texts, context = self._split(parameters)
        recognition = recognise(self.catalogue, parameters, texts, context, route)
        kind = recognition.kind
        field_map = self._field_maps[kind.name]
        zone = load_zone(verdict.zone) if verdict.zone else None
        is_json = parameters.json is not None
        assigned = assign_names(field_map, tuple(texts), zone, is_json=is_json)
        callback = Callback(verdict, recognition, context)
        fields, undeclared = callback.fields, callback.undeclared
        groups = _Reading(callback, texts, assigned).read()
        if groups:
            direction = _find_direction(texts, is_json=is_json)
            for field, of_group in groups.items():
                fields[field] = field_map.groups[field].parse(of_group, direction)
        if field_map.has_correlation:
            fields["correlation"] = correlate(fields)
        if zone is not None and field_map.wall_times:
            callback.zone_mismatch = _resolve_times(callback, field_map, zone)
        if context:
            for name in undeclared.keys() & context.keys():
                if undeclared[name] == context[name]:
                    del undeclared[name]
            callback.context = _escape_all(context)
        callback.happened_at, callback.happened_source = _find_time(kind, fields)
        callback.subject = _find_subject(kind, fields, texts)
        return callback


def _find_subject(
    kind: CallbackType, fields: Mapping[str, object], texts: TextsByName
) -> str | None:
    for field in kind.key_fields:
        subject = fields.get(field)
        if is_usable_id(subject):
            return subject
    if not kind.anonymous:
        raise NoEvent(NoEventReason.NO_IDENTITY)
    return find_identifier({name: list_texts(one) for name, one in texts.items()})


def _find_direction(all_texts: TextsByName, *, is_json: bool) -> str | None:
    """Return the direction of the call, in lower case; in JSON, of any spelling of its name."""
    texts = all_texts.get("Direction")
    if texts is None and is_json:
        spelled = [name for name in all_texts if fold_name(name) == "direction"]
        texts = [text for name in spelled for text in list_texts(all_texts[name])]
    if isinstance(texts, list):
        texts = next((text for text in texts if text), None)
    return texts.lower() if texts else None


def _find_time(kind: CallbackType, fields: Mapping[str, object]) -> tuple[str | None, str | None]:
    for field in kind.time_fields:
        moment = cast("Moment | None", fields.get(field))
        if moment and moment["utc"]:
            return moment["utc"], field
    return None, None


def _resolve_times(callback: Callback, field_map: FieldMap, zone: ZoneInfo) -> ZoneMismatch | None:
    """Resolve the wall clock times; return the zone mismatch, if there is one."""
    fields = cast("dict[str, Moment | None]", callback.fields)  # the fields below hold moments
    walls: dict[str, Moment] = {}
    for name, field in field_map.wall_times:
        moment = fields.get(field)
        if moment and moment["certainty"] == "assumed_zone":
            walls[name] = moment
    if not walls:
        return None
    session = fields.get("session_started_at")
    utc = session["utc"] if session else None
    # The times of a Dial callback belong to the dialled leg, and so does its duration.
    duration = "duration_s" if "duration_s" in fields else "dial_b_leg_duration_s"
    evidence = Evidence(
        callback.verdict.raw.received_at,
        datetime.fromisoformat(utc) if utc else None,
        cast("int | None", callback.fields.get(duration)),
    )
    return resolve_wall_times(walls, zone, evidence)


def _escape_all(lists: ValuesByName) -> ValuesByName:
    return {
        escape_non_utf8(name): [escape_non_utf8(text) for text in texts]
        for name, texts in lists.items()
    }
