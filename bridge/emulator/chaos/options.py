"""How much goes wrong."""

from typing import Annotated, Final

from pydantic import BaseModel, ConfigDict, Field

Share = Annotated[float, Field(ge=0, le=1)]
Seconds = Annotated[float, Field(ge=0, le=3_600)]


class Chaos(BaseModel):
    """Shares of the requests, each from 0 to 1, to which something happens; and limits in seconds.

    Only callbacks whose answer Plivo ignores are late, lost or reordered. `cut` and `slow` need a body,
    so they leave a GET alone.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    duplicated: Annotated[
        Share,
        Field(
            description="Sent again within `duplicate_s_max`: with the same nonces, or signed anew."
        ),
    ] = 0.0
    late: Annotated[Share, Field(description="Sent up to `late_s_max` later.")] = 0.0
    lost: Annotated[
        Share, Field(description="Never sent, although Plivo takes it as delivered.")
    ] = 0.0
    reordered: Annotated[
        Share,
        Field(
            description="Sent after the next callback about the same call or message, or after "
            "`reorder_s_max`."
        ),
    ] = 0.0
    old_fields: Annotated[
        Share, Field(description="Sent with names, values and gaps of older generations.")
    ] = 0.0
    undocumented_fields: Annotated[
        Share, Field(description="Sent with parameters that no page names.")
    ] = 0.0
    skewed: Annotated[
        Share,
        Field(
            description="Made on a server whose clock is wrong by up to `skew_s_max` either way."
        ),
    ] = 0.0
    cut: Annotated[
        Share, Field(description="The connection is closed in the middle of the request.")
    ] = 0.0
    slow: Annotated[Share, Field(description="The body arrives in small pieces.")] = 0.0
    duplicate_s_max: Annotated[Seconds, Field(description="Limit of `duplicated`.")] = 5.0
    late_s_max: Annotated[Seconds, Field(description="Limit of `late`.")] = 30.0
    reorder_s_max: Annotated[Seconds, Field(description="Limit of `reordered`.")] = 10.0
    skew_s_max: Annotated[Seconds, Field(description="Limit of `skewed`.")] = 90.0


SOME_OF_EVERYTHING: Final = Chaos(
    duplicated=0.05,
    late=0.05,
    lost=0.02,
    reordered=0.05,
    old_fields=0.2,
    undocumented_fields=0.1,
    skewed=0.05,
    cut=0.01,
    slow=0.02,
)
