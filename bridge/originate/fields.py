"""The fields of a request: what their declarations say, and how values are read by it.

1. Every value is read by its own field, so that one fault does not hide another.
2. Contradictions are looked for among the values without faults. A parameter whose ``needs`` has a
   faulty value has no second fault.
"""

import difflib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache, cached_property
from typing import Annotated, Any, Final, cast, get_args

from pydantic import BaseModel, TypeAdapter, ValidationError
from pydantic.fields import FieldInfo

from bridge.originate.destinations import identify, split_destinations
from bridge.originate.parameter import (
    FaultyValue,
    Group,
    Parameter,
    RequestFault,
    RequestFaults,
)

_SHOWN_CHARACTERS_MAX: Final = 60


@dataclass(frozen=True)
class RequestField:
    """A parameter under Plivo's name, with its declaration."""

    name: str
    python_name: str
    declared: Parameter
    info: FieldInfo

    @cached_property
    def adapter(self) -> TypeAdapter[Any]:
        """Return what reads a value of this field alone."""
        own: Any = Annotated[self.info.annotation, *self.info.metadata]
        return TypeAdapter(own)

    @cached_property
    def types(self) -> tuple[Any, ...]:
        """Return the Python types and the words that a value can be."""
        return tuple(one for one in _flatten(self.info.annotation) if one is not type(None))

    @property
    def is_flag(self) -> bool:
        """Return whether its values are true and false."""
        return self.types == (bool,)

    @property
    def is_number(self) -> bool:
        """Return whether its values are whole numbers."""
        return self.types == (int,)

    @property
    def choices(self) -> tuple[str, ...]:
        """Return the words that a value can be; empty if it can be others."""
        return tuple(one for one in self.types if isinstance(one, str))

    @cached_property
    def range(self) -> tuple[int, int] | None:
        """Return the least and the most that a number can be."""
        bounds = {
            name: cast("int", getattr(one, name))
            for one in self.info.metadata
            for name in ("ge", "le")
            if hasattr(one, name)
        }
        return (bounds["ge"], bounds["le"]) if len(bounds) > 1 else None

    @property
    def limits(self) -> str:
        """Return the limits in words: the declaration's own, a range, or choices."""
        if self.declared.limits:
            return self.declared.limits
        if self.range is not None:
            least, most = self.range
            return f"{least:,} to {most:,} {self.declared.unit}"
        return " or ".join(self.choices or (("true", "false") if self.is_flag else ()))

    def miss(self) -> RequestFault:
        """Return the fault of a request without this parameter."""
        return RequestFault(self.name, "is missing, and Plivo requires it", f"give {self.limits}")

    def describe(self, value: object, error: ValidationError) -> RequestFault:
        """Return the fault of a value that the field's type refused."""
        first = error.errors()[0]
        cause = first.get("ctx", {}).get("error")
        if isinstance(cause, FaultyValue):
            return RequestFault(self.name, cause.fault, cause.remedy)
        if first["type"] == "string_too_long":
            fault = f"has {len(cast('str', value)):,} characters"
        else:
            fault = f"{_show(value)} is not allowed"
        return RequestFault(self.name, fault, f"give {self.limits}")


def _flatten(annotation: Any) -> Iterator[Any]:  # noqa: ANN401 (typing's own objects)
    """Yield the types and words of a union, without what annotates them."""
    inner = get_args(annotation)
    if not inner:
        yield annotation
    for one in inner:
        if isinstance(one, str | type) or get_args(one):
            yield from _flatten(one)


@cache
def list_fields(model: type[BaseModel]) -> Mapping[str, RequestField]:
    """Return the fields of a model by Plivo's name, in the order of their declarations."""
    found: dict[str, RequestField] = {}
    for name, info in model.model_fields.items():
        (declared,) = (one for one in info.metadata if isinstance(one, Parameter))
        found[info.alias or name] = RequestField(info.alias or name, name, declared, info)
    return found


def read_values(
    fields: Mapping[str, RequestField], given: Mapping[str, object]
) -> dict[str, object]:
    """Return the values by Plivo's name. Raises RequestFaults, with every fault: rules 1 and 2."""
    present = {name.removesuffix("_"): value for name, value in given.items() if value is not None}
    faults = [_refuse_unknown(name, fields) for name in present if name not in fields]
    values: dict[str, object] = {}
    for name, field in fields.items():
        value = present.get(name)
        if field.info.is_required() and value in (None, ""):
            faults.append(field.miss())
        elif value is not None:
            try:
                values[name] = field.adapter.validate_python(value)
            except RequestFaults as error:
                faults += error.faults
            except ValidationError as error:
                faults.append(field.describe(value, error))
    faults += _find_contradictions(values, fields, present)
    if faults:
        order = list(fields)
        faults.sort(key=lambda one: order.index(one.parameter) if one.parameter in fields else -1)
        raise RequestFaults(faults)
    return values


def _refuse_unknown(name: str, fields: Mapping[str, RequestField]) -> RequestFault:
    near = difflib.get_close_matches(name, fields, n=1)
    remedy = f"did you mean {near[0]}?" if near else "remove it"
    return RequestFault(name, "is no parameter of a call", remedy)


def _find_contradictions(
    values: Mapping[str, object],
    fields: Mapping[str, RequestField],
    present: Mapping[str, object],
) -> Iterator[RequestFault]:
    """Yield the faults of parameters that do not go together. ``present`` has faulty values, too."""
    destinations = split_destinations(cast("str", values["to"])) if "to" in values else ()
    caller = cast("str", values.get("from", ""))
    if identify(caller) in map(identify, destinations):
        yield RequestFault("to", f"the caller {caller} is among the destinations", "remove it")
    if "parent_call_uuid" in values and len(destinations) > 1:
        fault = f"goes with one destination, and there are {len(destinations):,}"
        yield RequestFault("parent_call_uuid", fault, "make a request for each destination")
    is_whatsapp = values.get("call_type") == "whatsapp_voice"
    for name, field in fields.items():
        declared = field.declared
        if values.get(name) in (None, False, ""):
            continue
        if is_whatsapp and declared.group is Group.DETECTION and declared.is_checked:
            yield RequestFault(name, "WhatsApp calls have no machine detection", "remove it")
        elif declared.needs and not present.get(declared.needs):
            fault = f"has no effect without {declared.needs}"
            yield RequestFault(name, fault, f"give {declared.needs}, or remove this")


def _show(value: object) -> str:
    text = repr(value)
    return text if len(text) <= _SHOWN_CHARACTERS_MAX else text[:_SHOWN_CHARACTERS_MAX] + "…"
