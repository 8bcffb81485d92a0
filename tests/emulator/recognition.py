"""What the bridge makes of a request of the emulator."""

from bridge.core.catalogue import Catalogue
from bridge.emulator.machine.commands import Request
from tests.support.factories import parsed

# Their parameters are those of other types: only the path tells.
ONLY_BY_PATH = {
    "voice.call.fallback": "voice.call.answer",
    "voice.call.redirect": "voice.fetch",
    "voice.call.transfer": "voice.fetch",
    "voice.conference.sound": "voice.fetch",
    "voice.dial.sound": "voice.fetch",
    "voice.mpc.sound": "voice.fetch",
}


def assert_recognised(types: Catalogue, request: Request) -> None:
    """Assert that the bridge reads a request as what it is: on its own path, and on a shared one."""
    pairs = list(request.parameters.items())
    for route in (types.by_name[request.type], None):
        callback = parsed(types, pairs, route=route)
        expected = request.type if route else ONLY_BY_PATH.get(request.type, request.type)
        assert callback.type.name == expected, request
        assert callback.unreadable == [], request
        assert not callback.undeclared, (request.type, callback.undeclared)
