"""Settings of the spool: BRIDGE_SPOOL_…."""

from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field


class SpoolSettings(BaseModel):
    """The spool, where records wait on disk while Kafka is late or away: BRIDGE_SPOOL_…."""

    model_config = ConfigDict(extra="forbid")

    enabled: bool = Field(
        default=True,
        description="Without a spool callbacks are answered 503 while Kafka is away, and most of them "
        "are lost.",
    )
    directory: Path | None = Field(
        default=None,
        description="Directory on a local disk that survives the process. Several bridges may share it. "
        "Other users must not be able to write to it. Required, unless the spool is disabled.",
    )
    bytes_max: int = Field(
        default=1_073_741_824,
        ge=1_048_576,
        le=1_099_511_627_776,
        description="Most bytes of records in the spool; over it callbacks are answered 503. The file "
        "can be nearly twice as large.",
    )
    append_timeout_s: float = Field(
        default=5.0,
        gt=0,
        le=30,
        description="How long a callback waits for the disk before it is sent to Kafka or refused.",
    )
    records_max: int = Field(
        default=1_000_000,
        ge=100,
        le=100_000_000,
        description="Most records in the spool, with the same rule.",
    )
