"""Declarations of all settings: name, type, default, bounds, meaning.

The reference page and the chart's schema are made from them.
"""

import re
from collections.abc import Mapping
from ipaddress import ip_network
from pathlib import Path
from typing import Annotated, Final, Literal
from urllib.parse import urlsplit

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    SecretStr,
)
from pydantic_settings import (
    BaseSettings,
    NoDecode,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
)

from bridge.core.origins import is_authority
from bridge.settings.accounts import AccountSettings
from bridge.settings.kafka import PREFIX, KafkaSettings, TopicSettings


class LimitSettings(BaseModel):
    """Limits of requests, of callbacks in flight, and of the shutdown."""

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
        default=2_684_354_560,
        ge=1_048_576,
        le=1_099_511_627_776,
        description="Most bytes of records in the spool; over it callbacks are answered 503. A callback "
        "takes about 2 KB, so the default holds 30 minutes of 500 callbacks a second. The file can be "
        "nearly twice as large.",
    )
    append_timeout_s: float = Field(
        default=5.0,
        gt=0,
        le=30,
        description="How long a callback waits for the disk before it is sent to Kafka or refused.",
    )
    records_max: int = Field(
        default=2_000_000,
        ge=100,
        le=100_000_000,
        description="Most records in the spool, with the same rule.",
    )


GROUPS: Final[Mapping[str, type[BaseModel]]] = {
    "kafka": KafkaSettings,
    "topics": TopicSettings,
    "spool": SpoolSettings,
}


def _split(value: object) -> object:
    return (
        [part.strip() for part in value.split(",") if part.strip()]
        if isinstance(value, str)
        else value
    )


Names = Annotated[list[str], NoDecode, BeforeValidator(_split)]


def _check_network(value: str) -> str:
    try:
        return str(ip_network(value, strict=False))
    except ValueError as error:
        message = "is not an IP address, nor a network such as 10.0.0.0/8"
        raise ValueError(message) from error


Network = Annotated[str, AfterValidator(_check_network)]
Networks = Annotated[list[Network], NoDecode, BeforeValidator(_split)]


def _check_authority(value: str) -> str:
    if not is_authority(value):
        message = "must be a host, or a host and a port, without https:// and without a path"
        raise ValueError(message)
    return value


Hosts = Annotated[
    list[Annotated[str, AfterValidator(_check_authority)]], NoDecode, BeforeValidator(_split)
]


