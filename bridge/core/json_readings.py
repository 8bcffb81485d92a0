"""How Plivo's SDKs read a JSON body when they check a V3 signature.

No page says how Plivo signs a JSON body. Its SDKs take the parsed body as the parameters of a form,
and each language writes values in its own way. If a signature matches one of these readings, Plivo
made it. The readings prove different things about the body, so each one names what it covers.

1. As a form: names and values as ``bridge.core.parameters`` reads them. The event's content comes
   from this reading, so only this one covers the whole ``body``. It is not implemented here.
2. Python (``plivo`` 4.63.0, ``utils/signature_v3.py``): ``True``, ``False``, ``None``; a number is
   an ``int`` or a ``float`` as Python prints it (``0.50`` is ``0.5``). A list repeats its key, with
   the values sorted as text; ``sorted`` raises an error for values that cannot be compared, so such
   a body has no reading. An object is its key, followed by its own members, read in the same way.
   An object or a list inside a list is written as Python prints it.
3. Node (``plivo`` 4.79.0, ``dist/utils/v3Security.js``): ``true``, ``false``, ``null``, and numbers
   as JavaScript prints them (``1e2`` is ``100``). A list repeats its key, values sorted. An object
   is ``[object Object]``; a list inside a list is joined by commas. Keys and values are sorted by
   UTF-16 unit. The released validator throws on ``null``; ``null`` is what JavaScript's joining
   gives.
4. Ruby (``plivo`` 4.x, ``lib/plivo/utils.rb``): ``true``, ``false``, an empty text for ``null``,
   and numbers as Ruby prints them. A list is printed as Ruby prints arrays: ``["b", "a"]``. How
   Ruby prints an object depends on its version, so a body with an object has no reading here.
5. The other SDKs take strings only (Go, Java, .NET) or cannot check a body at all (PHP). They add
   no reading.
6. An SDK that expects the fields of a form finds none in a JSON body, and checks the URL alone.
   This covers nothing of the body.
7. Readings 2 to 4 map different bodies to one message. They lose the order of lists, nesting, the
   type of a value (``null`` or ``"None"``) and the spelling of a number. If every name and value is
   still in the message, the reading covers ``body_as_read``. If something is missing from the
   message (an empty list, the members of an object under rule 3, digits beyond a double's
   precision), it covers ``body_in_part``. Neither is ``body``.
8. A body in which an object has a key twice has readings 1 and 6 only: SDKs take the last value,
   and the event may take another.
9. A body with more than ``ELEMENTS_MAX`` values, nested deeper than ``DEPTH_MAX``, with a number of
   more than ``DIGITS_MAX`` characters, or whose readings could be longer than ``CHARACTERS_MAX`` (a
   list repeats its key) has readings 1 and 6 only. What Plivo sends is far smaller, and an
   unauthenticated client must not make the bridge read a large body several times.
10. Plivo's agent SDKs (``plivo-agentstack``) encode the parsed body as a form. Each value is the
   text that Python's ``str`` or JavaScript's ``String`` gives. Only their readings of strings and
   whole numbers are those of rule 1.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Final, TypeGuard, cast

from bridge.core.json_object import JsonNumber, JsonObject
from bridge.core.parameters import Pair

ELEMENTS_MAX: Final = 128
DEPTH_MAX: Final = 16
DIGITS_MAX: Final = 400
CHARACTERS_MAX: Final = 16_384

AS_READ: Final = "body_as_read"
IN_PART: Final = "body_in_part"

# Outside these powers of ten JavaScript writes a number with an exponent.
_JAVASCRIPT_FIXED_MAX: Final = 21
_JAVASCRIPT_FIXED_MIN: Final = -6


@dataclass(frozen=True, slots=True)
class SdkReading:
    """The text that an SDK adds to the URL for a body, and what this text covers."""

    text: str
    covers: str


@dataclass(frozen=True, slots=True)
class SdkFormReading:
    """The form parameters that an SDK reads from a body, and what they cover."""

    pairs: tuple[Pair, ...]
    covers: str


class _NoReading(Exception):
    """The SDK cannot read this body."""


class _Loss:
    """Whether a part of the body is missing from a reading's text."""

    def __init__(self) -> None:
        self.found = False


