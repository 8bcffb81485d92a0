"""Callbacks of a second account, and unsigned ones, as a bridge in report mode stores them."""

from bridge.core.event import ContractNames, to_event
from bridge.core.journal import to_journal
from bridge.core.keyring import Account
from bridge.reply.document import ACKNOWLEDGEMENT
from tests.support.call_stories import HANGUP, at, changed
from tests.support.emulated_call import EmulatedCallback
from tests.support.factories import ACCOUNT, parser, raw_callback, signed, verdict_on, verifier
from tests.support.stored_calls import SCHEMAS, TYPES, Taken

OTHER = "MAZZZZZZZZZZZZZZZZZZ"
STRANGER = Account(OTHER, "Europe/Berlin", ("the-other-token",))
COSTLY = changed(HANGUP, TotalCost="999.00000", ParentAuthID=OTHER, Duration="9999")


def sent(step: EmulatedCallback, seconds: float, *, signs: bool = True) -> Taken:
    """Return a callback that the other account signed, or nobody."""
    raw = raw_callback("", step.form, path=step.path)._replace(received_at=at(seconds))
    raw = signed(raw, STRANGER.tokens[0]) if signs else raw
    verdict = verdict_on(raw, verifier(ACCOUNT, STRANGER))
    route = {kind.path: kind for kind in TYPES.types}.get(step.path)
    naming = ContractNames("", SCHEMAS)
    callback = parser(TYPES).parse(verdict, route)
    event = to_event(callback, naming, at(seconds + 0.001))
    return Taken(event, to_journal(callback, event, naming, ACKNOWLEDGEMENT))
