"""``python -m bridge.emulator.reference``: derive what describes the emulator, or check it.

1. The JSON Schema of scenario files and their page follow from the models in ``scenarios/model.py``.
2. The page of behaviours follows from ``behaviours/``.
3. ``--check`` writes nothing, and exits with 1 if a file is not up to date.
"""

import json
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Final, cast

from bridge.derived.command import write_or_check
from bridge.derived.files import REFERENCE, SCHEMAS, json_text
from bridge.derived.reference import MADE, render_table
from bridge.derived.schemas import DEFAULT_BASE, DIALECT
from bridge.emulator.behaviours import BEHAVIOURS
from bridge.emulator.behaviours.behaviour import Confidence
from bridge.emulator.scenarios.files import list_shipped
from bridge.emulator.scenarios.model import Scenario

_ROOT: Final = Path(__file__).parent.parent.parent
_SCHEMA: Final = SCHEMAS / "scenario.json"
_SCENARIOS: Final = """\
A scenario file says who calls whom, and what the people do. It is YAML, and only `title` and one of
`call`, `message` and `mix` are needed:

```yaml
title: Answered; the person presses 1 and hangs up after 20 s
call:
  person:
    inputs:
      - digits: "1"
    hang_up: {after_s: 20}
```

`callback-bridge emulate run FILE` runs it; [the emulator](../emulator.md) says how. A key that is not
listed here is refused, with its place in the file. All seconds are of emulated time.

[`schemas/scenario.json`](../../schemas/scenario.json) is the same as a JSON Schema, with which an editor
completes and checks a file. For the editors that use yaml-language-server, begin the file with
`# yaml-language-server: $schema=PATH`, where `PATH` leads to the schema.
"""
_BEHAVIOURS: Final = """\
What the emulator does where Plivo could do one thing or another, and how each is known. The same list:
`callback-bridge emulate --explain`. [What is not emulated](../emulator.md#what-is-not-emulated).
"""
_CONFIDENCE: Final[Mapping[Confidence, str]] = {
    Confidence.CAPTURED: "a stored request of Plivo's shows it",
    Confidence.DOCUMENTED: "Plivo documents it",
    Confidence.SDK: "the code or the tests of an official SDK show it",
    Confidence.OPEN_SOURCE_TOOL: "Plivo's own command-line tool says so",
    Confidence.ANCESTOR: "software that Plivo's came from, or a clone of it, does it",
    Confidence.INFERRED: "our conclusion, or our choice where nothing is known",
}
# The keys of a file that hold a mapping, in the order of the page, with the definition of each.
_SECTIONS: Final[Mapping[str, str]] = {
    "call": "CallModel",
    "person": "PersonModel",
    "inputs": "InputModel",
    "hang_up": "HangUpModel",
    "machine_detection": "MachineDetectionModel",
    "message": "MessageModel",
    "mix": "MixEntry",
    "load": "LoadModel",
    "chaos": "Chaos",
}
_UNITS: Final[Mapping[str, str]] = {"_per_s": "1/s", "_s": "s", "_s_max": "s"}

Schema = dict[str, Any]


def build_schema() -> Schema:
    """Return the JSON Schema of a scenario file."""
    schema = _drop_titles(Scenario.model_json_schema())
    about = {"$schema": DIALECT, "$id": f"{DEFAULT_BASE}scenario.json", "title": "Scenario"}
    return {**about, **schema}


def _drop_titles(part: object) -> Any:  # noqa: ANN401 (any part of a schema)
    """Return a schema without the titles that pydantic makes of names."""
    if isinstance(part, list):
        return [_drop_titles(one) for one in cast("list[object]", part)]
    if not isinstance(part, dict):
        return part
    found = cast("Schema", part)
    # A key of a scenario may be called so too: then it is a schema.
    dropped = {"title"} if isinstance(found.get("title"), str) else set[str]()
    return {key: _drop_titles(value) for key, value in found.items() if key not in dropped}


def _resolve(part: Schema, definitions: Mapping[str, Schema]) -> Schema:
    """Return a part of a schema with the values of an enumeration in place of a reference to it."""
    found = definitions.get(_name_reference(part), {})
    if "enum" not in found:
        return part
    return {**found, **{key: value for key, value in part.items() if key != "$ref"}}


def _name_reference(part: Schema) -> str:
    reference: str = part.get("$ref", "")
    return reference.rpartition("/")[2]


def _find_main(field: Schema, definitions: Mapping[str, Schema]) -> Schema:
    """Return what a field is, where null or a number of YAML is an alternative."""
    alternatives: list[Schema] = field.get("anyOf", [field])
    return _resolve(alternatives[0], definitions)


