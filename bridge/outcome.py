"""How a callback ended. Every callback ends in exactly one of these, and is counted under it."""

from enum import StrEnum


class Outcome(StrEnum):
    """The ends a callback can come to."""

    PUBLISHED = "published"
    """Event and journal record acknowledged by all in-sync replicas."""

    DEAD_LETTERED = "dead_lettered"
    """Verified, but no event can be made of it; dead letter and journal record acknowledged."""

    REJECTED = "rejected"
    """The signature is missing or wrong."""

    REFUSED = "refused"
    """Nothing could make it durable, or a limit was hit."""
