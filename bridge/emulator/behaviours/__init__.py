"""Emulated behaviours of Plivo, each with its confidence: one file for each kind of subject."""

from typing import Final

from bridge.emulator.behaviours import (
    calls,
    calls_api,
    conference,
    delivery,
    dial,
    inputs,
    masking,
    messaging,
    multi_party_call,
    prompts,
    recordings,
    stream,
)
from bridge.emulator.behaviours.behaviour import Behaviour

_SUBJECTS: Final = (
    calls,
    calls_api,
    conference,
    delivery,
    dial,
    inputs,
    masking,
    messaging,
    multi_party_call,
    prompts,
    recordings,
    stream,
)

BEHAVIOURS: Final[tuple[Behaviour, ...]] = tuple(
    sorted(one for subject in _SUBJECTS for one in subject.BEHAVIOURS)
)
"""Every behaviour, sorted by subject."""
