"""Render the reference pages in Markdown, from the declarations."""

from collections.abc import Iterable
from typing import Any, get_args

from pydantic import BaseModel
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from bridge.callbacks.model import CallbackData, CallbackType, Reply, list_fields
from bridge.core.catalogue import Catalogue
from bridge.core.dead_letter import list_meanings
from bridge.core.own_event import OwnEventType
from bridge.derived.own_records import OWN_EVENTS
from bridge.derived.topics import Sizing, plan
from bridge.settings.kafka import PREFIX, TopicSettings
from bridge.settings.load import GROUPS, Settings
from bridge.telemetry.metric_defs import METRIC_DEFS
from bridge.telemetry.metric_defs import PREFIX as METRIC_PREFIX

MADE = "<!-- Made by `make derive`. Do not edit. -->\n"
_CALLBACKS = """\
What Plivo sends, and what the bridge publishes. A field is absent if the callback did not have its
parameter. It is null if the parameter came but is unreadable, or is not known yet.
"""
_TOPICS = """\
`BRIDGE_TOPIC_PREFIX` is put in front of each name. Partitions and retention are the defaults of
`BRIDGE_TOPICS_…`; `callback-bridge topics plan` shows yours.
"""
_SETTINGS = """\
Settings are environment variables, or keys of a TOML file named by `BRIDGE_SETTINGS_FILE` or
`--settings`. In the file the names are in lower case, without the prefix, and each group is a table:
`[kafka]`, `[spool]`, `[topics]`. A variable overrides the file.

Every command refuses invalid settings. It reports all of them at once, one line for each, with the
setting and the remedy. A `BRIDGE_…` variable or a key of the file that is not a setting is invalid,
too: "did you mean `BRIDGE_PUBLIC_URL`?". `callback-bridge serve --check` checks everything that a start
needs, and exits.
"""


