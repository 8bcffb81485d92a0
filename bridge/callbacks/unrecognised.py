"""Callbacks that verify but that no declaration recognises: kept whole, never dropped."""

from bridge.callbacks.model import CallbackData, CallbackType, Reply


class Unrecognised(CallbackData):
    """A callback of a type the bridge has no declaration for. All it carried is in `undeclared`."""


CALLBACK = CallbackType(
    name="unrecognised",
    version=1,
    revision=0,
    model=Unrecognised,
    key="",
    reply=Reply.ACK,
    recognise=(),
    samples={
        "a message": (
            "From=14155550123&MessageUUID=7a242edc-2f57-11e7-98c9-06ab0bf64327&Text=Hello"
            "&To=14155550100&TotalAmount=0.00000&TotalRate=0.00000&Type=sms&Units=1"
        ),
    },
)
