"""``callback-bridge callbacks``: list and show the callback types, with a curl command to send one."""

import inspect
import re
import sys
from collections.abc import Iterator
from typing import Annotated, Any, Final

import typer
from rich.text import Text

from bridge.callbacks.model import CallbackType, Reply, list_fields
from bridge.cli import output
from bridge.cli.options import SettingsFile
from bridge.cli.output import JsonOption
from bridge.core import catalogue
from bridge.core.catalogue import SHARED_PATH, Catalogue
from bridge.derived.samples import AUTH_ID as SAMPLE_AUTH_ID
from bridge.derived.schemas import build_event_schema
from bridge.dev import account as emulated
from bridge.emulator.sign import curl_command
from bridge.settings.load import load

app = typer.Typer(
    add_completion=False,
    help="List and show every callback Plivo sends, its event, and a curl command to try it.",
    no_args_is_help=True,
)

_LISTED: Final = "`callback-bridge callbacks list`"
_REPLIES: Final = {
    Reply.ACK: "nothing; any 2xx",
    Reply.XML: "Plivo XML",
    Reply.SOUND: "Plivo XML with only Play, Speak and Wait",
    Reply.OPTIONAL_XML: "nothing, or Plivo XML",
}
_URL: Final = re.compile(r"https?://[^\s,;)]+[^\s,;).:]")


def product(kind: CallbackType) -> str:
    """Return a type's product: the package of its declaration."""
    return kind.model.__module__.split(".")[2]


def declaration_source(kind: CallbackType) -> str:
    """Return the source of a declaration: the docstring of its module, with the page's URL."""
    return inspect.cleandoc(sys.modules[kind.model.__module__].__doc__ or "")


def recognition_rules(kind: CallbackType) -> list[str]:
    """Return the conditions that recognise a callback of this type; one of them is enough."""
    found = [
        ", ".join(_condition_text(part) for part in alternative.split(" & "))
        for alternative in kind.alternatives
    ]
    if not kind.has_path:
        return ["no other type matches"]
    return found or ["only its path"]


def _condition_text(part: str) -> str:
    negated = part.startswith("!")
    text = part.removeprefix("!")
    if text.endswith("?"):
        return f"{'no ' if negated else ''}{text[:-1]}{'' if negated else ', even blank'}"
    for sign, words in (("^=", "begins"), ("=", "is")):
        name, found, value = text.partition(sign)
        if found:
            verb = {"begins": "does not begin with", "is": "is not"}[words] if negated else words
            return f"{name} {verb}{' with' if verb == 'begins' else ''} {value}"
    return f"no {text}" if negated else text


@app.command("list")
def list_callbacks(
    settings_file: SettingsFile = None,
    *,
    only_product: Annotated[
        str | None, typer.Option("--product", help="Only this product, for example voice.")
    ] = None,
    json: JsonOption = False,
) -> None:
    """List every callback type: the path to set at Plivo, its topic, and its answer."""
    prefix = load(settings_file).topic_prefix
    kinds = catalogue.load_catalogue().all_types
    products = list(dict.fromkeys(product(kind) for kind in kinds))
    if only_product is not None and only_product not in products:
        message = f"unknown product {only_product!r}; products are: {', '.join(products)}"
        raise typer.BadParameter(message, param_hint="--product")
    kinds = tuple(kind for kind in kinds if only_product in {None, product(kind)})
    if output.wants_json(json):
        output.emit_json_lines(
            {
                "name": kind.name,
                "product": product(kind),
                "meaning": kind.meaning,
                "path": _path(kind),
                "topic": prefix + kind.topic,
                "reply": kind.reply,
            }
            for kind in kinds
        )
        return
    rows = [(kind.name, _path(kind), kind.meaning, _REPLIES[kind.reply]) for kind in kinds]
    head = ("type", "path", "meaning", "answer Plivo accepts")
    output.show(
        output.make_table(head, rows),
        f"{len(rows)} types; `callback-bridge callbacks show TYPE` shows one",
    )


def _path(kind: CallbackType) -> str:
    return kind.path if kind.has_path else SHARED_PATH


