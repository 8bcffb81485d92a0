"""The parameters of a callback, decoded, with nothing thrown away.

1. A form is split at ``&``, each piece at its first ``=``; then ``+`` becomes a space and escapes
   become bytes, read as UTF-8. Empty pieces are skipped, blank values and repeated keys are kept.
2. Bytes that are not UTF-8 stay in the text as lone surrogates (``surrogateescape``), so that the
   signature is computed over the very bytes that came.
3. A JSON object is read as if its members had come in a form: scalars as the text they were written
   with, ``null`` as blank, arrays and objects as compact JSON text. The parsed object is kept, because
   Plivo's SDKs read it in other ways (``bridge.json_readings``).
4. A body that is neither is a fault, named; its bytes are still read as a form where that is
   possible, for the signature's sake alone.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import StrEnum
from json.encoder import encode_basestring
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
    ``json`` is the parsed object that ``body`` was read from, if the body was a JSON object.
    """

    query: tuple[Pair, ...]
    body: tuple[Pair, ...]
    body_fault: BodyFault | None = None
    bare: bool = False
    json: "JsonObject | None" = field(default=None, compare=False, repr=False)

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


class JsonObject(list[tuple[str, object]]):
    """The members of a JSON object in the order they came, repeated keys included.

    A value is a JsonObject, a list, a JsonNumber, a str, a bool or None.
    """


class JsonNumber(str):
    """A JSON number, in the digits it was written with."""

    __slots__ = ()


def _scalar(value: object) -> str:
    if isinstance(value, JsonNumber):
        return str(value)
    return encode_basestring(value) if isinstance(value, str) else json.dumps(value)


def _json_text(value: object) -> str:
    """Return compact JSON text. There is no recursion: nesting costs what its characters cost."""
    if not isinstance(value, list):
        return _scalar(value)
    text: list[str] = []
    # The arrays and objects that are open, the innermost last, each with what is left of it.
    opened: list[tuple[Iterator[object], bool]] = []
    child: list[object] | None = cast("list[object]", value)
    while child is not None or opened:
        if child is not None:
            text.append("{" if isinstance(child, JsonObject) else "[")
            opened.append((iter(child), isinstance(child, JsonObject)))
            follows, child = False, None
        else:
            follows = True
        rest, is_object = opened[-1]
        for one in rest:
            if follows:
                text.append(",")
            follows = True
            of = one
            if is_object:
                key, of = cast("Pair", one)
                text.append(encode_basestring(key) + ":")
            if isinstance(of, list):
                child = cast("list[object]", of)
                break
            text.append(_scalar(of))
        else:
            text.append("}" if is_object else "]")
            opened.pop()
    return "".join(text)


def _text_of(value: object) -> str:
    text = "" if value is None else value if isinstance(value, str) else _json_text(value)
    text.encode("utf-8")  # an escape may name half a character: not text, so not JSON we can read
    return text


def _no_constant(name: str) -> NoReturn:
    message = f"{name} is not JSON"
    raise ValueError(message)


def json_object(body: bytes) -> JsonObject:
    """Return the JSON object in ``body``; numbers keep the digits they came with.

    Raises ValueError when ``body`` is not a JSON object in UTF-8.
    """
    try:
        value: object = json.loads(
            body.decode("utf-8"),
            object_pairs_hook=JsonObject,
            parse_float=JsonNumber,
            parse_int=JsonNumber,
            parse_constant=_no_constant,
        )
    except RecursionError as error:
        message = "nested too deeply"
        raise ValueError(message) from error
    if not isinstance(value, JsonObject):
        message = "not a JSON object"
        raise ValueError(message)  # noqa: TRY004 (the caller asks for one error, of the text)
    return value


def json_pairs(members: JsonObject) -> tuple[Pair, ...]:
    """Return the members as a form's pairs (rule 3); raises ValueError where one is not text."""
    return tuple([(_text_of(key), _text_of(of)) for key, of in members])


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
        return count + len(json_object(body))
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
            members = json_object(body)
            return Parameters(query_pairs, json_pairs(members), json=members)
        except ValueError:
            fault = BodyFault.MALFORMED_JSON
    elif media_type != FORM:
        fault = BodyFault.CONTENT_TYPE
    body_pairs, bare = form_pairs(body.decode("utf-8", "surrogateescape"))
    return Parameters(query_pairs, body_pairs, fault, bare)
