"""Settings of Kafka and its topics: BRIDGE_KAFKA_… and BRIDGE_TOPICS_…."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Final, Literal, Protocol

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, SecretStr

PREFIX = "BRIDGE_"

Contradiction = tuple[tuple[str, ...], str]

_HOST: Final = re.compile(r"[A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\]")
_PORT_MAX: Final = 65_535
_HOST_CHARACTERS_SHOWN_MAX: Final = 19  # no longer than what `bridge/telemetry/masking.py` shows


def _check_brokers(value: str) -> str:
    """Return `host:port,…` without spaces; raises ValueError."""
    brokers = [part.strip() for part in value.split(",") if part.strip()]
    for number, broker in enumerate(brokers, start=1):
        fault = _broker_fault(broker)
        if fault is not None:
            which = f"broker {number} " if len(brokers) > 1 else ""
            message = f"{which}{fault}"
            raise ValueError(message)
    return ",".join(brokers)


def _broker_fault(broker: str) -> str | None:
    """Return why a text is not `host:port`; quotes the host only if it cannot be a secret."""
    if "://" in broker or "@" in broker:
        return "has more than a host and a port; write host:port, such as kafka-1:9092"
    if _HOST.fullmatch(broker):
        shown = broker if len(broker) <= _HOST_CHARACTERS_SHOWN_MAX else "the host"
        return f"has no port; write {shown}:9092, or the port that your brokers listen on"
    host, _, port = broker.rpartition(":")
    if not _HOST.fullmatch(host):
        return "is not host:port, such as kafka-1:9092 (put an IPv6 address in brackets)"
    if not (port.isascii() and port.isdigit() and 1 <= int(port) <= _PORT_MAX):
        return f"has no port between 1 and {_PORT_MAX} after its colon"
    return None


def _check_one_line(value: SecretStr) -> SecretStr:
    """Return a secret unchanged; raises ValueError if it contains a line break."""
    if any(character in value.get_secret_value() for character in "\r\n"):
        message = "has a line break in it; remove it (`echo` adds one, `printf %s` none)"
        raise ValueError(message)
    return value


Brokers = Annotated[str, AfterValidator(_check_brokers)]
OneLine = Annotated[SecretStr, AfterValidator(_check_one_line)]


class SettingNamer(Protocol):
    """Returns a setting's name (`kafka.client_id`) as the operator wrote it, with a place inside it."""

    def __call__(self, setting: str, inside: str = "") -> str:
        """Return the name."""
        ...


