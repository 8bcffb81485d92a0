"""The reply of each callback type: Plivo XML documents, read from files and checked at the start.

A document with an error (see ``check``) stops the start. Warnings are kept, and the start logs
them.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Final

from bridge.callbacks.model import CallbackType, Reply
from bridge.core.catalogue import Catalogue
from bridge.core.journal import SentReply
from bridge.core.parse import Callback
from bridge.core.verify import Unverified, Verified
from bridge.reply.check import check_document
from bridge.reply.chosen import Ask, Given
from bridge.reply.finding import Finding
from bridge.reply.placeholders import check_template, find_no_value, find_value
from bridge.reply.template import Template, parse_template

XML_CONTENT_TYPE: Final = "application/xml"
EMPTY_DOCUMENT: Final = SentReply(200, XML_CONTENT_TYPE, b"<Response/>")
ACKNOWLEDGEMENT: Final = SentReply(200, None, b"")


class BadDocument(ValueError):
    """Documents cannot be used as replies. The text has one line for each fault.

    ``findings`` are all faults of the document, if it is one that could be read.
    """

    def __init__(self, message: str, findings: tuple[Finding, ...] = ()) -> None:
        super().__init__(message)
        self.findings = findings


@dataclass(frozen=True, slots=True)
class ReplyDocument:
    """A document without errors, and its warnings."""

    reply: SentReply
    warnings: tuple[Finding, ...]


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
    template, faults = parse_template(body)
    if faults:
        raise BadDocument(name, tuple(faults))
    kinds = {Reply.XML if kind.reply is Reply.ACK else kind.reply for kind in types}
    check = partial(_check_for, [kind for kind in Reply if kind in kinds])
    found = check(body) if template is None else list(check_template(template, types, check))
    if any(finding.is_error for finding in found):
        raise BadDocument(name, tuple(found))
    return Document(name, SentReply(200, XML_CONTENT_TYPE, body), template), tuple(found)


def _check_for(kinds: list[Reply], body: bytes) -> list[Finding]:
    """Return the faults of a document that answers types of several kinds, each once."""
    return list(dict.fromkeys(finding for kind in kinds for finding in check_document(body, kind)))


@dataclass(frozen=True, slots=True)
class DocumentWarning:
    """A warning about a document, and the types that it answers."""

    path: Path
    types: tuple[str, ...]
    finding: Finding


def read_document(path: Path, kind: Reply = Reply.XML) -> ReplyDocument:
    """Read a document that answers types of this kind. Raises BadDocument."""
    try:
        body = path.read_bytes()
    except OSError as error:
        message = f"{path}: {error.strerror}"
        raise BadDocument(message) from error
    found = check_document(body, kind)
    errors = [f"{path}: {finding}" for finding in found if finding.is_error]
    if errors:
        raise BadDocument("\n".join(errors))
    return ReplyDocument(SentReply(200, XML_CONTENT_TYPE, body), tuple(found))


class Replies:
    """The reply of every type: a document where Plivo executes the answer, else nothing.

    ``warnings`` has each warning about the documents once.
    """

    def __init__(self, catalogue: Catalogue, documents: Mapping[str, Path]) -> None:
        controls = {kind.name: kind for kind in catalogue.types_with_executed_reply}
        self._documents: dict[str, SentReply] = {}
        faults: list[str] = []
        doubted: dict[tuple[Path, Finding], list[str]] = {}
        for name, path in documents.items():
            if name not in controls:
                known = ", ".join(sorted(controls))
                faults.append(
                    f"{name} is not a type whose reply Plivo executes; those are: {known}"
                )
                continue
            try:
                document = read_document(path, controls[name].reply)
            except BadDocument as error:
                faults += [f"{name}: {line}" for line in str(error).splitlines()]
                continue
            self._documents[name] = document.reply
            for finding in document.warnings:
                doubted.setdefault((path, finding), []).append(name)
        if faults:
            raise BadDocument("\n".join(faults))
        self.warnings = [
            DocumentWarning(path, tuple(names), finding)
            for (path, finding), names in doubted.items()
        ]
        self.without_document = sorted(
            name
            for name, kind in controls.items()
            if name not in documents and kind.reply is not Reply.OPTIONAL_XML
        )

    def choose(self, callback: Callback) -> Given | Ask:
        """Return how a callback is answered."""
        return Given(self.reply_to(callback.type), None)

    def choose_without_event(
        self,
        verdict: Verified | Unverified,  # noqa: ARG002 (rules will need it)
        route: CallbackType | None,
    ) -> Given | Ask:
        """Return how a callback is answered of which no event can be made."""
        return Given(self.reply_to(route) if route else ACKNOWLEDGEMENT, None)

    def find_forward(self, callback: Callback) -> str | None:  # noqa: ARG002 (rules will need it)
        """Return the application that a notification is sent on to, None if there is none."""
        return None

    def reply_to(self, kind: CallbackType) -> SentReply:
        """Return the reply to a callback of this type."""
        document = self._documents.get(kind.name)
        if document is not None:
            return document
        return EMPTY_DOCUMENT if kind.reply in {Reply.XML, Reply.SOUND} else ACKNOWLEDGEMENT
