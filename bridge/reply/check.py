"""What is wrong with a reply document, before a call can get it.

1. An error is what Plivo fails on, or what leaves the caller in silence: the bridge does not start
   with it. Everything else is a warning, because Plivo executes the rest of the document.
2. Plivo ignores elements that it does not know. TwiML and misspelt names are therefore errors where
   nothing else in the document is executed but a wait or a hangup, and warnings where something is.
3. Any other element that no page and no SDK names may be new at Plivo. It is never more than a warning,
   and it may be what a <Dial> needs.
4. Names are case-sensitive, and another case is an error: the page on structuring an XML document.
   So is one of Plivo's elements where no SDK lets it stand, except inside <Speak>.
5. Unknown attributes are warnings. So are empty ones, which stand for a default on the Conference page.

Sources beside the pages of the elements: 8011 was seen for <Reject> and for an empty <Number>; the limit
of 3,000 characters in one <Speak> and its need of a Polly voice are those of the SSML page.
"""

import difflib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Final, Literal, assert_never

from bridge.callbacks.model import Reply
from bridge.reply import urls
from bridge.reply.elements import (
    CALL_ELEMENTS,
    ELEMENTS,
    MESSAGING_ELEMENTS,
    ROOT,
    SOUND_ELEMENTS,
    SOUND_WORDS,
    SPEECH_ELEMENTS,
    Content,
    Element,
    parents_of,
)
from bridge.reply.tree import Node, NotXml, Tree, tree_of
from bridge.reply.twiml import ATTRIBUTES, FAILING_VERBS, VERBS, verb_of

# The XML overview page says 100 KB.
DOCUMENT_BYTES_MAX: Final = 100_000
SPOKEN_CHARACTERS_MAX: Final = 3_000
FINDINGS_MAX: Final = 100

# Executed, and still nobody hears anything.
_SILENT: Final = frozenset({"Hangup", "Wait"})
_METHODS: Final = frozenset({"GET", "POST"})
_VOICES: Final = frozenset({"MAN", "WOMAN"})
_POLLY: Final = "Polly."
# Of difflib: "Dail" for "Dial" is 0.75.
_NEAR: Final = 0.75
_CASELESS: Final = {name.lower(): name for name in CALL_ELEMENTS}

Severity = Literal["error", "warning"]


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is wrong. ``line`` and ``element`` are None where it is the whole document."""

    severity: Severity
    line: int | None
    element: str | None
    fault: str
    remedy: str = ""

    @property
    def is_error(self) -> bool:
        """Say whether the bridge refuses the document for it."""
        return self.severity == "error"

    @property
    def meaning(self) -> str:
        """Return the fault, and what to do about it."""
        return f"{self.fault}: {self.remedy}" if self.remedy else self.fault

    def __str__(self) -> str:
        """Return the finding as one line, without the file's name."""
        line = [f"line {self.line}"] if self.line is not None else []
        element = [f"<{self.element}>"] if self.element is not None else []
        return ": ".join([*line, *element, self.meaning])


def check(body: bytes, kind: Reply = Reply.XML) -> list[Finding]:
    """Return everything that is wrong with a document for types of this kind, in its order."""
    if len(body) > DOCUMENT_BYTES_MAX:
        fault = f"{len(body)} bytes; Plivo takes at most {DOCUMENT_BYTES_MAX}"
        return [Finding("error", None, None, fault)]
    try:
        tree = tree_of(body)
    except NotXml as error:
        fault = f"not well-formed XML in UTF-8: {error}"
        return [Finding("error", error.line, None, fault)]
    found = sorted(_findings(tree, kind), key=lambda finding: finding.line or 0)
    errors = [finding for finding in found if finding.is_error]
    kept = [*errors, *(finding for finding in found if not finding.is_error)][:FINDINGS_MAX]
    return sorted(kept, key=lambda finding: finding.line or 0)


