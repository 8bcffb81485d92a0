#!/usr/bin/env python3
"""Derive the chart's values schema and the table of its page from values.yaml.

``derive_chart.py`` writes, ``derive_chart.py --check`` changes nothing and exits with 1 if
anything is stale.

1. The comment right above a value is its meaning. Its last lines may begin with ``@``: keywords of
   JSON Schema as YAML.
2. ``setting: NAME`` names the setting of the bridge that the value becomes. The value has the setting's
   bounds, and must have its default, unless ``ownDefault`` is set.
3. A mapping with values inside is a section, which refuses unknown names. A mapping that is itself a
   value has ``properties`` or ``additionalProperties``.
4. The callback types, for whose URLs the chart's notes are printed, come from the catalogue, and the
   version from the package.
"""

import json
import re
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import yaml

from bridge import __version__
from bridge.core import catalogue
from bridge.settings.kafka import PREFIX
from bridge.settings.load import GROUPS, Settings

CHART: Final = Path(__file__).parent / "callback-bridge"
_BOUNDS: Final = ("enum", "pattern", "minLength", "maxLength")
_LIMITS: Final = ("minimum", "exclusiveMinimum", "maximum", "exclusiveMaximum")
_TYPES: Final = {bool: "boolean", int: "integer", float: "number", str: "string", list: "array"}
_TABLE: Final = re.compile(r"(?<=<!-- values -->\n).*(?=<!-- /values -->)", re.DOTALL)

Schema = dict[str, Any]


class BadValues(Exception):
    """The values.yaml contradicts itself or the settings; the text names the value."""


@dataclass(frozen=True, slots=True)
class Value:
    """A value or a section of values.yaml. ``keywords`` are of JSON Schema."""

    path: str
    meaning: str
    default: Any
    keywords: Schema
    setting: str | None
    inside: tuple["Value", ...] = ()


def settings() -> dict[str, Schema]:
    """Return the schema of every setting of the bridge, by the name of its variable."""
    models = {PREFIX: Settings} | {
        f"{PREFIX}{group.upper()}_": model for group, model in GROUPS.items()
    }
    return {
        f"{prefix}{name.upper()}": schema
        for prefix, model in models.items()
        for name, schema in model.model_json_schema()["properties"].items()
        if not (prefix == PREFIX and name in GROUPS)
    }


def _comment(lines: list[str], line: int) -> tuple[str, Schema]:
    """Return the comment that ends above ``line``: its meaning and its keywords."""
    start = line
    while start and lines[start - 1].lstrip().startswith("# "):
        start -= 1
    texts = [one.lstrip().removeprefix("# ") for one in lines[start:line]]
    meaning = " ".join(one for one in texts if not one.startswith("@"))
    keywords = ", ".join(one.removeprefix("@ ").rstrip(",") for one in texts if one[:1] == "@")
    return meaning, yaml.safe_load(f"{{{keywords}}}")


def _bounded(path: str, default: object, keywords: Schema) -> Schema:
    """Return the keywords with the bounds of the setting; raises BadValues if they disagree."""
    own_default = keywords.pop("ownDefault", False)
    known = settings()
    name = keywords["setting"]
    if name not in known:
        message = f"{path}: {name} is not a setting of the bridge"
        raise BadValues(message)
    setting = known[name]
    if not own_default and (default or None) != (setting.get("default") or None):
        message = f"{path} is {default!r} by default, but {name} is {setting.get('default')!r}"
        raise BadValues(message)
    text_bounds = {
        key: setting[key] for key in _BOUNDS if isinstance(default, str) and key in setting
    }
    number_bounds = {key: setting[key] for key in _LIMITS if key in setting}
    seconds = {"type": "number"} if setting.get("type") == "number" else {}
    return text_bounds | number_bounds | seconds | keywords


def _value(path: str, node: yaml.Node, line: int, lines: list[str]) -> Value:
    """Return the value at ``node``, and those inside it."""
    meaning, keywords = _comment(lines, line)
    if not meaning:
        message = f"{path} has no comment"
        raise BadValues(message)
    default = yaml.safe_load(yaml.serialize(node))
    if "setting" in keywords:
        keywords = _bounded(path, default, keywords)
    setting = keywords.pop("setting", None)
    if isinstance(node, yaml.MappingNode) and not keywords.keys() & {
        "properties",
        "additionalProperties",
    }:
        inside = tuple(_inside(f"{path}.", node, lines))
        return Value(path, meaning, default, keywords, setting, inside)
    return Value(path, meaning, default, keywords, setting)


