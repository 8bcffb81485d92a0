"""Asynchronous API: https://plivo.com/docs/voice/api/overview, ``callback_url``.

Almost any request accepts a ``callback_url``, which gets the real response. No page gives its form.
The fields are those of the responses that Plivo documents.
"""

from typing import Annotated

from bridge.callbacks.model import CallbackData, CallbackType, Reply, param
from bridge.normalise.quantity import Text


class AsyncResponse(CallbackData):
    """The response to an API request that was made asynchronously."""

    api_id: Annotated[Text, param("api_id", meaning="Id of the API request.")]
    message: Annotated[
        Text | None, param("message", meaning="What Plivo did, in its words: `call fired`.")
    ] = None
    request_uuid: Annotated[
        Text | None,
        param(
            "request_uuid",
            meaning="Id of the request for a call; JSON text of a list for several destinations.",
        ),
    ] = None
    error: Annotated[Text | None, param("error", meaning="Why the request failed.")] = None


CALLBACK = CallbackType(
    name="api.async_response",
    model=AsyncResponse,
    key_fields=("api_id",),
    reply=Reply.ACK,
    recognise=("api_id",),
    match_order=14,
    yields_to_path=True,
    samples={
        "as far as documented": "api_id=97ceeb52-58b6-11e1-86da-77300b68f8bb",
        "a call": (
            "api_id=97ceeb52-58b6-11e1-86da-77300b68f8bb&message=call+fired"
            "&request_uuid=9834029e-58b6-11e1-b8b7-a5bd0e4e126f"
        ),
        "refused": (
            "api_id=97ceeb52-58b6-11e1-86da-77300b68f8bb&error=answer_url+parameter+is+missing"
        ),
    },
)
