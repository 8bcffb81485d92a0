"""Settings: what an operator may choose, read once, here.

Names, defaults, bounds and meanings are declared once below; the reference page is made from them.
"""

import os
import re
from collections.abc import Mapping
from ipaddress import ip_network
from pathlib import Path
from typing import Annotated, Any, Final, Literal, Self
from urllib.parse import urlsplit

import orjson
from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    Field,
    ValidationError,
    field_validator,
    model_validator,
)
from pydantic.fields import FieldInfo
from pydantic_settings import (
    BaseSettings,
    EnvSettingsSource,
    NoDecode,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    TomlConfigSettingsSource,
)

from bridge.account_settings import Account
from bridge.kafka_settings import PREFIX, KafkaSettings, TopicSettings
from bridge.limit_settings import LimitSettings
from bridge.log_settings import LogSettings
from bridge.spool_settings import SpoolSettings

GROUPS: Final[Mapping[str, type[BaseModel]]] = {
    "kafka": KafkaSettings,
    "topics": TopicSettings,
    "spool": SpoolSettings,
}


class SettingsRefused(Exception):
    """The settings cannot be used; the text is one line a fault, each naming its setting."""


def _split(value: object) -> object:
    return (
        [part.strip() for part in value.split(",") if part.strip()]
        if isinstance(value, str)
        else value
    )


Names = Annotated[list[str], NoDecode, BeforeValidator(_split)]
Network = Annotated[str, AfterValidator(lambda value: str(ip_network(value, strict=False)))]
Networks = Annotated[list[Network], NoDecode, BeforeValidator(_split)]
Port = Annotated[int, Field(ge=1, le=65_535)]


