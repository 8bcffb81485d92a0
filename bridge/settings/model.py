"""The settings of the bridge, declared.

Names, defaults, bounds and meanings are declared once, here and in the groups; the reference page is
made from them.
"""

from collections.abc import Mapping
from ipaddress import ip_network
from pathlib import Path
from typing import Annotated, Final, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, BeforeValidator, Field, field_validator
from pydantic_settings import (
    BaseSettings,
    NoDecode,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
)

from bridge.core.origins import is_authority
from bridge.settings.accounts import AccountSettings
from bridge.settings.kafka import PREFIX, KafkaSettings, TopicSettings
from bridge.settings.limits import LimitSettings
from bridge.settings.logging import LogSettings
from bridge.settings.spool import SpoolSettings

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
        message = "is no IP address and no network such as 10.0.0.0/8"
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
# `true` and `false` are read too: they are how such a switch is usually set.
_V2_CHOICES: Final = {"true": "all", "1": "all", "false": "none", "0": "none"}


def _v2_choice(value: object) -> object:
    return _V2_CHOICES.get(str(value).lower(), value)


V2Choice = Annotated[Literal["except_voice", "all", "none"], BeforeValidator(_v2_choice)]
Port = Annotated[int, Field(ge=1, le=65_535)]


class Settings(  # pyright: ignore[reportIncompatibleVariableOverride] (the first bases have none)
    LogSettings, LimitSettings, BaseSettings
):
    """Every setting of the bridge."""

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
        default=None, description="A file that holds the same JSON list, for mounted secrets."
    )
    public_url: str | None = Field(
        default=None,
        description="Base URL as Plivo calls it, which is what Plivo signs: `https://host[/prefix]`.",
    )
    trusted_proxies: Networks = Field(
        default=[],
        description="Addresses or networks, comma-separated, whose `X-Forwarded-*` headers say how "
        "Plivo called us. Not needed with BRIDGE_PUBLIC_URL.",
    )
    allowed_hosts: Hosts = Field(
        default=[],
        description="Hosts that Plivo calls this bridge by, comma-separated, each with its port unless "
        "that is the default. A callback for another host is answered 421. Needed with "
        "BRIDGE_VERIFICATION=enforce, unless BRIDGE_PUBLIC_URL is set.",
    )
    verification: Literal["enforce", "report", "off"] = Field(
        default="enforce",
        description="`enforce` rejects what does not verify, `report` publishes it marked as "
        "unverified, `off` checks nothing.",
    )
    accept_v2: V2Choice = Field(
        default="except_voice",
        description="Which callbacks V2 may verify where there is no V3 signature; V2 covers neither "
        "query nor body. `except_voice`: those of all products but voice, which Plivo signs by V3; on "
        "the shared path only those of a known type. `all` (or `true`). `none` (or `false`): none, nor "
        "a JSON body of which V3 covers only the URL.",
    )
    accept_agentstack_v3: bool = Field(
        default=False,
        description="Whether the V3 scheme of Plivo's agent SDKs (`plivo-agentstack`) may verify a "
        "callback too. It differs from Plivo's documented scheme.",
    )
    topic_prefix: str = Field(
        default="",
        pattern=r"^([a-z0-9]+\.)*$",
        max_length=100,
        description="In front of every topic's name: environment or tenant, with its dot (`prod.`).",
    )
    schema_base_url: str = Field(
        default="urn:callback-bridge:schemas:",
        min_length=3,
        description="Absolute URI in front of a schema's path, in the event's `dataschema`.",
    )
    context_parameters: Names = Field(
        default=[],
        description="Names, comma-separated, of your own query parameters in the URLs set at Plivo. "
        "Only needed for GET, where they are mixed with Plivo's.",
    )
    replies: dict[str, Path] = Field(
        default={},
        description="Plivo XML documents as JSON, type to file: "
        '`{"voice.call.answer": "/etc/bridge/answer.xml"}`. '
        "`callback-bridge replies check FILE...` checks them.",
    )
    host: str = Field(default="0.0.0.0", description="Address to listen on.")  # noqa: S104 (a server)
    port: Port = Field(default=8080, description="Port for callbacks.")
    management_host: str = Field(
        default="127.0.0.1",
        description="Address to listen on for `/livez`, `/readyz` and `/metrics`. A container's probes "
        "and Prometheus need `0.0.0.0` (the chart sets it).",
    )
    management_port: Port = Field(
        default=9090,
        description="Port for `/livez`, `/readyz` and `/metrics`; not for the outside.",
    )
    dead_letter_connect_headers: bool = Field(
        default=False,
        description="Whether dead letters carry the `__connect.errors.…` headers of Kafka Connect "
        "beside `dlq_…`.",
    )

    @field_validator("public_url")
    @classmethod
    def _absolute(cls, value: str | None) -> str | None:
        if value is None:
            return None
        if any(character.isspace() for character in value):
            # urlsplit drops line breaks without a word; every signature would then be wrong.
            message = "has white space in it; remove it"
            raise ValueError(message)
        try:
            parts = urlsplit(value)
            _ = parts.port
        except ValueError as error:
            message = "is no URL; write https:// and the host that Plivo calls"
            raise ValueError(message) from error
        if parts.scheme not in {"http", "https"} or not parts.hostname:
            message = "must be an absolute http or https URL, such as https://callbacks.example.com"
            raise ValueError(message)
        if parts.query or parts.fragment:
            message = "must have neither query nor fragment; write https://host[/prefix]"
            raise ValueError(message)
        # A scheme has no case, and every callback is first checked against the URL as it is here.
        scheme, colon, rest = value.partition(":")
        return scheme.lower() + colon + rest.rstrip("/")

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Return the call alone: `read` puts environment, file and call together."""
        del settings_cls, env_settings, dotenv_settings, file_secret_settings
        return (init_settings,)


KNOWN: Final[frozenset[str]] = frozenset(
    {name for name in Settings.model_fields if name not in GROUPS}
    | {f"{group}.{name}" for group, model in GROUPS.items() for name in model.model_fields}
)
