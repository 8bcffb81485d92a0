"""Incoming messages: https://docs.plivo.com/docs/messaging/api/message/handling-incoming.

Media are numbered from 1 on one page and from 0 on another.
"""

from typing import Annotated

from bridge.callbacks.messaging import MessageCallback
from bridge.callbacks.model import CallbackType, Reply, param
from bridge.normalise.quantity import Count, Numbered, Text, Word

_IDS = "From=14155550123&MessageUUID=7a242edc-2f57-11e7-98c9-06ab0bf64327&To=14155550100"


class InboundMessage(MessageCallback):
    """A message arrived: SMS, MMS or WhatsApp."""

    text: Annotated[
        Text | None, param("Text", "Body", meaning="The words; `Text` of SMS, `Body` of others.")
    ] = None
    message_intent: Annotated[
        Word | None, param("MessageIntent", meaning="`optout`, `optin`, `help`, or absent.")
    ] = None
    media_count: Annotated[Count | None, param("MediaCount", meaning="The number of media.")] = None
    media: Annotated[
        Numbered | None,
        param("Media", meaning="URLs of the media, in their order.", numbered=True),
    ] = None
    content_type: Annotated[
        Word | None,
        param("ContentType", meaning="WhatsApp: `text`, `media`, `button`, `unknown`. Open set."),
    ] = None
    mime_type: Annotated[Text | None, param("MimeType", meaning="WhatsApp: the media's type.")] = (
        None
    )


CALLBACK = CallbackType(
    name="messaging.message.inbound",
    model=InboundMessage,
    key_fields=("message_uuid",),
    reply=Reply.OPTIONAL_XML,
    recognise=(
        "MessageUUID & !Status & !status",
        "MessageUUID & !Status & Text",
        "MessageUUID & !Status & Body",
        "MessageUUID & !Status & MediaCount",
    ),
    match_order=3,
    samples={
        "sms": f"{_IDS}&Text=Hello&TotalAmount=0.00000&TotalRate=0.00000&Type=sms&Units=1",
        "mms": (
            f"{_IDS}&Body=look&Media1=https%3A%2F%2Fmedia.plivo.com%2F1.jpg"
            "&Media0=https%3A%2F%2Fmedia.plivo.com%2F0.jpg&MediaCount=2&TotalAmount=0.00350"
            "&TotalRate=0.00350&Type=mms&Units=1"
        ),
        "whatsapp": (
            f"{_IDS}&Body=hi&ContentType=text&TotalAmount=0&TotalRate=0&Type=whatsapp&Units=1"
        ),
    },
)
