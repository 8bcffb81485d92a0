"""Plivo XML documents as replies, checked before the first callback can get one."""

from collections.abc import Collection
from dataclasses import dataclass
from functools import partial
from typing import Final

from bridge.callbacks.model import CallbackType, Reply
from bridge.core.journal import SentReply
from bridge.core.parse import Callback
from bridge.reply.check import check_document
from bridge.reply.finding import Finding
from bridge.reply.placeholders import check_template, find_no_value, find_value
from bridge.reply.template import Template, parse_template

XML_CONTENT_TYPE: Final = "application/xml"
XML_TYPES: Final = frozenset({XML_CONTENT_TYPE, "text/xml"})
"""The media types of a document that Plivo executes: its XML overview page."""
EMPTY_DOCUMENT: Final = SentReply(200, XML_CONTENT_TYPE, b"<Response/>")
ACKNOWLEDGEMENT: Final = SentReply(200, None, b"")


class BadDocument(ValueError):
    """A document cannot be a reply. ``findings`` are all its faults, with at least one error."""

    def __init__(self, name: str, findings: tuple[Finding, ...]) -> None:
        super().__init__(name)
        self.findings = findings


@dataclass(frozen=True, slots=True)
class Document:
    """A document without errors, as rules use it. ``name`` is its file, as the rule names it.

    ``template`` is None if it has no placeholders: then ``reply`` is the same for every callback.
    """

    name: str
    reply: SentReply
    template: Template | None = None

    def fill_in(self, callback: Callback | None) -> SentReply:
        """Return the reply to a callback; to one of which only the type is known, if it is None."""
        if self.template is None:
            return self.reply
        find = find_no_value if callback is None else partial(find_value, callback)
        return self.reply._replace(body=self.template.render(find))


def make_document(
    name: str, body: bytes, types: Collection[CallbackType]
) -> tuple[Document, tuple[Finding, ...]]:
    """Return the document that answers these types, and its warnings. Raises BadDocument.

    An unrecognised callback is answered like one whose answer is Plivo XML.
    """
    kinds = {Reply.XML if kind.reply is Reply.ACK else kind.reply for kind in types}
    template, found = check_reply(body, [kind for kind in Reply if kind in kinds], types)
    if any(finding.is_error for finding in found):
        raise BadDocument(name, found)
    return Document(name, SentReply(200, XML_CONTENT_TYPE, body), template), found


def check_reply(
    body: bytes, kinds: Collection[Reply], types: Collection[CallbackType] = ()
) -> tuple[Template | None, tuple[Finding, ...]]:
    """Return the template of a document, None if it has no placeholders, and all its faults.

    ``kinds`` are those of the types that it answers. ``types`` empty: they are not known.
    """

    def check(filled_in: bytes) -> list[Finding]:
        found = (finding for kind in kinds for finding in check_document(filled_in, kind))
        return list(dict.fromkeys(found))

    template, faults = parse_template(body)
    if faults:
        return template, tuple(faults)
    return template, tuple(
        check(body) if template is None else check_template(template, types, check)
    )
