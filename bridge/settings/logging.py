"""Settings of the log: BRIDGE_LOG_…."""

from typing import Literal

from pydantic import BaseModel, Field, SecretStr


class LogSettings(BaseModel):
    """Format, level and rate limits of the log."""

    log_format: Literal["json", "console"] = Field(
        default="json",
        description="`json`: one line of JSON an event. `console`: text for a terminal.",
    )
    log_level: Literal["debug", "info", "warning", "error"] = Field(
        default="info",
        description="Lowest level that is logged. `PUT /log-level` on the management port changes it "
        "while the bridge runs.",
    )
    log_key: SecretStr | None = Field(
        default=None,
        min_length=16,
        max_length=64,
        description="Key of the tokens that stand for calls in the log. Processes with the same key use "
        "the same tokens; without it each process makes its own key.",
    )
    log_published_every: int = Field(
        default=1,
        ge=1,
        le=1_000_000,
        description="Log every n-th published callback.",
    )
    log_unverified_per_minute_max: int = Field(
        default=60,
        ge=0,
        le=60_000,
        description="Most lines a minute that unverified clients can cause: rejected callbacks, unknown "
        "paths and exceeded limits. The next line counts the suppressed ones.",
    )
