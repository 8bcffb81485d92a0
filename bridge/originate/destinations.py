"""Numbers and SIP URIs that a call can go to, and lists of them.

1. A number is in E.164, with or without ``+``: a country code, and a national number that the country
   can have. A number without its country code would be another one's, so it is refused.
2. A SIP URI is ``sip:user@host`` or ``sips:user@host``. ``<`` separates destinations, so that no URI has
   one.
3. ``+14155550123`` and ``14155550123`` are the same destination, and so are SIP URIs that differ in the
   case of the host only (RFC 3261, section 19.1.4).
4. A file of destinations has one a line. Empty lines count for nothing, nor does what follows ``#`` at
   the beginning of a line or after white space.
"""

import re
from collections.abc import Iterable
from typing import Final, NamedTuple

from bridge.normalise.phone import parse_party
from bridge.originate.parameter import FaultyValue, RequestFault, RequestFaults

DESTINATIONS_MAX: Final = 1_000
SEPARATOR: Final = "<"
NUMBER_PATTERN: Final = r"\+?[1-9][0-9]{6,14}"
DESTINATION_PATTERN: Final = NUMBER_PATTERN + r"|sips?:[^@\s<>]+@[^@\s<>]+"
_SIP: Final = re.compile(r"(sips?):([^@\s<>]+)@([^@\s<>]+)", re.ASCII)
_DIGITS: Final = re.compile(r"\+?[0-9]+", re.ASCII)
_E164: Final = re.compile(NUMBER_PATTERN, re.ASCII)
_COMMENT: Final = re.compile(r"(?:^|\s)#.*")
_SHOWN_CHARACTERS_MAX: Final = 60


class Line(NamedTuple):
    """A destination of a file, and the number of its line."""

    number: int
    destination: str


def check_number(text: str) -> str:
    """Return a number in E.164 as it is written. Raises FaultyValue: rule 1."""
    if not _DIGITS.fullmatch(text):
        fault = f"{_show(text)} is not a number"
        raise FaultyValue(fault, "write country code and number, such as 14157654321")
    if not _E164.fullmatch(text):
        fault = f"{_show(text)} is not in E.164"
        raise FaultyValue(fault, "write country code and number, 7 to 15 digits")
    if parse_party(text)["kind"] != "pstn":
        fault = f"{_show(text)} does not exist in any country"
        raise FaultyValue(fault, "write the country code in front, and check the digits")
    return text


def check_destination(text: str) -> str:
    """Return a number or a SIP URI as it is written. Raises FaultyValue: rules 1 and 2."""
    if _SIP.fullmatch(text):
        return text
    if text.lower().startswith(("sip:", "sips:")):
        fault = f"{_show(text)} is not a SIP URI"
        raise FaultyValue(fault, "write sip:user@host")
    if not text:
        fault = "has an empty destination"
        raise FaultyValue(fault, f"write one destination on each side of {SEPARATOR}")
    return check_number(text)


def identify(destination: str) -> str:
    """Return what two spellings of a destination have in common: rule 3."""
    match = _SIP.fullmatch(destination)
    if match is None:
        return destination.removeprefix("+")
    scheme, user, host = match.groups()
    return f"{scheme}:{user}@{host.lower()}"


def split_destinations(text: str) -> tuple[str, ...]:
    """Return the destinations of Plivo's ``to``."""
    return tuple(part.strip() for part in text.split(SEPARATOR))


def join_destinations(destinations: Iterable[str]) -> str:
    """Return Plivo's ``to`` for these destinations."""
    return SEPARATOR.join(destinations)


def read_lines(text: str, name: str) -> tuple[Line, ...]:
    """Return the destinations of a file: rule 4. ``name`` is the file's, for messages.

    Raises RequestFaults: each faulty line, each destination that occurs twice, too many lines, none.
    """
    lines = [
        Line(number, bare)
        for number, line in enumerate(text.removeprefix("\ufeff").splitlines(), start=1)
        if (bare := _COMMENT.sub("", line).strip())
    ]
    faults = list(_find_line_faults(lines, name))
    if not lines:
        faults.append(RequestFault("to", f"{name} has no destination", "write one on each line"))
    if len(lines) > DESTINATIONS_MAX:
        fault = f"{name} has {len(lines):,} destinations, and Plivo takes {DESTINATIONS_MAX:,}"
        faults.append(RequestFault("to", fault, "split the file"))
    if faults:
        raise RequestFaults(faults)
    return tuple(lines)


def _find_line_faults(lines: Iterable[Line], name: str) -> Iterable[RequestFault]:
    first: dict[str, int] = {}
    for number, destination in lines:
        try:
            check_destination(destination)
        except FaultyValue as error:
            yield RequestFault("to", f"{name}, line {number}: {error.fault}", error.remedy)
            continue
        before = first.setdefault(identify(destination), number)
        if before != number:
            fault = f"{name}, line {number}: {_show(destination)} is on line {before} already"
            yield RequestFault("to", fault, "remove one of the two")


def _show(text: str) -> str:
    short = text[:_SHOWN_CHARACTERS_MAX]
    return repr(short if short == text else short + "…")