def render_table(head: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    """Return a table in Markdown."""
    names = list(head)
    lines = ["| " + " | ".join(names) + " |", "|" + "---|" * len(names)]
    lines += ["| " + " | ".join(cell.replace("|", "\\|") for cell in row) + " |" for row in rows]
    return "\n".join(lines) + "\n"


def name_type(annotation: Any) -> str:  # noqa: ANN401 (typing's own objects)
    """Return a word for the type of a field's value."""
    inner = [one for one in get_args(annotation) if one is not type(None)]
    if inner and type(None) in get_args(annotation):
        return name_type(inner[0])
    origin = getattr(annotation, "__origin__", annotation)
    return {
        "str": "text",
        "Literal": "text",
        "int": "integer",
        "bool": "flag",
        "dict": "object",
    }.get(getattr(origin, "__name__", str(origin)), getattr(origin, "__name__", str(origin)))


def _fields(model: type[CallbackData]) -> str:
    rows = [
        (f"`{field}`", " ".join(f"`{name}`" for name in mark.names), name_type(kind), mark.meaning)
        for field, (kind, mark, _) in list_fields(model).items()
    ]
    return render_table(("`data.…`", "Plivo's parameter", "value", "meaning"), rows)


_ANSWERS = {
    Reply.ACK: "ignores it",
    Reply.XML: "executes it",
    Reply.SOUND: "executes it: only Play, Speak and Wait",
    Reply.OPTIONAL_XML: "executes it, if it has a body",
}


def _callback(kind: CallbackType) -> str:
    recognised = " or ".join(f"`{one}`" for one in kind.alternatives) or "its path only"
    if kind.path_only:
        recognised += "; another type has the same parameters, so only the path decides"
    rows = [
        (
            "path",
            f"`{kind.path}`"
            if kind.has_path
            else "none: it is for callbacks that fit no other type",
        ),
        ("recognised by", recognised),
        ("Plivo's use of the answer", _ANSWERS[kind.reply]),
        ("event type", f"`{kind.event_type}`"),
        ("topic", f"`{kind.topic}`"),
        ("key", kind.describe_key(lambda field: f"`{field}`")),
        ("id includes the nonce", kind.describe_repeats(lambda one: f"`{one}`")),
        ("time", " or ".join(f"`{one}`" for one in (*kind.time_fields, "received_at"))),
        ("shed first under load", "yes" if kind.shed_first else "no"),
        ("schema", f"[`{kind.schema_path}`](../../schemas/{kind.schema_path})"),
    ]
    text = f"## {kind.name}\n\n{kind.meaning}\n\n{render_table(('', ''), rows)}"
    fields = list_fields(kind.model)
    return f"{text}\n{_fields(kind.model)}" if fields else text


def _render_callbacks(catalogue: Catalogue) -> str:
    """Return the page about callback types."""
    parts = [
        MADE,
        "# Callbacks\n",
        _CALLBACKS,
    ]
    parts += [_callback(kind) for kind in catalogue.all_types]
    return "\n".join(parts)


def _own_event(kind: OwnEventType) -> str:
    """Return the section about an event that no callback makes."""
    rows = [
        (f"`{info.alias or name}`", name_type(info.annotation), info.description or "")
        for name, info in kind.model.model_fields.items()
    ]
    about = [
        ("event type", f"`{kind.event_type}`"),
        ("topic", f"`{kind.topic}`"),
        ("key", kind.key),
        ("schema", f"[`{kind.schema_path}`](../../schemas/{kind.schema_path})"),
    ]
    fields = render_table(("`data.…`", "value", "meaning"), rows)
    return f"## {kind.name}\n\n{kind.meaning}\n\n{render_table(('', ''), about)}\n{fields}"


def _render_topics(catalogue: Catalogue) -> str:
    """Return the page about topics, with the default settings."""
    defaults = Sizing(**TopicSettings().model_dump())
    rows = [
        (f"`{topic.name}`", topic.holds, str(topic.partitions), topic.configs["retention.ms"])
        for topic in plan(catalogue, "", defaults)
    ]
    return "\n".join(
        [
            MADE,
            "# Topics\n",
            _TOPICS,
            render_table(("topic", "holds", "partitions", "retention.ms"), rows),
            *map(_own_event, OWN_EVENTS),
        ]
    )


def _default(info: FieldInfo) -> str:
    if info.default is PydanticUndefined or info.default is None or info.default in ("", [], {}):
        return ""
    return f"`{str(info.default).lower() if isinstance(info.default, bool) else info.default}`"


def _bounds(info: FieldInfo) -> str:
    found: list[str] = []
    for mark in info.metadata:
        for attribute, sign in (("ge", "≥"), ("gt", ">"), ("le", "≤"), ("lt", "<")):
            bound = getattr(mark, attribute, None)
            if bound is not None:
                found.append(f"{sign} {bound}")
    return ", ".join(found)


def _settings(model: type[BaseModel], prefix: str) -> list[tuple[str, str, str, str]]:
    return [
        (f"`{prefix}{name.upper()}`", info.description or "", _default(info), _bounds(info))
        for name, info in model.model_fields.items()
        if name not in GROUPS
    ]


def _render_settings() -> str:
    """Return the page about settings."""
    head = ("variable", "meaning", "default", "bounds")
    return "\n".join(
        [
            MADE,
            "# Settings\n",
            _SETTINGS,
            render_table(head, _settings(Settings, PREFIX)),
            *(
                f"## {group.capitalize()}\n\n"
                + render_table(head, _settings(model, f"{PREFIX}{group.upper()}_"))
                for group, model in GROUPS.items()
            ),
        ]
    )


def _render_metrics() -> str:
    """Return the page about metrics."""
    rows = [
        (
            f"`{METRIC_PREFIX}_{name}`",
            metric.kind,
            metric.unit,
            " ".join(f"`{label}`" for label in metric.labels),
            metric.meaning,
        )
        for name, metric in METRIC_DEFS.items()
    ]
    return "\n".join(
        [
            MADE,
            "# Metrics\n",
            "`/metrics` on the management port.\n",
            render_table(("metric", "kind", "unit", "labels", "meaning"), rows),
        ]
    )


def _render_dead_letters() -> str:
    """Return the page about the reasons of dead letters."""
    rows = [(f"`{stage}`", f"`{reason}`", text) for stage, reason, text in list_meanings()]
    return "\n".join(
        [
            MADE,
            "# Dead letters\n",
            "The stages and reasons in the headers of dead letters. [What to do](../dead-letters.md).\n",
            render_table(("stage", "reason", "meaning"), rows),
        ]
    )


def render_pages(catalogue: Catalogue) -> dict[str, str]:
    """Return every page by file name."""
    return {
        "callbacks.md": _render_callbacks(catalogue),
        "topics.md": _render_topics(catalogue),
        "settings.md": _render_settings(),
        "metrics.md": _render_metrics(),
        "dead-letters.md": _render_dead_letters(),
    }
