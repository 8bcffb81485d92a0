"""Custom SIP headers, which ride on every callback of their call as ``X-PH-<Name>``."""

from typing import Annotated

from bridge.normalise.reading import ReadsGroup, Scope

PREFIX = "X-PH-"


def _read(texts: dict[str, str], _scope: Scope) -> dict[str, str]:
    return {name.removeprefix(PREFIX): value for name, value in texts.items()}


SipHeaders = Annotated[dict[str, str], ReadsGroup(_read)]
