"""The parameters of a callback, decoded, with nothing thrown away.

1. A form is split at ``&``, each piece at its first ``=``; then ``+`` becomes a space and escapes
   become bytes, read as UTF-8. Empty pieces are skipped, blank values and repeated keys are kept.
2. Bytes that are not UTF-8 stay in the text as lone surrogates (``surrogateescape``), so that the
   signature is computed over the very bytes that came.
3. A JSON object is read as if its members had come in a form: scalars as the text they were written
   with, ``null`` as blank, arrays and objects as compact JSON text. The parsed object is kept, because
   Plivo's SDKs read it in other ways (``json_readings``).
4. A body that is neither is a fault, named; its bytes are still read as a form where that is
   possible, for the signature's sake alone.
5. Parameters are counted while they are decoded, as what they are read as. Each piece of the query or
   of a form counts, blank ones too. So does each ``%`` that begins no escape, because those are
   replaced one by one; a form encoder writes none. Of JSON each member of an object and each item of
   a list counts, at any depth. Query and body count together, and nothing is split or decoded behind
   the first parameter that is too many.
"""

import binascii
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from bridge.core.json_object import JsonObject, TooManyElements, parse_json_object, to_json_text
from bridge.core.request import RawCallback

Pair = tuple[str, str]

FORM: Final = "application/x-www-form-urlencoded"
JSON: Final = "application/json"


class TooManyParameters(Exception):
    """The request has more parameters than the caller allows."""


class BodyFault(StrEnum):
    """Why a body could not be read as parameters."""

    CONTENT_TYPE = "content_type"
    CONTENT_ENCODING = "content_encoding"
    MALFORMED_JSON = "malformed_json"


@dataclass(frozen=True, slots=True)
class Parameters:
    """Decoded pairs in the order they came.

    ``bare`` is True when a piece of a form body had no ``=``: see rule 5 of ``signature``.
    ``json`` is the parsed object that ``body`` was read from, if the body was a JSON object.
    """

    query: tuple[Pair, ...]
    body: tuple[Pair, ...]
    body_fault: BodyFault | None = None
    has_bare_name: bool = False
    json: JsonObject | None = field(default=None, compare=False, repr=False)

    @property
    def pairs(self) -> tuple[Pair, ...]:
        """Return Plivo's pairs: the body's, or the query's where there is no body."""
        return self.body or self.query


def parse_form(text: str) -> tuple[tuple[Pair, ...], bool]:
    """Return the pairs of a form or query string, and whether a piece lacked its ``=``.

    ``text`` holds raw bytes beyond ASCII as ``surrogateescape`` decodes them.
    """
    return _EncodedForm(text.encode("utf-8", "surrogateescape")).pairs()


# Each byte by what it is to an escape: a hexadecimal digit, the sign itself, or neither.
_BYTE_CLASSES: Final = bytes(
    ord("%" if of == ord("%") else "h" if chr(of) in "0123456789ABCDEFabcdef" else "-")
    for of in range(256)
)


class _EncodedForm:
    """A form or query string, counted before it is split: rule 5."""

    def __init__(self, octets: bytes) -> None:
        self._octets = octets
        self._unpaired = b""  # the classes, with the escapes taken away
        self.count = 0
        if octets:
            self.count = octets.count(b"&") + 1
        if b"%" in octets:
            self._unpaired = octets.translate(_BYTE_CLASSES).replace(b"%hh", b"hhh")
            self.count += self._unpaired.count(b"%")

    def pairs(self) -> tuple[tuple[Pair, ...], bool]:
        """Return the pairs, and whether a piece lacked its ``=``: rules 1 and 2."""
        if not self._octets:
            return (), False
        bare = False
        # %3A and %2B are most of the escapes in a callback. Neither ":" nor "+" takes part in the
        # splitting, and neither can complete another escape, so they may go before it.
        text = self._escape_stray_signs().decode("latin-1")
        text = text.replace("+", " ").replace("%3A", ":").replace("%2B", "+")
        pairs: list[Pair] = []
        for piece in text.split("&"):
            key, equals, value = piece.partition("=")
            if not equals:
                if not key:
                    continue
                bare = True
            pairs.append((_unescape(key), _unescape(value)))
        return tuple(pairs), bare

    def _escape_stray_signs(self) -> bytes:
        """Return the bytes with every ``%`` that begins no escape escaped itself."""
        if b"%" not in self._unpaired:
            return self._octets
        pieces: list[bytes] = []
        begin = 0
        while (place := self._unpaired.find(b"%", begin)) >= 0:
            pieces += [self._octets[begin:place], b"%25"]
            begin = place + 1
        return b"".join([*pieces, self._octets[begin:]])


