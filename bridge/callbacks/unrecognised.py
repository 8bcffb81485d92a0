"""Callbacks that are verified but match no declaration. They are kept with all their parameters."""

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
    # It is not known whether it can. Two events of one callback are better than one event of two.
    can_repeat=True,
    samples={
        "nothing known": "Colour=blue&Wheels=3",
    },
)
