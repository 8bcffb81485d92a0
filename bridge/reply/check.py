"""Check a reply document before Plivo gets it.

1. A fault is an error if Plivo fails on it, or if the caller hears nothing because of it. The bridge
   does not start with an error. Any other fault is a warning: Plivo executes the rest of the document.
2. Plivo ignores elements that it does not know. TwiML and a misspelt name are errors if Plivo then
   executes nothing, or only a wait or a hangup. Otherwise they are warnings.
3. Any other element that no page and no SDK has may be new at Plivo. It is only ever a warning, and
   it may be the target that a <Dial> needs.
4. Names are case-sensitive: a name in another case is an error (Plivo's page on structuring an XML
   document). A known element in the wrong parent is an error too, except inside <Speak>.
"""

from collections.abc import Iterator
from typing import Final

from bridge.callbacks.model import Reply
from bridge.reply.attributes import check_attributes
from bridge.reply.content import check_content
from bridge.reply.elements import (
    CALL_ELEMENTS,
    ELEMENTS,
    MESSAGING_ELEMENTS,
    ROOT,
    SOUND_ELEMENTS,
    SPEECH_ELEMENTS,
    Element,
    allowed_parents,
    find_call_element,
)
from bridge.reply.finding import Finding, Severity, closest_name, finding_at
from bridge.reply.tree import Node, NotWellFormed, Tree, parse_tree
from bridge.reply.twiml import FAILING_VERBS, PLIVO_EQUIVALENTS, find_verb

# The XML overview page says 100 KB.
DOCUMENT_BYTES_MAX: Final = 100_000
FINDINGS_MAX: Final = 100

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
        yield from check_content(node, element)
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
