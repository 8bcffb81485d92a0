"""STIR/SHAKEN: what Plivo states about a caller id, and what it leaves open.

1. The verdict is one of Plivo's three words. Any other word is kept, with the verdict ``unknown``.
   An absent parameter is no verdict at all, which differs from ``not_applicable``.
2. The attestation letter is the one that Plivo sent. "Not Verified" stands for B, C and unsigned
   calls alike, so no letter follows from it; "Verified" comes with its own letter.
3. For an outbound call Plivo assigned the attestation; for an inbound call Plivo received it.
4. Plivo spells the parameters in three ways. If two spellings disagree, or verdict and letter
   disagree, all texts are kept and ``conflict`` is true; disagreeing verdicts give ``unknown``.
"""

from typing import Annotated, Final, Literal

from pydantic import Field
from typing_extensions import TypedDict

from bridge.normalise import ParsedTogether, fold_name

Verdict = Literal["verified", "not_verified", "not_applicable", "unknown"]
Attestation = Literal["A", "B", "C"]
Role = Literal["assigned", "received"]

VERIFICATION: Final = "stirverification"

_VERDICTS: Final[dict[str, Verdict]] = {
    "verified": "verified",
    "not verified": "not_verified",
    "not applicable": "not_applicable",
}
_ATTESTATIONS: Final[dict[str, Attestation]] = {"a": "A", "b": "B", "c": "C"}
_ROLES: Final[dict[str | None, Role]] = {"outbound": "assigned", "inbound": "received"}
# The letters that agree with a verdict, if the verdict restricts them.
_ATTESTATIONS_BY_VERDICT: Final[dict[Verdict, frozenset[Attestation]]] = {
    "verified": frozenset({"A"}),
    "not_verified": frozenset({"B", "C"}),
    "not_applicable": frozenset(),
}


class Stir(TypedDict):
    """What Plivo states about the caller id."""

    verification: Annotated[
        Verdict,
        Field(description="Plivo's verdict; `unknown` for an unknown word, or if none was sent."),
    ]
    attestation: Annotated[
        Attestation | None, Field(description="The attestation level, only if Plivo sent one.")
    ]
    role: Annotated[
        Role | None,
        Field(description="`assigned` by Plivo (outbound) or `received` with the call (inbound)."),
    ]
    conflict: Annotated[
        bool, Field(description="Spellings, or verdict and letter, disagree. See `text`.")
    ]
    text: Annotated[
        dict[str, str], Field(description="The parameters as received, by their names.")
    ]


def parse_stir(texts: dict[str, str], direction: str | None) -> Stir:
    """Return the standing of the caller from ``texts`` (parameter name to text): rules 1 to 4."""
    verdicts: set[Verdict] = set()
    attested: set[str] = set()
    for name, value in texts.items():
        if fold_name(name) == VERIFICATION:
            verdicts.add(_VERDICTS.get(value.strip().lower(), "unknown"))
        else:
            attested.add(value.strip().lower())
    disagree = len(verdicts) > 1 or len(attested) > 1
    verdict: Verdict = verdicts.pop() if len(verdicts) == 1 else "unknown"
    letter = _ATTESTATIONS.get(attested.pop()) if len(attested) == 1 else None
    if not disagree and letter is not None and verdict in _ATTESTATIONS_BY_VERDICT:
        disagree = letter not in _ATTESTATIONS_BY_VERDICT[verdict]
    return Stir(
        verification=verdict,
        attestation=letter,
        role=_ROLES.get(direction),
        conflict=disagree,
        text=texts,
    )


StirField = Annotated[Stir, ParsedTogether(parse_stir)]
