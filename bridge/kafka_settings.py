"""Settings of Kafka and its topics: BRIDGE_KAFKA_… and BRIDGE_TOPICS_…."""

from pathlib import Path
from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, Field, SecretStr, model_validator

PREFIX = "BRIDGE_"


class KafkaSettings(BaseModel):
    """How to reach Kafka: BRIDGE_KAFKA_…."""

    model_config = ConfigDict(extra="forbid")

    bootstrap_servers: str = Field(
        default="", description="`host:port,…` of one or more brokers. Required."
    )
    client_id: str = Field(default="callback-bridge", description="How the brokers' logs name us.")
    security_protocol: Literal["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"] = Field(
        default="PLAINTEXT", description="As Kafka's clients name it."
    )
    sasl_mechanism: Literal["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512", "OAUTHBEARER"] = Field(
        default="SCRAM-SHA-512", description="For the SASL protocols."
    )
    sasl_username: str | None = Field(default=None, description="For PLAIN and SCRAM.")
    sasl_password: SecretStr | None = Field(default=None, description="For PLAIN and SCRAM.")
    sasl_password_file: Path | None = Field(
        default=None,
        description="A file that holds the password instead, read anew at every connecting.",
    )
    sasl_oauth_token_url: str | None = Field(
        default=None, description="Where OAUTHBEARER gets its tokens (client credentials grant)."
    )
    sasl_oauth_client_id: str | None = Field(default=None, description="For OAUTHBEARER.")
    sasl_oauth_client_secret: SecretStr | None = Field(default=None, description="For OAUTHBEARER.")
    sasl_oauth_client_secret_file: Path | None = Field(
        default=None, description="A file that holds it instead, read anew at every connecting."
    )
    sasl_oauth_scope: str | None = Field(
        default=None, description="For OAUTHBEARER, if it needs one."
    )
    tls_ca_file: Path | None = Field(
        default=None,
        description="PEM file of the authorities the brokers are trusted by; else the system's.",
    )
    tls_certificate_file: Path | None = Field(default=None, description="PEM file for mutual TLS.")
    tls_key_file: Path | None = Field(default=None, description="PEM file of its key.")
    idempotence: bool = Field(
        default=True,
        description="Off only for brokers that do not know it, such as the embedded one.",
    )
    ack_timeout_s: float = Field(
        default=5.0,
        gt=0,
        le=30,
        description="How long a callback waits for Kafka before it is spooled.",
    )
    control_ack_timeout_s: float = Field(
        default=2.0,
        gt=0,
        le=30,
        description="The same for callbacks whose answer Plivo executes, where a caller hears "
        "silence meanwhile.",
    )
    flush_timeout_s: float = Field(
        default=10.0,
        gt=0,
        le=60,
        description="How long a stopping bridge waits for what is under way.",
    )

    @model_validator(mode="after")
    def _complete(self) -> Self:
        if self.security_protocol.startswith("SASL"):
            names = ["sasl_username", "sasl_password"]
            if self.sasl_mechanism == "OAUTHBEARER":
                names = ["sasl_oauth_token_url", "sasl_oauth_client_id", "sasl_oauth_client_secret"]
            for name in names:
                from_file = getattr(self, f"{name}_file", None)
                if not getattr(self, name) and not from_file:
                    variable = f"{PREFIX}KAFKA_{name.upper()}"
                    message = f"{variable} is needed for {self.sasl_mechanism}"
                    raise ValueError(message)
        for name in ("sasl_password", "sasl_oauth_client_secret"):
            if getattr(self, name) and getattr(self, f"{name}_file"):
                variable = f"{PREFIX}KAFKA_{name.upper()}"
                message = f"{variable} and {variable}_FILE are both set; set one"
                raise ValueError(message)
        if (self.tls_certificate_file is None) != (self.tls_key_file is None):
            message = (
                f"{PREFIX}KAFKA_TLS_CERTIFICATE_FILE and {PREFIX}KAFKA_TLS_KEY_FILE go together"
            )
            raise ValueError(message)
        return self


class TopicSettings(BaseModel):
    """What `topics apply` creates: BRIDGE_TOPICS_…."""

    model_config = ConfigDict(extra="forbid")

    partitions: int = Field(default=12, ge=1, le=1000, description="Partitions of every topic.")
    replication_factor: int = Field(
        default=3, ge=1, le=10, description="Replicas of every partition."
    )
    min_insync_replicas: int = Field(
        default=2,
        ge=1,
        le=10,
        description="Replicas that must have a record before it is acknowledged.",
    )
    event_retention_days: int = Field(
        default=7, ge=0, le=36_500, description="How long event topics keep records; 0 for ever."
    )
    journal_retention_days: int = Field(
        default=0, ge=0, le=36_500, description="How long the journal keeps them; 0 for ever."
    )
    dead_letter_retention_days: int = Field(
        default=90, ge=0, le=36_500, description="How long dead letters are kept; 0 for ever."
    )
    rejected_retention_days: int = Field(
        default=7, ge=1, le=365, description="How long the sample of rejected callbacks is kept."
    )
    rejected_retention_bytes: int = Field(
        default=104_857_600,
        ge=1_048_576,
        le=107_374_182_400,
        description="And how much of it, in each partition, so that a stranger cannot fill the disk.",
    )

    @model_validator(mode="after")
    def _in_sync(self) -> Self:
        if self.min_insync_replicas > self.replication_factor:
            message = (
                f"{PREFIX}TOPICS_MIN_INSYNC_REPLICAS ({self.min_insync_replicas}) is over "
                f"{PREFIX}TOPICS_REPLICATION_FACTOR ({self.replication_factor})"
            )
            raise ValueError(message)
        return self
