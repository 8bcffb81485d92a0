"""Custom SIP headers. Every callback of a call carries them as ``X-PH-<Name>``."""

from typing import Annotated

from bridge.normalise import ParsedTogether

PREFIX = "X-PH-"


def _parse(texts: dict[str, str], _direction: str | None) -> dict[str, str]:
    headers: dict[str, str] = {}
    for name, value in texts.items():
        short = name[len(PREFIX) :]
        # The prefix occurs in lower case too, so two parameters can have the same name. Keep both.
        headers[short if headers.get(short, value) == value else name] = value
    return headers


SipHeaders = Annotated[dict[str, str], ParsedTogether(_parse)]
