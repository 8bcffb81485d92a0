"""How a callback is to be answered, as its rule says."""

from typing import NamedTuple

from bridge.core.journal import SentReply


class Given(NamedTuple):
    """A reply that is known at once. ``rule`` is the name of its rule, None if no rule matched."""

    reply: SentReply
    rule: str | None


class Ask(NamedTuple):
    """A customer's application is to be asked; ``fallback`` is the reply if it fails."""

    application: str
    rule: str
    fallback: SentReply
