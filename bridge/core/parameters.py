"""Decode the parameters of a callback. No parameter is dropped.

1. A form is split at ``&``, each piece at its first ``=``. Then ``+`` becomes a space, and escapes
   become bytes, which are decoded as UTF-8. Empty pieces are skipped; blank values and repeated
   names are kept.
2. Bytes that are not UTF-8 stay in the text as lone surrogates (``surrogateescape``), so that the
   signature is computed over the bytes that were received.
3. The members of a JSON object become pairs like those of a form. A scalar is the text it was
   written with, ``null`` is a blank value, and an array or object is compact JSON text. The parsed
   object is kept too, because Plivo's SDKs read it in other ways (``bridge.core.json_readings``).
4. A body that is neither a form nor JSON has a ``BodyFault``. Its bytes are still decoded as a form
   if possible, but only to check the signature.
5. Parameters are counted before they are decoded. Each piece of the query or of a form counts, also
   a blank one. Each ``%`` that starts no valid escape counts too, because it costs a replacement; a
   form encoder writes none. In JSON, each member of an object and each item of a list counts, at
   any depth. Query and body are counted together. After the first parameter over the limit, nothing
   is split or decoded.
"""

import binascii
import re
from collections.abc import Iterable
from enum import StrEnum
from itertools import chain
from operator import itemgetter
from typing import Final, NamedTuple

from bridge.core.json_object import JsonObject, TooManyElements, parse_json_object, to_json_text
from bridge.core.request import RawCallback

Pair = tuple[str, str]
Texts = str | list[str]
"""The text of a parameter. It is a list of texts if the parameter is repeated, or if its name or its
text was not received in UTF-8."""
TextsByName = dict[str, Texts]
ValuesByName = dict[str, list[str]]
get_name: Final = itemgetter(0)

FORM: Final = "application/x-www-form-urlencoded"
JSON: Final = "application/json"


class TooManyParameters(Exception):
    """The request has more parameters than the caller allows."""


class BodyFault(StrEnum):
    """Why a body could not be decoded into parameters."""

    CONTENT_TYPE = "content_type"
    CONTENT_ENCODING = "content_encoding"
    MALFORMED_JSON = "malformed_json"


class Parameters(NamedTuple):
    """Decoded name-value pairs in the order received, made by ``collect_parameters``.

    ``has_bare_name`` is True if a piece of a form body had no ``=``: see rule 5 of
    ``bridge.core.signature``. ``json`` is the parsed body, if the body was a JSON object.
    ``sorted_query`` and ``sorted_body`` are sorted by code points. ``texts`` has the pairs that
    Plivo wrote by their names, in the order received, and ``has_lists`` is True if one of them is a
    list. Verification and parser need them.
    """

    query: tuple[Pair, ...]
    body: tuple[Pair, ...]
    body_fault: BodyFault | None
    has_bare_name: bool
    json: JsonObject | None
    sorted_query: list[Pair]
    sorted_body: list[Pair]
    texts: TextsByName
    has_lists: bool

    @property
    def pairs(self) -> tuple[Pair, ...]:
        """Return the pairs that Plivo wrote: those of the body, or of the query if there is no body."""
        return self.body or self.query


def collect_parameters(  # noqa: PLR0913 (each is one fact about a request)
    query: tuple[Pair, ...],
    body: tuple[Pair, ...],
    body_fault: BodyFault | None = None,
    *,
    has_bare_name: bool = False,
    json: JsonObject | None = None,
    are_ascii: bool = False,
) -> Parameters:
    """Return the parameters of a query and a body, sorted and grouped once for all who need it.

    ``are_ascii`` is True if it is known that the pairs Plivo wrote have ASCII characters only.
    """
    pairs = body or query
    texts: TextsByName = dict(pairs)
    has_lists = len(texts) < len(pairs) or not (
        are_ascii or is_utf8("".join(chain.from_iterable(pairs)))
    )
    if has_lists:
        texts = _group_texts(pairs)
    # Names that are not repeated decide the order alone, and comparing pairs takes longer.
    sorted_body = sorted(body, key=None if has_lists else get_name)
    return Parameters(
        query,
        body,
        body_fault,
        has_bare_name,
        json,
        sorted(query),
        sorted_body,
        texts,
        has_lists,
    )


def group_values(pairs: Iterable[Pair]) -> ValuesByName:
    """Return the values of each name in the order received."""
    values: ValuesByName = {}
    for name, value in pairs:
        if name in values:
            values[name].append(value)
        else:
            values[name] = [value]
    return values


def _group_texts(pairs: Iterable[Pair]) -> TextsByName:
    """Return the text of each name in the order received, or its texts as ``Texts`` describes."""
    texts: TextsByName = {}
    for name, values in group_values(pairs).items():
        is_plain = len(values) == 1 and is_utf8(name) and is_utf8(values[0])
        texts[name] = values[0] if is_plain else values
    return texts


def is_utf8(text: str) -> bool:
    """Return whether ``text`` was received in valid UTF-8: rule 2."""
    if text.isascii():
        return True
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def list_texts(texts: Texts) -> list[str]:
    """Return every text of a parameter."""
    return [texts] if isinstance(texts, str) else texts


def parse_form(text: str) -> tuple[tuple[Pair, ...], bool]:
    """Return the pairs of a form or query string, and whether a piece lacked its ``=``.

    ``text`` holds bytes beyond ASCII as ``surrogateescape`` decodes them.
    """
    return _split_form(_prepare_form(text.encode("utf-8", "surrogateescape")))


