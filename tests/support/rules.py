"""Rules from TOML, with documents from memory."""

import tomllib
from collections.abc import Collection, Mapping
from functools import partial
from pathlib import Path
from typing import Final

from bridge.callbacks.model import CallbackType
from bridge.core.catalogue import Catalogue
from bridge.reply.document import BadDocument, Document, make_document
from bridge.reply.finding import Finding
from bridge.reply.rule_file import ParsedRules, parse_rules
from bridge.reply.rules import Rules

DOCUMENTS: Final = {
    "sales.xml": b"<Response><Speak>Sales</Speak></Response>",
    "support.xml": b"<Response><Speak>Support</Speak></Response>",
    "closed.xml": b"<Response><Speak>Closed</Speak><Hangup/></Response>",
    "hold.xml": b"<Response><Play>https://media.example.com/hold.mp3</Play></Response>",
    "thanks.xml": b'<Response><Message src="14155550100" dst="14155550123">Thanks</Message></Response>',
    "twiml.xml": b"<Response>\n<Say>Hello</Say></Response>",
    "pause.xml": b"<Response><Speak>Hello</Speak>\n<Pause/></Response>",
}


def read(
    name: str,
    kinds: Collection[CallbackType],
    *,
    documents: dict[str, bytes] = DOCUMENTS,
) -> tuple[Document, tuple[Finding, ...]]:
    if name not in documents:
        missing = Finding("error", None, None, "No such file or directory")
        raise BadDocument(name, (missing,))
    return make_document(name, documents[name], kinds)


def parse(text: str, types: Catalogue, documents: dict[str, bytes] = DOCUMENTS) -> ParsedRules:
    """Return the rules of a file's text, and its faults."""
    return parse_rules(tomllib.loads(text), types, partial(read, documents=documents))


def rules_of(text: str, types: Catalogue, documents: dict[str, bytes] = DOCUMENTS) -> Rules:
    """Return the rules of a file without errors."""
    parsed = parse(text, types, documents)
    assert parsed.rules is not None, parsed.findings
    return parsed.rules


def write_rules(folder: Path, documents: Mapping[str, str | bytes]) -> Path:
    """Write a document for each type, and the file of rules that names them. Return its path."""
    rules: list[str] = []
    for name, text in documents.items():
        body = text if isinstance(text, bytes) else text.encode()
        (folder / f"{name}.xml").write_bytes(body)
        rules.append(f'[[rules]]\nname = "{name}"\ntype = "{name}"\ndocument = "{name}.xml"\n')
    path = folder / "rules.toml"
    path.write_text("\n".join(rules))
    return path
