"""Plivo XML documents from files, checked before the first call can get one.

Plivo takes at most 100 KB, with ``Response`` as the root element; an empty one ends the call.
Source: the XML overview page, and Plivo's command-line tool for the size.
"""

import xml.etree.ElementTree as ET
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from bridge.callbacks.model import CallbackType, Reply
from bridge.catalogue import Catalogue
from bridge.event import GivenReply

XML_CONTENT_TYPE: Final = "application/xml"
DOCUMENT_BYTES_MAX: Final = 100_000
SOUND_ELEMENTS: Final = frozenset({"Play", "Speak", "Wait"})
EMPTY_DOCUMENT: Final = GivenReply(200, XML_CONTENT_TYPE, b"<Response/>")
ACKNOWLEDGEMENT: Final = GivenReply(200, None, b"")


class BadDocument(ValueError):
    """The document cannot be a reply; the text says which and why."""


def read_document(path: Path, kind: Reply = Reply.XML) -> GivenReply:
    """Return the reply that the file at ``path`` is to a type of this kind; raises BadDocument."""
    try:
        body = path.read_bytes()
    except OSError as error:
        message = f"{path}: {error.strerror}"
        raise BadDocument(message) from error
    if len(body) > DOCUMENT_BYTES_MAX:
        message = f"{path}: {len(body)} bytes; Plivo takes at most {DOCUMENT_BYTES_MAX}"
        raise BadDocument(message)
    try:
        body.decode("utf-8")
        root = ET.fromstring(body)  # noqa: S314 (as above)
    except (ET.ParseError, LookupError, ValueError) as error:
        message = f"{path}: not well-formed XML in UTF-8: {error}"
        raise BadDocument(message) from error
    if root.tag != "Response":
        message = f"{path}: the root element is <{root.tag}>; Plivo executes only <Response>"
        raise BadDocument(message)
    refused = [child.tag for child in root if child.tag not in SOUND_ELEMENTS]
    if kind is Reply.SOUND and refused:
        message = f"{path}: <{refused[0]}>; here Plivo executes only Play, Speak and Wait"
        raise BadDocument(message)
    return GivenReply(200, XML_CONTENT_TYPE, body)


class Replies:
    """The reply of every type: a document for those Plivo executes, nothing for the others."""

    def __init__(self, catalogue: Catalogue, documents: Mapping[str, Path]) -> None:
        controls = {kind.name: kind for kind in catalogue.controls}
        self._documents: dict[str, GivenReply] = {}
        for name, path in documents.items():
            if name not in controls:
                known = ", ".join(sorted(controls))
                message = f"{name} is not a type whose reply Plivo executes; those are: {known}"
                raise BadDocument(message)
            self._documents[name] = read_document(path, controls[name].reply)
        self.unanswered = sorted(
            name
            for name, kind in controls.items()
            if name not in documents and kind.reply is not Reply.OPTIONAL_XML
        )

    def of(self, kind: CallbackType) -> GivenReply:
        """Return what a callback of this type is answered."""
        document = self._documents.get(kind.name)
        if document is not None:
            return document
        return EMPTY_DOCUMENT if kind.reply in {Reply.XML, Reply.SOUND} else ACKNOWLEDGEMENT
