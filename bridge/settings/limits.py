"""Settings that bound what one process takes on, and how long it waits."""

from pydantic import BaseModel, Field


class LimitSettings(BaseModel):
    """Limits of requests, of work under way, and of an orderly end."""

    body_bytes_max: int = Field(
        default=262_144,
        ge=1024,
        le=393_216,
        description="Largest accepted body; a larger one is answered 413.",
    )
    url_bytes_max: int = Field(
        default=16_384,
        ge=256,
        le=65_536,
        description="Longest accepted path and query together; a longer one is answered 414.",
    )
    parameters_max: int = Field(
        default=512,
        ge=16,
        le=10_000,
        description="Most parameters accepted in query and body together, including JSON elements at "
        "any depth; more are answered 400.",
    )
    in_flight_max: int = Field(
        default=2_000,
        ge=10,
        le=100_000,
        description="Most callbacks in flight; more are answered 429. Informational types are answered "
        "429 over three quarters of it.",
    )
    in_flight_bytes_max: int = Field(
        default=67_108_864,
        ge=1_048_576,
        le=4_294_967_296,
        description="Most bytes of bodies in flight, with the same rule.",
    )
    connections_max: int = Field(
        default=10_000,
        ge=10,
        le=1_000_000,
        description="Most open connections. At the limit a new one replaces one that waits for its "
        "client, or is closed.",
    )
    read_timeout_s: float = Field(
        default=10.0,
        gt=0,
        le=300,
        description="How long a client may take to send its request, or to read its answer, before "
        "the connection is closed.",
    )
    rejected_per_minute_max: int = Field(
        default=60,
        ge=0,
        le=6_000,
        description="Most rejected callbacks stored in the rejected topic a minute; the others are only "
        "counted.",
    )
    shutdown_delay_s: float = Field(
        default=0.0,
        ge=0,
        le=120,
        description="How long a stopping bridge still accepts callbacks while `/readyz` answers 503, so "
        "that load balancers stop sending to it.",
    )
    shutdown_timeout_s: float = Field(
        default=15.0,
        gt=0,
        le=300,
        description="How long a stopping bridge then waits for callbacks in flight.",
    )
