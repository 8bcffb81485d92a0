"""Delivery reports: https://docs.plivo.com/docs/messaging/api/message/message-status-callbacks.

Times without an offset are UTC: a capture's own receive time proves it.
"""

from typing import Annotated

from bridge.callbacks.messaging import MessageCallback
from bridge.callbacks.model import CallbackType, Reply, param
from bridge.normalise.quantity import Count, NetworkCode, PartField, Text, Word
from bridge.normalise.zoned_time import EpochOrZoned, ZonedOrUtc


class MessageStatus(MessageCallback):
    """The delivery status of a message changed; one callback per change."""

    status: Annotated[
        Word | None,
        param(
            "Status",
            meaning="`queued`, `sent`, `delivered`, `undelivered`, `failed`, `rejected`, `read`. "
            "Open set.",
            case_insensitive=True,
        ),
    ] = None
    mcc: Annotated[
        NetworkCode | None, param("MCC", meaning="Mobile country code of the destination.")
    ] = None
    mnc: Annotated[
        NetworkCode | None, param("MNC", meaning="Mobile network code of the destination.")
    ] = None
    parent_message_uuid: Annotated[
        Text | None, param("ParentMessageUUID", meaning="Id of the long message it is part of.")
    ] = None
    part: Annotated[
        PartField | None, param("PartInfo", meaning="Which part of a long message it is.")
    ] = None
    sequence: Annotated[
        Count | None,
        param("Sequence", meaning="Position in the order in which Plivo made the reports."),
    ] = None
    message_at: Annotated[
        ZonedOrUtc | None, param("MessageTime", meaning="When the message was made; UTC.")
    ] = None
    queued_at: Annotated[
        ZonedOrUtc | None, param("QueuedTime", meaning="When it was queued; UTC.")
    ] = None
    sent_at: Annotated[ZonedOrUtc | None, param("SentTime", meaning="When it was sent; UTC.")] = (
        None
    )
    report_at: Annotated[
        ZonedOrUtc | None,
        param("DeliveryReportTime", meaning="When its delivery was reported; UTC."),
    ] = None
    requester_ip: Annotated[
        Text | None, param("requester_ip", meaning="Where the API request came from.")
    ] = None
    conversation_id: Annotated[
        Text | None, param("ConversationID", meaning="WhatsApp: id of the conversation.")
    ] = None
    conversation_origin: Annotated[
        Word | None,
        param(
            "ConversationOrigin",
            meaning="WhatsApp: `utility`, `authentication`, `marketing`, `service`. Open set.",
        ),
    ] = None
    conversation_expires_at: Annotated[
        EpochOrZoned | None,
        param("ConversationExpirationTimestamp", meaning="WhatsApp: when the conversation ends."),
    ] = None


_IDS = (
    "From=14155550100&MessageUUID=7a242edc-2f57-11e7-98c9-06ab0bf64327"
    "&ParentMessageUUID=7a242edc-2f57-11e7-98c9-06ab0bf64327&To=14155550123"
)

CALLBACK = CallbackType(
    name="messaging.message.status",
    model=MessageStatus,
    key_fields=("message_uuid",),
    reply=Reply.ACK,
    # Old captures spell it `status`. Customers' own queries often have that name too, and a GET mixes
    # them with Plivo's parameters. Beside parameters of an incoming message it is no delivery report.
    recognise=("MessageUUID & Status", "MessageUUID & status & !Text & !Body & !MediaCount"),
    match_order=3,
    # Each report repeats the times of the earlier ones, so the last time is that of this change.
    time_fields=("report_at", "sent_at", "queued_at"),
    samples={
        "delivered": (
            f"{_IDS}&DeliveryReportTime=2026-03-07+14%3A13%3A33.500000&ErrorCode=&MCC=310&MNC=260"
            "&MessageTime=2026-03-07+14%3A13%3A29.088198&PartInfo=1+of+1&PowerpackUUID="
            "&QueuedTime=2026-03-07+14%3A13%3A29.101198&SentTime=2026-03-07+14%3A13%3A31.000000"
            "&Sequence=3&Status=delivered&TotalAmount=0.00350&TotalRate=0.00350&Type=sms&Units=1"
        ),
        "queued, as captured": (
            f"{_IDS}&MessageTime=2026-03-07+14%3A13%3A29.088198&PartInfo=1+of+1&PowerpackUUID="
            "&QueuedTime=2026-03-07+14%3A13%3A29.101198&Sequence=1&Status=queued"
            "&TotalAmount=0.00350&TotalRate=0.00350&Units=1"
        ),
        "read on whatsapp": (
            f"{_IDS}&ConversationExpirationTimestamp=1772979209&ConversationID=c0ffee"
            "&ConversationOrigin=service&Status=read&Type=whatsapp&Units=1"
        ),
    },
)