def _name_type(main: Schema) -> str:
    """Return words for the values of a key, with a link to the section of a mapping."""
    if "$ref" in main:
        return _link(main)
    if "enum" in main:
        return ", ".join(f"`{value}`" for value in main["enum"])
    if main["type"] == "array":
        return f"list of {_link(main['items'])}"
    if main["type"] == "object":
        of = main["additionalProperties"]
        return f"{_link(of)} by number" if "$ref" in of else "texts by name"
    return _name_scalar(main["type"], main.get("pattern", ""))


def _name_scalar(kind: str, pattern: str) -> str:
    if "sip:" in pattern:
        return "number or SIP address"
    if pattern:
        return "digits"
    return {"string": "text", "boolean": "true or false"}.get(kind, kind)


def _link(part: Schema) -> str:
    """Return a link to the section of a definition."""
    (section,) = [key for key, name in _SECTIONS.items() if name == _name_reference(part)]
    return f"[{section}](#{section})"


def _write_bounds(main: Schema) -> str:
    words = {"minimum": "≥ ", "exclusiveMinimum": "> ", "maximum": "≤ "}
    if "maxLength" in main:
        return f"≤ {main['maxLength']:,} characters"
    return ", ".join(f"{sign}{main[key]:,}" for key, sign in words.items() if key in main)


def _write_default(default: object, main: Schema, definitions: Mapping[str, Schema]) -> str:
    """Return the default of a key; of a mapping, only what differs from the defaults of its keys."""
    if isinstance(default, dict) and "$ref" in main:
        keys = definitions[_name_reference(main)]["properties"]
        given = cast("Schema", default)
        own = {key: value for key, value in given.items() if value != keys[key].get("default")}
        return f"`{json.dumps(own)}`" if own else "see there"
    if default in ("", None, [], {}):
        return ""
    return f"`{default}`" if isinstance(default, str) else f"`{json.dumps(default)}`"


def _render_keys(schema: Schema, definitions: Mapping[str, Schema]) -> str:
    """Return the keys of a mapping as a table, the required ones first."""
    required = schema.get("required", ())
    rows: list[tuple[str, ...]] = []
    for name, field in sorted(schema["properties"].items(), key=lambda one: one[0] not in required):
        main = _find_main(field, definitions)
        default = _write_default(field.get("default"), main, definitions)
        rows.append(
            (
                f"`{name}`",
                _name_type(main),
                next((unit for ending, unit in _UNITS.items() if name.endswith(ending)), ""),
                "required" if name in required else default,
                _write_bounds(main),
                field["description"],
            )
        )
    return render_table(("key", "value", "unit", "default", "bounds", "meaning"), rows)


def render_scenarios() -> str:
    """Return the page about scenario files."""
    schema = build_schema()
    definitions: Mapping[str, Schema] = schema["$defs"]
    parts = [MADE, "# Scenarios\n", _SCENARIOS]
    parts += ["## The file\n", f"{schema['description']}\n", _render_keys(schema, definitions)]
    for section, name in _SECTIONS.items():
        definition = definitions[name]
        parts += [f"## {section}\n", f"{definition['description']}\n"]
        parts.append(_render_keys(definition, definitions))
    rows = [
        (f"[`{name}`](../../bridge/emulator/scenarios/shipped/{name}.yaml)", one.title)
        for name, one in list_shipped().items()
    ]
    parts += ["## Shipped scenarios\n", "`callback-bridge emulate list`\n"]
    parts.append(render_table(("name", "what happens"), rows))
    return "\n".join(parts)


def render_behaviours() -> str:
    """Return the page about the behaviours of the emulator."""
    meanings = [(f"{one}", meaning) for one, meaning in _CONFIDENCE.items()]
    parts = [MADE, "# Behaviours of the emulator\n", _BEHAVIOURS]
    parts.append(render_table(("known from", "meaning"), meanings))
    for subject in dict.fromkeys(one.subject for one in BEHAVIOURS):
        rows = [
            (one.text, one.confidence, one.source) for one in BEHAVIOURS if one.subject == subject
        ]
        parts += [f"## {subject}\n", render_table(("behaviour", "known from", "source"), rows)]
    return "\n".join(parts)


def derive_files() -> dict[Path, str]:
    """Return every derived file, by its path below the project's folder."""
    return {
        _SCHEMA: json_text(build_schema()),
        REFERENCE / "emulator.md": render_behaviours(),
        REFERENCE / "scenarios.md": render_scenarios(),
    }


def main(arguments: Iterable[str], root: Path = _ROOT) -> int:
    """Write the derived files, or check them (rule 3); return the exit code."""
    return write_or_check(derive_files(), arguments, root)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
