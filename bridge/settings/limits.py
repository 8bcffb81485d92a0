"""Settings that bound what one process takes on, and how long it waits."""

from pydantic import BaseModel, Field


class LimitSettings(BaseModel):
    """Limits of requests, of work under way, and of an orderly end."""

    body_bytes_max: int = Field(
        default=262_144, ge=1024, le=393_216, description="Largest body taken; over it 413."
    )
    url_bytes_max: int = Field(
        default=16_384, ge=256, le=65_536, description="Longest path and query taken; over it 414."
    )
    parameters_max: int = Field(
        default=512,
        ge=16,
        le=10_000,
        description="Most parameters taken, of query and body together, JSON elements at any depth "
        "included; over it 400.",
    )
    in_flight_max: int = Field(
        default=2_000,
        ge=10,
        le=100_000,
        description="Most callbacks being worked on at once; over it 429, from three quarters of it "
        "on for the types that are shed first.",
    )
    in_flight_bytes_max: int = Field(
        default=67_108_864,
        ge=1_048_576,
        le=4_294_967_296,
        description="Most bytes of their bodies, likewise.",
    )
    connections_max: int = Field(
        default=10_000,
        ge=10,
        le=1_000_000,
        description="Most open connections; further ones are closed at once.",
    )
    read_timeout_s: float = Field(
        default=10.0,
        gt=0,
        le=300,
        description="How long a client may take to send its request; then it is cut off.",
    )
    rejected_per_minute_max: int = Field(
        default=60,
        ge=0,
        le=6_000,
        description="Most callbacks that failed verification kept in the rejected topic; the others "
        "are only counted.",
    )
    shutdown_delay_s: float = Field(
        default=0.0,
        ge=0,
        le=120,
        description="How long a stopping bridge goes on taking callbacks while `/readyz` says 503, "
        "so that a load balancer stops sending them first.",
    )
    shutdown_timeout_s: float = Field(
        default=15.0,
        gt=0,
        le=300,
        description="How long a stopping bridge then waits for callbacks under way.",
    )
