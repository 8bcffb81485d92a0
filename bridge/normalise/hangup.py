"""Why a leg ended: Plivo's code, its name, the party that ended it, and a group of ours.

Codes and names are from Plivo's hangup causes page, a few from Plivo's command-line tool. The set
is open: a code that is not listed here is kept, without a group. The groups are ours:

``caller`` and ``callee`` ended or prevented it; ``carrier``, ``network`` and ``plivo`` failed or
refused it; ``account``: a limit or a lack of credit; ``destination``: it cannot be called; ``api``:
a request ended it; ``url``: a URL of yours could not be used; ``xml``: a document of yours, or its
end.

The code and ``HangupSource`` can disagree, because one code comes with several sources. Then:

1. Without a source, or with ``Unknown``, the group is the code's.
2. A source that agrees with the code's group (``_AGREES``) keeps the code's group.
3. Any other source of Plivo's page names the party that ended the leg, and is itself the group.
   This applies also to a code without a group of its own (a normal hangup).
4. ``Error`` and undocumented sources name no party. They keep a group that names no party either,
   and replace a group that names one by null.
"""

import re
from typing import Annotated, Final, Literal

from pydantic import Field
from typing_extensions import TypedDict

from bridge.normalise import ParsedTogether, fold_name

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

# Plivo's hangup causes page, "Hangup Sources", without case and white space. Captures say "Callee"
# where the page says "Call recipient".
_SOURCES: Final[dict[str, str]] = {
    "caller": "caller",
    "callee": "callee",
    "callrecipient": "callee",
    "plivo": "plivo",
    "carrier": "carrier",
    "apirequest": "api",
    "answerxml": "xml",
    "error": "error",
    "unknown": "unknown",
}
# The groups that name the party that ended a leg, each by the word of its source.
_PARTIES: Final[dict[str, Group]] = {
    "api": "api",
    "callee": "callee",
    "caller": "caller",
    "carrier": "carrier",
    "plivo": "plivo",
    "xml": "xml",
}
# The sources that do not contradict a group. "Plivo" is on the page for "various reasons detailed
# below": Plivo ends the call for a limit, a barred destination, a URL or a document that it cannot use.
_AGREES: Final[dict[Group, frozenset[str]]] = {
    "account": frozenset({"plivo", "error"}),
    "api": frozenset({"api"}),
    "callee": frozenset({"callee"}),
    "caller": frozenset({"caller"}),
    "carrier": frozenset({"carrier", "error"}),
    "destination": frozenset({"callee", "carrier", "plivo", "error"}),
    "network": frozenset({"carrier", "plivo", "error"}),
    "plivo": frozenset({"plivo", "error"}),
    "unknown": frozenset({"error"}),
    "url": frozenset({"plivo", "error"}),
    "xml": frozenset({"xml", "plivo", "error"}),
}
_NO_LETTERS: Final = re.compile(r"[\W_]+")
# JSON and Plivo's API sometimes write whole numbers with decimals.
_DECIMALS: Final = re.compile(r"\.0+\Z", re.ASCII)


class HangupCause(TypedDict):
    """Why a leg ended."""

    cause: Annotated[str | None, Field(description="The cause in telephony's words, as sent.")]
    code: Annotated[str | None, Field(description="Plivo's code, as sent.")]
    name: Annotated[str | None, Field(description="Plivo's name for the code: as sent, or known.")]
    group: Annotated[
        Group | None,
        Field(
            description="Our group of the code, or the source if the two disagree; null if neither "
            "decides."
        ),
    ]
    source: Annotated[
        str | None,
        Field(description="Who ended it, in one word; Plivo's own word if it is unknown."),
    ]
    text: Annotated[
        dict[str, str], Field(description="The parameters as received, by their names.")
    ]


def parse_hangup_cause(texts: dict[str, str]) -> HangupCause:
    """Return the end of a leg from ``texts`` (parameter name to text)."""
    found: dict[str, str] = {}
    for name, value in texts.items():
        folded = fold_name(name)
        kind = next((one for one in ("code", "name", "source") if folded.endswith(one)), "cause")
        found[kind] = value
    code = found.get("code")
    sent = found.get("source")
    source = _SOURCES.get(_NO_LETTERS.sub("", sent).lower(), sent) if sent else None
    known = CAUSES.get(_DECIMALS.sub("", code)) if code else None
    return HangupCause(
        cause=found.get("cause"),
        code=code,
        name=found.get("name", known[0] if known else None),
        group=_find_group(known[1], source) if known else None,
        source=source,
        text=texts,
    )


def _find_group(of_code: Group | None, source: str | None) -> Group | None:
    """Return the group that code and source agree on: rules 1 to 4."""
    party = _PARTIES.get(source or "")
    if of_code is None:
        return party
    if source in {None, "unknown"} or source in _AGREES[of_code]:
        return of_code
    if party is None and of_code not in _PARTIES:
        return of_code
    return party


HangupCauseField = Annotated[
    HangupCause, ParsedTogether(lambda texts, _direction: parse_hangup_cause(texts))
]
