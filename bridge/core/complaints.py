"""Complaints of Plivo about us: it could not reach a URL, or could not use an answer.

The codes are on Plivo's page on hangup causes. A callback to the fallback URL is a complaint about
the answer URL: Plivo makes it only after the answer URL failed (page on making a call,
``fallback_url``).
"""

from collections.abc import Mapping
from typing import Final, cast

FALLBACK: Final = "fallback"

MEANINGS: Final[dict[str, str]] = {
    FALLBACK: "Plivo could not use the answer URL, and called the fallback URL",
    "7011": "Plivo could not reach the answer URL",
    "7012": "Plivo could not reach an action URL",
    "7013": "Plivo could not reach a transfer URL",
    "7014": "Plivo could not reach a redirect URL",
    "7022": "Plivo rejected an action URL as invalid",
    "7023": "Plivo rejected a transfer URL as invalid",
    "7024": "Plivo rejected a redirect URL as invalid",
    "7032": "Plivo rejected the method of an action URL",
    "7033": "Plivo rejected the method of a transfer URL",
    "7034": "Plivo rejected the method of a redirect URL",
    "8011": "Plivo could not use the XML of the answer URL",
    "8012": "Plivo could not use the XML of an action URL",
    "8013": "Plivo could not use the XML of a transfer URL",
    "8014": "Plivo could not use the XML of a redirect URL",
}
"""Every complaint by its hangup code, or ``fallback``."""

_FALLBACK_TYPE: Final = "voice.call.fallback"
# The legs of a masking session are controlled by Plivo, not by a URL of ours.
_PRODUCT: Final = "voice."


def find_complaint(type_name: str, data: Mapping[str, object]) -> str | None:
    """Return the code of the complaint in an event, or None if it is not a complaint.

    ``data`` holds the fields of the event's declaration.
    """
    if type_name == _FALLBACK_TYPE:
        return FALLBACK
    hangup = data.get("hangup")
    if not type_name.startswith(_PRODUCT) or not isinstance(hangup, dict):
        return None
    code = str(cast("dict[str, object]", hangup).get("code") or "").strip()
    return code if code in MEANINGS and code != FALLBACK else None
