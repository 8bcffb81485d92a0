"""Send and find messages: Plivo's pages on the Message API.

1. ``dst`` has up to 1,000 destinations, joined with ``<``. Those that are no number are returned as
   ``invalid_number``, and the others get the message.
2. A message has a source, either ``src`` or a power pack, and something to say: a text, media, or
   what WhatsApp has for it.
3. A list has the messages of the last 24 hours if no filter on their time says otherwise.
4. In a list, numbers are matched whole.
"""

import re
from datetime import timedelta
from http import HTTPStatus
from typing import Final

from bridge.emulator.api.answers import (
    Answer,
    Body,
    refuse_argument,
    refuse_missing,
    refuse_unknown,
)
from bridge.emulator.api.arguments import Arguments
from bridge.emulator.api.filters import read_time_test, with_comparisons
from bridge.emulator.api.pages import answer_page
from bridge.emulator.api.requests import ApiRequest
from bridge.emulator.api.times import format_offset
from bridge.emulator.machine.machine import Machine
from bridge.emulator.machine.message import Message, MessageOrder
from bridge.emulator.machine.messages import price_message
from bridge.emulator.machine.world import World

DESTINATIONS_MAX: Final = 1_000
# Plivo's page: of a longer text nothing is sent.
TEXT_CHARACTERS_MAX: Final = 1_600
_NUMBER: Final = re.compile(r"\+?[0-9]{3,15}", re.ASCII)
_SENDER_ID: Final = re.compile(r"[A-Za-z0-9 ]{1,11}", re.ASCII)
_TYPES: Final = ("sms", "mms", "whatsapp")
_WHATSAPP: Final = ("template", "interactive", "location")
_DAY: Final = timedelta(days=1)
_KEPT: Final = timedelta(days=90)
_EQUAL_FILTERS: Final = (
    "subaccount",
    "message_direction",
    "message_state",
    "message_type",
    "error_code",
    "from_number",
    "to_number",
    "powerpack_id",
    "conversation_id",
)


def send_messages(machine: Machine, request: ApiRequest) -> Answer:
    """Send a message to each destination: rules 1 and 2."""
    arguments = request.arguments
    source, powerpack = arguments.read_text("src"), arguments.read_text("powerpack_uuid")
    _check_source(source, powerpack)
    valid, invalid = _read_destinations(arguments.require_text("dst"), source)
    kind = arguments.read_choice("type", _TYPES, "sms")
    text = arguments.read_text("text", characters_max=TEXT_CHARACTERS_MAX)
    media = arguments.read_list("media_urls")
    if not text and not _says_something(arguments, kind, media):
        raise refuse_missing("text")
    sent = [
        machine.send_message(
            MessageOrder(
                request.account,
                source.removeprefix("+"),
                destination,
                text,
                type=kind,
                media_urls=tuple(media),
                url=arguments.read_url("url", "method"),
                powerpack_uuid=powerpack,
            )
        )
        for destination in valid
    ]
    body: Body = {
        "message": "message(s) queued",
        "message_uuid": [one.uuid for one in sent],
    }
    if invalid:
        body["invalid_number"] = [*invalid]
    return Answer(HTTPStatus.ACCEPTED, body)


def get_message(machine: Machine, request: ApiRequest) -> Answer:
    """Return one message."""
    message = machine.world.messages.get(request.ids["message_uuid"])
    if message is None or not request.may_see(message.order.account.auth_id):
        raise refuse_unknown()
    return Answer(HTTPStatus.OK, _show(machine.world, message))


