"""The customer's applications, as intake sees them."""

from typing import NamedTuple, Protocol

from bridge.callbacks.model import CallbackType
from bridge.core.journal import SentReply
from bridge.core.request import RawCallback


class ApplicationFailed(Exception):
    """An application gave no answer that Plivo can use. ``cause`` is a stable code."""

    def __init__(self, cause: str, message: str) -> None:
        super().__init__(message)
        self.cause = cause


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
