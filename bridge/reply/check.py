"""Check a reply document before Plivo gets it.

1. A fault is an error if Plivo fails on it, or if the caller hears nothing because of it. The bridge
   does not start with an error. Any other fault is a warning: Plivo executes the rest of the document.
2. Plivo ignores elements that it does not know. TwiML and a misspelt name are errors if Plivo then
   executes nothing, or only a wait or a hangup. Otherwise they are warnings.
3. Any other element that no page and no SDK has may be new at Plivo. It is only ever a warning, and
   it may be the target that a <Dial> needs.
4. Names are case-sensitive: a name in another case is an error (Plivo's page on structuring an XML
   document). A known element in the wrong parent is an error too, except inside <Speak>.

Sources: Plivo's SSML page limits one <Speak> to 3,000 characters and requires a Polly voice for SSML. We
saw an empty <Number> end the call with hangup code 8011.
"""

from collections.abc import Callable, Iterator
from typing import Final, assert_never

from bridge.callbacks.model import Reply
from bridge.reply import urls
from bridge.reply.attributes import check_attributes, check_retry_settings
from bridge.reply.elements import (
    CALL_ELEMENTS,
    ELEMENTS,
    MESSAGING_ELEMENTS,
    ROOT,
    SOUND_ELEMENTS,
    SPEECH_ELEMENTS,
    Content,
    Element,
    allowed_parents,
    find_call_element,
)
from bridge.reply.finding import Finding, Severity, closest_name, finding_at
from bridge.reply.tree import Node, NotWellFormed, Tree, parse_tree
from bridge.reply.twiml import ATTRIBUTE_EQUIVALENTS, FAILING_VERBS, PLIVO_EQUIVALENTS, find_verb

# The XML overview page says 100 KB.
DOCUMENT_BYTES_MAX: Final = 100_000
FINDINGS_MAX: Final = 100
SPOKEN_CHARACTERS_MAX: Final = 3_000

_VOICES: Final = frozenset({"MAN", "WOMAN"})
_POLLY: Final = "Polly."
# The Hangup page.
_REASONS: Final = frozenset({"rejected", "busy"})

# Executed, and still nobody hears anything.
_SILENT: Final = frozenset({"Hangup", "Wait"})


def check_document(body: bytes, kind: Reply = Reply.XML) -> list[Finding]:
    """Return every fault of a document that answers types of this kind, in document order."""
    if len(body) > DOCUMENT_BYTES_MAX:
        fault = f"{len(body)} bytes; Plivo accepts at most {DOCUMENT_BYTES_MAX}"
        return [Finding("error", None, None, fault)]
    try:
        tree = parse_tree(body)
    except NotWellFormed as error:
        fault = f"not well-formed XML in UTF-8: {error}"
        return [Finding("error", error.line, None, fault)]
    found = sorted(_find_all(tree, kind), key=lambda finding: finding.line or 0)
    errors = [finding for finding in found if finding.is_error]
    kept = [*errors, *(finding for finding in found if not finding.is_error)][:FINDINGS_MAX]
    return sorted(kept, key=lambda finding: finding.line or 0)


def _find_all(tree: Tree, kind: Reply) -> Iterator[Finding]:
    root = tree.root
    if root.name != ROOT:
        fault = f"the root element is <{root.name}>; Plivo executes only <{ROOT}>"
        yield Finding("error", root.line, None, fault)
        return
    if tree.doctype_line is not None:
        fault = "Plivo documents no document type declaration"
        yield Finding("warning", tree.doctype_line, None, fault, "remove it")
    if tree.has_undeclared_prefix:
        yield Finding("warning", None, None, "a name has a prefix that is not declared")
    # A stack, not recursion: a document can be nested deeper than Python's calls can.
    is_silent = _is_silent(root, kind)
    waiting = [(root, ELEMENTS[ROOT])]
    while waiting:
        node, element = waiting.pop()
        yield from check_attributes(node, element)
        yield from _check_content(node, element)
        for child in node.children:
            refused = _find_misplacement(child, element, kind, is_silent=is_silent and node is root)
            if refused is not None:
                yield refused
            else:
                waiting.append((child, ELEMENTS[child.name]))


def _executed_children(element: Element, kind: Reply) -> tuple[str, ...]:
    """Return the elements that Plivo executes in this one, for types of this kind."""
    if element.name == ROOT and kind is Reply.SOUND:
        return SOUND_ELEMENTS
    if element.name == ROOT and kind is Reply.OPTIONAL_XML:
        return MESSAGING_ELEMENTS
    return element.children