def _findings(tree: Tree, kind: Reply) -> Iterator[Finding]:
    root = tree.root
    if root.name != ROOT:
        fault = f"the root element is <{root.name}>; Plivo executes only <{ROOT}>"
        yield Finding("error", root.line, None, fault)
        return
    if tree.doctype_line is not None:
        fault = "no page of Plivo's has a document type declaration"
        yield Finding("warning", tree.doctype_line, None, fault, "remove it")
    if tree.has_undeclared_prefix:
        yield Finding("warning", None, None, "a prefix of a name is not declared")
    # A stack and no recursion: a document may be nested deeper than Python calls may be.
    waiting = [(root, ELEMENTS[ROOT])]
    while waiting:
        node, element = waiting.pop()
        yield from _of_attributes(node, element)
        yield from _of_content(node, element)
        for child in node.children:
            refused = _misplaced(child, node, element, kind)
            if refused is not None:
                yield refused
            else:
                waiting.append((child, ELEMENTS[child.name]))


def _executed_in(element: Element, kind: Reply) -> tuple[str, ...]:
    """Return the elements that Plivo executes in this one, for types of this kind."""
    if element.name == ROOT and kind is Reply.SOUND:
        return SOUND_ELEMENTS
    if element.name == ROOT and kind is Reply.OPTIONAL_XML:
        return MESSAGING_ELEMENTS
    return element.holds


def _misplaced(child: Node, parent: Node, within: Element, kind: Reply) -> Finding | None:
    """Return why Plivo does not execute ``child`` where it stands; None if it does."""
    executed = _executed_in(within, kind)
    if child.name in executed:
        return None
    if within.name == ROOT and kind is Reply.SOUND:
        fault = "here Plivo executes only Play, Speak and Wait"
        return _on(child, "error", fault, VERBS.get(verb_of(child.name) or "", ""))
    if child.name in within.holds:
        fault = "in answer to a message Plivo executes only Message"
        return _on(child, "warning", fault, "there is no call here")
    if within.name == "Speak" or within.name in SPEECH_ELEMENTS:
        return _not_spoken(child, within)
    if child.name in ELEMENTS:
        severity: Severity = "error" if child.name in CALL_ELEMENTS else "warning"
        parents = " or ".join(f"<{name}>" for name in parents_of(child.name)) or "nothing"
        fault = f"it may not stand in <{within.name}>"
        return _on(child, severity, fault, f"it stands in {parents}")
    is_silent = within.name == ROOT and not any(
        one.name in executed and one.name not in _SILENT for one in parent.children
    )
    return _unknown(child, within, is_silent=is_silent)


def _unknown(child: Node, within: Element, *, is_silent: bool) -> Finding:
    """Return what is said of a name that is none of Plivo's: rules 2 to 4."""
    name = _CASELESS.get(child.name.lower())
    if name is not None:
        return _on(child, "error", "names are case-sensitive", f"write <{name}>")
    severity: Severity = "error" if is_silent else "warning"
    verb = verb_of(child.name)
    if verb is not None:
        severity = "error" if verb in FAILING_VERBS and within.name == ROOT else severity
        return _on(child, severity, "TwiML, which Plivo ignores", VERBS[verb])
    fault = "no page of Plivo's has this element, and Plivo ignores what it does not know"
    near = _near(child.name, within.holds)
    if near is not None:
        return _on(child, severity, fault, f"did you mean <{near}>?")
    return _on(child, "warning", fault, "nothing else is executed" if is_silent else "")


def _near(name: str, names: Iterable[str]) -> str | None:
    """Return the name that was most likely meant, None if none is near."""
    return next(iter(difflib.get_close_matches(name, names, n=1, cutoff=_NEAR)), None)


def _not_spoken(child: Node, within: Element) -> Finding:
    """Return what is said of an element that SSML, as Plivo takes it, does not have here: rule 4."""
    verb = verb_of(child.name)
    if verb is not None:
        return _on(child, "warning", "TwiML, which is not spoken", VERBS[verb])
    if child.name in CALL_ELEMENTS:
        return _on(child, "warning", f"it may not stand in <{within.name}>", "close <Speak> first")
    fault = f"Plivo's page on SSML does not have it in <{within.name}>"
    return _on(child, "warning", fault)


