"""Documents with placeholders for the parameters of a callback.

1. A placeholder is ``{{Name}}`` or ``{{Name|default}}``: see ``placeholders`` for the names.
2. A placeholder may be in text and in attribute values, never in a name. So no value can change which
   elements and attributes a document has. It cannot be in a CDATA section, where nothing can be escaped.
   In a comment or a processing instruction it is left as it is, because Plivo executes neither.
3. A value is escaped for its place. In a URL it is percent-encoded, and it must come after the host:
   otherwise a caller could choose who gets the next callback. In a URL a value of dots alone counts as
   absent, because ``..`` would name another path. In a list of headers only its letters and digits are
   left, which is all that Plivo passes on: a comma would begin another header.
4. Characters that XML does not allow are left out. A parameter that is absent, or of which nothing but
   blanks is left, has the default, or is empty.
5. If a document filled in is longer than Plivo accepts, it is filled in with the defaults alone.
"""

import html
import re
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, field
from enum import Enum, auto
from itertools import groupby
from typing import Final
from urllib.parse import quote

from bridge.reply.check import DOCUMENT_BYTES_MAX
from bridge.reply.elements import BOOLEAN_ATTRIBUTES, ELEMENTS, Content, Element
from bridge.reply.finding import Finding

_PLACEHOLDER: Final = re.compile(
    r"\{\{\s*(?P<name>[A-Za-z_][A-Za-z0-9_.-]*)\s*(?:\|(?P<default>[^{}]*))?\}\}", re.ASCII
)
_TOKEN: Final = re.compile(
    r"(?P<silent><!--.*?-->|<\?.*?\?>)|(?P<cdata><!\[CDATA\[.*?\]\]>)"
    r"|(?P<tag><(?:[^<>\"']|\"[^\"]*\"|'[^']*')*>)|(?P<text>[^<]+|<)",
    re.DOTALL,
)
_TAG_NAME: Final = re.compile(r"</?\s*([^\s/>]*)")
_ATTRIBUTE: Final = re.compile(r"(?P<name>[^\s=<>/\"']+)\s*=\s*(?P<value>\"[^\"]*\"|'[^']*')")
_HOST: Final = re.compile(r"\s*[A-Za-z][A-Za-z0-9+.-]*://[^/?#\s]+[/?#]", re.ASCII)
# All but the characters of https://www.w3.org/TR/xml/#charsets, which `re` would take ten times as long
# to compile.
_NO_XML: Final = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
_NO_HEADER: Final = re.compile("[^A-Za-z0-9]+")
# Lists of headers, as NAME=VALUE,NAME=VALUE: of the SIP call, and of the WebSocket.
_HEADER_LISTS: Final = frozenset({"sipHeaders", "extraHeaders"})
_ESCAPES: Final = str.maketrans({
    "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&#39;",
    # In an attribute a parser would turn them into spaces, and everywhere a CR into a LF.
    "\t": "&#9;", "\n": "&#10;", "\r": "&#13;",
})  # fmt: skip

FindValue = Callable[[str], str | None]
"""Returns the value of a parameter, None if it is absent."""


class _Place(Enum):
    """How a value is escaped."""

    TEXT = auto()
    URL = auto()
    HEADERS = auto()


@dataclass(frozen=True, slots=True)
class Placeholder:
    """A placeholder. ``default`` is plain text, None if there is none. ``sample`` fits its place."""

    name: str
    default: str | None
    line: int
    element: str
    sample: str
    place: _Place

    def fill_in(self, value: str | None) -> str:
        """Return what stands for the placeholder: rules 3 and 4."""
        kept = self._keep_allowed(value or "")
        # After the removal of what is not allowed, which may leave nothing, or dots alone.
        is_absent = not (kept.strip(".") if self.place is _Place.URL else kept).strip()
        if is_absent:
            kept = self._keep_allowed(self.default or "")
        return quote(kept, safe="") if self.place is _Place.URL else kept.translate(_ESCAPES)

    def _keep_allowed(self, value: str) -> str:
        """Return a value without the characters that its place does not allow: rules 3 and 4."""
        value = _NO_XML.sub("", value)
        return _NO_HEADER.sub("", value) if self.place is _Place.HEADERS else value


@dataclass(frozen=True, slots=True)
class Template:
    """A document in pieces: what never changes, and the placeholders."""

    pieces: tuple[str | Placeholder, ...]

    @property
    def placeholders(self) -> list[Placeholder]:
        """Return the placeholders, in their order."""
        return [one for one in self.pieces if isinstance(one, Placeholder)]

    def render(self, find_value: FindValue) -> bytes:
        """Return the document filled in: rules 3 to 5."""
        body = self._fill_in(lambda one: one.fill_in(find_value(one.name)))
        if len(body) <= DOCUMENT_BYTES_MAX:
            return body
        return self._fill_in(lambda one: one.fill_in(None))

    def render_sample(self, absent: Collection[Placeholder]) -> bytes:
        """Return the document filled in to be checked: with defaults, or with samples that fit.

        The ``absent`` placeholders are empty.
        """
        return self._fill_in(
            lambda one: one.fill_in(
                None if one in absent or one.default is not None else one.sample
            )
        )

    def _fill_in(self, fill_in: Callable[[Placeholder], str]) -> bytes:
        return "".join([
            one if isinstance(one, str) else fill_in(one) for one in self.pieces
        ]).encode()  # fmt: skip


