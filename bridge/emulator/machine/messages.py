"""Messages: send them with their delivery reports, and receive them with the reply of the application.

1. Plivo sends a delivery report for each change of the state: queued, sent, and then delivered,
   undelivered, failed or rejected; a message by WhatsApp may be read after it was delivered.
2. ``Sequence`` counts the reports of a message from 1, in the order in which Plivo makes them. They are
   delivered independently, so that a retried one arrives after later ones.
3. Each report repeats the times of the earlier ones, in UTC.
4. An application may answer an incoming message with ``<Message>`` elements. Everything else in its
   document is ignored, and so is a document with an error.
5. Both kinds of callbacks are retried after 60, 120 and 240 seconds.

Delays, error codes and the words of opt-out are inferred.
"""

from datetime import datetime, timedelta
from decimal import Decimal
from typing import Final

from bridge.callbacks.model import Reply
from bridge.emulator.machine.commands import Failure, Parameters
from bridge.emulator.machine.deliveries import METHODS, Callback
from bridge.emulator.machine.fields import format_utc, in_order
from bridge.emulator.machine.leg import Account
from bridge.emulator.machine.message import Message, MessageOrder
from bridge.emulator.machine.parsing import parse_document
from bridge.emulator.machine.person import Reception
from bridge.emulator.machine.retries import MESSAGING
from bridge.emulator.machine.world import World
from bridge.reply.tree import Node

_QUEUED_AFTER_S: Final = 0.013
_SENT_AFTER_S: Final = 1.2
_REPORTED_AFTER_S: Final = 2.5
_READ_AFTER_S: Final = 20.0
# How a message ends: the state, and Plivo's code of the error.
_ENDS: Final = {
    Reception.DELIVERED: ("delivered", ""),
    Reception.READ: ("delivered", ""),
    Reception.UNDELIVERED: ("undelivered", "80"),
    Reception.FAILED: ("failed", "300"),
    Reception.REJECTED: ("rejected", "100"),
}
# These never reach the carrier.
_NEVER_SENT: Final = frozenset({Reception.FAILED, Reception.REJECTED})
_CONVERSATION: Final = timedelta(hours=24)
_INTENTS: Final = {
    "optout": frozenset({"stop", "stopall", "unsubscribe", "cancel", "end", "quit"}),
    "optin": frozenset({"start", "unstop", "yes"}),
    "help": frozenset({"help", "info"}),
}


def send(world: World, order: MessageOrder) -> Message:
    """Begin to send a message."""
    message = Message(world.new_uuid(), order, "outbound", world.now, "queued")
    if order.type == "whatsapp":
        message.conversation_uuid = world.new_uuid()
    world.add_message(message)
    world.scheduler.start(_deliver(world, message))
    return message


def receive(world: World, order: MessageOrder) -> Message:
    """Begin to receive a message at a number of the account; ``url`` is the application's."""
    message = Message(world.new_uuid(), order, "inbound", world.now, "received")
    world.add_message(message)
    world.scheduler.start(_hand_over(world, message))
    return message


def send_element(world: World, account: Account, node: Node, source: str) -> None:
    """Send the messages of a ``<Message>`` element. ``source`` sends if the element names nobody."""
    attributes = node.attributes
    method = attributes.get("callbackMethod", "").strip().upper() or "POST"
    for destination in attributes.get("dst", "").split("<"):
        if destination.strip():
            order = MessageOrder(
                account,
                _strip_number(attributes.get("src", "")) or source,
                _strip_number(destination),
                node.text.strip(),
                type=attributes.get("type", "").strip() or "sms",
                url=(attributes.get("callbackUrl", "").strip(), method),
            )
            send(world, order)


def _strip_number(text: str) -> str:
    return text.strip().removeprefix("+")


async def _deliver(world: World, message: Message) -> None:
    """Bring a message to its end, with a report of each step: rule 1."""
    order, sleep = message.order, world.scheduler.sleep
    reception = order.reception
    if reception is None:
        reception = world.find_person(order.destination, world.random).receives
    await sleep(_QUEUED_AFTER_S)
    message.queued_at = world.now
    _report(world, message, sequence=1)
    await sleep(_SENT_AFTER_S)
    sequence = 2
    if reception not in _NEVER_SENT:
        message.state, message.sent_at = "sent", world.now
        _report(world, message, sequence=sequence)
        sequence += 1
        await sleep(_REPORTED_AFTER_S)
    message.state, message.error_code = _ENDS[reception]
    message.reported_at = world.now
    _report(world, message, sequence=sequence)
    if reception is Reception.READ and order.type == "whatsapp":
        await sleep(_READ_AFTER_S)
        message.state, message.reported_at = "read", world.now
        _report(world, message, sequence=sequence + 1)