def _unescape(octets: str) -> str:
    """Return the text of a name or value; a character of ``octets`` is a byte, each ``%`` an escape."""
    if "%" in octets:
        # Quoted-printable (RFC 2045, section 6.7) is the same encoding with another sign, and the
        # standard library decodes it in C. Its urllib.parse.unquote takes 100 ns for each escape,
        # which a stranger can send 87,381 of.
        quoted = octets.replace("=", "=3D").replace("%", "=").encode("latin-1")
        return binascii.a2b_qp(quoted).decode("utf-8", "surrogateescape")
    if octets.isascii():
        return octets
    return octets.encode("latin-1").decode("utf-8", "surrogateescape")


def _to_text(value: object) -> str:
    text = "" if value is None else value if isinstance(value, str) else to_json_text(value)
    text.encode("utf-8")  # an escape may name half a character: not text, so not JSON we can read
    return text


def json_to_pairs(members: JsonObject) -> tuple[Pair, ...]:
    """Return the members as a form's pairs (rule 3); raises ValueError where one is not text."""
    return tuple([(_to_text(key), _to_text(of)) for key, of in members])


def _parse_media_type(content_type: str | None) -> str:
    """Return the bare media type; a form where none is named."""
    return content_type.partition(";")[0].strip().lower() if content_type else FORM


def parse_parameters(raw: RawCallback, parameters_max: int | None = None) -> Parameters:
    """Return the parameters of a callback; raises TooManyParameters over ``parameters_max``.

    A GET's are its query's: of a body, which it should not have, nothing is signed and nothing read.
    """
    body = b"" if raw.method == "GET" else raw.body
    return decode_parameters(
        raw.query,
        body,
        raw.header("content-type"),
        raw.header("content-encoding"),
        parameters_max=parameters_max,
    )


def decode_parameters(
    query: str,
    body: bytes,
    content_type: str | None,
    content_encoding: str | None,
    *,
    parameters_max: int | None = None,
) -> Parameters:
    """Return the parameters of a request; what cannot be read is a fault in the value, not an error.

    Raises TooManyParameters over ``parameters_max``: rule 5.
    """
    in_url = _EncodedForm(query.encode("utf-8", "surrogateescape"))
    left = _remaining(parameters_max, in_url)
    if not body:
        return Parameters(in_url.pairs()[0], ())
    media_type = _parse_media_type(content_type)
    fault: BodyFault | None = None
    if content_encoding and content_encoding.strip().lower() != "identity":
        fault = BodyFault.CONTENT_ENCODING
    elif media_type == JSON:
        try:
            members = parse_json_object(body, left)
            return Parameters(in_url.pairs()[0], json_to_pairs(members), json=members)
        except TooManyElements as error:
            raise TooManyParameters from error
        except ValueError:
            fault = BodyFault.MALFORMED_JSON
    elif media_type != FORM:
        fault = BodyFault.CONTENT_TYPE
    in_body = _EncodedForm(body)
    _remaining(left, in_body)
    body_pairs, bare = in_body.pairs()
    return Parameters(in_url.pairs()[0], body_pairs, fault, bare)


def _remaining(parameters_max: int | None, form: _EncodedForm) -> int | None:
    """Return how many parameters there may still be beside those of ``form``."""
    if parameters_max is None:
        return None
    if form.count > parameters_max:
        raise TooManyParameters
    return parameters_max - form.count
