"""The parameters of a callback, decoded, with nothing thrown away.

1. A form is split at ``&``, each piece at its first ``=``; then ``+`` becomes a space and escapes
   become bytes, read as UTF-8. Empty pieces are skipped, blank values and repeated keys are kept.
2. Bytes that are not UTF-8 stay in the text as lone surrogates (``surrogateescape``), so that the
   signature is computed over the very bytes that came.
3. A JSON object is read as if its members had come in a form: scalars as the text they were written
   with, ``null`` as blank, arrays and objects as compact JSON text.
4. A body that is neither is a fault, named; its bytes are still read as a form where that is
   possible, for the signature's sake alone.
"""

import json
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, NoReturn, cast
from urllib.parse import unquote

from bridge.raw import RawCallback

Pair = tuple[str, str]

FORM: Final = "application/x-www-form-urlencoded"
JSON: Final = "application/json"


class BodyFault(StrEnum):
    """Why a body could not be read as parameters."""

    CONTENT_TYPE = "content_type"
    CONTENT_ENCODING = "content_encoding"
    MALFORMED_JSON = "malformed_json"


@dataclass(frozen=True, slots=True)
class Parameters:
    """Decoded pairs in the order they came.

    ``bare`` is True when a piece of a form body had no ``=``: see rule 5 of ``bridge.signature``.
    ``json`` is True when the body was a JSON object.
    """

    query: tuple[Pair, ...]
    body: tuple[Pair, ...]
    body_fault: BodyFault | None = None
    bare: bool = False
    json: bool = False

    @property
    def pairs(self) -> tuple[Pair, ...]:
        """Return Plivo's pairs: the body's, or the query's where there is no body."""
        return self.body or self.query


def _unescaped(text: str) -> str:
    return unquote(text, encoding="utf-8", errors="surrogateescape") if "%" in text else text


def form_pairs(text: str) -> tuple[tuple[Pair, ...], bool]:
    """Return the pairs of a form or query string, and whether a piece lacked its ``=``.

    ``text`` holds raw bytes beyond ASCII as ``surrogateescape`` decodes them.
    """
    if not text:
        return (), False
    bare = False
    # %3A and %2B are most of the escapes in a callback. Neither ":" nor "+" takes part in the
    # splitting, and neither can complete another escape, so they may go before it.
    text = text.replace("+", " ").replace("%3A", ":").replace("%2B", "+")
    pairs: list[Pair] = []
    for piece in text.split("&"):
        key, equals, value = piece.partition("=")
        if not equals:
            if not key:
                continue
            bare = True
        pairs.append((_unescaped(key), _unescaped(value)))
    return tuple(pairs), bare


class _Member(list[Pair]):
    """The members of a JSON object, repeated keys included."""


class _Number(str):
    """A JSON number, in the digits it was written with."""

    __slots__ = ()


def _json_text(value: object) -> str:
    if isinstance(value, _Member):
        members = [f"{json.dumps(key, ensure_ascii=False)}:{_json_text(of)}" for key, of in value]
        return "{" + ",".join(members) + "}"
    if isinstance(value, list):
        items = cast("list[object]", value)
        return "[" + ",".join([_json_text(item) for item in items]) + "]"
    if isinstance(value, _Number):
        return str(value)
    return json.dumps(value, ensure_ascii=False)


def _text_of(value: object) -> str:
    text = "" if value is None else value if isinstance(value, str) else _json_text(value)
    text.encode("utf-8")  # an escape may name half a character: not text, so not JSON we can read
    return text


def _no_constant(name: str) -> NoReturn:
    message = f"{name} is not JSON"
    raise ValueError(message)


def json_pairs(body: bytes) -> tuple[Pair, ...]:
    """Return the members of a JSON object as pairs; numbers keep the digits they came with.

    Raises ValueError when ``body`` is not a JSON object in UTF-8.
    """
    try:
        value: object = json.loads(
            body.decode("utf-8"),
            object_pairs_hook=_Member,
            parse_float=_Number,
            parse_int=_Number,
            parse_constant=_no_constant,
        )
        if not isinstance(value, _Member):
            message = "not a JSON object"
            raise ValueError(message)  # noqa: TRY004 (the caller asks for one error, of the text)
        return tuple((_text_of(key), _text_of(of)) for key, of in value)
    except RecursionError as error:
        message = "nested too deeply"
        raise ValueError(message) from error


def _media_type(content_type: str | None) -> str:
    """Return the bare media type; a form where none is named."""
    return content_type.partition(";")[0].strip().lower() if content_type else FORM


def parameters_of(raw: RawCallback) -> Parameters:
    """Return the parameters of a callback.

    A GET's are its query's: of a body, which it should not have, nothing is signed and nothing read.
    """
    body = b"" if raw.method == "GET" else raw.body
    return decode(raw.query, body, raw.header("content-type"), raw.header("content-encoding"))


def parameter_count(query: str, body: bytes, content_type: str | None) -> int:
    """Return how many parameters there are at most. A form is not decoded for it."""
    count = query.count("&") + bool(query)
    if _media_type(content_type) != JSON:
        return count + body.count(b"&") + bool(body)
    try:
        return count + len(json_pairs(body))
    except ValueError:
        return count


def decode(
    query: str, body: bytes, content_type: str | None, content_encoding: str | None
) -> Parameters:
    """Return the parameters of a request; what cannot be read is a fault in the value, not an error."""
    query_pairs, _ = form_pairs(query)
    if not body:
        return Parameters(query_pairs, ())
    media_type = _media_type(content_type)
    fault: BodyFault | None = None
    if content_encoding and content_encoding.strip().lower() != "identity":
        fault = BodyFault.CONTENT_ENCODING
    elif media_type == JSON:
        try:
            return Parameters(query_pairs, json_pairs(body), json=True)
        except ValueError:
            fault = BodyFault.MALFORMED_JSON
    elif media_type != FORM:
        fault = BodyFault.CONTENT_TYPE
    body_pairs, bare = form_pairs(body.decode("utf-8", "surrogateescape"))
    return Parameters(query_pairs, body_pairs, fault, bare)
