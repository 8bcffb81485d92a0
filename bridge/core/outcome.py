"""The outcome of a callback. Every callback has exactly one, and is counted under it."""

from enum import StrEnum


class Outcome(StrEnum):
    """How a callback can end."""

    PUBLISHED = "published"
    """Event and journal record acknowledged by all in-sync replicas."""

    SPOOLED = "spooled"
    """Kafka was slow or unavailable; both records are fsynced on our disk and will be sent later."""

    DEAD_LETTERED = "dead_lettered"
    """Verified, but it cannot become an event, or Kafka rejects its records. The callback is in the
    dead-letter topic, or fsynced in the spool for it."""

    REJECTED = "rejected"
    """The signature is missing or wrong."""

    REFUSED = "refused"
    """It could not be made durable, or a limit was exceeded: see ``RefusalCause``."""


class RefusalCause(StrEnum):
    """Why a callback was refused. Stable codes, used by problem documents, metrics and log lines."""

    NOT_DURABLE = "not-durable"
    """Neither Kafka nor the spool stored it."""

    BRIDGE_FAULT = "bridge-fault"
    """A bug of the bridge, before the callback was durable."""

    STOPPED = "stopped"
    """The process ended before the callback was durable."""

    OVERLOADED = "overloaded"
    """Too many callbacks were in progress."""

    CLIENT_GONE = "client-gone"
    """The client closed the connection before the request was complete."""

    SLOW_BODY = "slow-body"
    """The client sent the body too slowly."""

    MALFORMED_BODY = "malformed-body"
    """Its body is not framed as in HTTP/1.1, or chunks or trailers exceed their limits."""

    AMBIGUOUS_HEADERS = "ambiguous-headers"
    """A trusted forwarded header occurs more than once."""

    BODY_TOO_LARGE = "body-too-large"
    URL_TOO_LONG = "url-too-long"
    TOO_MANY_PARAMETERS = "too-many-parameters"

    INVALID_HOST = "invalid-host"
    """``Host``, or the forwarded host of a trusted proxy, is not a valid host."""

    HOST_NOT_ALLOWED = "host-not-allowed"
    """The called host is not one of ``BRIDGE_ALLOWED_HOSTS``."""

    @property
    def anyone_can_cause(self) -> bool:
        """Return whether a client can cause it without a valid signature."""
        return self not in {self.NOT_DURABLE, self.BRIDGE_FAULT, self.STOPPED}