def _is_silent(root: Node, kind: Reply) -> bool:
    """Return True if Plivo executes nothing that the caller could hear: rule 2."""
    executed = set(_executed_children(ELEMENTS[ROOT], kind)) - _SILENT
    return not any(child.name in executed for child in root.children)


def _find_misplacement(
    child: Node, within: Element, kind: Reply, *, is_silent: bool
) -> Finding | None:
    """Return why Plivo does not execute ``child`` in this parent; None if it does."""
    if child.name in _executed_children(within, kind):
        return None
    if within.name == ROOT and kind is Reply.SOUND:
        fault = "in a sound document Plivo executes only Play, Speak and Wait"
        return finding_at(
            child, "error", fault, PLIVO_EQUIVALENTS.get(find_verb(child.name) or "", "")
        )
    if child.name in within.children:
        fault = "in the answer to a message Plivo executes only <Message>"
        return finding_at(child, "warning", fault, "there is no call here")
    if within.name == "Speak" or within.name in SPEECH_ELEMENTS:
        return _unspeakable_element(child, within)
    if child.name in ELEMENTS:
        severity: Severity = "error" if child.name in CALL_ELEMENTS else "warning"
        parents = " or ".join(f"<{name}>" for name in allowed_parents(child.name)) or "nothing"
        fault = f"it is not allowed in <{within.name}>"
        return finding_at(child, severity, fault, f"put it in {parents}")
    return _unknown_element(child, within, is_silent=is_silent)


def _unknown_element(child: Node, within: Element, *, is_silent: bool) -> Finding:
    """Return the fault of an element that Plivo does not have: rules 2 to 4."""
    name = find_call_element(child.name)
    if name is not None:
        return finding_at(child, "error", "names are case-sensitive", f"write <{name}>")
    severity: Severity = "error" if is_silent else "warning"
    verb = find_verb(child.name)
    if verb is not None:
        severity = "error" if verb in FAILING_VERBS and within.name == ROOT else severity
        return finding_at(child, severity, "TwiML, which Plivo ignores", PLIVO_EQUIVALENTS[verb])
    fault = "Plivo does not document this element, and ignores elements it does not know"
    meant = closest_name(child.name, within.children)
    if meant is not None:
        return finding_at(child, severity, fault, f"did you mean <{meant}>?")
    return finding_at(child, "warning", fault, "nothing else is executed" if is_silent else "")


def _unspeakable_element(child: Node, within: Element) -> Finding:
    """Return the fault of an element that Plivo does not accept inside <Speak>: rule 4."""
    verb = find_verb(child.name)
    if verb is not None:
        return finding_at(
            child, "warning", "TwiML, which Plivo does not speak", PLIVO_EQUIVALENTS[verb]
        )
    if child.name in CALL_ELEMENTS:
        return finding_at(
            child, "warning", f"it is not allowed in <{within.name}>", "close <Speak> first"
        )
    fault = f"Plivo's page on SSML does not allow it in <{within.name}>"
    return finding_at(child, "warning", fault)


def _check_content(node: Node, element: Element) -> Iterator[Finding]:
    """Yield every fault of an element's text, and of its target."""
    text = node.text.strip()
    match element.content:
        case Content.NOTHING:
            if text:
                yield finding_at(node, "warning", "Plivo ignores the text in it")
        case Content.SPEECH:
            pass
        case Content.NAME:
            if not text:
                yield finding_at(node, "error", "it is empty", f"write {element.target_text}")
        case Content.URL:
            yield from _check_url_in_text(node, element, text)
        case Content.WEBSOCKET:
            yield from _check_websocket(node, element, text)
        case _:
            assert_never(element.content)
    yield from _CHECKS_BY_ELEMENT.get(element.name, _check_nothing)(node)


def _check_url_in_text(node: Node, element: Element, text: str) -> Iterator[Finding]:
    equivalents = [ATTRIBUTE_EQUIVALENTS.get((element.name, name)) for name in node.attributes]
    hint = "".join(f", or use {one}" for one in equivalents if one)
    if not text:
        yield finding_at(node, "error", "it is empty", f"write {element.target_text}{hint}")
    elif not urls.is_absolute(text):
        fault = f"its text is not an absolute URL: {urls.redacted(text)}"
        speak = ", or use <Speak> for words" if element.name == "Play" else ""
        yield finding_at(node, "error", fault, f"write {element.target_text}{speak}")
    else:
        yield from check_retry_settings(node, "", text, is_retried="" in element.retry_attributes)