def _inside(prefix: str, node: yaml.MappingNode, lines: list[str]) -> Iterator[Value]:
    for key, value in node.value:
        yield _value(prefix + key.value, value, key.start_mark.line, lines)


def values(text: str) -> list[Value]:
    """Return what a values.yaml declares; raises BadValues."""
    return list(_inside("", yaml.compose(text), text.splitlines()))


def flat(sections: Iterable[Value]) -> Iterator[Value]:
    """Yield every value and section, a section before what it holds."""
    for one in sections:
        yield one
        yield from flat(one.inside)


def _schema_of(value: Value) -> Schema:
    if value.inside:
        return {"description": value.meaning} | _section(value.inside)
    kind = {"type": _TYPES.get(type(value.default), "object")}
    return {"description": value.meaning} | kind | value.keywords | {"default": value.default}


def _section(inside: Iterable[Value]) -> Schema:
    named = {one.path.rpartition(".")[2]: one for one in inside}
    return {
        "type": "object",
        "additionalProperties": False,
        # Helm removes a value that somebody sets to null, and a template would render it as 0.
        "required": [name for name, one in named.items() if one.default is not None],
        "properties": {name: _schema_of(one) for name, one in named.items()},
    }


def schema(sections: list[Value]) -> str:
    """Return the JSON Schema of the values, which refuses unknown names."""
    found = {
        "$schema": "http://json-schema.org/draft-07/schema#",
        "title": "Values of the chart callback-bridge",
        **_section(sections),
    }
    # Helm passes it to a chart that is a dependency of another one.
    found["properties"]["global"] = {"description": "Values of the parent chart.", "type": "object"}
    return json.dumps(found, indent=2) + "\n"


def _bounds_text(value: Value) -> str:
    """Return the bounds of a value, in short."""
    words = {"minimum": "≥ ", "exclusiveMinimum": "> ", "maximum": "≤ ", "exclusiveMaximum": "< "}
    found = [f"{sign}{value.keywords[key]}" for key, sign in words.items() if key in value.keywords]
    found += [f"`{one}`" for one in value.keywords.get("enum", ())]
    return ", ".join(found)


def _row(value: Value) -> tuple[str, str, str, str]:
    if value.inside:
        return f"**`{value.path}`**", f"**{value.meaning}**", "", ""
    default = "" if value.default in ("", None) else f"`{json.dumps(value.default)}`"
    return f"`{value.path}`", value.meaning, re.sub('^`"|"`$', "`", default), _bounds_text(value)


def table(sections: list[Value]) -> str:
    """Return the table of values, in Markdown."""
    lines = ["| value | meaning | default | bounds |", "|---|---|---|---|"]
    for one in flat(sections):
        cells = " | ".join(cell.replace("|", "\\|") for cell in _row(one))
        lines.append(f"| {cells} |")
    return "\n".join(lines) + "\n"


def paths() -> str:
    """Return the path of every callback type that has one of its own."""
    found = {kind.name: kind.path for kind in catalogue.load_catalogue().types if kind.has_path}
    return json.dumps(found, indent=2) + "\n"


def derived(chart: Path) -> dict[Path, str]:
    """Return the derived files of a chart; raises BadValues."""
    sections = values((chart / "values.yaml").read_text())
    page = (chart / "README.md").read_text()
    about = (chart / "Chart.yaml").read_text()
    about = re.sub(r"^version: .*$", f"version: {__version__}", about, flags=re.MULTILINE)
    about = re.sub(r"^appVersion: .*$", f'appVersion: "{__version__}"', about, flags=re.MULTILINE)
    return {
        chart / "Chart.yaml": about,
        chart / "README.md": _TABLE.sub(lambda _: table(sections), page),
        chart / "files/paths.json": paths(),
        chart / "values.schema.json": schema(sections),
    }


def main(arguments: list[str], chart: Path = CHART) -> int:
    """Write the derived files, or check them; return the exit code."""
    try:
        files = derived(chart)
    except BadValues as error:
        sys.stderr.write(f"{chart.name}/values.yaml: {error}\n")
        return 1
    stale = [path for path, text in files.items() if not path.is_file() or path.read_text() != text]
    if "--check" in arguments:
        for path in stale:
            sys.stderr.write(
                f"{path.name} of the chart is stale: run `make derive`, and look at it\n"
            )
        return 1 if stale else 0
    for path in stale:
        path.write_text(files[path])
        sys.stdout.write(f"{path.relative_to(chart.parent)}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
