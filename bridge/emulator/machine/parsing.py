"""Read the answer to a callback as a document that Plivo can execute.

A document must be well-formed XML with the root ``<Response>``, at most 100 KB, under an XML content
type, and without the faults that Plivo fails on. An element that Plivo does not know is none of these:
it is skipped, also if nothing else is in the document.
"""

from bridge.callbacks.model import Reply
from bridge.emulator.machine.commands import Response
from bridge.reply.check import check_document
from bridge.reply.document import XML_TYPES
from bridge.reply.elements import ELEMENTS
from bridge.reply.tree import Node, parse_tree
from bridge.reply.twiml import FAILING_VERBS, find_verb


def parse_document(response: Response, kind: Reply = Reply.XML) -> tuple[Node | None, list[str]]:
    """Return the root of a document, None if Plivo refuses it, and its faults.

    ``kind`` is that of the callback that was answered.
    """
    media_type = response.content_type.partition(";")[0].strip().lower()
    if media_type not in XML_TYPES:
        return None, [f"the content type {media_type or '(none)'} is not an XML type"]
    findings = check_document(response.body, kind)
    faults = [str(one) for one in findings]
    if any(one.is_error and not _is_skipped(one.element) for one in findings):
        return None, faults
    return parse_tree(response.body).root, faults


def _is_skipped(name: str | None) -> bool:
    """Return whether Plivo skips such an element. The check refuses a document of these alone."""
    return name is not None and name not in ELEMENTS and find_verb(name) not in FAILING_VERBS
