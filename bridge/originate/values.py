"""The values of a request's parameters: how they are checked, and how their spelling is evened out.

A check raises FaultyValue, or RequestFaults for a value that can have several faults.
"""

from collections.abc import Iterator
from typing import Annotated, Literal

from pydantic import AfterValidator, BeforeValidator, WithJsonSchema

from bridge.originate.destinations import (
    DESTINATIONS_MAX,
    SEPARATOR,
    check_destination,
    check_number,
    identify,
    split_destinations,
)
from bridge.originate.parameter import FaultyValue, RequestFault, RequestFaults
from bridge.reply.urls import find_retry_fault, is_absolute, parse_retry_settings, redacted


def check_caller(text: str) -> str:
    """Return the caller's number without white space."""
    return check_number(text.strip())


def check_destinations(text: str) -> str:
    """Return ``to`` without white space. Raises RequestFaults: one fault for each destination."""
    found = split_destinations(text)
    faults = list(_find_destination_faults(found))
    if len(found) > DESTINATIONS_MAX:
        fault = f"has {len(found):,} destinations, and Plivo takes {DESTINATIONS_MAX:,}"
        faults.append(RequestFault("to", fault, "make several requests"))
    if faults:
        raise RequestFaults(faults)
    return SEPARATOR.join(found)


def _find_destination_faults(destinations: tuple[str, ...]) -> Iterator[RequestFault]:
    first: dict[str, int] = {}
    for position, destination in enumerate(destinations, start=1):
        place = f"destination {position}: " if len(destinations) > 1 else ""
        try:
            check_destination(destination)
        except FaultyValue as error:
            yield RequestFault("to", place + error.fault, error.remedy)
            continue
        before = first.setdefault(identify(destination), position)
        if before != position:
            fault = f"{place}{destination!r} is destination {before} already"
            yield RequestFault("to", fault, "remove one of the two")


def _check_url(url: str) -> str:
    if not url:
        return url
    if not is_absolute(url) or any(one.isspace() or not one.isprintable() for one in url):
        fault = f"{redacted(url)} is not an absolute URL"
        raise FaultyValue(fault, "write https://, the host and the path")
    retry_fault = find_retry_fault(parse_retry_settings(url))
    if retry_fault is not None:
        raise FaultyValue(retry_fault, "correct the URL's fragment, such as #rp=all&rc=5")
    return url


def check_sip_headers(text: str) -> str:
    """Return the headers, if no name occurs twice in any case."""
    names = [pair.partition("=")[0].lower() for pair in text.split(",")]
    for name in sorted({one for one in names if names.count(one) > 1}):
        fault = f"has the header {name} twice"
        raise FaultyValue(fault, "remove one of the two")
    return text


def _refuse_flag(value: object) -> object:
    if isinstance(value, bool):
        message = "true and false are no numbers"
        raise ValueError(message)  # noqa: TRY004 (pydantic takes only this class)
    return value


def _fold_method(value: object) -> object:
    return value.upper() if isinstance(value, str) else value


def fold_word(value: object) -> object:
    """Return a word in lower case, and a truth value as its word."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return value.lower() if isinstance(value, str) else value


Url = Annotated[
    str,
    AfterValidator(_check_url),
    WithJsonSchema({"type": "string", "format": "uri", "pattern": "^[Hh][Tt][Tt][Pp][Ss]?://."}),
]
Method = Annotated[Literal["GET", "POST"], BeforeValidator(_fold_method)]
WholeNumber = Annotated[int, BeforeValidator(_refuse_flag)]
