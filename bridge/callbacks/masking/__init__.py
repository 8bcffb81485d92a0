"""Number masking: the fields that its two callbacks share, from two generations of Plivo's pages."""

from typing import Annotated

from bridge.callbacks.model import CallbackData, param
from bridge.normalise.phone import PartyField
from bridge.normalise.quantity import Count, Text
from bridge.normalise.zoned_time import ZonedOrUtc


class MaskingCallback(CallbackData):
    """A callback of one masking session."""

    session_uuid: Annotated[Text, param("SessionUUID", meaning="Id of the session.")]
    event_name: Annotated[
        Text | None, param("EventName", meaning="Plivo's word for what happened.")
    ] = None
    event_at: Annotated[
        ZonedOrUtc | None, param("EventTimestamp", meaning="When it happened; UTC.")
    ] = None
    first_party: Annotated[
        PartyField | None, param("FirstParty", "From", meaning="The first party.")
    ] = None
    second_party: Annotated[
        PartyField | None, param("SecondParty", "To", meaning="The second party.")
    ] = None
    virtual_number: Annotated[
        PartyField | None, param("VirtualNumber", meaning="The number that both parties see.")
    ] = None
    sequence: Annotated[
        Count | None,
        param(
            "SequenceNumber", meaning="Position in the order in which Plivo made these callbacks."
        ),
    ] = None
