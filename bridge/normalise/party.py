"""The form of a party: what the text of a number or an address names.

``phone`` makes it. It is a file of its own because a command that only needs the form, such as
``tail --help``, need not import the library of phone numbers.
"""

from typing import Annotated, Literal

from pydantic import Field
from typing_extensions import TypedDict

Kind = Literal["pstn", "sip", "client", "anonymous", "short_code", "unknown"]


class Party(TypedDict):
    """One end of a leg or message."""

    kind: Annotated[
        Kind,
        Field(description="What the text names. Consumers treat an unknown kind as `unknown`."),
    ]
    e164: Annotated[
        str | None,
        Field(
            description="The number in E.164 with `+`, for kind `pstn`: only if its country can have "
            "such a number."
        ),
    ]
    text: Annotated[str, Field(description="What Plivo sent.")]