class _Environment(EnvSettingsSource):
    """The environment, where only the groups have settings inside."""

    def explode_env_vars(
        self, field_name: str, field: FieldInfo, env_vars: Mapping[str, str | None]
    ) -> dict[str, Any]:
        """Return a group's settings; BRIDGE_ACCOUNTS_FILE is no part of BRIDGE_ACCOUNTS."""
        if field_name not in GROUPS:
            return {}
        return super().explode_env_vars(field_name, field, env_vars)


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
    accounts: list[Account] = Field(
        default=[],
        description="Plivo accounts as a JSON list: `auth_id`, `auth_tokens` (several while they are "
        "rotated), `timezone` (IANA name, as set in Plivo's console), `subaccounts`.",
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
    verification: Literal["enforce", "report", "off"] = Field(
        default="enforce",
        description="`enforce` rejects what does not verify, `report` publishes it marked as "
        "unverified, `off` checks nothing.",
    )
    accept_v2: bool = Field(
        default=True,
        description="Whether a signature that does not cover the body may verify a callback: V2, "
        "where there is no V3 (it covers neither query nor body), and V3 over the URL alone of a "
        "JSON body.",
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
        parts = urlsplit(value)
        if parts.scheme not in {"http", "https"} or not parts.netloc:
            message = "must be an absolute http or https URL"
            raise ValueError(message)
        if parts.query or parts.fragment:
            message = "must have neither query nor fragment"
            raise ValueError(message)
        # A scheme has no case, and every callback is first checked against the URL as it is here.
        scheme, colon, rest = value.partition(":")
        return scheme.lower() + colon + rest.rstrip("/")

    @model_validator(mode="before")
    @classmethod
    def _accounts_from_file(cls, values: dict[str, Any]) -> dict[str, Any]:
        path = values.get("accounts_file")
        if not path:
            return values
        if values.get("accounts"):
            message = f"{PREFIX}ACCOUNTS and {PREFIX}ACCOUNTS_FILE are both set; set one"
            raise ValueError(message)
        try:
            accounts: object = orjson.loads(Path(path).read_bytes())
        except OSError as error:
            message = f"{PREFIX}ACCOUNTS_FILE: {path}: {error.strerror}"
            raise ValueError(message) from error
        except orjson.JSONDecodeError as error:
            message = f"{PREFIX}ACCOUNTS_FILE: {path}: not JSON"
            raise ValueError(message) from error
        return {**values, "accounts": accounts}

    @model_validator(mode="after")
    def _distinct(self) -> Self:
        ids = [account.auth_id for account in self.accounts]
        if len(set(ids)) < len(ids):
            message = f"{PREFIX}ACCOUNTS names an auth_id twice"
            raise ValueError(message)
        if self.port == self.management_port:
            message = f"{PREFIX}PORT and {PREFIX}MANAGEMENT_PORT are both {self.port}"
            raise ValueError(message)
        return self

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Return where settings come from, the strongest first: the call, environment, file."""
        del env_settings, dotenv_settings, file_secret_settings
        file = TomlConfigSettingsSource(settings_cls)
        return init_settings, _Environment(settings_cls), file


def for_serving(settings: Settings) -> Settings:
    """Return ``settings`` if the bridge can serve with them; raises SettingsRefused."""
    for_kafka(settings)
    if settings.verification == "enforce" and not any(one.has_token for one in settings.accounts):
        message = (
            f"{PREFIX}ACCOUNTS holds no auth token, so no callback could be verified. Set it, or "
            f"say {PREFIX}VERIFICATION=report (publish, marked unverified) or off (check nothing)"
        )
        raise SettingsRefused(message)
    if settings.spool.enabled and settings.spool.directory is None:
        message = (
            f"{PREFIX}SPOOL_DIRECTORY is not set: a directory on a local disk that outlives the "
            f"process. Or say {PREFIX}SPOOL_ENABLED=false, and callbacks are lost while Kafka is away"
        )
        raise SettingsRefused(message)
    return settings


def for_kafka(settings: Settings) -> Settings:
    """Return ``settings`` if they say where Kafka is; raises SettingsRefused."""
    if not settings.kafka.bootstrap_servers:
        name = f"{PREFIX}KAFKA_BOOTSTRAP_SERVERS"
        message = f"{name} is not set: host:port of a broker, or several with commas"
        raise SettingsRefused(message)
    return settings


def unknown_variables() -> list[str]:
    """Return the environment's BRIDGE_… variables that are no settings: probably misspelt."""
    known = {PREFIX + name.upper() for name in Settings.model_fields}
    for group, model in GROUPS.items():
        known |= {f"{PREFIX}{group}_{name}".upper() for name in model.model_fields}
    known.add(f"{PREFIX}SETTINGS_FILE")
    return sorted(
        name
        for name in os.environ  # noqa: TID251 (this is that door)
        if name.startswith(PREFIX) and name not in known
    )


def load(file: Path | None = None, **given: object) -> Settings:
    """Return the settings of the environment, and of the TOML file where the environment is silent.

    ``given`` beats both. Raises SettingsRefused, naming each setting, its fault and its bounds.
    """
    if file is not None and not file.is_file():
        message = f"{PREFIX}SETTINGS_FILE: {file}: no such file"
        raise SettingsRefused(message)

    class FromFile(Settings):
        model_config = SettingsConfigDict(toml_file=file)

    try:
        return FromFile(**given)  # type: ignore[arg-type]
    except ValidationError as error:
        raise SettingsRefused("\n".join(_line(one) for one in error.errors())) from None
    except ValueError as error:
        # Of the settings library, whose text names the field and hides the value.
        field = re.search(r'field "(\w+)"', str(error))
        named = f"{PREFIX}{field[1].upper()}: not JSON" if field else f"{file}: {error}"
        raise SettingsRefused(named) from None


_SECRET = ("accounts", "log_key", "sasl_password", "sasl_oauth_client_secret")


def _line(fault: Any) -> str:  # noqa: ANN401 (pydantic's error dictionary)
    location: tuple[str | int, ...] = fault["loc"]
    text = str(fault["msg"]).removeprefix("Value error, ").removeprefix("Input ")
    if not location or text.startswith(PREFIX):
        return text
    names = [str(part) for part in location]
    depth = 2 if names[0] in GROUPS else 1
    variable = PREFIX + "_".join(names[:depth]).upper()
    inside = ".".join(names[depth:])
    given = fault["input"]
    # A misplaced value may be a secret, and so may anything inside an account.
    tellable = fault["type"] != "extra_forbidden" and isinstance(given, str | int | float)
    secret = any(name in _SECRET for name in names) or (names == [names[0]] and names[0] in GROUPS)
    shown = f" (it is {given!r})" if tellable and not secret else ""
    return f"{variable}{': ' + inside if inside else ''}: {text}{shown}"
