"""Settings of the log: BRIDGE_LOG_…."""

from typing import Literal

from pydantic import BaseModel, Field, SecretStr


class LogSettings(BaseModel):
    """How the process tells what it does."""

    log_format: Literal["json", "console"] = Field(
        default="json", description="One JSON line, or colours."
    )
    log_level: Literal["debug", "info", "warning", "error"] = Field(
        default="info",
        description="Threshold. `PUT /log-level` on the management port changes it while it runs.",
    )
    log_key: SecretStr | None = Field(
        default=None,
        min_length=16,
        max_length=64,
        description="Key of the tokens that stand for calls in the log. Processes that share it use "
        "the same tokens; without it each makes a key of its own.",
    )
    log_published_every: int = Field(
        default=1,
        ge=1,
        le=1_000_000,
        description="Write the line of every n-th published callback.",
    )
    log_unverified_per_minute_max: int = Field(
        default=60,
        ge=0,
        le=60_000,
        description="Most lines a minute about what anybody can bring about: callbacks that failed "
        "verification, and limits that were hit. The next line says how many were left out.",
    )
