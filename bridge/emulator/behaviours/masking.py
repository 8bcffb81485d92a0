"""Masking sessions."""

from typing import Final

from bridge.emulator.behaviours.behaviour import Behaviour, Confidence

_SESSION: Final = "plivo.com/docs/number-masking/api/session"
_STATUS: Final = "plivo.com/docs/number-masking, session status callback"

BEHAVIOURS: Final = (
    Behaviour(
        "Masking",
        "The events of a session have the names of the newest page, with FirstParty and SecondParty.",
        Confidence.DOCUMENTED,
        _STATUS,
    ),
    Behaviour("Masking", "Which event is sent when, and in which order.", Confidence.INFERRED),
    Behaviour(
        "Masking",
        "A recording begins when both parties have answered.",
        Confidence.DOCUMENTED,
        _SESSION,
    ),
    Behaviour("Masking", "A session that expires sends an event.", Confidence.DOCUMENTED, _SESSION),
    Behaviour(
        "Masking", "Its callbacks are retried as those of voice by default.", Confidence.INFERRED
    ),
    Behaviour(
        "Masking",
        "The virtual number is the account's first that no session of one of the parties has.",
        Confidence.INFERRED,
    ),
    Behaviour("Masking", "PINs are not asked for.", Confidence.INFERRED),
    Behaviour("Masking", "Its legs send no callbacks of calls.", Confidence.INFERRED),
)
