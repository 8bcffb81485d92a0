"""Settings of Plivo accounts: BRIDGE_ACCOUNTS."""

from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, SecretStr

from bridge.normalise.time import zone_named


def _zone(value: str) -> str:
    return zone_named(value).key


Zone = Annotated[str, AfterValidator(_zone)]


class Subaccount(BaseModel):
    """One subaccount of BRIDGE_ACCOUNTS."""

    model_config = ConfigDict(extra="forbid")

    auth_id: str = Field(pattern=r"^SA[A-Z0-9]{18}$")
    auth_tokens: list[SecretStr] = []
    timezone: Zone | None = None


class Account(BaseModel):
    """One account of BRIDGE_ACCOUNTS."""

    model_config = ConfigDict(extra="forbid")

    auth_id: str = Field(pattern=r"^MA[A-Z0-9]{18}$")
    auth_tokens: list[SecretStr] = []
    timezone: Zone
    subaccounts: list[Subaccount] = []

    @property
    def has_token(self) -> bool:
        """Say whether the account, or a subaccount of it, has a token to verify with."""
        return bool(self.auth_tokens) or any(one.auth_tokens for one in self.subaccounts)