def list_messages(machine: Machine, request: ApiRequest) -> Answer:
    """List messages, newest first: rules 3 and 4."""
    arguments = request.arguments
    arguments.read_choice("message_direction", ("inbound", "outbound"))
    equal = {
        name: arguments.read_text(name).removeprefix("+")
        for name in _EQUAL_FILTERS
        if name in arguments
    }
    is_in_time = read_time_test(
        arguments, "message_time", machine.world.now, window=_DAY, window_max=_KEPT
    )

    def is_wanted(message: Message) -> bool:
        values = _filter_values(message)
        return (
            request.may_see(message.order.account.auth_id)
            and all(values[name] == text for name, text in equal.items())
            and is_in_time(message.made_at)
        )

    newest_first = reversed(machine.world.messages.values())
    return answer_page(
        [one for one in newest_first if is_wanted(one)],
        lambda one: _show(machine.world, one),
        arguments,
        path=f"{request.path}Message/",
        filter_names=(*_EQUAL_FILTERS, *with_comparisons("message_time")),
    )


def _check_source(source: str, powerpack: str) -> None:
    if not source and not powerpack:
        raise refuse_missing("src")
    if source and powerpack:
        raise refuse_argument("src", "It cannot be there together with powerpack_uuid.")
    if source and not (_NUMBER.fullmatch(source) or _SENDER_ID.fullmatch(source)):
        raise refuse_argument("src", "It must be a number or a sender ID.")


def _read_destinations(text: str, source: str) -> tuple[list[str], list[str]]:
    """Return the destinations without ``+``, and those that are none: rule 1."""
    asked = list(dict.fromkeys(one.strip() for one in text.split("<")))
    if len(asked) > DESTINATIONS_MAX:
        raise refuse_argument("dst", f"It may have at most {DESTINATIONS_MAX} destinations.")
    valid = [one.removeprefix("+") for one in asked if _NUMBER.fullmatch(one)]
    if not valid:
        raise refuse_argument("dst", "It has no number with its country code.")
    if source.removeprefix("+") in valid:
        raise refuse_argument("dst", "The source is among the destinations.")
    return valid, [one for one in asked if not _NUMBER.fullmatch(one)]


def _says_something(arguments: Arguments, kind: str, media: list[str]) -> bool:
    """Return whether a message without a text has something else: rule 2."""
    if kind == "whatsapp":
        return bool(media) or any(arguments.has_value(name) for name in _WHATSAPP)
    return kind == "mms" and (bool(media) or bool(arguments.read_list("media_ids")))


def _filter_values(message: Message) -> dict[str, str]:
    order = message.order
    return {
        "subaccount": order.account.auth_id,
        "message_direction": message.direction,
        "message_state": message.state,
        "message_type": order.type,
        "error_code": _show_error(message) or "",
        "from_number": order.source,
        "to_number": order.destination,
        "powerpack_id": order.powerpack_uuid,
        "conversation_id": message.conversation_uuid,
    }


def _show_error(message: Message) -> str | None:
    """Return the error code: ``000`` is none, null not known yet, as in the fixtures of SDKs."""
    return message.error_code or ("000" if message.reported_at else None)


def _show(world: World, message: Message) -> Body:
    order, zone = message.order, message.order.account.zone
    rate, amount = price_message(world, message)
    updated_at = message.reported_at or message.sent_at or message.queued_at or message.made_at
    sent = format_offset(message.sent_at, zone, "microseconds") if message.sent_at else None
    body: Body = {
        "error_code": _show_error(message),
        "error_message": "",
        "from_number": order.source,
        "message_direction": message.direction,
        "message_sent_time": sent,
        "message_state": message.state,
        "message_time": format_offset(message.made_at, zone, "microseconds"),
        "message_type": order.type,
        "message_updated_time": format_offset(updated_at, zone, "microseconds"),
        "message_uuid": message.uuid,
        "powerpack_id": order.powerpack_uuid or None,
        "requester_ip": order.requester_ip,
        "resource_uri": f"/v1/Account/{order.account.auth_id}/Message/{message.uuid}/",
        "to_number": order.destination,
        "total_amount": amount,
        "total_rate": rate,
        "units": message.units,
    }
    if message.conversation_uuid:
        body["conversation_id"] = message.conversation_uuid
        body["conversation_origin"] = "service"
    return body