def _report(world: World, message: Message, *, sequence: int) -> None:
    """Send a delivery report: rules 2 and 5."""
    fields = status_fields(world, message, sequence)
    world.send(_to_callback("messaging.message.status", message, fields))


def _to_callback(kind: str, message: Message, fields: Parameters) -> Callback:
    order = message.order
    return Callback(kind, message.uuid, order.account.auth_id, *order.url, fields, MESSAGING)


async def _hand_over(world: World, message: Message) -> None:
    """Ask the application what to do with an incoming message: rule 4."""
    order, (address, method) = message.order, message.order.url
    if not address:
        return
    if method not in METHODS:
        world.note(message.uuid, f"the message URL is not called: its method is {method!r}")
        return
    fields = inbound_fields(world, message)
    callback = _to_callback("messaging.message.inbound", message, fields)
    outcome = await world.deliveries.deliver(callback)
    if isinstance(outcome, Failure) or not outcome.is_success:
        message.state = "undelivered"
        return
    message.state = "delivered"
    if not outcome.body.strip():
        return
    root, faults = parse_document(outcome, Reply.OPTIONAL_XML)
    for fault in faults:
        world.note(message.uuid, fault)
    for node in root.children if root is not None else ():
        if node.name == "Message":
            send_element(world, order.account, node, order.destination)


def status_fields(world: World, message: Message, sequence: int) -> Parameters:
    """Return the parameters of a delivery report: rules 2 and 3."""
    country, network = world.conditions.network
    fields = {
        **_shared_fields(world, message),
        "ErrorCode": message.error_code,
        "MCC": country,
        "MNC": network,
        "MessageTime": format_utc(message.made_at),
        "ParentMessageUUID": message.uuid,
        "PartInfo": "1 of 1",
        "PowerpackUUID": message.order.powerpack_uuid,
        "Sequence": str(sequence),
        "Status": message.state,
        **_time_fields("QueuedTime", message.queued_at),
        **_time_fields("SentTime", message.sent_at),
        **_time_fields("DeliveryReportTime", message.reported_at),
    }
    if message.order.requester_ip:
        fields["requester_ip"] = message.order.requester_ip
    if message.conversation_uuid:
        expires_at = message.made_at + _CONVERSATION
        fields["ConversationExpirationTimestamp"] = str(int(expires_at.timestamp()))
        fields["ConversationID"] = message.conversation_uuid
        fields["ConversationOrigin"] = "service"
    return in_order(fields)


def inbound_fields(world: World, message: Message) -> Parameters:
    """Return the parameters of an incoming message; media are numbered from 0, as on the newest page."""
    order = message.order
    fields = _shared_fields(world, message)
    fields |= {f"Media{index}": url for index, url in enumerate(order.media_urls)}
    match order.type:
        case "mms":
            fields |= {
                "Body": order.text,
                "MediaCount": str(len(order.media_urls)),
                "PowerpackUUID": order.powerpack_uuid,
            }
        case "whatsapp":
            fields |= {"Body": order.text, "ContentType": "media" if order.media_urls else "text"}
            if order.media_urls:
                fields["MimeType"] = "image/jpeg"
        case _:
            fields |= {
                "MessageIntent": _find_intent(order.text),
                "PowerpackUUID": order.powerpack_uuid,
                "Text": order.text,
            }
    return in_order(fields)


def _find_intent(text: str) -> str:
    word = text.strip().lower()
    return next((intent for intent, words in _INTENTS.items() if word in words), "")


def price_message(world: World, message: Message) -> tuple[str, str]:
    """Return the prices of a unit and of the message. An incoming SMS is free, as in Plivo's samples."""
    is_free = message.direction == "inbound" and message.order.type == "sms"
    rate = Decimal(0) if is_free else Decimal(world.conditions.message_rate)
    return f"{rate:.5f}", f"{rate * message.units:.5f}"


def _shared_fields(world: World, message: Message) -> Parameters:
    """Return the parameters of both directions."""
    order = message.order
    rate, amount = price_message(world, message)
    return {
        "From": order.source,
        "MessageUUID": message.uuid,
        "To": order.destination,
        "TotalAmount": amount,
        "TotalRate": rate,
        "Type": order.type,
        "Units": str(message.units),
    }


def _time_fields(name: str, instant: datetime | None) -> Parameters:
    return {} if instant is None else {name: format_utc(instant)}
