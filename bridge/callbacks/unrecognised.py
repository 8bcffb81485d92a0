"""Callbacks that verify but that no declaration recognises: kept whole, never dropped."""

from bridge.callbacks.model import UNRECOGNISED, CallbackData, CallbackType, Reply


class Unrecognised(CallbackData):
    """A callback of a type the bridge has no declaration for. All it carried is in `undeclared`."""


CALLBACK = CallbackType(
    name=UNRECOGNISED,
    model=Unrecognised,
    key_fields=(),
    reply=Reply.ACK,
    recognise=(),
    match_order=99,
    anonymous=True,
    # Nobody knows whether it can: two events of one callback are better than one event of two.
    can_repeat=True,
    samples={
        "nothing known": "Colour=blue&Wheels=3",
    },
)
