"""How callbacks are delivered and signed."""

from typing import Final

from bridge.emulator.behaviours.behaviour import Behaviour, Confidence

_CALLBACKS: Final = "plivo.com/docs/voice/concepts/callback-configurations"
_SIGNATURES: Final = "plivo.com/docs/voice/concepts/signature-validation"
_MESSAGING: Final = "plivo.com/docs/messaging/concepts/callbacks"

BEHAVIOURS: Final = (
    Behaviour(
        "Delivery",
        "The read timeout is for the first byte and for each pause between packets.",
        Confidence.DOCUMENTED,
        _CALLBACKS,
    ),
    Behaviour(
        "Delivery",
        "A timeout is retried once, and a 4xx or 5xx is not, unless the fragment says so.",
        Confidence.DOCUMENTED,
        _CALLBACKS,
    ),
    Behaviour(
        "Delivery",
        "All tries of one callback share the total timeout of its URL.",
        Confidence.DOCUMENTED,
        _CALLBACKS,
    ),
    Behaviour(
        "Delivery", "An answer that breaks off is never retried.", Confidence.DOCUMENTED, _CALLBACKS
    ),
    Behaviour(
        "Delivery",
        "Messaging retries three times, after 60, 120 and 240 s.",
        Confidence.DOCUMENTED,
        _MESSAGING,
    ),
    Behaviour("Delivery", "The total timeout also ends a try that goes on.", Confidence.INFERRED),
    Behaviour("Delivery", "A retry follows at once, with a new nonce.", Confidence.INFERRED),
    Behaviour("Delivery", "A refused connection counts as a connect timeout.", Confidence.INFERRED),
    Behaviour("Delivery", "Cookies are not kept, redirects not followed.", Confidence.INFERRED),
    Behaviour(
        "Signatures",
        "V3 has one signature for each active auth token, joined by commas.",
        Confidence.DOCUMENTED,
        _SIGNATURES,
    ),
    Behaviour(
        "Signatures",
        "The plain headers have the token of the subaccount, the Ma headers the main account's.",
        Confidence.DOCUMENTED,
        _SIGNATURES,
    ),
    Behaviour(
        "Signatures",
        "All schemes are sent at once, V1 included.",
        Confidence.ANCESTOR,
        "plivoframework, Vobiz",
    ),
    Behaviour(
        "Signatures",
        "V1 and V2 are signed with the first active token only: the SDKs know no lists there.",
        Confidence.SDK,
        "plivo-python, plivo-node",
    ),
)
