"""Find the call that a voice event belongs to.

``call`` is the one field to collect a whole call by: the id of its first leg. For a leg that is not
the first, it is also the parent. A callback that names only its own leg does not lead to the first
one: then ``call`` is that leg, because nothing says which call it belongs to.

On the callbacks of a ``<Dial>``, ``leg`` is the leg that dialled and ``other_leg`` the dialled one,
whichever of the two ``CallUUID`` is: Plivo's list has no ``CallUUID``, and receivers report both.
"""

from collections.abc import Mapping
from typing import Annotated, cast

from pydantic import Field
from typing_extensions import TypedDict


class Correlation(TypedDict):
    """The ids to join voice events by; null if the callback does not have them."""

    call: Annotated[
        str | None,
        Field(
            description="The whole call: its first leg's id, or the leg's own if the callback does not "
            "name the first one."
        ),
    ]
    leg: Annotated[str | None, Field(description="The leg it happened on.")]
    other_leg: Annotated[str | None, Field(description="The leg that a `<Dial>` dialled, if any.")]
    parent_call: Annotated[
        str | None, Field(description="The first leg, if the event is about another leg.")
    ]
    request: Annotated[str | None, Field(description="The API request that placed the call.")]
    conference: Annotated[str | None, Field(description="The conference, by its id.")]
    mpc: Annotated[str | None, Field(description="The MultiPartyCall, by its id.")]


def correlate(fields: Mapping[str, object]) -> Correlation:
    """Return the ids that the fields of a voice callback give for its call."""
    ids = cast("Mapping[str, str | None]", fields)  # the fields below hold texts
    other_leg = ids.get("dial_b_leg_uuid")
    leg = ids.get("call_uuid") or ids.get("participant_call_uuid")
    dialling_leg = ids.get("dial_a_leg_uuid")
    first_leg = ids.get("a_leg_uuid") or dialling_leg
    if leg is None or leg == other_leg:
        leg = dialling_leg or leg
    if leg == other_leg:
        other_leg = None
    return {
        "call": first_leg or leg,
        "leg": leg,
        "other_leg": other_leg,
        "parent_call": first_leg if first_leg != leg else None,
        "request": ids.get("request_uuid") or ids.get("a_leg_request_uuid"),
        "conference": ids.get("conference_uuid"),
        "mpc": ids.get("mpc_uuid"),
    }
