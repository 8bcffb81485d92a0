"""Check the attributes of an element.

An unknown attribute is a warning: Plivo ignores it, or Plivo added it after we read its pages. An empty
attribute is a warning too, because the Conference page gives "" as a default. So is a value in a form
that no SDK writes.
"""

import re
from collections.abc import Iterator
from typing import Final

from bridge.reply import urls
from bridge.reply.elements import BOOLEAN_ATTRIBUTES, INTEGER_ATTRIBUTES, SOUND_WORDS, Element
from bridge.reply.finding import Finding, closest_name, finding_at
from bridge.reply.tree import Node
from bridge.reply.twiml import ATTRIBUTE_EQUIVALENTS

_METHODS: Final = frozenset({"GET", "POST"})
_FLAGS: Final = frozenset({"true", "false"})
_INTEGER: Final = re.compile(r"[0-9]{1,9}", re.ASCII)


def check_attributes(node: Node, element: Element) -> Iterator[Finding]:
    """Yield every fault of an element's attributes."""
    for name, value in node.attributes.items():
        if name in element.attributes:
            yield from _check_value(node, name, value, element)
        elif not name.startswith(("{", "xml:")):
            yield _unknown_attribute(node, name, element)
    for name in element.required_attributes:
        if not node.attributes.get(name, "").strip():
            yield finding_at(node, "error", f"it has no {name}", f"set the attribute {name}")
    for name in element.recommended_attributes:
        if name not in node.attributes:
            yield finding_at(node, "warning", f"it has no {name}", f"set the attribute {name}")


def _check_value(node: Node, name: str, value: str, element: Element) -> Iterator[Finding]:
    is_retried = name in element.retry_attributes
    if name in element.url_attributes:
        yield from _check_url(node, name, value, is_retried=is_retried)
    elif name in element.sound_attributes:
        yield from _check_sound(node, name, value, is_retried=is_retried)
    elif name in element.method_attributes:
        yield from _check_method(node, name, value)
    elif name in INTEGER_ATTRIBUTES and not _INTEGER.fullmatch(value.strip()):
        yield finding_at(node, "warning", f"{name} is not a whole number", "write digits only")
    elif name in BOOLEAN_ATTRIBUTES and value.strip().lower() not in _FLAGS:
        yield finding_at(
            node, "warning", f"{name} is neither true nor false", "write true or false"
        )


def _check_url(node: Node, name: str, value: str, *, is_retried: bool) -> Iterator[Finding]:
    if not value.strip():
        yield finding_at(node, "warning", f"the attribute {name} is empty", "set it, or remove it")
        return
    if not urls.is_absolute(value.strip()):
        fault = f"{name} is not an absolute URL: {urls.redacted(value.strip())}"
        yield finding_at(node, "error", fault, "write it with https:// and a host")
        return
    if value != value.strip():
        yield finding_at(node, "warning", f"the URL in {name} has spaces around it")
    yield from check_retry_settings(node, name, value.strip(), is_retried=is_retried)


def _check_sound(node: Node, name: str, value: str, *, is_retried: bool) -> Iterator[Finding]:
    """Check a sound: a URL, a word such as ``beep:1``, or empty."""
    text = value.strip()
    if not text or text.lower() in SOUND_WORDS:
        return
    if "/" in text or "." in text:
        yield from _check_url(node, name, value, is_retried=is_retried)
        return
    words = ", ".join(sorted(SOUND_WORDS))
    yield finding_at(
        node, "warning", f"{name} is neither a URL nor one of {words}: {urls.redacted(text)}"
    )


def check_retry_settings(node: Node, name: str, url: str, *, is_retried: bool) -> Iterator[Finding]:
    """Check the retry settings of a URL. ``name`` is its attribute; empty for a URL in the text."""
    settings = urls.parse_retry_settings(url)
    if not settings:
        return
    if not is_retried:
        fault = f"Plivo documents no retry settings for the URL in {name or 'its text'}"
        yield finding_at(node, "warning", fault, "they may have no effect")
        return
    fault_of_settings = urls.find_retry_fault(settings)
    if fault_of_settings is not None:
        yield finding_at(node, "warning", fault_of_settings)


def _check_method(node: Node, name: str, value: str) -> Iterator[Finding]:
    if value in _METHODS:
        return
    if not value.strip():
        yield finding_at(node, "warning", f"the attribute {name} is empty", "write GET or POST")
    elif value.strip().upper() in _METHODS:
        yield finding_at(node, "warning", f"{name} is {urls.redacted(value)}", "write GET or POST")
    else:
        fault = f"{name} is {urls.redacted(value)}; Plivo calls with GET or POST only"
        yield finding_at(node, "error", fault, "write GET or POST")


def _unknown_attribute(node: Node, name: str, element: Element) -> Finding:
    fault = f"Plivo does not document the attribute {name}"
    equivalent = ATTRIBUTE_EQUIVALENTS.get((element.name, name))
    if equivalent is not None:
        return finding_at(node, "warning", fault, f"it is TwiML; Plivo has {equivalent}")
    by_case = {one.lower(): one for one in element.attributes}
    meant = by_case.get(name.lower()) or closest_name(name, sorted(element.attributes))
    return finding_at(node, "warning", fault, f"did you mean {meant}?" if meant else "")
