"""The outcome of a callback. Every callback has exactly one, and is counted under it."""

from enum import StrEnum


class Outcome(StrEnum):
    """How a callback can end."""

    PUBLISHED = "published"
    """Event and journal record acknowledged by all in-sync replicas."""

    SPOOLED = "spooled"
    """Kafka was late or away; both records are on our disk, fsynced, and follow later."""

    DEAD_LETTERED = "dead_lettered"
    """Verified, but no event can be made of it, or Kafka does not take its records; the callback is
    in the dead-letter topic, or fsynced in the spool for it."""

    REJECTED = "rejected"
    """The signature is missing or wrong."""

    REFUSED = "refused"
    """Nothing could make it durable, or a limit was hit: see ``RefusalCause``."""


class RefusalCause(StrEnum):
    """Why a callback was refused. Stable codes, used by problem documents, metrics and log lines."""

    NOT_DURABLE = "not-durable"
    """Neither Kafka nor the spool took it."""

    BRIDGE_FAULT = "bridge-fault"
    """A fault of ours, before it was durable."""

    STOPPED = "stopped"
    """The process ended before it was durable."""

    OVERLOADED = "overloaded"
    """Too much was under way."""

    CLIENT_GONE = "client-gone"
    """Its sender went away before all of it had come."""

    SLOW_BODY = "slow-body"
    """Its sender was too slow."""

    MALFORMED_BODY = "malformed-body"
    """Its body is not framed as HTTP/1.1 frames one, or chunks and trailers are over their bounds."""

    AMBIGUOUS_HEADERS = "ambiguous-headers"
    """A forwarded header that is believed came more than once."""

    BODY_TOO_LARGE = "body-too-large"
    URL_TOO_LONG = "url-too-long"
    TOO_MANY_PARAMETERS = "too-many-parameters"

    INVALID_HOST = "invalid-host"
    """``Host``, or the forwarded host of a trusted proxy, is no host with a port."""

    HOST_NOT_ALLOWED = "host-not-allowed"
    """It called a host that is not one of BRIDGE_ALLOWED_HOSTS."""

    @property
    def anyone_can_cause(self) -> bool:
        """Return whether a client can cause it without a valid signature."""
        return self not in {self.NOT_DURABLE, self.BRIDGE_FAULT, self.STOPPED}