class KafkaSettings(BaseModel):
    """How to reach Kafka: BRIDGE_KAFKA_…."""

    model_config = ConfigDict(extra="forbid")

    bootstrap_servers: Brokers = Field(
        default="", description="`host:port,…` of one or more brokers. Required."
    )
    client_id: str = Field(
        default="callback-bridge", description="Client id of the bridge in the brokers' logs."
    )
    security_protocol: Literal["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"] = Field(
        default="PLAINTEXT", description="Kafka's `security.protocol`."
    )
    sasl_mechanism: Literal["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512", "OAUTHBEARER"] = Field(
        default="SCRAM-SHA-512", description="Kafka's `sasl.mechanism`, for the SASL protocols."
    )
    sasl_username: str | None = Field(default=None, description="For PLAIN and SCRAM.")
    sasl_password: OneLine | None = Field(default=None, description="For PLAIN and SCRAM.")
    sasl_password_file: Path | None = Field(
        default=None,
        description="File with the password instead, read again for every connection.",
    )
    sasl_oauth_token_url: str | None = Field(
        default=None, description="Token endpoint for OAUTHBEARER (client credentials grant)."
    )
    sasl_oauth_client_id: str | None = Field(default=None, description="For OAUTHBEARER.")
    sasl_oauth_client_secret: OneLine | None = Field(default=None, description="For OAUTHBEARER.")
    sasl_oauth_client_secret_file: Path | None = Field(
        default=None, description="File with the secret instead, read again for every connection."
    )
    sasl_oauth_scope: str | None = Field(
        default=None, description="For OAUTHBEARER, if the server needs a scope."
    )
    tls_ca_file: Path | None = Field(
        default=None,
        description="PEM file of trusted certificate authorities; the system's if not set.",
    )
    tls_certificate_file: Path | None = Field(
        default=None, description="PEM file of the client certificate, for mutual TLS."
    )
    tls_key_file: Path | None = Field(
        default=None, description="PEM file of the certificate's key."
    )
    idempotence: bool = Field(
        default=True,
        description="Whether the producer is idempotent. False only for brokers that do not support it, "
        "such as the embedded one.",
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
        description="The same for callbacks whose answer Plivo executes: the caller hears silence until "
        "then.",
    )
    linger_ms: int = Field(
        default=0,
        ge=0,
        le=50,
        description="How long a callback's records wait for those of others, to leave with them in one "
        "request. It makes every callback slower by up to this time, and saves CPU at low rates.",
    )
    flush_timeout_s: float = Field(
        default=10.0,
        gt=0,
        le=60,
        description="How long a stopping bridge waits for records in flight to Kafka.",
    )

    def contradictions(self, name: SettingNamer) -> Iterator[Contradiction]:
        """Yield the settings that contradict each other, and the message."""
        if self.security_protocol.startswith("SASL"):
            needed = ["sasl_username", "sasl_password"]
            if self.sasl_mechanism == "OAUTHBEARER":
                needed = [
                    "sasl_oauth_token_url",
                    "sasl_oauth_client_id",
                    "sasl_oauth_client_secret",
                ]
            for one in needed:
                if not getattr(self, one) and not getattr(self, f"{one}_file", None):
                    setting = f"kafka.{one}"
                    line = f"{name(setting)} is needed for {self.sasl_mechanism}; set it"
                    if hasattr(self, f"{one}_file"):
                        line += f", or {name(f'{setting}_file')}"
                    yield (setting, f"{setting}_file", "kafka.sasl_mechanism"), line
        for one in ("kafka.sasl_password", "kafka.sasl_oauth_client_secret"):
            attribute = one.removeprefix("kafka.")
            if getattr(self, attribute) and getattr(self, f"{attribute}_file"):
                line = f"{name(one)} and {name(f'{one}_file')} are both set; set one"
                yield (one, f"{one}_file"), line
        if (self.tls_certificate_file is None) != (self.tls_key_file is None):
            pair = ("kafka.tls_certificate_file", "kafka.tls_key_file")
            yield pair, f"{name(pair[0])} and {name(pair[1])} go together; set both or neither"


class TopicSettings(BaseModel):
    """Topics as `topics apply` creates them: BRIDGE_TOPICS_…."""

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
        default=7,
        ge=0,
        le=36_500,
        description="How long event topics keep records; 0 means forever.",
    )
    journal_retention_days: int = Field(
        default=0,
        ge=0,
        le=36_500,
        description="How long the journal keeps records; 0 means forever.",
    )
    dead_letter_retention_days: int = Field(
        default=90, ge=0, le=36_500, description="How long dead letters are kept; 0 means forever."
    )
    rejected_retention_days: int = Field(
        default=7, ge=1, le=365, description="How long the sample of rejected callbacks is kept."
    )
    rejected_retention_bytes: int = Field(
        default=104_857_600,
        ge=1_048_576,
        le=107_374_182_400,
        description="Size of that sample in each partition, so that nobody can fill the disk with it.",
    )

    def contradictions(self, name: SettingNamer) -> Iterator[Contradiction]:
        """Yield the settings that contradict each other, and the message."""
        if self.min_insync_replicas > self.replication_factor:
            pair = ("topics.min_insync_replicas", "topics.replication_factor")
            line = (
                f"{name(pair[0])} ({self.min_insync_replicas}) is over "
                f"{name(pair[1])} ({self.replication_factor}); no record could be acknowledged: "
                f"lower the one or raise the other"
            )
            yield pair, line
