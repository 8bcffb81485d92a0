"""How a callback ended. Every callback ends in exactly one of these, and is counted under it."""

from enum import StrEnum


class Outcome(StrEnum):
    """The ends a callback can come to."""

    PUBLISHED = "published"
    """Event and journal record acknowledged by all in-sync replicas."""

    SPOOLED = "spooled"
    """Kafka was late or away; both records are on our disk, fsynced, and follow later."""

    DEAD_LETTERED = "dead_lettered"
    """Verified, but no event can be made of it; the callback is in the dead-letter topic, or
    fsynced in the spool for it."""

    REJECTED = "rejected"
    """The signature is missing or wrong."""

    REFUSED = "refused"
    """Nothing could make it durable, or a limit was hit."""
