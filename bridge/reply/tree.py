"""Parse a document into a tree whose elements know their line.

1. A document must not declare entities. They can expand to any length (the "billion laughs" attack), and
   Plivo does not document that it expands them.
2. A document is UTF-8. The parser would also recognise UTF-16 without a byte order mark, by its zero
   bytes.
3. A namespace is part of the name: ``{urn:x}Response`` is not ``Response``. An undeclared prefix stays
   in the name, because SSML has such names (``amazon:effect``).
"""

import re
from dataclasses import dataclass, field
from typing import Final
from xml.parsers import expat

_XML_NAMESPACE: Final = "http://www.w3.org/XML/1998/namespace}"
_BARE_AMPERSAND: Final = re.compile(r"&(?!#?\w+;)")


class NotWellFormed(ValueError):
    """The text is not well-formed XML. ``line`` is where the parser stopped, None if not known."""

    def __init__(self, fault: str, line: int | None = None) -> None:
        super().__init__(fault)
        self.line = line


@dataclass(slots=True)
class Node:
    """One element. ``text`` is its own text, before and between its children."""

    name: str
    line: int
    attributes: dict[str, str]
    children: list["Node"] = field(default_factory=list["Node"])
    text: str = ""


@dataclass(slots=True)
class Tree:
    """A parsed document. ``doctype_line`` is the line of its document type declaration."""

    root: Node
    doctype_line: int | None = None
    has_undeclared_prefix: bool = False


def parse_tree(body: bytes) -> Tree:
    """Parse a document. Raises NotWellFormed."""
    if b"\0" in body:
        message = "it has zero bytes, as UTF-16 has"
        raise NotWellFormed(message)
    try:
        body.decode("utf-8")
        return _parse(body, namespaces=True)
    except NotWellFormed:
        raise
    except expat.ExpatError as error:
        if error.code != expat.errors.codes[expat.errors.XML_ERROR_UNBOUND_PREFIX]:
            raise NotWellFormed(_explain(error, body), error.lineno) from error
    except (
        LookupError,
        ValueError,
    ) as error:  # an encoding that is unknown, or not UTF-8
        raise NotWellFormed(str(error)) from error
    try:
        tree = _parse(body, namespaces=False)
    except expat.ExpatError as error:
        raise NotWellFormed(_explain(error, body), error.lineno) from error
    tree.has_undeclared_prefix = True
    return tree


def _parse(body: bytes, *, namespaces: bool) -> Tree:
    reader = _TreeBuilder(namespaces=namespaces)
    reader.parser.Parse(body, True)  # noqa: FBT003 (the parser's own signature)
    root = reader.root
    return Tree(root, reader.doctype_line)


class _TreeBuilder:
    """Builds the tree while the parser reads."""

    def __init__(self, *, namespaces: bool) -> None:
        self.parser = expat.ParserCreate(namespace_separator="}" if namespaces else None)
        self.parser.buffer_text = True
        self.parser.StartElementHandler = self._start
        self.parser.EndElementHandler = self._end
        self.parser.CharacterDataHandler = self._text
        self.parser.StartDoctypeDeclHandler = self._doctype
        self.parser.EntityDeclHandler = self._entity
        self.parser.SkippedEntityHandler = self._skipped
        self.doctype_line: int | None = None
        self._document = Node("", 0, {})
        self._open = [self._document]

    @property
    def root(self) -> Node:
        """Return the root element. There is one: the parser refuses a document without it."""
        return self._document.children[0]

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        named = {_readable_name(key): value for key, value in attributes.items()}
        node = Node(_readable_name(name), self.parser.CurrentLineNumber, named)
        self._open[-1].children.append(node)
        self._open.append(node)

    def _end(self, _name: str) -> None:
        self._open.pop()

    def _text(self, text: str) -> None:
        self._open[-1].text += text

    def _doctype(
        self,
        _name: str,
        _system: str | None,
        _public: str | None,
        has_internal_subset: bool,  # noqa: FBT001 (the parser's own signature)
    ) -> None:
        del has_internal_subset
        self.doctype_line = self.parser.CurrentLineNumber

    def _entity(self, name: str, *_: object) -> None:
        fault = f"it declares the entity {name!r}: write the text itself"
        raise NotWellFormed(fault, self.parser.CurrentLineNumber)

    def _skipped(self, name: str, _is_parameter: bool) -> None:  # noqa: FBT001 (the parser's own)
        fault = f"undefined entity &{name};"
        raise NotWellFormed(fault, self.parser.CurrentLineNumber)


def _readable_name(name: str) -> str:
    """Return a name as people write it: ``xml:lang`` or ``{namespace}name``."""
    if name.startswith(_XML_NAMESPACE):
        return "xml:" + name.removeprefix(_XML_NAMESPACE)
    return "{" + name if "}" in name else name


def _explain(error: expat.ExpatError, body: bytes) -> str:
    """Return the parser's message, with the most frequent cause if the line looks like it."""
    text = f"{expat.ErrorString(error.code)} at column {error.offset + 1}"
    lines = body.decode("utf-8").split("\n")
    if _BARE_AMPERSAND.search(lines[min(error.lineno, len(lines)) - 1]):
        text += "; write & as &amp; in text and in URLs"
    return text