def _check_websocket(node: Node, element: Element, text: str) -> Iterator[Finding]:
    if urls.is_websocket(text):
        yield from check_retry_settings(node, "", text, is_retried=False)
    elif urls.is_absolute(text):
        yield finding_at(
            node,
            "warning",
            f"its text is not a WebSocket URL: {urls.redacted(text)}",
            "write wss://",
        )
    elif node.attributes.keys() - element.attributes and not text:
        # A newer attribute may name the target of the stream, as ``cx_bot`` does in Plivo's API.
        yield finding_at(node, "warning", "it is empty", f"write {element.target_text}")
    else:
        fault = f"its text is not an absolute URL: {urls.redacted(text)}" if text else "it is empty"
        yield finding_at(node, "error", fault, f"write {element.target_text}: wss://host/path")


def _check_nothing(_node: Node) -> Iterator[Finding]:
    return iter(())


def _check_dial(node: Node) -> Iterator[Finding]:
    dial = ELEMENTS["Dial"]
    # An element that we do not know may be the target: rule 3.
    if any(child.name in dial.children or _may_be_new(child, dial) for child in node.children):
        return
    in_text = node.text.strip()
    remedy = "put the number into <Number>" if in_text else f"name {dial.target_text}"
    yield finding_at(node, "error", "it has no target", remedy)


def _check_dtmf(node: Node) -> Iterator[Finding]:
    if not node.text.strip() and not node.attributes.get("digits"):
        yield finding_at(node, "warning", "it is empty", "write the digits to send")


def _check_message(node: Node) -> Iterator[Finding]:
    if not node.text.strip():
        yield finding_at(node, "warning", "it is empty", "write the words of the message")


def _check_sip(node: Node) -> Iterator[Finding]:
    fault = "only one page of Plivo's has it; the page on Dial and the SDKs do not"
    yield finding_at(node, "warning", fault, "use <User>")


def _check_speak(node: Node) -> Iterator[Finding]:
    voice = node.attributes.get("voice", "").strip()
    has_markup = bool(node.children)
    if voice and voice not in _VOICES and not voice.startswith(_POLLY):
        remedy = "write WOMAN, MAN, or a name such as Polly.Joanna"
        yield finding_at(node, "warning", f"{voice[:40]!r} is not a voice of Plivo's", remedy)
    elif has_markup and not voice.startswith(_POLLY):
        remedy = 'write for example voice="Polly.Joanna"'
        yield finding_at(node, "warning", "SSML needs a Polly voice", remedy)
    characters, with_markup = _count_characters(node)
    if characters > SPOKEN_CHARACTERS_MAX:
        fault = f"{characters} characters; Plivo speaks at most {SPOKEN_CHARACTERS_MAX} of SSML"
        is_ssml = has_markup or voice.startswith(_POLLY)
        yield finding_at(node, "error" if is_ssml else "warning", fault, "use several <Speak>")
    elif with_markup > SPOKEN_CHARACTERS_MAX:
        # Polly does not count tags. No page says whether Plivo counts them.
        fault = (
            f"{with_markup} characters with its tags; Plivo may speak only {SPOKEN_CHARACTERS_MAX}"
        )
        yield finding_at(node, "warning", fault, "use several <Speak>")
    elif not characters:
        yield finding_at(node, "warning", "it is empty", "write the words to speak")


def _check_hangup(node: Node) -> Iterator[Finding]:
    reason = node.attributes.get("reason")
    if reason is not None and reason not in _REASONS:
        yield finding_at(
            node, "warning", "Plivo does not know this reason", "write rejected or busy"
        )


def _count_characters(node: Node) -> tuple[int, int]:
    """Return the characters of an element and its children: without the tags, and with them."""
    waiting, texts, tags = list(node.children), [node.text], 0
    while waiting:
        one = waiting.pop()
        texts.append(one.text)
        tags += sum(len(f' {name}=""{value}') for name, value in one.attributes.items())
        tags += (
            len(f"<{one.name}></{one.name}>") if one.text or one.children else len(f"<{one.name}/>")
        )
        waiting += one.children
    characters = len("".join(texts).strip())
    return characters, characters + tags


_CHECKS_BY_ELEMENT: Final[dict[str, Callable[[Node], Iterator[Finding]]]] = {
    "Dial": _check_dial,
    "DTMF": _check_dtmf,
    "Hangup": _check_hangup,
    "Message": _check_message,
    "Sip": _check_sip,
    "Speak": _check_speak,
}


def _may_be_new(child: Node, within: Element) -> bool:
    """Return True if an element may be new at Plivo: nobody documents it, and nothing is similar."""
    is_known = child.name in ELEMENTS or find_call_element(child.name) is not None
    return (
        not is_known
        and find_verb(child.name) is None
        and closest_name(child.name, within.children) is None
    )
