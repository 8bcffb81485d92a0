"""``python -m bridge.originate.reference``: derive what describes a request, or check it.

1. The JSON Schema is that of the body for Plivo: what ``CallRequest.to_body`` returns is valid by it.
2. The page has every parameter, and every field of the tables Ring, StartApp and Hangup of Plivo's page:
   where each is declared, and the tests that show it. A test checks that these tests exist.
3. ``--check`` writes nothing, and exits with 1 if a file is not up to date.
"""

import inspect
import sys
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final, cast

from bridge.callbacks.model import CallbackData, CallbackType, list_fields
from bridge.callbacks.voice import answer, hangup, ring
from bridge.derived.command import write_or_check
from bridge.derived.files import REFERENCE, SCHEMAS, json_text
from bridge.derived.reference import MADE, name_type, render_table
from bridge.derived.schemas import DEFAULT_BASE, DIALECT
from bridge.normalise import fold_name
from bridge.originate.fields import RequestField
from bridge.originate.parameter import Group
from bridge.originate.request import CallRequest, list_parameters

_ROOT: Final = Path(__file__).parent.parent.parent
_SCHEMA: Final = SCHEMAS / "make-a-call.json"
_PAGE: Final = REFERENCE / "make-a-call.md"
_DECLARED: Final = "bridge/originate/request.py"
_INTRODUCTION: Final = """\
The parameters of Plivo's Make-a-call API, and the callbacks that follow. `callback-bridge call place`
has an option for each, such as `--answer-url` for `answer_url`. In Python each is a field of
`bridge.originate.request.CallRequest`, `from` as `from_`.

All faults of a request are reported together, before anything is sent. A URL that you do not give leads
to this bridge. Its query has a reference of the request, which comes back in
`data.context.bridge_reference`, and its fragment asks Plivo for retries: `#rp=all&rc=5`. An empty URL is
not sent: Plivo makes no such callback.

[`schemas/make-a-call.json`](../../schemas/make-a-call.json) describes the body that Plivo gets.
"""
_SHOWN: Final = """\
Each parameter is declared in [`{path}`](../../{path}).
Two tests have a row for each, with the values that it takes, and with fault and remedy of others:

- `tests/originate/test_values.py::test_a_parameter_takes_these_values`
- `tests/originate/test_values.py::test_a_parameter_refuses_these_values_with_fault_and_remedy`

The tests below show what it changes.
"""
_FIELDS: Final = """\
The fields of three tables of Plivo's page, as they are in the event's `data`.
[Callbacks](callbacks.md) has all types, with the fields that the page does not list. One test has a row
for each field, which the emulator sends where Plivo does:

- `tests/originate/test_page.py::test_the_emulator_sends_a_parameter_of_the_page_as_plivo_does`
"""
_EFFECT_TEST: Final = (
    "tests/originate/test_parameters.py::test_a_parameter_has_its_effect_at_plivo[{}]"
)
_FIELD_TEST: Final = (
    "tests/originate/test_page.py::test_a_parameter_of_the_page_becomes_a_field_of_the_event[{}-{}]"
)
_ASYNCHRONOUS: Final = (
    "tests/emulator/api/test_application.py::"
    "test_an_asynchronous_request_is_answered_at_its_callback_url"
)
# Parameters whose effect is not in the callbacks of a call.
_OTHER_EFFECT_TESTS: Final[Mapping[str, str]] = {
    "callback_url": _ASYNCHRONOUS,
    "callback_method": _ASYNCHRONOUS,
    "call_type": "tests/originate/test_values.py::test_a_whatsapp_call_has_no_machine_detection",
}
_IDS: Final = ("RequestUUID", "ALegRequestUUID", "CallUUID", "Direction")
# The tables of Plivo's page, each with its parameters in its order.
_TABLES: Final[Mapping[str, tuple[CallbackType, tuple[str, ...]]]] = {
    "Ring": (
        ring.CALLBACK,
        ("From", "To", *_IDS, "Event", "CallStatus", "SessionStart", "STIRAttestation"),
    ),
    "StartApp": (
        answer.CALLBACK,
        (
            *("From", "To", "CallerName", *_IDS, "ALegUUID", "Event", "STIRVerification"),
            *("CallStatus", "SessionStart", "STIRAttestation"),
        ),
    ),
    "Hangup": (
        hangup.CALLBACK,
        (
            *("From", "To", *_IDS, "ALegUUID", "Event", "stir_verification", "CallStatus"),
            *("StartTime", "AnswerTime", "SessionStart", "EndTime", "STIRAttestation"),
        ),
    ),
}

Schema = dict[str, Any]

# "ge" and "le" are pydantic's own words, which strict validators (ajv by default) reject.
_NOT_KEPT: Final = frozenset({"default", "title", "ge", "le"})


def build_schema() -> Schema:
    """Return the JSON Schema of a request's body: rule 1."""
    found = CallRequest.model_json_schema(by_alias=True)
    fields = list_parameters()
    properties = {name: _simplify(one, fields[name]) for name, one in found["properties"].items()}
    return {
        "$schema": DIALECT,
        "$id": f"{DEFAULT_BASE}make-a-call.json",
        "title": "Make a call",
        "description": "The body of a request to Plivo's Make-a-call API.",
        "type": "object",
        "properties": properties,
        "required": [name for name, field in fields.items() if field.declared.is_required],
        "dependentRequired": {
            name: [field.declared.needs]
            for name, field in fields.items()
            if field.declared.needs and not field.is_flag
        },
        "allOf": list(_iter_conditions(fields)),
        "additionalProperties": False,
    }