# RFC 3986: a scheme, and after it printable ASCII without what must be percent-encoded.
_ABSOLUTE_URI: Final = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:[!#-;=?-\[\]_a-z~]*", re.ASCII)
_API_URL: Final = "https://api.plivo.com"


def _check_base_url(value: str, example: str = "https://callbacks.example.com") -> str:
    """Return a URL without its last slash, its scheme in lower case."""
    if any(character.isspace() for character in value):
        # urlsplit silently drops line breaks; the origin would then differ from the signed one.
        message = "has white space in it; remove it"
        raise ValueError(message)
    try:
        parts = urlsplit(value)
        _ = parts.port
    except ValueError as error:
        message = f"is not a URL; write one like {example}"
        raise ValueError(message) from error
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        message = f"must be an absolute http or https URL, such as {example}"
        raise ValueError(message)
    if parts.query or parts.fragment:
        message = "must have neither query nor fragment; write https://host[/prefix]"
        raise ValueError(message)
    # Schemes are case-insensitive, but a signature is checked against the exact text.
    scheme, colon, rest = value.partition(":")
    return scheme.lower() + colon + rest.rstrip("/")


def _check_api_url(value: str) -> str:
    checked = _check_base_url(value, _API_URL)
    parts = urlsplit(checked)
    if parts.username is not None:
        message = "must not contain a user; the account's own token is sent"
        raise ValueError(message)
    if parts.scheme == "http" and (parts.hostname or "").endswith("plivo.com"):
        message = "would send the auth token unencrypted; write https://"
        raise ValueError(message)
    return checked


def _check_schema_base(value: str) -> str:
    """Return a URI unchanged to which a schema's path can be added; raises ValueError."""
    if not _ABSOLUTE_URI.fullmatch(value):
        message = (
            "must be an absolute URI without white space, such as https://schemas.example.com/"
        )
        raise ValueError(message)
    if value[-1].isalnum():
        # https://schemas.example.com would become https://schemas.example.comvoice.call.hangup/…
        message = "must end in / or :, because the path of a schema follows directly"
        raise ValueError(message)
    return value


BaseUrl = Annotated[str, AfterValidator(_check_base_url)]
SchemaBase = Annotated[str, AfterValidator(_check_schema_base)]
ApiUrl = Annotated[str, AfterValidator(_check_api_url)]
# `true` and `false` are accepted too, as for any other switch.
_V2_CHOICES: Final = {"true": "all", "1": "all", "false": "none", "0": "none"}


def _v2_choice(value: object) -> object:
    return _V2_CHOICES.get(str(value).lower(), value)


V2Choice = Annotated[Literal["except_voice", "all", "none"], BeforeValidator(_v2_choice)]
Port = Annotated[int, Field(ge=1, le=65_535)]


class Settings(  # pyright: ignore[reportIncompatibleVariableOverride] (the first bases have none)
    LogSettings, LimitSettings, BaseSettings
):
    """All settings of the bridge."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX,
        env_nested_delimiter="_",
        env_nested_max_split=1,
        extra="forbid",
    )

    kafka: KafkaSettings = KafkaSettings()
    topics: TopicSettings = TopicSettings()
    spool: SpoolSettings = SpoolSettings()
    accounts: list[AccountSettings] = Field(
        default=[],
        description="Plivo accounts as a JSON list: `auth_id`, `auth_tokens` (several while they are "
        "rotated; each at least 20 characters, without white space), `timezone` (IANA name, as set in "
        "Plivo's console), `subaccounts`.",
    )
    accounts_file: Path | None = Field(
        default=None, description="File with the same JSON list, for mounted secrets."
    )
    public_url: BaseUrl | None = Field(
        default=None,
        description="Base URL that Plivo calls, because Plivo signs it: `https://host[/prefix]`.",
    )
    trusted_proxies: Networks = Field(
        default=[],
        description="Addresses or networks of proxies, comma-separated. Their `X-Forwarded-*` headers "
        "name the URL that Plivo called. Not needed with BRIDGE_PUBLIC_URL.",
    )
    allowed_hosts: Hosts = Field(
        default=[],
        description="Hosts in the URLs that Plivo calls, comma-separated, each with its port unless it "
        "is the default. A callback for another host is answered 421. Required with "
        "BRIDGE_VERIFICATION=enforce, unless BRIDGE_PUBLIC_URL is set.",
    )
    verification: Literal["enforce", "report", "off"] = Field(
        default="enforce",
        description="`enforce` rejects callbacks without a valid signature, `report` publishes them "
        "marked as unverified, `off` checks no signature.",
    )
    accept_v2: V2Choice = Field(
        default="except_voice",
        description="Which callbacks without a V3 signature are accepted with a V2 signature, which "
        "covers neither query nor body. `except_voice`: all products except voice, which Plivo signs "
        "with V3; on the shared path only known types. `all` (or `true`). `none` (or `false`): no V2 "
        "signature, and no JSON body of which V3 covers only the URL.",
    )
    accept_agentstack_v3: bool = Field(
        default=False,
        description="Whether the V3 scheme of Plivo's agent SDKs (`plivo-agentstack`) is accepted too. "
        "It differs from Plivo's documented scheme.",
    )
    topic_prefix: str = Field(
        default="",
        pattern=r"^([a-z0-9]+\.)*$",
        max_length=100,
        description="Prefix of every topic's name: environment or tenant, and a dot (`prod.`).",
    )
    schema_base_url: SchemaBase = Field(
        default="urn:callback-bridge:schemas:",
        min_length=3,
        description="Absolute URI before a schema's path, in the event's `dataschema`, with its last "
        "`/` or `:`.",
    )
    context_parameters: Names = Field(
        default=[],
        description="Names of your own query parameters in the URLs set at Plivo, comma-separated. Only "
        "needed for GET, which mixes them with Plivo's parameters.",
    )
    replies_file: Path | None = Field(
        default=None,
        description="File of rules (TOML) that say how callbacks are answered: with a document, or by "
        "an application of yours. It is reloaded when it or one of its documents changes. "
        "`callback-bridge replies check FILE` checks it.",
    )
    plivo_api_url: ApiUrl = Field(
        default=_API_URL,
        description="Base URL of Plivo's API, for commands that place and control calls. The emulator's "
        "is `http://127.0.0.1:8811`.",
    )
    plivo_calls_per_s: float = Field(
        default=2.0,
        gt=0,
        le=1_000,
        description="Calls that one `call place` starts a second. The default is Plivo's own limit for "
        "an account, above which calls wait at Plivo.",
    )
    ledger_directory: Path | None = Field(
        default=None,
        description="Directory of the ledger of placed calls, which prevents that a request is placed "
        "twice. Default: `callback-bridge` in `$XDG_STATE_HOME`, or in `~/.local/state`.",
    )
    host: str = Field(default="0.0.0.0", description="Address to listen on.")  # noqa: S104 (a server)
    port: Port = Field(default=8080, description="Port for callbacks.")
    management_host: str = Field(
        default="127.0.0.1",
        description="Address to listen on for `/livez`, `/readyz` and `/metrics`. Probes and Prometheus "
        "need `0.0.0.0` in a container (the chart sets it).",
    )
    management_port: Port = Field(
        default=9090,
        description="Port for `/livez`, `/readyz` and `/metrics`. Do not expose it to the internet.",
    )

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Return only the arguments: `load` merges environment, file and arguments."""
        del settings_cls, env_settings, dotenv_settings, file_secret_settings
        return (init_settings,)


KNOWN: Final[frozenset[str]] = frozenset(
    {name for name in Settings.model_fields if name not in GROUPS}
    | {f"{group}.{name}" for group, model in GROUPS.items() for name in model.model_fields}
)
