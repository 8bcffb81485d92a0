"""What the emulator does as Plivo does it, and how certain we are: one file for each kind of subject."""

from typing import Final

from bridge.emulator.behaviours import inputs, messaging, prompts, recordings
from bridge.emulator.behaviours.behaviour import Behaviour

BEHAVIOURS: Final[tuple[Behaviour, ...]] = tuple(
    sorted((*inputs.BEHAVIOURS, *messaging.BEHAVIOURS, *prompts.BEHAVIOURS, *recordings.BEHAVIOURS))
)
"""Every behaviour, sorted by subject."""
