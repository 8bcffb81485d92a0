"""Reach the customer's applications, once the rules name one.

httpx takes a tenth of a second to import, and megabytes of memory. So a bridge whose rules name no
application does without: it is imported at the start if the rules name one, else at the first question
after a reload of the rules.
"""

from typing import TYPE_CHECKING, Final

from bridge.app.build import make_public_url_policy
from bridge.callbacks.model import CallbackType
from bridge.core.request import RawCallback
from bridge.reply.applications import ApplicationAnswer
from bridge.reply.replies import Replies
from bridge.reply.rules import Application
from bridge.settings.load import Settings

if TYPE_CHECKING:
    from bridge.forward.application import HttpApplications

# So many applications can hang, and leave places in flight for other callbacks.
_HANGING_MAX: Final = 4


class LateApplications:
    """The applications of the rules in use (a ``reply.applications.Applications``)."""

    def __init__(self, settings: Settings, replies: Replies) -> None:
        self._replies = replies
        self._is_trusted_proxy = make_public_url_policy(settings).trusts
        self._asked_max = max(1, settings.in_flight_max // (_HANGING_MAX + 1))
        self._http: HttpApplications | None = None
        if any(one.origin for one in replies.rules.applications.values()):
            self._http = self._connect()

    async def ask(
        self, application: str, raw: RawCallback, kind: CallbackType | None
    ) -> ApplicationAnswer:
        """Return the application's answer to a callback. Raises ApplicationFailed."""
        if self._http is None:
            self._http = self._connect()
        return await self._http.ask(application, raw, kind)

    async def close(self) -> None:
        """Close all connections."""
        if self._http is not None:
            await self._http.close()

    def _find(self, name: str) -> Application | None:
        return self._replies.rules.applications.get(name)

    def _connect(self) -> "HttpApplications":
        from bridge.forward.application import ASKED_MAX, HttpApplications  # noqa: PLC0415 (httpx)

        return HttpApplications(
            self._find,
            is_trusted_proxy=self._is_trusted_proxy,
            asked_max=min(ASKED_MAX, self._asked_max),
        )
