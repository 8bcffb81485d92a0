"""What is wrong with the attributes of an element of a reply document.

Unknown attributes are warnings, because Plivo ignores them, or may know them by now. So are empty ones,
which stand for a default on the Conference page, and values of another form than the SDKs write.
"""

import re
from collections.abc import Iterator
from typing import Final

from bridge.reply import urls
from bridge.reply.elements import FLAG_ATTRIBUTES, SOUND_WORDS, WHOLE_ATTRIBUTES, Element
from bridge.reply.finding import Finding, near, on
from bridge.reply.tree import Node
from bridge.reply.twiml import ATTRIBUTES

_METHODS: Final = frozenset({"GET", "POST"})
_FLAGS: Final = frozenset({"true", "false"})
_WHOLE: Final = re.compile(r"[0-9]{1,9}", re.ASCII)


def of_attributes(node: Node, element: Element) -> Iterator[Finding]:
    """Yield what is wrong with the attributes of an element."""
    for name, value in node.attributes.items():
        if name in element.attributes:
            yield from _of_value(node, name, value, element)
        elif not name.startswith(("{", "xml:")):
            yield _unknown_attribute(node, name, element)
    for name in element.needs:
        if not node.attributes.get(name, "").strip():
            yield on(node, "error", f"it has no {name}", f"set the attribute {name}")
    for name in element.wants:
        if name not in node.attributes:
            yield on(node, "warning", f"it has no {name}", f"set the attribute {name}")


def _of_value(node: Node, name: str, value: str, element: Element) -> Iterator[Finding]:
    is_retried = name in element.retried
    if name in element.urls:
        yield from _of_url(node, name, value, is_retried=is_retried)
    elif name in element.sounds:
        yield from _of_sound(node, name, value, is_retried=is_retried)
    elif name in element.methods:
        yield from _of_method(node, name, value)
    elif name in WHOLE_ATTRIBUTES and not _WHOLE.fullmatch(value.strip()):
        yield on(node, "warning", f"{name} is no whole number", "write it in digits")
    elif name in FLAG_ATTRIBUTES and value.strip().lower() not in _FLAGS:
        yield on(node, "warning", f"{name} is neither true nor false", "write one of them")


def _of_url(node: Node, name: str, value: str, *, is_retried: bool) -> Iterator[Finding]:
    if not value.strip():
        yield on(node, "warning", f"the attribute {name} is empty", "set it, or leave it out")
        return
    if not urls.is_absolute(value.strip()):
        fault = f"{name} is no absolute URL: {urls.shown(value.strip())}"
        yield on(node, "error", fault, "write it with https:// and a host")
        return
    if value != value.strip():
        yield on(node, "warning", f"there is white space around the URL in {name}")
    yield from of_fragment(node, name, value.strip(), is_retried=is_retried)


def _of_sound(node: Node, name: str, value: str, *, is_retried: bool) -> Iterator[Finding]:
    """Yield what is wrong with a sound: a URL, a word such as ``beep:1``, or empty."""
    text = value.strip()
    if not text or text.lower() in SOUND_WORDS:
        return
    if "/" in text or "." in text:
        yield from _of_url(node, name, value, is_retried=is_retried)
        return
    words = ", ".join(sorted(SOUND_WORDS))
    yield on(node, "warning", f"{name} is neither a URL nor one of {words}: {urls.shown(text)}")


def of_fragment(node: Node, name: str, url: str, *, is_retried: bool) -> Iterator[Finding]:
    """Yield what is wrong with the retry settings of a URL; ``name`` is empty for one in the text."""
    settings = urls.retry_settings(url)
    if not settings:
        return
    if not is_retried:
        fault = f"Plivo documents no retry settings for the URL in {name or 'its text'}"
        yield on(node, "warning", fault, "they may have no effect")
        return
    fault_of_settings = urls.retry_fault(settings)
    if fault_of_settings is not None:
        yield on(node, "warning", fault_of_settings)


def _of_method(node: Node, name: str, value: str) -> Iterator[Finding]:
    if value in _METHODS:
        return
    if not value.strip():
        yield on(node, "warning", f"the attribute {name} is empty", "write GET or POST")
    elif value.strip().upper() in _METHODS:
        yield on(node, "warning", f"{name} is {urls.shown(value)}", "write GET or POST")
    else:
        fault = f"{name} is {urls.shown(value)}; Plivo calls with GET or POST alone"
        yield on(node, "error", fault, "write GET or POST")


def _unknown_attribute(node: Node, name: str, element: Element) -> Finding:
    fault = f"no page of Plivo's has the attribute {name}"
    equivalent = ATTRIBUTES.get((element.name, name))
    if equivalent is not None:
        return on(node, "warning", fault, f"it is TwiML's; Plivo has {equivalent}")
    by_case = {one.lower(): one for one in element.attributes}
    meant = by_case.get(name.lower()) or near(name, sorted(element.attributes))
    return on(node, "warning", fault, f"did you mean {meant}?" if meant else "")
