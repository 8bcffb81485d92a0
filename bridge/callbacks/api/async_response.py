"""Asynchronous API: https://plivo.com/docs/voice/api/overview, ``callback_url``.

Almost any request takes a ``callback_url``; the real response goes there. Its form is on no page.
"""

from typing import Annotated

from bridge.callbacks.model import CallbackData, CallbackType, Reply, param
from bridge.normalise.quantity import Text


class AsyncResponse(CallbackData):
    """The response to an API request that was made asynchronously."""

    api_id: Annotated[Text, param("api_id", meaning="Id of the API request.")]


CALLBACK = CallbackType(
    name="api.async_response",
    model=AsyncResponse,
    key=("api_id",),
    reply=Reply.ACK,
    recognise=("api_id",),
    step=14,
    weak=True,
    samples={"as far as documented": "api_id=97ceeb52-58b6-11e1-86da-77300b68f8bb"},
)