def iter_sdk_readings(body: JsonObject) -> Iterator[SdkReading]:
    """Yield the readings of rules 2 to 4. Each one is computed only when the caller asks for it."""
    if not _is_readable(body):
        return
    for read in (_read_as_python, _read_as_node, _read_as_ruby):
        loss = _Loss()
        try:
            text = read(body, loss)
        except _NoReading:
            continue
        yield SdkReading(text, IN_PART if loss.found else AS_READ)


def read_as_sdk_forms(
    body: JsonObject,
) -> tuple[SdkFormReading, SdkFormReading] | tuple[None, None]:
    """Return the form parameters as Plivo's agent SDKs for Python and for Node read them: rule 10."""
    if not _is_readable(body):
        return None, None
    python_loss, node_loss = _Loss(), _Loss()
    python = [(key, str(_to_python_value(member, python_loss))) for key, member in body]
    node = [(key, _to_node_text(member, node_loss)) for key, member in body]
    return (
        SdkFormReading(tuple(python), IN_PART if python_loss.found else AS_READ),
        SdkFormReading(tuple(node), IN_PART if node_loss.found else AS_READ),
    )


def _is_readable(body: JsonObject) -> bool:
    """Return False for the bodies of rules 8 and 9. Stop at the first value over a limit."""
    count = characters = 0
    level: list[object] = [body]
    for _ in range(DEPTH_MAX):
        below: list[object] = []
        for value in level:
            inner = _list_children(value)
            if isinstance(value, JsonObject):
                if count + len(value) > ELEMENTS_MAX or len({key for key, _ in value}) != len(
                    value
                ):
                    return False
                characters += sum(
                    [len(key) * (1 + len(_list_children(member))) for key, member in value]
                )
            elif isinstance(value, str):
                characters += len(value)
                if isinstance(value, JsonNumber) and len(value) > DIGITS_MAX:
                    return False
            count += len(inner)
            if count > ELEMENTS_MAX or characters > CHARACTERS_MAX:
                return False
            below.extend(inner)
        if not below:
            return True
        level = below
    return False


def _list_children(value: object) -> list[object]:
    """Return the values of an object's members, or the items of a list."""
    if isinstance(value, JsonObject):
        return [member for _, member in value]
    return cast("list[object]", value) if isinstance(value, list) else []


def _parse_number(text: JsonNumber, loss: _Loss) -> int | float:
    """Return the number as Python and Ruby parse it: whole numbers exactly, others as a double."""
    if text.lstrip("-").isdigit():
        return int(text)
    return _parse_double(text, loss)


def _parse_double(text: JsonNumber, loss: _Loss) -> float:
    """Return the nearest double. JavaScript has no other numbers."""
    value = float(text)
    try:
        is_exact = Decimal(repr(value)) == Decimal(text)
    except InvalidOperation:  # Decimal has no exponent of so many digits
        is_exact = False
    # If repr() of the double is another number, digits were lost. Infinity equals no number.
    loss.found = loss.found or not is_exact
    return value


def _to_python_value(value: object, loss: _Loss) -> object:
    """Return the value as Python's JSON module parses it."""
    if isinstance(value, JsonObject):
        return {key: _to_python_value(member, loss) for key, member in value}
    if isinstance(value, list):
        return [_to_python_value(member, loss) for member in cast("list[object]", value)]
    return _parse_number(value, loss) if isinstance(value, JsonNumber) else value


def _read_as_python(body: JsonObject, loss: _Loss) -> str:
    """Rule 2."""
    return _join_python_text(cast("dict[str, object]", _to_python_value(body, loss)), loss)


def _join_python_text(members: dict[str, object], loss: _Loss) -> str:
    text: list[str] = []
    for key in sorted(members):
        value = members[key]
        if isinstance(value, dict):
            text.append(key + _join_python_text(cast("dict[str, object]", value), loss))
        elif isinstance(value, list):
            items = [_to_python_item(item) for item in cast("list[object]", value)]
            loss.found = loss.found or not items
            try:
                ordered = sorted(cast("list[str]", items))
            except TypeError as error:
                raise _NoReading from error
            text.extend([f"{key}{item}" for item in ordered])
        else:
            text.append(f"{key}{value}")
    return "".join(text)


