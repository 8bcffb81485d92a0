"""The parameters that placeholders name: their values, and the check that they can have one.

1. The name of a placeholder is a parameter of Plivo's, or ``context.name`` for a parameter in the query
   of the customer's own URL.
2. A parameter that is repeated with several values, or is not UTF-8, counts as absent.
3. Plivo sends a parameter with every callback of a type if each sample of the type has it. Any other one
   may be absent, and so may the customer's own. Of an unknown type nothing is known.
4. A document is checked twice: with a value for each placeholder, and without those that may be absent
   and have no default.
"""

from collections.abc import Callable, Collection, Iterator
from typing import Final
from urllib.parse import parse_qsl

from bridge.callbacks.model import UNRECOGNISED, CallbackType
from bridge.core.field_map import map_fields
from bridge.core.parameters import Texts, is_utf8, list_texts
from bridge.core.parse import Callback
from bridge.normalise import fold_name
from bridge.reply.finding import Finding, closest_name
from bridge.reply.template import Placeholder, Template

CONTEXT: Final = "context."
"""The prefix of the name of a parameter of the customer's own."""


def find_no_value(name: str) -> str | None:  # noqa: ARG001 (a FindValue)
    """Return None: nothing is known of the callback but its type."""
    return None


def find_value(callback: Callback, name: str) -> str | None:
    """Return the value of a callback's parameter: rules 1 and 2. None if it has none."""
    if name.startswith(CONTEXT):
        return _choose(callback.context.get(name.removeprefix(CONTEXT), []))
    texts = callback.verdict.parameters.texts
    if name in texts:
        return _choose(texts[name])
    # Carriers change the case of SIP headers, and JSON has other spellings.
    folded = fold_name(name)
    return _choose([
        text for other, one in texts.items() if fold_name(other) == folded for text in list_texts(one)
    ])  # fmt: skip


def _choose(texts: Texts) -> str | None:
    distinct = {text for text in list_texts(texts) if text}
    text = distinct.pop() if len(distinct) == 1 else None
    return text if text is not None and is_utf8(text) else None


def check_template(
    template: Template,
    types: Collection[CallbackType],
    check: Callable[[bytes], list[Finding]],
) -> Iterator[Finding]:
    """Yield the faults of a document with placeholders that answers these types: rule 4."""
    known = [kind for kind in types if kind.name != UNRECOGNISED]
    absent = [
        one
        for one in template.placeholders
        if one.default is None and _may_be_absent(one.name, known)
    ]
    filled_in = check(template.render_sample(()))
    yield from filled_in
    warned: set[str] = set()
    for finding in check(template.render_sample(absent)) if absent else ():
        if finding.is_error and finding not in filled_in:
            near = [one for one in absent if one.element == finding.element] or absent
            names = " or ".join(dict.fromkeys(one.name for one in near))
            warned.update(one.name for one in near)
            fault = f"without {names}: {finding.fault}"
            remedy = f"write a default: {{{{{near[0].name}|…}}}}"
            yield Finding("error", finding.line, finding.element, fault, remedy)
    for one in template.placeholders:
        yield from _check_name(one, known)
        if one in absent and one.name not in warned:
            fault = f"{one.name} may be absent, and is empty then"
            remedy = f"write a default: {{{{{one.name}|…}}}}"
            yield Finding("warning", one.line, one.element, fault, remedy)


def _check_name(one: Placeholder, types: Collection[CallbackType]) -> Iterator[Finding]:
    """Warn if types do not have the parameter of a placeholder."""
    if one.name.startswith(CONTEXT):
        return
    without = [kind for kind in types if not map_fields(kind.model).declares(one.name)]
    if without:
        fields = map_fields(without[0].model)
        meant = closest_name(one.name, sorted(fields.exact_names | fields.group_names))
        own = f"write {CONTEXT}{one.name} if it is in the query of your URL"
        names = ", ".join(kind.name for kind in without)
        fault = f"Plivo documents no parameter {one.name} for {names}"
        remedy = f"did you mean {meant}?" if meant else own
        yield Finding("warning", one.line, one.element, fault, remedy)


def _may_be_absent(name: str, types: Collection[CallbackType]) -> bool:
    """Return whether a callback of these types may lack a parameter: rule 3."""
    return name.startswith(CONTEXT) or any(
        not dict(parse_qsl(sample)).get(name) for kind in types for sample in kind.samples.values()
    )
