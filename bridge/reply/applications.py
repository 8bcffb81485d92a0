"""The customer's applications, as intake sees them."""

from typing import Final, Literal, NamedTuple, Protocol

from bridge.callbacks.model import CallbackType
from bridge.core.journal import SentReply
from bridge.core.request import RawCallback

FailureCause = Literal[
    "bridge_fault",
    "busy",
    "cut_off",
    "not_configured",
    "not_xml",
    "redirect",
    "refused_connection",
    "status",
    "timeout",
    "too_large",
]
"""Why an application gave no answer that Plivo can use: stable codes."""
TAKEN_CAUSES: Final[frozenset[FailureCause]] = frozenset({"not_xml", "too_large"})
"""The application took the callback, but its answer is unusable. For a notification that is enough."""


class ApplicationFailed(Exception):
    """An application gave no answer that Plivo can use.

    ``status`` is the HTTP status of its answer, None if the status was not the fault.
    """

    def __init__(self, cause: FailureCause, message: str, *, status: int | None = None) -> None:
        super().__init__(message)
        self.cause = cause
        self.status = status


class ApplicationAnswer(NamedTuple):
    """The answer of an application, and how long it took in milliseconds."""

    reply: SentReply
    duration_ms: int


class Applications(Protocol):
    """The doorway to the customer's applications."""

    async def ask(
        self, application: str, raw: RawCallback, kind: CallbackType | None
    ) -> ApplicationAnswer:
        """Return the application's answer to a callback. Raises ApplicationFailed.

        It ends within the time budget of the application. ``kind`` None: the type is not known.
        """
        ...


class NoApplications:
    """No application is configured, so no rule names one."""

    async def ask(
        self,
        application: str,
        raw: RawCallback,  # noqa: ARG002 (the doorway's)
        kind: CallbackType | None,  # noqa: ARG002 (the doorway's)
    ) -> ApplicationAnswer:
        """Raise ApplicationFailed."""
        message = f"{application} is not configured"
        raise ApplicationFailed("not_configured", message)
