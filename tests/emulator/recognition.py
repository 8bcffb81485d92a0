"""Ask the bridge's catalogue for the type of each callback that the emulator sends."""

from typing import Final

from bridge.core.catalogue import Catalogue
from bridge.emulator.virtual import VirtualDriver
from tests.emulator.machines import ACCOUNT
from tests.support.factories import parsed

# On a shared path these look like another type: section "path_only" of the catalogue.
ON_SHARED_PATH: Final = {
    "voice.call.fallback": "voice.call.answer",
    "voice.call.redirect": "voice.fetch",
    "voice.call.transfer": "voice.fetch",
    "voice.conference.sound": "voice.fetch",
    "voice.dial.sound": "voice.fetch",
    "voice.mpc.sound": "voice.fetch",
}


def check_recognised(types: Catalogue, driver: VirtualDriver) -> None:
    """Assert that each callback is recognised as its type, on its own and on the shared path.

    Every parameter is declared, and every value can be read.
    """
    assert driver.requests
    for request in driver.requests:
        pairs, zone = list(request.parameters.items()), ACCOUNT.zone.key
        own = parsed(types, pairs, route=types.by_name[request.type], zone=zone)
        assert own.type.name == request.type
        assert (own.undeclared, own.unreadable) == ({}, []), request.type
        shared = parsed(types, pairs, zone=zone)
        assert shared.type.name == ON_SHARED_PATH.get(request.type, request.type)