def _prepare_form(octets: bytes) -> str:
    """Return a form with one character a byte, without ``+`` for spaces and without usual escapes.

    %3A and %2B are most of the escapes in a callback. Decoding them before parameters are counted and
    split is fast and safe: neither ":" nor "+" separates pieces, and neither can complete another
    escape.
    """
    # Splitting searches once, and replacing twice: it counts first.
    text = ":".join(octets.decode("latin-1").replace("+", " ").split("%3A"))
    return text.replace("%2B", "+") if "%" in text else text


_STRAY_SIGN: Final = re.compile("%(?![0-9A-Fa-f]{2})")
# The class of each byte: ``h`` is a hexadecimal digit, ``%`` the sign itself, ``-`` everything else.
_BYTE_CLASSES: Final = bytes(
    ord("%" if value == ord("%") else "h" if chr(value) in "0123456789ABCDEFabcdef" else "-")
    for value in range(256)
)


def _count_form(text: str) -> int:
    """Return how many parameters a prepared form or query string counts as: rule 5."""
    count = text.count("&") + 1
    if "%" in text and _STRAY_SIGN.search(text):
        # A client can send as many as the body has bytes. This takes a tenth of the time of a search for
        # each one.
        classes = text.encode("latin-1").translate(_BYTE_CLASSES)
        count += classes.replace(b"%hh", b"hhh").count(b"%")
    return count


def _is_encoded(text: str) -> bool:
    """Return whether a part of a prepared form must be decoded."""
    return "%" in text or not text.isascii()


def _split_form(text: str) -> tuple[tuple[Pair, ...], bool]:
    """Return the pairs of a prepared form, and whether a piece lacked its ``=``: rules 1 and 2."""
    has_bare_name = False
    is_encoded = _is_encoded(text)
    pairs: list[Pair] = []
    for piece in text.split("&"):
        key, equals, value = piece.partition("=")
        if not equals:
            if not key:
                continue
            has_bare_name = True
        if is_encoded and _is_encoded(piece):
            key, value = _unescape(key), _unescape(value)
        pairs.append((key, value))
    return tuple(pairs), has_bare_name


def _unescape(octets: str) -> str:
    """Decode a percent-encoded name or value. Each character of ``octets`` is one byte."""
    if "%" in octets:
        if _STRAY_SIGN.search(octets):
            octets = _STRAY_SIGN.sub("%25", octets)
        # Quoted-printable (RFC 2045, section 6.7) is the same encoding with another sign, and the
        # standard library decodes it in C. Its urllib.parse.unquote takes 100 ns per escape, and an
        # unauthenticated client can send 87,381 of them in one body.
        quoted = octets.replace("=", "=3D").replace("%", "=").encode("latin-1")
        return binascii.a2b_qp(quoted).decode("utf-8", "surrogateescape")
    if octets.isascii():
        return octets
    return octets.encode("latin-1").decode("utf-8", "surrogateescape")


def _to_text(value: object) -> str:
    text = "" if value is None else value if isinstance(value, str) else to_json_text(value)
    text.encode("utf-8")  # raises: an escape like \ud83d alone is half a character, not text
    return text


def json_to_pairs(members: JsonObject) -> tuple[Pair, ...]:
    """Return the members of a JSON object as pairs (rule 3); raises ValueError if one is no text."""
    return tuple([(_to_text(key), _to_text(value)) for key, value in members])


def _parse_media_type(content_type: str | None) -> str:
    """Return the bare media type, or that of a form if the header is missing."""
    return content_type.partition(";")[0].strip().lower() if content_type else FORM


def parse_parameters(raw: RawCallback, parameters_max: int | None = None) -> Parameters:
    """Return the parameters of a callback; raises TooManyParameters over ``parameters_max``.

    The body of a GET is ignored, because Plivo does not sign it.
    """
    body = b"" if raw.method == "GET" else raw.body
    return decode_parameters(
        raw.query,
        body,
        raw.headers.values.get("content-type"),
        raw.headers.values.get("content-encoding"),
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
    """Return the parameters of a request; a body that cannot be decoded is a ``body_fault``.

    Raises TooManyParameters over ``parameters_max``: rule 5.
    """
    remaining = parameters_max
    query_pairs: tuple[Pair, ...] = ()
    if query:
        query_text = _prepare_form(query.encode("utf-8", "surrogateescape"))
        remaining = _count_remaining(parameters_max, query_text)
        query_pairs, _ = _split_form(query_text)
    if not body:
        return collect_parameters(query_pairs, ())
    media_type = _parse_media_type(content_type)
    fault: BodyFault | None = None
    if content_encoding and content_encoding.strip().lower() != "identity":
        fault = BodyFault.CONTENT_ENCODING
    elif media_type == JSON:
        try:
            members = parse_json_object(body, remaining)
            pairs = json_to_pairs(members)
            return collect_parameters(query_pairs, pairs, json=members)
        except TooManyElements as error:
            raise TooManyParameters from error
        except ValueError:
            fault = BodyFault.MALFORMED_JSON
    elif media_type != FORM:
        fault = BodyFault.CONTENT_TYPE
    body_text = _prepare_form(body)
    _count_remaining(remaining, body_text)
    body_pairs, has_bare_name = _split_form(body_text)
    are_ascii = bool(body_pairs) and not _is_encoded(body_text)
    return collect_parameters(
        query_pairs, body_pairs, fault, has_bare_name=has_bare_name, are_ascii=are_ascii
    )


def _count_remaining(parameters_max: int | None, text: str) -> int | None:
    """Return how many more parameters are allowed after those of a form or query string."""
    if parameters_max is None:
        return None
    count = _count_form(text)
    if count > parameters_max:
        raise TooManyParameters
    return parameters_max - count
