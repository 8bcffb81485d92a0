"""Why a leg ended: Plivo's code, its name, who ended it, and a group of ours.

Codes and names are Plivo's hangup causes page, and Plivo's command-line tool for a few. The set is
open: a code that is not here is kept, with no group. The groups are ours:

``caller`` and ``callee`` ended or prevented it; ``carrier``, ``network`` and ``plivo`` failed or
refused it; ``account``: a limit or a lack of credit; ``destination``: it cannot be called; ``api``: a
request ended it; ``url``: a URL of yours could not be used; ``xml``: a document of yours, or its end.
A normal hangup is of whoever its source says.
"""

from typing import Annotated, Final, Literal

from pydantic import Field
from typing_extensions import TypedDict

from bridge.normalise.reading import ReadsGroup, Scope
from bridge.normalise.stir import spelling

Group = Literal[
    "account", "api", "callee", "caller", "carrier", "destination", "network", "plivo", "unknown",
    "url", "xml",
]  # fmt: skip

CAUSES: Final[dict[str, tuple[str, Group | None]]] = {
    "0": ("Unknown", "unknown"),
    "1000": ("Canceled", "caller"),
    "1010": ("Canceled (Out Of Credits)", "account"),
    "1020": ("Canceled (Simultaneous dial limit reached)", "account"),
    "2000": ("Invalid Destination Address", "destination"),
    "2010": ("Destination Out Of Service", "destination"),
    "2020": ("Endpoint Not Registered", "destination"),
    "2030": ("Destination Country Barred", "destination"),
    "2040": ("Destination Number Barred", "destination"),
    "2050": ("Destination Prefix Barred", "destination"),
    "2060": ("Loop Detected", "plivo"),
    "2070": ("Violates Media Anchoring", "plivo"),
    "3000": ("No Answer", "callee"),
    "3010": ("Busy Line", "callee"),
    "3020": ("Rejected", "callee"),
    "3030": ("Unknown Caller ID", "carrier"),
    "3040": ("Forbidden", "carrier"),
    "3050": ("Unallocated number", "carrier"),
    "3070": ("Request timeout", "carrier"),
    "3080": ("Internal server error from carrier", "carrier"),
    "3090": ("Network congestion from carrier", "carrier"),
    "3100": ("Busy everywhere", "callee"),
    "3110": ("Declined", "callee"),
    "3120": ("User does not exist anywhere", "carrier"),
    "3130": ("Spam block", "carrier"),
    "3140": ("DNO Caller ID", "carrier"),
    "4000": ("Normal Hangup", None),
    "4010": ("End Of XML Instructions", "xml"),
    "4020": ("Multiparty Call Ended", "api"),
    "4030": ("Kicked Out Of Multiparty Call", "api"),
    "4210": ("sip_auth_failed", "caller"),
    "4240": ("sip_auth_failed", "callee"),
    "4250": ("sip_auth_timeout", "callee"),
    "5000": ("Network Error", "network"),
    "5010": ("Internal Error", "plivo"),
    "5020": ("Routing Error", "plivo"),
    "5030": ("Concurrency Limit Breached", "account"),
    "6000": ("Scheduled Hangup", "api"),
    "6010": ("Ring Timeout Reached", "callee"),
    "6020": ("Media Timeout", "network"),
    "7011": ("Error Reaching Answer URL", "url"),
    "7012": ("Error Reaching Action URL", "url"),
    "7013": ("Error Reaching Transfer URL", "url"),
    "7014": ("Error Reaching Redirect URL", "url"),
    "7022": ("Invalid Action URL", "url"),
    "7023": ("Invalid Transfer URL", "url"),
    "7024": ("Invalid Redirect URL", "url"),
    "7032": ("Invalid Method For Action URL", "url"),
    "7033": ("Invalid Method For Transfer URL", "url"),
    "7034": ("Invalid Method For Redirect URL", "url"),
    "8011": ("Invalid Answer XML", "xml"),
    "8012": ("Invalid Action XML", "xml"),
    "8013": ("Invalid Transfer XML", "xml"),
    "8014": ("Invalid Redirect XML", "xml"),
    "9000": ("Lost Race", "api"),
    "9100": ("Machine Detected", "api"),
    "9110": ("Confirm Key Challenge Failed", "callee"),
}

# Captures say "Callee" where the page says "Call recipient".
_SOURCES: Final[dict[str, str]] = {
    "caller": "caller",
    "callee": "callee",
    "call recipient": "callee",
    "plivo": "plivo",
    "carrier": "carrier",
    "api request": "api",
    "answer xml": "xml",
    "error": "error",
    "unknown": "unknown",
}
_GROUP_OF_SOURCE: Final[dict[str | None, Group]] = {
    "caller": "caller",
    "callee": "callee",
    "plivo": "plivo",
    "carrier": "carrier",
    "api": "api",
    "xml": "xml",
}


class HangupCause(TypedDict):
    """Why a leg ended."""

    cause: Annotated[str | None, Field(description="The cause in telephony's words, as sent.")]
    code: Annotated[str | None, Field(description="Plivo's code, as sent.")]
    name: Annotated[str | None, Field(description="Plivo's name for the code: as sent, or known.")]
    group: Annotated[Group | None, Field(description="Our group of the code; null if not known.")]
    source: Annotated[
        str | None,
        Field(description="Who ended it, in one word; Plivo's own if we know no better."),
    ]
    text: Annotated[
        dict[str, str], Field(description="The parameters as they came, by their names.")
    ]


def why(texts: dict[str, str]) -> HangupCause:
    """Return what ``texts`` (parameter name to text) say of a leg's end."""
    found: dict[str, str] = {}
    for name, value in texts.items():
        folded = spelling(name)
        kind = next((one for one in ("code", "name", "source") if folded.endswith(one)), "cause")
        found[kind] = value
    code = found.get("code")
    known_name, group = CAUSES.get(code or "", (None, None))
    said = found.get("source")
    source = _SOURCES.get(said.strip().lower(), said) if said else None
    if group is None and code in CAUSES:
        group = _GROUP_OF_SOURCE.get(source)
    return HangupCause(
        cause=found.get("cause"),
        code=code,
        name=found.get("name", known_name),
        group=group,
        source=source,
        text=texts,
    )


def _read(texts: dict[str, str], _scope: Scope) -> HangupCause:
    return why(texts)


HangupCauseOf = Annotated[HangupCause, ReadsGroup(_read)]
