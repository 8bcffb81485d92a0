"""GetInput: digits or speech, whichever comes first.

1. The first digit or word interrupts the prompts. ``executionTimeout`` counts from their end. Without
   any input the next element follows, and no callback is sent.
2. Speech ends after ``speechEndTimeout`` of silence, digits after ``digitEndTimeout``. What ``auto``
   means is not documented, so it is inferred here.
3. While somebody speaks, ``interimSpeechResultsCallback`` gets the words so far: those that are certain,
   and the latest ones.
4. Speech is billed in parts of 15 seconds.

Source: Plivo's page on input collection.
"""

from typing import Final

from bridge.emulator.machine.commands import Parameters
from bridge.emulator.machine.elements.action import ask_action
from bridge.emulator.machine.elements.attributes import read_integer, read_url
from bridge.emulator.machine.elements.digits import DigitLimits, collect_digits, read_finish_keys
from bridge.emulator.machine.elements.prompts import prompt
from bridge.emulator.machine.fields import compute_speech_cost, in_order, sip_header_fields
from bridge.emulator.machine.leg import Leg, Step
from bridge.emulator.machine.person import Input, Phase
from bridge.emulator.machine.world import World
from bridge.reply.tree import Node

_TYPE: Final = "voice.getinput.action"
_DIGITS_MAX: Final = 32
# Rule 2.
_AUTO_DIGITS_S: Final = 2
_AUTO_SPEECH_S: Final = 1
# How many words an interim result is longer than the one before: inferred.
_INTERIM_WORDS: Final = 3


async def get_input(world: World, leg: Leg, node: Node) -> Step | None:
    """Ask for digits or speech: rule 1."""
    # Without a type that Plivo could read, both are accepted: inferred.
    kinds = set(node.attributes.get("inputType", "").split()) & {"dtmf", "speech"}
    kinds = kinds or {"dtmf", "speech"}
    leg.pressed.clear()
    leg.spoken.clear()
    leg.enter(Phase.INPUT)
    arrivals = [leg.pressed.arrived] if "dtmf" in kinds else []
    arrivals += [leg.spoken.arrived] if "speech" in kinds else []
    await prompt(world, leg, node.children, *arrivals)
    timeout_s = max(1, read_integer(node, "executionTimeout", 15))
    first = await world.scheduler.wait_first(*arrivals, timeout_s=timeout_s)
    if first is None:
        return None
    if first is leg.pressed.arrived:
        return await _take_digits(world, leg, node)
    heard = leg.spoken.take()
    return None if heard is None else await _listen(world, leg, node, heard)


async def _take_digits(world: World, leg: Leg, node: Node) -> Step | None:
    timeout_s = max(1, read_integer(node, "digitEndTimeout", _AUTO_DIGITS_S))
    limits = DigitLimits(
        digits_max=min(max(1, read_integer(node, "numDigits", _DIGITS_MAX)), _DIGITS_MAX),
        finish_keys=read_finish_keys(node),
        first_s=timeout_s,
        next_s=timeout_s,
    )
    digits = await collect_digits(world, leg, limits)
    if not digits:
        return None
    return ask_action(world, leg, node, _TYPE, _fields("dtmf", digits=digits))


async def _listen(world: World, leg: Leg, node: Node, heard: Input) -> Step | None:
    """Listen until nothing more is said: rules 2 and 3."""
    words = heard.speech.split()
    characters_per_s = world.conditions.spoken_characters_per_s
    for sequence, begin in enumerate(range(0, len(words), _INTERIM_WORDS), 1):
        end = begin + _INTERIM_WORDS
        latest = " ".join(words[begin:end])
        await world.scheduler.sleep(len(latest) / characters_per_s)
        stable = " ".join(words[:begin])
        _report_interim(world, leg, node, _interim_fields(leg, stable, latest, sequence))
    silence_s = max(1, read_integer(node, "speechEndTimeout", _AUTO_SPEECH_S))
    await world.scheduler.sleep(silence_s)
    billed_s = len(heard.speech) / characters_per_s + silence_s
    fields = _fields(
        "speech",
        speech=heard.speech,
        confidence=f"{heard.confidence:.2f}",
        cost=compute_speech_cost(billed_s, world.conditions),
    )
    return ask_action(world, leg, node, _TYPE, fields)


def _fields(
    kind: str, *, digits: str = "", speech: str = "", confidence: str = "", cost: str = ""
) -> Parameters:
    return {
        "BilledAmount": cost,
        "Digits": digits,
        "InputType": kind,
        "Speech": speech,
        "SpeechConfidenceScore": confidence,
    }


def _interim_fields(leg: Leg, stable: str, latest: str, sequence: int) -> Parameters:
    """Return the parameters of an interim result. Plivo's list lacks the id, captures have it."""
    return in_order({
        "CallUUID": leg.uuid,
        "SequenceNumber": str(sequence),
        "Stability": "0.9" if stable else "0.5",
        "StableSpeech": stable,
        "UnstableSpeech": latest,
        **sip_header_fields(leg),
    })  # fmt: skip


def _report_interim(world: World, leg: Leg, node: Node, fields: Parameters) -> None:
    name = "interimSpeechResultsCallback"
    url = read_url(node, name, f"{name}Method")
    world.notify(leg, "voice.getinput.interim", url, fields)
