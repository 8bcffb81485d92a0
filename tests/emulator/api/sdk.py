"""Let Plivo's SDK for Python talk to an emulator, with what its HTTP library offers for that."""

from typing import Any

import plivo
import requests
from requests.adapters import HTTPAdapter

PLIVO = "https://api.plivo.com"


class ToEmulator(HTTPAdapter):
    """Sends what is for Plivo to an emulator at ``url``."""

    def __init__(self, url: str) -> None:
        super().__init__()
        self._url = url

    def send(self, request: requests.PreparedRequest, *args: Any, **more: Any) -> Any:
        request.url = self._url + (request.url or "").removeprefix(PLIVO)
        return super().send(request, *args, **more)


def make_client(auth_id: str, auth_token: str, url: str) -> Any:
    """Return a client of the SDK, unchanged, whose requests go to ``url``."""
    client = plivo.RestClient(auth_id, auth_token)
    client.session.mount(PLIVO, ToEmulator(url))
    return client