def parse_template(body: bytes) -> tuple[Template | None, list[Finding]]:
    """Return a document's template, and the faults of its placeholders; None if it has none.

    The rest of the document is not checked: it need not even be XML.
    """
    source = body.decode("utf-8", "replace")
    if "{{" not in source:
        return None, []
    parsing = _Parsing()
    for token in _TOKEN.finditer(source):
        parsing.take(token)
    return Template(tuple(_merge(parsing.pieces))), parsing.findings


@dataclass(slots=True)
class _Open:
    """An element that is open, and its text so far."""

    name: str
    text: str = ""


@dataclass(slots=True)
class _Parsing:
    """The results of one document so far."""

    pieces: list[str | Placeholder] = field(default_factory=list[str | Placeholder])
    findings: list[Finding] = field(default_factory=list[Finding])
    _line: int = 1
    _open: list[_Open] = field(default_factory=lambda: [_Open("")])

    def take(self, token: re.Match[str]) -> None:
        """Take the next token of the document."""
        text = token[0]
        if token["tag"] is not None:
            self._take_tag(text)
        elif token["text"] is not None:
            around = self._open[-1]
            element = ELEMENTS.get(around.name)
            is_url = element is not None and element.content in {Content.URL, Content.WEBSOCKET}
            place = _Place.URL if is_url else _Place.TEXT
            self._take_value(text, around.name, "", before=around.text, place=place)
            around.text += text
        else:
            if token["cdata"] is not None and "{{" in text:
                self._refuse("a placeholder cannot be in a CDATA section", "write the text itself")
            self._keep(text)

    def _take_tag(self, tag: str) -> None:
        found = _TAG_NAME.match(tag)
        name = found[1] if found else ""
        element = ELEMENTS.get(name)
        end = 0
        for attribute in _ATTRIBUTE.finditer(tag):
            begin = attribute.start("value") + 1
            self._take_names(tag[end:begin], name)
            end = attribute.end("value") - 1
            key = attribute["name"]
            self._take_value(tag[begin:end], name, key, before="", place=_find_place(key, element))
        self._take_names(tag[end:], name)
        if tag.startswith("</"):
            if len(self._open) > 1:
                self._open.pop()
        elif not tag.endswith("/>"):
            self._open.append(_Open(name))

    def _take_names(self, text: str, element: str) -> None:
        if "{{" in text:
            fault = "a placeholder cannot be in the name of an element or attribute"
            remedy = "use it in text, or in the value of an attribute"
            self._refuse(fault, remedy, element if "{" not in element else None)
        self._keep(text)

    def _take_value(
        self, text: str, element: str, attribute: str, *, before: str, place: _Place
    ) -> None:
        """Take text or the value of an attribute. ``before`` is the text before it in its element."""
        end = 0
        for found in _PLACEHOLDER.finditer(text):
            self._keep(self._without_stray(text[end : found.start()], element))
            end = found.end()
            if place is _Place.URL and not _HOST.match(before + text[: found.start()]):
                fault = f"the value of {found['name']} would decide which host Plivo calls"
                remedy = "write the scheme, the host and a slash before the placeholder"
                self._refuse(fault, remedy, element)
            default = found["default"]
            self.pieces.append(
                Placeholder(
                    found["name"],
                    None if default is None else html.unescape(default),
                    self._line,
                    element,
                    _choose_sample(attribute, ELEMENTS.get(element)),
                    place,
                )
            )
            self._line += found[0].count("\n")
        self._keep(self._without_stray(text[end:], element))

    def _without_stray(self, text: str, element: str) -> str:
        if "{{" in text:
            fault = "{{ begins no placeholder"
            self._refuse(fault, "write {{Name}} or {{Name|default}}", element)
        return text

    def _refuse(self, fault: str, remedy: str, element: str | None = None) -> None:
        self.findings.append(Finding("error", self._line, element or None, fault, remedy))

    def _keep(self, text: str) -> None:
        self._line += text.count("\n")
        self.pieces.append(text)


def _find_place(attribute: str, element: Element | None) -> _Place:
    """Return how a value is escaped in an attribute. A sound can be a URL."""
    if attribute in _HEADER_LISTS:
        return _Place.HEADERS
    urls = (*element.url_attributes, *element.sound_attributes) if element is not None else ()
    return _Place.URL if attribute in urls else _Place.TEXT


def _choose_sample(attribute: str, element: Element | None) -> str:
    """Return a value without a fault in an attribute; in text, if the attribute's name is empty."""
    if attribute in BOOLEAN_ATTRIBUTES:
        return "true"
    if element is not None and attribute in element.method_attributes:
        return "POST"
    return {"voice": "WOMAN", "reason": "busy"}.get(attribute, "1")


def _merge(pieces: list[str | Placeholder]) -> Iterator[str | Placeholder]:
    """Yield the pieces with neighbouring texts joined."""
    for is_text, some in groupby(pieces, key=lambda one: isinstance(one, str)):
        if is_text:
            yield "".join(one for one in some if isinstance(one, str))
        else:
            yield from some