def _to_python_item(item: object) -> object:
    """Return an item of a list as the SDK sorts it: numbers and Booleans are already text."""
    if isinstance(item, list):
        return [_to_python_item(one) for one in cast("list[object]", item)]
    return str(item) if isinstance(item, int | float) else item


def _encode_utf16(text: str) -> bytes:
    """Return the sort key that JavaScript uses for text."""
    return text.encode("utf-16-be")


def _read_as_node(body: JsonObject, loss: _Loss) -> str:
    """Rule 3."""
    text: list[str] = []
    for key, value in sorted(body, key=lambda member: _encode_utf16(member[0])):
        if _is_array(value):
            items = [_to_node_text(item, loss) for item in value]
            loss.found = loss.found or not items
            text.extend([key + item for item in sorted(items, key=_encode_utf16)])
        else:
            text.append(key + _to_node_text(value, loss))
    return "".join(text)


def _is_array(value: object) -> TypeGuard[list[object]]:
    return isinstance(value, list) and not isinstance(value, JsonObject)


def _to_node_text(value: object, loss: _Loss) -> str:
    match value:
        case None:
            return "null"
        case bool():
            return "true" if value else "false"
        case JsonNumber():
            return _format_javascript_number(_parse_double(value, loss))
        case str():
            return value
        case JsonObject():
            loss.found = True
            return "[object Object]"
        case _:
            items = cast("list[object]", value)
            return ",".join(["" if item is None else _to_node_text(item, loss) for item in items])


def _format_javascript_number(value: float) -> str:
    """Return a double as JavaScript prints it (ECMA-262, Number::toString)."""
    decimal = Decimal(repr(value))
    if not decimal.is_finite():
        return "Infinity" if value > 0 else "-Infinity"
    if not decimal:
        return "0"  # for -0 too
    sign, parts, exponent = decimal.normalize().as_tuple()
    digits = "".join(map(str, parts))
    # The position of the decimal point, counted from the first digit.
    point = len(digits) + cast("int", exponent)
    if len(digits) <= point <= _JAVASCRIPT_FIXED_MAX:
        text = digits + "0" * (point - len(digits))
    elif 0 < point <= _JAVASCRIPT_FIXED_MAX:
        text = f"{digits[:point]}.{digits[point:]}"
    elif _JAVASCRIPT_FIXED_MIN < point <= 0:
        text = "0." + "0" * -point + digits
    else:
        fraction = f".{digits[1:]}" if digits[1:] else ""
        text = f"{digits[0]}{fraction}e{point - 1:+d}"
    return ("-" if sign else "") + text


def _read_as_ruby(body: JsonObject, loss: _Loss) -> str:
    """Rule 4."""
    return "".join(
        [key + _to_ruby_text(member, loss) for key, member in sorted(body, key=_get_name)]
    )


def _get_name(member: tuple[str, object]) -> str:
    return member[0]


def _to_ruby_text(value: object, loss: _Loss) -> str:
    match value:
        case None:
            return ""
        case bool():
            return "true" if value else "false"
        case JsonNumber():
            return _format_ruby_number(_parse_number(value, loss))
        case str():
            return value
        case JsonObject():
            raise _NoReading
        case _:
            items = cast("list[object]", value)
            return "[" + ", ".join([_to_ruby_item(item, loss) for item in items]) + "]"


def _to_ruby_item(item: object, loss: _Loss) -> str:
    """Return an item of a list as Ruby's ``inspect`` writes it."""
    if item is None:
        return "nil"
    if isinstance(item, str) and not isinstance(item, JsonNumber):
        if not item.isprintable() or "#" in item:
            raise _NoReading  # Ruby's inspect escapes these in its own way
        return '"' + item.replace("\\", "\\\\").replace('"', '\\"') + '"'
    return _to_ruby_text(item, loss)


def _format_ruby_number(value: float) -> str:
    if isinstance(value, float) and value in {float("inf"), float("-inf")}:
        return "Infinity" if value > 0 else "-Infinity"
    text = repr(value)
    mantissa, exponent, power = text.partition("e")
    if exponent and "." not in mantissa:
        return f"{mantissa}.0e{power}"
    return text
