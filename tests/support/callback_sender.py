"""Send callbacks over HTTP as Plivo does: a form-encoded POST, or a GET with everything in its query."""

from dataclasses import dataclass

import httpx

from bridge.emulator.sign import sign_headers
from tests.support.emulated_call import EmulatedCallback


@dataclass(frozen=True, slots=True)
class CallbackSender:
    """Plivo's HTTP client. ``main_token`` is the main account's if ``token`` is a subaccount's."""

    client: httpx.AsyncClient
    base_url: str
    token: str
    main_token: str | None = None

    async def post(self, step: EmulatedCallback) -> httpx.Response:
        """Send one callback by POST."""
        url = self.base_url + step.path
        headers = sign_headers("POST", url, step.form, self.token, self.main_token)
        headers["content-type"] = "application/x-www-form-urlencoded"
        return await self.client.post(url, content=step.form, headers=headers)

    async def get(self, step: EmulatedCallback) -> httpx.Response:
        """Send one callback by GET."""
        url = f"{self.base_url}{step.path}?{step.form}"
        headers = sign_headers("GET", url, "", self.token, self.main_token)
        return await self.client.get(url, headers=headers)
