"""The URLs of a request that lead to this bridge.

1. A URL that the request does not have leads to the path of its callback type. One that it has is left
   alone, and so is an empty one: Plivo makes no such callback.
2. Every URL of ours carries the request's reference in its query. Plivo signs it, and it comes back in
   ``data.context``: so a callback leads to its request even if the API's answer was lost.
3. The fragment asks Plivo to repeat a request of ours that fails, where Plivo documents that.
   Without it, no answer of 4xx or 5xx is repeated, and a notification is lost.
4. ``machine_detection_url`` is set if the request detects machines, so that the call goes on meanwhile.
5. ``callback_url`` is set in asynchronous mode only.
"""

from typing import Final
from urllib.parse import urlencode

from bridge.callbacks.model import CallbackType
from bridge.core.catalogue import SHARED_PATH
from bridge.core.parse import REFERENCE_PARAMETER
from bridge.originate.fields import RequestField
from bridge.originate.parameter import Group, RequestFault, RequestFaults
from bridge.originate.request import CallRequest, list_parameters
from bridge.reply.application_paths import APPLICATIONS_PATH
from bridge.reply.urls import redacted

RETRIES: Final = "#rp=all&rc=5"


def wire(
    request: CallRequest,
    bridge_url: str,
    reference: str,
    *,
    application: str | None = None,
    is_asynchronous: bool = False,
) -> CallRequest:
    """Return the request with every URL: rules 1 to 5.

    Raises RequestFaults if Plivo could not call ``bridge_url``.

    ``bridge_url`` is the URL that Plivo calls this bridge by, with a prefix if it has one.
    ``application`` is the one whose rules answer. ``is_asynchronous``: Plivo sends the API's answer to
    this bridge.
    """
    if "?" in bridge_url or "#" in bridge_url:
        fault = f"the URL of this bridge, {redacted(bridge_url)}, has a query or a fragment"
        raise RequestFaults([RequestFault("answer_url", fault, "remove it: a path follows")])
    query = urlencode({REFERENCE_PARAMETER: reference})
    wired: dict[str, str] = {}
    for field in list_parameters().values():
        callback = field.declared.callback
        if callback is not None and _is_wanted(field, request, is_asynchronous=is_asynchronous):
            path = _find_path(callback, application)
            fragment = RETRIES if field.declared.is_retried else ""
            wired[field.name] = f"{bridge_url.rstrip('/')}{path}?{query}{fragment}"
    given = request.model_dump(by_alias=True, exclude_none=True)
    return CallRequest.model_validate(given | wired)


def _is_wanted(field: RequestField, request: CallRequest, *, is_asynchronous: bool) -> bool:
    """Return whether a URL of the request is to be ours."""
    if getattr(request, field.python_name) is not None:
        return False
    match field.declared.group:
        case Group.DETECTION:
            return request.machine_detection is not None
        case Group.ASYNCHRONOUS:
            return is_asynchronous
        case _:
            return True


def _find_path(kind: CallbackType, application: str | None) -> str:
    if application is None:
        return kind.path
    return f"{APPLICATIONS_PATH}/{application}{kind.path.removeprefix(SHARED_PATH)}"
