"""Stream: the audio of the leg goes to a WebSocket service.

1. No WebSocket is opened. A stream that begins is connected; what its service does is an input.
2. With ``bidirectional`` and ``keepCallAlive`` the next element waits until the stream is over.
   Otherwise it goes on beside the next elements.
3. A stream ends when it is stopped, when it drops, after ``streamTimeout``, or with its leg. Its end
   does not end the call.
4. A leg has one stream at a time; another one is passed over.
5. A transfer of a leg that waits for its stream happens when the stream is over.
6. The status URL has no retry settings.

Sources: Plivo's pages on audio streaming, which disagree; here the words of the older one, which are
also seen on the wire of a platform with the same format. Rule 5 is from Plivo's command-line tool.
"""

from typing import Final

from bridge.emulator.machine.elements.attributes import read_flag, read_integer, read_url
from bridge.emulator.machine.fields import in_order, sip_header_fields
from bridge.emulator.machine.leg import Leg, Step, Transferred
from bridge.emulator.machine.person import Phase
from bridge.emulator.machine.retries import UNSETTABLE
from bridge.emulator.machine.streams import AudioStream, StreamEvent, StreamInput
from bridge.emulator.machine.world import World
from bridge.reply.tree import Node

_TIMEOUT_S: Final = 86_400
_LAST: Final = frozenset({StreamEvent.STOPPED, StreamEvent.DROPPED})
# The parameter with the detail of an event.
_DETAILS: Final = {StreamEvent.DROPPED: "Error", StreamEvent.PLAYED: "Name"}


async def stream(world: World, leg: Leg, node: Node) -> Step | None:
    """Begin a stream, and wait for its end if the document says so."""
    if leg.stream is not None:
        world.note(leg.uuid, f"line {node.line}: the call has a stream already")
        return None
    audio = begin_stream(world, leg, node)
    if read_flag(node, "bidirectional", default=False) and read_flag(
        node, "keepCallAlive", default=False
    ):
        leg.enter(Phase.STREAM)
        await _wait(audio)
    return None


def begin_stream(world: World, leg: Leg, node: Node) -> AudioStream:
    """Begin a stream of a leg that has none, beside what the leg executes."""
    url, _ = read_url(node, "statusCallbackUrl", "statusCallbackMethod")
    leg.stream = AudioStream(world.new_uuid(), node.text.strip(), world.now, url)
    world.scheduler.start_now(_run(world, leg, node, leg.stream))
    return leg.stream


async def _wait(audio: AudioStream) -> None:
    """Wait until a stream is over, and transfer the leg only then: rule 5."""
    transferred: Transferred | None = None
    while not audio.over.is_set:
        try:
            await audio.over
        except Transferred as error:
            transferred = error
    if transferred is not None:
        raise transferred


async def _run(world: World, leg: Leg, node: Node, audio: AudioStream) -> None:
    """Tell what happens to a stream until its end: rule 3."""
    _report(world, leg, node, audio, "StartStream")
    timeout_s = read_integer(node, "streamTimeout", _TIMEOUT_S) or _TIMEOUT_S
    timer = world.scheduler.start_timer(timeout_s)
    happened = StreamInput(StreamEvent.STOPPED)
    while await world.scheduler.wait_first(leg.ended, audio.inputs.arrived, timer) is (
        audio.inputs.arrived
    ):
        happened = audio.inputs.take() or happened
        if happened.event in _LAST:
            break
        _report(world, leg, node, audio, happened.event, happened.detail)
        happened = StreamInput(StreamEvent.STOPPED)
    timer.cancel()
    leg.stream = None
    _report(world, leg, node, audio, happened.event, happened.detail)
    audio.over.set(None)


def _report(  # noqa: PLR0913, PLR0917 (everything that the callback depends on)
    world: World, leg: Leg, node: Node, audio: AudioStream, event: str, detail: str = ""
) -> None:
    fields = {
        "CallUUID": leg.uuid,
        "Event": event,
        "From": leg.caller,
        "ServiceURL": audio.service_url,
        "StreamID": audio.id,
        "Timestamp": world.now.strftime("%Y-%m-%d %H:%M:%S"),
        "To": leg.callee,
        **sip_header_fields(leg),
    }
    if detail:
        fields[_DETAILS[StreamEvent(event)]] = detail
    url = read_url(node, "statusCallbackUrl", "statusCallbackMethod")
    world.notify(leg, "voice.stream.status", url, in_order(fields), UNSETTABLE)