def _of_attributes(node: Node, element: Element) -> Iterator[Finding]:
    for name, value in node.attributes.items():
        if name in element.urls:
            yield from _of_url(node, name, value, is_retried=name in element.retried)
        elif name in element.sounds:
            yield from _of_sound(node, name, value, is_retried=name in element.retried)
        elif name in element.methods:
            yield from _of_method(node, name, value)
        elif name not in element.attributes and not name.startswith(("{", "xml:")):
            yield _unknown_attribute(node, name, element)
    for name in element.needs:
        if not node.attributes.get(name, "").strip():
            yield _on(node, "error", f"it has no {name}", f"set the attribute {name}")
    for name in element.wants:
        if name not in node.attributes:
            yield _on(node, "warning", f"it has no {name}", f"set the attribute {name}")


def _of_url(node: Node, name: str, value: str, *, is_retried: bool) -> Iterator[Finding]:
    if not value.strip():
        yield _on(node, "warning", f"the attribute {name} is empty", "set it, or leave it out")
        return
    if not urls.is_absolute(value.strip()):
        fault = f"{name} is no absolute URL: {urls.shown(value.strip())}"
        yield _on(node, "error", fault, "write it with https:// and a host")
        return
    if value != value.strip():
        yield _on(node, "warning", f"there is white space around the URL in {name}")
    yield from _of_fragment(node, name, value.strip(), is_retried=is_retried)


def _of_sound(node: Node, name: str, value: str, *, is_retried: bool) -> Iterator[Finding]:
    """Yield what is wrong with a sound: a URL, a word such as ``beep:1``, or empty (rule 5)."""
    text = value.strip()
    if not text or text.lower() in SOUND_WORDS:
        return
    if "/" in text or "." in text:
        yield from _of_url(node, name, value, is_retried=is_retried)
        return
    words = ", ".join(sorted(SOUND_WORDS))
    yield _on(node, "warning", f"{name} is neither a URL nor one of {words}: {urls.shown(text)}")


def _of_fragment(node: Node, name: str, url: str, *, is_retried: bool) -> Iterator[Finding]:
    settings = urls.retry_settings(url)
    if not settings:
        return
    if not is_retried:
        fault = f"Plivo documents no retry settings for the URL in {name or 'its text'}"
        yield _on(node, "warning", fault, "they may have no effect")
        return
    fault_of_settings = urls.retry_fault(settings)
    if fault_of_settings is not None:
        yield _on(node, "warning", fault_of_settings)


def _of_method(node: Node, name: str, value: str) -> Iterator[Finding]:
    if value in _METHODS:
        return
    if not value.strip():
        yield _on(node, "warning", f"the attribute {name} is empty", "write GET or POST")
    elif value.strip().upper() in _METHODS:
        yield _on(node, "warning", f"{name} is {urls.shown(value)}", "write GET or POST")
    else:
        fault = f"{name} is {urls.shown(value)}; Plivo calls with GET or POST alone"
        yield _on(node, "error", fault, "write GET or POST")


def _unknown_attribute(node: Node, name: str, element: Element) -> Finding:
    fault = f"no page of Plivo's has the attribute {name}"
    equivalent = ATTRIBUTES.get((element.name, name))
    if equivalent is not None:
        return _on(node, "warning", fault, f"it is TwiML's; Plivo has {equivalent}")
    by_case = {one.lower(): one for one in element.attributes}
    near = by_case.get(name.lower()) or _near(name, sorted(element.attributes))
    return _on(node, "warning", fault, f"did you mean {near}?" if near else "")


def _of_content(node: Node, element: Element) -> Iterator[Finding]:
    text = node.text.strip()
    match element.content:
        case Content.NOTHING:
            if text:
                yield _on(node, "warning", "Plivo ignores the text in it")
        case Content.SPEECH:
            pass
        case Content.NAME:
            if not text:
                yield _on(node, "error", "it is empty", f"write {element.target}")
        case Content.URL:
            yield from _of_url_in_text(node, element, text)
        case Content.WEBSOCKET:
            yield from _of_websocket(node, element, text)
        case _:
            assert_never(element.content)
    yield from _SPECIAL.get(element.name, _nothing_special)(node)


