"""10DLC, toll-free, compliance, CNAM and reputation callbacks.

Sources: the 10DLC and toll-free callback pages (states, no field names), the SDKs (that the
arguments exist), Plivo's command-line tool (compliance). Nothing is invented: no field is declared.
"""

from bridge.callbacks.model import CallbackData, CallbackType, Reply


class Brand(CallbackData):
    """A 10DLC brand was created, registered or rejected."""


class Campaign(CallbackData):
    """A 10DLC campaign was created, registered or rejected."""


class NumberLinking(CallbackData):
    """A number was linked to a 10DLC campaign, or could not be."""


class NumberUnlinking(CallbackData):
    """A number was unlinked from a 10DLC campaign, or could not be."""


class TollfreeVerification(CallbackData):
    """The status of a toll-free verification changed."""


class Compliance(CallbackData):
    """The status of a compliance application changed."""


class Cnam(CallbackData):
    """The status of a number's caller name changed."""


class CallerReputation(CallbackData):
    """The status of a number's reputation changed."""


def _by_path(name: str, model: type[CallbackData]) -> CallbackType:
    return CallbackType(
        name=name,
        model=model,
        key_fields=(),
        reply=Reply.ACK,
        recognise=(),
        match_order=14,
        anonymous=True,
        can_repeat=True,
        samples={"made up: no page names a field": "made_up_id=1ca34b00&made_up_state=registered"},
    )


CALLBACKS = (
    _by_path("tendlc.brand", Brand),
    _by_path("tendlc.campaign", Campaign),
    _by_path("tendlc.number_linking", NumberLinking),
    _by_path("tendlc.number_unlinking", NumberUnlinking),
    _by_path("tollfree.verification", TollfreeVerification),
    _by_path("numbers.compliance", Compliance),
    _by_path("numbers.cnam", Cnam),
    _by_path("numbers.caller_reputation", CallerReputation),
)