def _simplify(part: Schema, field: RequestField) -> Schema:
    """Return a property without null, which is not sent, and without what only repeats its name.

    A range of a union, which pydantic writes in words of its own, is put in JSON Schema's.
    """
    alternatives = [one for one in part.get("anyOf", ()) if one != {"type": "null"}]
    inner = alternatives[0] if len(alternatives) == 1 else {"anyOf": alternatives}
    around = {key: value for key, value in part.items() if key != "anyOf"}
    merged = {**(inner if alternatives else {}), **around}
    kept = {key: value for key, value in merged.items() if key not in _NOT_KEPT}
    bounds = dict(zip(("minimum", "maximum"), field.range or (), strict=False))
    return {**bounds, **kept}


def _iter_conditions(fields: Mapping[str, RequestField]) -> Iterator[Schema]:
    """Yield what a property asks of others."""
    for name, field in fields.items():
        if field.declared.needs and field.is_flag:
            is_set = {"properties": {name: {"const": True}}, "required": [name]}
            yield {"if": is_set, "then": {"required": [field.declared.needs]}}
    single = {"properties": {"to": {"type": "string", "pattern": "^[^<]*$"}}}
    yield {"if": {"required": ["parent_call_uuid"]}, "then": single}
    detection = {
        name: False
        for name, field in fields.items()
        if field.declared.group is Group.DETECTION and field.declared.is_checked
    }
    yield {"if": {"required": ["call_type"]}, "then": {"properties": detection}}


def _name_values(field: RequestField) -> str:
    if field.choices:
        return ", ".join(f"`{one}`" for one in field.choices)
    if field.is_flag:
        return "`true`, `false`"
    if field.is_number:
        return "whole number"
    return "text" if field.declared.is_checked else "anything"


def _write_limits(field: RequestField) -> str:
    if field.range is not None:
        least, most = field.range
        return f"{least:,} to {most:,}"
    return field.declared.limits or ("" if field.declared.is_checked else "unchecked")


def _write_default(field: RequestField) -> str:
    declared = field.declared
    if declared.default or declared.callback is None:
        return declared.default
    return f"this bridge, with `{declared.needs}`" if declared.needs else "this bridge"


def _render_group(group: Group) -> str:
    rows = [
        (
            f"`{name}`",
            "yes" if field.declared.is_required else "",
            _name_values(field),
            field.declared.unit,
            _write_limits(field),
            _write_default(field),
            field.declared.meaning
            + (f" Only with `{field.declared.needs}`." if field.declared.needs else ""),
            field.declared.source,
        )
        for name, field in list_parameters().items()
        if field.declared.group is group
    ]
    head = ("parameter", "required", "value", "unit", "limits", "default", "meaning", "source")
    return f"### {group}\n\n{render_table(head, rows)}"


def _render_shown() -> str:
    rows = [
        (
            f"`{name}`",
            f"`{field.python_name}`",
            f"`{_OTHER_EFFECT_TESTS.get(name, _EFFECT_TEST.format(name))}`",
        )
        for name, field in list_parameters().items()
    ]
    table = render_table(("parameter", f"field of `{CallRequest.__name__}`", "shown by"), rows)
    return f"### Where it is shown\n\n{_SHOWN.format(path=_DECLARED)}\n{table}"


def _find_field(kind: CallbackType, parameter: str) -> str:
    """Return the field that a parameter is declared for."""
    for field, (_, mark, _) in list_fields(kind.model).items():
        if parameter in mark.names:
            return field
        if mark.case_insensitive and fold_name(parameter) in map(fold_name, mark.names):
            return field
    message = f"{kind.name} has no field for {parameter}"
    raise LookupError(message)


def _find_declaration(model: type[CallbackData], field: str) -> str:
    """Return the path of the file that declares a field."""
    name = next(name for name, info in model.model_fields.items() if (info.alias or name) == field)
    declaring = next(one for one in model.__mro__ if name in inspect.get_annotations(one))
    file = cast("str", sys.modules[declaring.__module__].__file__)
    return str(Path(file).relative_to(_ROOT))


def _render_table(title: str, kind: CallbackType, parameters: Iterable[str]) -> str:
    rows: list[tuple[str, ...]] = []
    for parameter in parameters:
        field = _find_field(kind, parameter)
        path = _find_declaration(kind.model, field)
        rows.append(
            (
                f"`{parameter}`",
                f"`{field}`",
                name_type(list_fields(kind.model)[field][0]),
                f"[`{path}`](../../{path})",
                f"`{_FIELD_TEST.format(kind.name, parameter)}`",
            )
        )
    head = ("Plivo's parameter", "`data.…`", "value", "declared in", "shown by")
    about = f"[`{kind.name}`](callbacks.md#{kind.name.replace('.', '')})"
    return f"### {title}\n\n{about}\n\n{render_table(head, rows)}"


def render_page() -> str:
    """Return the page: rule 2."""
    parts = [MADE, "# Make a call\n", _INTRODUCTION, "## The request\n"]
    parts += [_render_group(group) for group in Group]
    parts += [_render_shown(), "## The callbacks\n", _FIELDS]
    parts += [_render_table(title, kind, names) for title, (kind, names) in _TABLES.items()]
    return "\n".join(parts)


def derive_files() -> dict[Path, str]:
    """Return every derived file, by its path below the project's folder."""
    return {_SCHEMA: json_text(build_schema()), _PAGE: render_page()}


def main(arguments: Iterable[str], root: Path = _ROOT) -> int:
    """Write the derived files, or check them (rule 3); return the exit code."""
    return write_or_check(derive_files(), arguments, root)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
