"""Messaging: the fields that an incoming message and a delivery report share.

Sources: the handling-incoming, message-status-callbacks and messages pages, and captures.
"""

from typing import Annotated

from pydantic import Field

from bridge.callbacks.model import CallbackData, param
from bridge.normalise.phone import PartyField
from bridge.normalise.quantity import Count, Money, Text, Word


class MessageCallback(CallbackData):
    """A callback of one message."""

    message_uuid: Annotated[Text, param("MessageUUID", meaning="Id of the message.")]
    from_: Annotated[
        PartyField | None, Field(alias="from"), param("From", meaning="Who sent it.")
    ] = None
    to: Annotated[PartyField | None, param("To", meaning="Who gets it.")] = None
    message_type: Annotated[
        Word | None, param("Type", meaning="`sms`, `mms` or `whatsapp`. Open set.")
    ] = None
    units: Annotated[Count | None, param("Units", meaning="Billed units.")] = None
    total_rate: Annotated[
        Money | None, param("TotalRate", meaning="Price a unit, in the account's currency.")
    ] = None
    total_amount: Annotated[
        Money | None, param("TotalAmount", meaning="Price, in the account's currency.")
    ] = None
    error_code: Annotated[
        Text | None, param("ErrorCode", meaning="Plivo's code of what went wrong.")
    ] = None
    powerpack_uuid: Annotated[
        Text | None, param("PowerpackUUID", meaning="Id of the powerpack, if one was used.")
    ] = None