@app.command("show")
def show(  # noqa: PLR0913 (a command's options)
    name: Annotated[str, typer.Argument(help="A type, for example voice.call.hangup.")],
    settings_file: SettingsFile = None,
    *,
    url: Annotated[
        str, typer.Option(help="The bridge, for the curl command: scheme, host, port.")
    ] = "http://127.0.0.1:8080",
    account: Annotated[
        str | None,
        typer.Option(envvar="PLIVO_AUTH_ID", help="Account that sends the curl command."),
    ] = None,
    token: Annotated[
        str | None,
        typer.Option(
            envvar="PLIVO_AUTH_TOKEN",
            help="Its auth token, to sign. Default: the emulated account of `dev`.",
        ),
    ] = None,
    sample: Annotated[
        str | None, typer.Option(help="Sample that the curl command sends. Default: the first.")
    ] = None,
    only_curl: Annotated[bool, typer.Option("--curl", help="Print only the curl command.")] = False,
    json: JsonOption = False,
) -> None:
    """Show one type: what Plivo sends, its event, its source, and a signed curl command.

    The signature covers --url, so it is valid for that bridge only. To try it with `dev`:
    `callback-bridge callbacks show voice.call.ring --curl | sh`
    """
    prefix = load(settings_file).topic_prefix
    kind = _find_type(name, catalogue.load_catalogue())
    chosen = next(iter(kind.samples))
    if sample is not None:
        listed = f"`callback-bridge callbacks show {kind.name}`"
        output.lookup(sample, kind.samples, "sample", listed)
        chosen = sample
    sender = account or (SAMPLE_AUTH_ID if token else emulated.AUTH_ID)
    form = kind.samples[chosen].replace(SAMPLE_AUTH_ID, sender)
    curl = curl_command(url.rstrip("/") + _path(kind), form, token or emulated.AUTH_TOKEN)
    if only_curl:
        output.print_plain(curl)
    elif output.wants_json(json):
        output.emit_json_lines([{**_description(kind, prefix), "curl": curl}])
    else:
        _print_type(kind, prefix)
        signed = f"  {chosen}, signed with the token of {sender}"
        output.show(Text.assemble(("\nTry it", "bold"), signed))
        output.print_plain(curl)


def _find_type(name: str, types: Catalogue) -> CallbackType:
    """Return the type of this name, event type, topic or path."""
    for kind in types.all_types:
        if name in {kind.event_type, kind.topic, kind.path}:
            return kind
    return output.lookup(name, types.by_name, "type", _LISTED)


def _fields(kind: CallbackType) -> Iterator[dict[str, Any]]:
    """Yield each declared parameter with its field of the event's data."""
    properties = build_event_schema(kind)["properties"]["data"]["properties"]
    for field, (_, mark, _) in list_fields(kind.model).items():
        more = "<name>" if mark.prefix else "<number>" if mark.numbered else ""
        yield {
            "parameters": [name + more for name in mark.names],
            "field": field,
            "value": _value_kind(properties[field]),
            "meaning": mark.meaning,
        }


def _value_kind(schema: dict[str, Any]) -> str:
    """Return the kind of a field's value in a word; every field may be null."""
    if "$ref" in schema:
        return str(schema["$ref"]).rpartition("/")[2]
    others = [one for one in schema.get("anyOf", ()) if one.get("type") != "null"]
    return " or ".join(map(_value_kind, others)) or str(schema.get("type", "anything"))


def _computed_fields(kind: CallbackType) -> list[str]:
    """Return the fields that come from no parameter."""
    declared = list_fields(kind.model)
    named = (info.alias or name for name, info in kind.model.model_fields.items())
    return [name for name in named if name not in declared]


def _description(kind: CallbackType, prefix: str) -> dict[str, Any]:
    text = declaration_source(kind)
    return {
        "name": kind.name,
        "product": product(kind),
        "meaning": kind.meaning,
        "source": {"pages": _URL.findall(text), "text": text},
        "path": _path(kind),
        "recognised_by": recognition_rules(kind),
        "path_only": kind.path_only,
        "reply": kind.reply,
        "event_type": kind.event_type,
        "topic": prefix + kind.topic,
        "key": list(kind.key_fields),
        "repeats": kind.describe_repeats(str),
        "time": list(kind.time_fields),
        "schema": kind.schema_path,
        "fields": list(_fields(kind)),
        "always": _computed_fields(kind),
        "samples": dict(kind.samples),
    }


def _print_type(kind: CallbackType, prefix: str) -> None:
    conditions = "\nor ".join(recognition_rules(kind))
    if kind.path_only:
        conditions += "\n(another type has the same: only the path distinguishes them)"
    if kind.yields_to_path:
        conditions += "\n(on another type's path it is read as that type)"
    pairs: list[tuple[str, str]] = [
        ("URL path", _path(kind)),
        ("recognised by", conditions),
        ("answer accepted", _REPLIES[kind.reply]),
        ("event type", kind.event_type),
        ("topic", prefix + kind.topic),
        ("key", kind.describe_key(str)),
        ("id includes the nonce", kind.describe_repeats(str)),
        ("time", " or ".join((*kind.time_fields, "received_at"))),
        ("schema", kind.schema_path),
        ("source", declaration_source(kind)),
    ]
    title = Text.assemble((kind.name, "bold"), f"  {kind.meaning}\n")
    output.show(title, output.key_values(pairs))
    rows = [
        ("\n".join(one["parameters"]), one["field"], one["value"], one["meaning"])
        for one in _fields(kind)
    ]
    if rows:
        head = ("Plivo sends", "published as data.…", "value", "meaning")
        output.show(Text("\nParameters", style="bold"), output.make_table(head, rows))
    always, samples = ", ".join(_computed_fields(kind)), "\n".join(kind.samples)
    output.show("", output.key_values([("always present", always), ("samples", samples)]))
