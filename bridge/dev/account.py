"""The account of the emulated Plivo."""

from typing import Final

AUTH_ID: Final = "MAEMULATEDACCOUNT001"
AUTH_TOKEN: Final = "emulated-token-not-a-secret"  # noqa: S105 (only for the emulator)
TIMEZONE: Final = "America/New_York"

ACCOUNTS: Final[list[dict[str, object]]] = [
    {"auth_id": AUTH_ID, "auth_tokens": [AUTH_TOKEN], "timezone": TIMEZONE}
]
