"""Read the arguments of a request that places calls: Plivo's page on making a call.

1. ``to`` has up to 1,000 destinations, joined with ``<``. The caller may not be among them.
2. Machine detection has three modes: ``true`` goes on, ``hangup`` ends the call of a machine, and with
   ``machine_detection_url`` Plivo detects beside the call. WhatsApp calls have none.
3. ``sip_headers`` come back as ``X-PH-Name``: letters and digits only.
4. Not documented, so inferred: a list may name a destination once, and a caller is a number of 3 to 15
   digits or a SIP address.
"""

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Final

from bridge.emulator.api.answers import refuse_argument
from bridge.emulator.api.arguments import Arguments
from bridge.emulator.machine.calls import CallOrder
from bridge.emulator.machine.leg import Account, CallUrls
from bridge.emulator.machine.machine_detection import MachineDetection

DESTINATIONS_MAX: Final = 1_000
CALLER_NAME_CHARACTERS_MAX: Final = 50
_NUMBER: Final = re.compile(r"\+?[0-9]{3,15}", re.ASCII)
_SIP: Final = re.compile(r"sips?:[^@\s<>]+@[^@\s<>]+", re.ASCII)
_HEADER: Final = re.compile(r"([A-Za-z0-9]+)=([A-Za-z0-9]+)", re.ASCII)
_SENT_DIGITS: Final = re.compile(r"[0-9A-Da-d*#wW@]+", re.ASCII)
# The page breaks off before the range of the last one, so only that it is a number is checked.
_DETECTION_RANGES: Final[Mapping[str, tuple[int, int, int]]] = {
    "machine_detection_time": (5_000, 2_000, 10_000),
    "machine_detection_maximum_speech_length": (5_000, 1_000, 6_000),
    "machine_detection_initial_silence": (4_500, 2_000, 10_000),
    "machine_detection_maximum_words": (3, 2, 10),
    "machine_detection_initial_greeting": (1_500, 1_000, 5_000),
    "machine_detection_silence": (1_000, 0, 1_000_000),
}
_MS: Final = 1_000


def read_call_orders(account: Account, arguments: Arguments) -> list[CallOrder]:
    """Return an order for each destination. Raises Refused."""
    caller = check_party("from", arguments.require_text("from"))
    callees = read_destinations(arguments.require_text("to"), caller)
    urls = CallUrls(
        answer=arguments.read_url("answer_url", "answer_method", required=True),
        ring=arguments.read_url("ring_url", "ring_method"),
        hangup=arguments.read_url("hangup_url", "hangup_method"),
        fallback=arguments.read_url("fallback_url", "fallback_method"),
    )
    first = CallOrder(
        account,
        caller,
        callees[0],
        urls,
        caller_name=arguments.read_text("caller_name", characters_max=CALLER_NAME_CHARACTERS_MAX),
        sip_headers=read_sip_headers(arguments.read_text("sip_headers")),
        ring_timeout_s=arguments.read_integer("ring_timeout", 120, least=1),
        time_limit_s=arguments.read_integer("time_limit", 14_400, least=1),
        hangup_on_ring_s=_read_hangup_on_ring(arguments),
        machine_detection=_read_detection(arguments),
        send_digits=_read_sent_digits(arguments),
        sends_on_preanswer=arguments.read_flag("send_on_preanswer"),
        parent_uuid=_read_parent(arguments, len(callees)),
    )
    return [replace(first, callee=callee) for callee in callees]


def read_destinations(text: str, caller: str) -> list[str]:
    """Return the destinations: rule 1. Numbers are without ``+``."""
    callees = [check_party("to", one) for one in text.split("<")]
    if len(callees) > DESTINATIONS_MAX:
        raise refuse_argument("to", f"It may have at most {DESTINATIONS_MAX} destinations.")
    if len(set(callees)) < len(callees):
        raise refuse_argument("to", "It has a destination twice.")
    if caller in callees:
        raise refuse_argument("to", "The caller is among the destinations.")
    return callees


def read_sip_headers(text: str) -> dict[str, str]:
    """Return the custom SIP headers by name: rule 3."""
    headers: dict[str, str] = {}
    for pair in filter(None, (part.strip() for part in text.split(","))):
        header = _HEADER.fullmatch(pair)
        if header is None:
            raise refuse_argument("sip_headers", "Names and values are letters and digits.")
        headers[header[1]] = header[2]
    return headers


def check_party(name: str, text: str) -> str:
    """Return a number without ``+``, or a SIP address. ``name`` is that of the argument."""
    party = text.strip()
    if _NUMBER.fullmatch(party):
        return party.removeprefix("+")
    if _SIP.fullmatch(party):
        return party
    raise refuse_argument(name, "It must be a number with its country code, or a SIP address.")


def _read_hangup_on_ring(arguments: Arguments) -> int | None:
    if "hangup_on_ring" not in arguments:
        return None
    return arguments.read_integer("hangup_on_ring", 0)


def _read_sent_digits(arguments: Arguments) -> str:
    digits = arguments.read_text("send_digits")
    if digits and not _SENT_DIGITS.fullmatch(digits):
        raise refuse_argument("send_digits", "It may have digits, *, #, w, W and @.")
    return digits


def _read_parent(arguments: Arguments, callees: int) -> str:
    parent = arguments.read_text("parent_call_uuid")
    if parent and callees > 1:
        raise refuse_argument("parent_call_uuid", "It is for a single destination.")
    return parent


def _read_detection(arguments: Arguments) -> MachineDetection | None:
    """Return the machine detection: rule 2."""
    mode = arguments.read_choice("machine_detection", ("true", "hangup", "false"))
    url = arguments.read_url("machine_detection_url", "machine_detection_method")
    limits = {
        name: arguments.read_integer(name, default, least=least, most=most)
        for name, (default, least, most) in _DETECTION_RANGES.items()
    }
    if mode not in {"true", "hangup"}:
        return None
    if arguments.read_text("call_type") == "whatsapp_voice":
        raise refuse_argument("machine_detection", "WhatsApp calls have no machine detection.")
    return MachineDetection(
        action="hangup" if mode == "hangup" else "continue",
        url=url,
        limit_s=limits["machine_detection_time"] / _MS,
        initial_silence_s_max=limits["machine_detection_initial_silence"] / _MS,
        sentence_s_max=limits["machine_detection_initial_greeting"] / _MS,
        sentences_max=limits["machine_detection_maximum_words"],
        speech_s_max=limits["machine_detection_maximum_speech_length"] / _MS,
        silence_s=limits["machine_detection_silence"] / _MS,
    )
