"""The declaration of a request's parameter, and the faults that a request can have.

A parameter is declared once, as a field of ``request.CallRequest``. Its validation, the options of
``callback-bridge call place``, the reference page and the JSON Schema are derived from that.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, NamedTuple

from pydantic import GetJsonSchemaHandler
from pydantic_core import CoreSchema

from bridge.callbacks.model import CallbackType


class Group(StrEnum):
    """Subjects of parameters: the panels of ``--help``, the sections of the reference page."""

    PARTIES = "Caller and destinations"
    URLS = "URLs"
    CALL = "Call"
    DETECTION = "Machine detection"
    ASYNCHRONOUS = "Asynchronous mode"


class Source(StrEnum):
    """Where a parameter is documented."""

    PAGE = "Plivo's page Make a call"
    LEGACY_PAGE = "Plivo's older Call API page, and the official SDKs"
    TOOL = "Plivo's command-line tool"


@dataclass(frozen=True, slots=True)
class Parameter:
    """The facts about a parameter that its type does not show.

    ``limits`` are those that are no range of numbers, ``default`` is what Plivo does without the
    parameter. Without a value of ``needs`` the parameter would have no effect, so that it is refused.
    ``is_required``: Plivo refuses a request without it.
    ``callback`` is what Plivo sends to a URL, ``is_retried`` whether its fragment can have retry
    settings. ``is_checked`` is False for a value that is sent as it is.
    """

    meaning: str
    group: Group
    unit: str = ""
    limits: str = ""
    default: str = ""
    needs: str = ""
    example: str = ""
    callback: CallbackType | None = None
    is_required: bool = False
    is_retried: bool = False
    is_checked: bool = True
    source: Source = Source.PAGE

    def __get_pydantic_json_schema__(
        self, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> dict[str, Any]:
        """Put what the declaration says into the field's JSON Schema."""
        sentences = [self.meaning]
        if self.unit:
            sentences.append(f"Unit: {self.unit}.")
        if self.limits:
            sentences.append(f"Limits: {self.limits}.")
        if self.default:
            sentences.append(f"Plivo's default: {self.default}.")
        if self.needs:
            sentences.append(f"Only with `{self.needs}`.")
        return {**handler(schema), "description": " ".join(sentences)}


class RequestFault(NamedTuple):
    """One fault of a request: of which parameter, under Plivo's name, and what to do about it."""

    parameter: str
    fault: str
    remedy: str

    def __str__(self) -> str:
        """Return the fault as one line."""
        return f"{self.parameter}: {self.fault}; {self.remedy}"


class RequestFaults(Exception):
    """The request cannot be sent. It has every fault, in the order of the parameters."""

    def __init__(self, faults: Iterable[RequestFault]) -> None:
        self.faults = tuple(faults)
        super().__init__("\n".join(map(str, self.faults)))


class FaultyValue(ValueError):
    """A value that a parameter cannot have. The caller knows which parameter."""

    def __init__(self, fault: str, remedy: str) -> None:
        super().__init__(fault)
        self.fault = fault
        self.remedy = remedy
