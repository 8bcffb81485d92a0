"""Settings of the spool: BRIDGE_SPOOL_…."""

from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field


class SpoolSettings(BaseModel):
    """Where records wait, fsynced, while Kafka is late or away: BRIDGE_SPOOL_…."""

    model_config = ConfigDict(extra="forbid")

    enabled: bool = Field(
        default=True,
        description="Off means that callbacks are answered 503, and most of them lost, while Kafka "
        "is away.",
    )
    directory: Path | None = Field(
        default=None,
        description="A directory on a local disk that outlives the process. Several processes may "
        "share it. Others must not be able to write in it. Required, unless the spool is off.",
    )
    bytes_max: int = Field(
        default=1_073_741_824,
        ge=1_048_576,
        le=1_099_511_627_776,
        description="Most bytes of records kept; over it callbacks are answered 503. The file may be "
        "nearly twice as large.",
    )
    append_timeout_s: float = Field(
        default=5.0,
        gt=0,
        le=30,
        description="How long a callback waits for the disk before it is tried on Kafka, or refused.",
    )
    records_max: int = Field(
        default=1_000_000, ge=100, le=100_000_000, description="Most records kept, likewise."
    )
