"""Messages, sent and received, and verify sessions."""

from typing import Final

from bridge.emulator.behaviours.behaviour import Behaviour, Confidence

_MESSAGES: Final = "plivo.com/docs/messaging/api/messages"
_INBOUND: Final = "docs.plivo.com/docs/messaging/api/message/handling-incoming"
_STATUS: Final = "docs.plivo.com/docs/messaging/api/message/message-status-callbacks"
_VERIFY: Final = "plivo.com/docs/verify/api/session/verify-status-callbacks"
_CALLBACKS: Final = "plivo.com/docs/messaging/concepts/callbacks"

BEHAVIOURS: Final = (
    Behaviour(
        "Message",
        "Without src the number of the account on the call sends it.",
        Confidence.INFERRED,
    ),
    Behaviour(
        "Message",
        "A change of the state sends a report: queued, sent, delivered, undelivered, failed.",
        Confidence.DOCUMENTED,
        _MESSAGES,
    ),
    Behaviour(
        "Message",
        "Sequence counts the reports in the order in which Plivo makes them.",
        Confidence.DOCUMENTED,
        _STATUS,
    ),
    Behaviour(
        "Message",
        "A report repeats the times of the earlier ones, in UTC.",
        Confidence.CAPTURED,
        "a stored request of Plivo's",
    ),
    Behaviour(
        "Message",
        "A callback is tried again after 60, 120 and 240 s if the answer is not 200.",
        Confidence.DOCUMENTED,
        _CALLBACKS,
    ),
    Behaviour(
        "Message",
        "The delays between the reports, and the error codes, are ours.",
        Confidence.INFERRED,
    ),
    Behaviour(
        "Message",
        "A report is for the whole message: PartInfo is 1 of 1, and Units counts the parts.",
        Confidence.INFERRED,
    ),
    Behaviour(
        "Message",
        "A message by WhatsApp opens a service conversation of 24 hours.",
        Confidence.INFERRED,
    ),
    Behaviour(
        "Incoming message",
        "The answer may be XML, and only Message is executed.",
        Confidence.DOCUMENTED,
        _INBOUND,
    ),
    Behaviour(
        "Incoming message",
        "Media are numbered from 0, as on the newest page.",
        Confidence.DOCUMENTED,
        _MESSAGES,
    ),
    Behaviour(
        "Incoming message",
        "Which words mean opt-out, opt-in or help is ours.",
        Confidence.INFERRED,
    ),
    Behaviour(
        "Verify",
        "An attempt has a callback for each change of its channel, SMS or voice.",
        Confidence.DOCUMENTED,
        _VERIFY,
    ),
    Behaviour(
        "Verify",
        "A session expires after 10 minutes, and sends no callback when it does.",
        Confidence.INFERRED,
    ),
    Behaviour(
        "Verify",
        "A call that nobody answers is completed after it rang.",
        Confidence.INFERRED,
    ),
    Behaviour("Verify", "An attempt sends no callbacks of messages or calls.", Confidence.INFERRED),
    Behaviour(
        "Message API",
        "Lists have a limit of their own: 20 requests a minute.",
        Confidence.DOCUMENTED,
        "plivo.com/docs/messaging/api/message/list-all-messages",
    ),
    Behaviour(
        "Message API",
        "Without a filter on message_time the messages of the last 24 hours are listed.",
        Confidence.DOCUMENTED,
        "plivo.com/docs/messaging/api/message/list-all-messages",
    ),
    Behaviour(
        "Message API",
        "A destination that is no number is returned as invalid_number; the others get it.",
        Confidence.SDK,
        "github.com/plivo/plivo-go",
    ),
)
