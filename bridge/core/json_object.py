"""Decode a JSON object with a limit on the number of its elements.

1. The decoder counts while it decodes. A member of an object and an item of a list are one element
   each, at any depth. It stops at the first element over the limit, so a large body costs no more
   than the allowed elements and one scan of their bytes.
2. It does not recurse. Nesting costs elements. Without a limit on elements, ``DEPTH_MAX`` limits
   the depth.
3. Members keep their order, repeated names, and the digits of their numbers. The standard library's
   decoder reads single strings, numbers and literals, and decides whether they are valid.
"""

import json
import re
from typing import Final, NoReturn, cast

DEPTH_MAX: Final = 1_000

_SPACE: Final = re.compile(r"[ \t\n\r]*")


class TooManyElements(Exception):
    """The object has more elements than the caller allows."""


class JsonObject(list[tuple[str, object]]):
    """The members of a JSON object in the order received, with repeated names.

    A value is a JsonObject, a list, a JsonNumber, a str, a bool or None.
    """


class JsonNumber(str):
    """A JSON number with the digits it was written with."""

    __slots__ = ()


def _reject_constant(name: str) -> NoReturn:
    message = f"{name} is not JSON"
    raise ValueError(message)


_scalar: Final = json.JSONDecoder(
    parse_float=JsonNumber, parse_int=JsonNumber, parse_constant=_reject_constant
).raw_decode
_encode: Final = json.JSONEncoder(ensure_ascii=False).encode


class _Decoder:
    """Decoder state: the text and the current position in it."""

    def __init__(self, text: str, elements_max: int | None) -> None:
        self._text = text
        self._position = 0
        self._elements_left = len(text) if elements_max is None else elements_max

    def read(self) -> JsonObject:
        root = JsonObject()
        if self._skip_space() != "{":
            message = "not a JSON object"
            raise ValueError(message)
        self._position += 1
        inside: list[JsonObject | list[object]] = [root]
        after_comma = False
        while inside:
            into = inside[-1]
            mark = self._skip_space()
            if mark == ("}" if isinstance(into, JsonObject) else "]") and not after_comma:
                self._position += 1
                inside.pop()
            elif into and not after_comma:
                message = f"no comma at {self._position}"
                raise ValueError(message)
            else:
                inner = self._read_element(into)
                if inner is not None:
                    inside.append(inner)
                    if len(inside) > DEPTH_MAX:
                        message = "nested too deeply"
                        raise ValueError(message)
                    after_comma = False
                    continue  # a container's first element has no comma before it
            after_comma = bool(inside) and self._skip_space() == ","
            self._position += after_comma
        if self._skip_space():
            message = "more than one value"
            raise ValueError(message)
        return root

    def _skip_space(self) -> str:
        """Skip white space; return the next character, or an empty string at the end."""
        found = _SPACE.match(self._text, self._position)
        self._position = found.end() if found else self._position
        return self._text[self._position : self._position + 1]

    def _read_element(self, into: JsonObject | list[object]) -> JsonObject | list[object] | None:
        """Add the next member or item. If it is a container, return it: its elements follow."""
        self._elements_left -= 1
        if self._elements_left < 0:
            raise TooManyElements
        if isinstance(into, JsonObject):
            name = self._read_name()
            value = self._read_value()
            into.append((name, value))
        else:
            value = self._read_value()
            into.append(value)
        return cast("list[object]", value) if isinstance(value, list) else None

    def _read_name(self) -> str:
        if self._skip_space() != '"':
            message = f"no name at {self._position}"
            raise ValueError(message)
        name, self._position = _scalar(self._text, self._position)
        if self._skip_space() != ":":
            message = f"no colon at {self._position}"
            raise ValueError(message)
        self._position += 1
        return cast("str", name)

    def _read_value(self) -> object:
        """Return the next value. For a container, read only the opening bracket."""
        mark = self._skip_space()
        if mark in {"{", "["}:
            self._position += 1
            return JsonObject() if mark == "{" else []
        value: object
        value, self._position = _scalar(self._text, self._position)
        return value


def parse_json_object(body: bytes, elements_max: int | None = None) -> JsonObject:
    """Return the JSON object in ``body``; numbers keep their digits.

    Raises ValueError if ``body`` is not a JSON object in UTF-8, and TooManyElements.
    """
    return _Decoder(body.decode("utf-8"), elements_max).read()


def to_json_text(value: object) -> str:
    """Return compact JSON text. It does not recurse, so deep nesting is cheap."""
    text: list[str] = []
    # A stack instead of recursion: (False, a value to encode) or (True, JSON text to copy).
    stack: list[tuple[bool, object]] = [(False, value)]
    while stack:
        is_text, item = stack.pop()
        if is_text or isinstance(item, JsonNumber):
            text.append(str(item))
        elif isinstance(item, JsonObject):
            stack.append((True, "}"))
            for index in range(len(item) - 1, -1, -1):
                key, inner = item[index]
                stack.append((False, inner))
                comma = "," if index else ""
                stack.append((True, f"{comma}{_encode(key)}:"))
            stack.append((True, "{"))
        elif isinstance(item, list):
            items = cast("list[object]", item)
            stack.append((True, "]"))
            for index in range(len(items) - 1, -1, -1):
                stack.append((False, items[index]))
                if index:
                    stack.append((True, ","))
            stack.append((True, "["))
        else:
            text.append(_encode(item))
    return "".join(text)