def _of_url_in_text(node: Node, element: Element, text: str) -> Iterator[Finding]:
    equivalents = [ATTRIBUTES.get((element.name, name)) for name in node.attributes]
    hint = "".join(f", or use {one}" for one in equivalents if one)
    if not text:
        yield _on(node, "error", "it is empty", f"write {element.target}{hint}")
    elif not urls.is_absolute(text):
        fault = f"its text is no absolute URL: {urls.shown(text)}"
        said = ", or use <Speak> for words" if element.name == "Play" else ""
        yield _on(node, "error", fault, f"write {element.target}{said}")
    else:
        yield from _of_fragment(node, "", text, is_retried="" in element.retried)


def _of_websocket(node: Node, element: Element, text: str) -> Iterator[Finding]:
    if urls.is_websocket(text):
        yield from _of_fragment(node, "", text, is_retried=False)
    elif urls.is_absolute(text):
        yield _on(node, "warning", f"its text is no WebSocket: {urls.shown(text)}", "write wss://")
    elif node.attributes.keys() - element.attributes and not text:
        # A newer attribute may say where the stream goes: Plivo's API has such a one, ``cx_bot``.
        yield _on(node, "warning", "it is empty", f"write {element.target}")
    else:
        fault = f"its text is no absolute URL: {urls.shown(text)}" if text else "it is empty"
        yield _on(node, "error", fault, f"write {element.target}: wss://host/path")


def _nothing_special(_node: Node) -> Iterator[Finding]:
    return iter(())


def _of_dial(node: Node) -> Iterator[Finding]:
    dial = ELEMENTS["Dial"]
    # Rule 3: an element that may be new may be the target.
    if any(child.name in dial.holds or _may_be_new(child, dial) for child in node.children):
        return
    in_text = node.text.strip()
    remedy = "put the number into <Number>" if in_text else f"name {dial.target}"
    yield _on(node, "error", "it has no target", remedy)


def _may_be_new(child: Node, within: Element) -> bool:
    is_known = child.name in ELEMENTS or child.name.lower() in _CASELESS
    return not is_known and verb_of(child.name) is None and _near(child.name, within.holds) is None


def _of_dtmf(node: Node) -> Iterator[Finding]:
    if not node.text.strip() and not node.attributes.get("digits"):
        yield _on(node, "warning", "it is empty", "write the digits to send")


def _of_message(node: Node) -> Iterator[Finding]:
    if not node.text.strip():
        yield _on(node, "warning", "it is empty", "write the words of the message")


def _of_sip(node: Node) -> Iterator[Finding]:
    fault = "one page of Plivo's has it; its page on Dial and its SDKs do not"
    yield _on(node, "warning", fault, "use <User>")


def _of_speak(node: Node) -> Iterator[Finding]:
    voice = node.attributes.get("voice", "").strip()
    has_markup = bool(node.children)
    if voice and voice not in _VOICES and not voice.startswith(_POLLY):
        remedy = "write WOMAN, MAN, or a name such as Polly.Joanna"
        yield _on(node, "warning", f"Plivo has no voice {voice[:40]!r}", remedy)
    elif has_markup and not voice.startswith(_POLLY):
        remedy = 'write voice="Polly.Joanna", or another'
        yield _on(node, "warning", "SSML needs a voice of Polly's", remedy)
    characters = len("".join(_texts(node)).strip())
    if characters > SPOKEN_CHARACTERS_MAX:
        fault = f"{characters} characters; Plivo speaks at most {SPOKEN_CHARACTERS_MAX} of SSML"
        is_ssml = has_markup or voice.startswith(_POLLY)
        yield _on(node, "error" if is_ssml else "warning", fault, "use several <Speak>")
    elif not characters:
        yield _on(node, "warning", "it is empty", "write the words to speak")


_SPECIAL: Final[dict[str, Callable[[Node], Iterator[Finding]]]] = {
    "Dial": _of_dial,
    "DTMF": _of_dtmf,
    "Message": _of_message,
    "Sip": _of_sip,
    "Speak": _of_speak,
}


def _texts(node: Node) -> list[str]:
    """Return the text of an element and of all that it holds, in no order."""
    waiting, texts = [node], list[str]()
    while waiting:
        one = waiting.pop()
        texts.append(one.text)
        waiting += one.children
    return texts


def _on(node: Node, severity: Severity, fault: str, remedy: str = "") -> Finding:
    return Finding(severity, node.line, node.name, fault, remedy)
