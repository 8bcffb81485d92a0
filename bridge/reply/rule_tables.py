"""The tables of the file of rules: every key, with its meaning, its default and its limits."""

from typing import Annotated
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field
from pydantic_core import ErrorDetails

from bridge.core.catalogue import SHARED_PATH
from bridge.core.origins import is_authority
from bridge.reply.application_paths import (
    APPLICATION_NAME,
    APPLICATIONS_PATH,
    names_callbacks,
)
from bridge.reply.check import DOCUMENT_BYTES_MAX
from bridge.reply.finding import closest_name
from bridge.reply.rules import ANONYMOUS

Keys = tuple[str | int, ...]
"""The place of a value in the file: ``("rules", 2, "type")``."""


def _to_list(value: object) -> object:
    return [value] if isinstance(value, str) else value


def _check_origin(value: str) -> str:
    scheme, colon, authority = value.removesuffix("/").partition("://")
    if scheme.lower() not in {"http", "https"} or not colon or not is_authority(authority):
        message = "is not scheme, host and port, such as https://ivr.example.com:8443"
        raise ValueError(message)
    return f"{scheme.lower()}://{authority}"


def _check_path(value: str) -> str:
    path = value.rstrip("/")
    if not value.startswith("/") or urlsplit("http://host" + value).path != value:
        message = "is not a path: write it from its first slash on, without query"
        raise ValueError(message)
    if "/." in f"{path}/" or "//" in path or any(sign.isspace() for sign in path):
        message = "has a segment that is empty, or begins with a dot, or has white space"
        raise ValueError(message)
    if names_callbacks(path) or f"{path}/".startswith(f"{APPLICATIONS_PATH}/"):
        message = f"is below {SHARED_PATH} or {APPLICATIONS_PATH}, whose paths are the bridge's own"
        raise ValueError(message)
    return path


def _check_number(value: str) -> str:
    if value != "*" and not any(sign.isalnum() for sign in value):
        message = "is no number, nor an address"
        raise ValueError(message)
    return value


Texts = Annotated[list[str], BeforeValidator(_to_list), Field(min_length=1)]
Numbers = Annotated[
    list[Annotated[str, AfterValidator(_check_number)]],
    BeforeValidator(_to_list),
    Field(min_length=1),
]
Paths = Annotated[list[Annotated[str, AfterValidator(_check_path)]], BeforeValidator(_to_list)]


class ApplicationTable(BaseModel):
    """``[applications.NAME]``: an application of yours."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)

    origin: Annotated[str, AfterValidator(_check_origin)] | None = Field(
        default=None,
        description="Scheme, host and port that the bridge sends requests to. Needed by rules that "
        "forward to it.",
    )
    paths: Paths = Field(
        default=[],
        description="Prefixes of the paths that belong to it, outside `/plivo`. Plivo may call these "
        "paths at the bridge.",
    )
    timeout_s: Annotated[float, Field(gt=0, le=14)] = Field(
        default=10.0,
        description="How long it may take to answer. Plivo gives up after 15 s.",
    )
    answer_bytes_max: Annotated[int, Field(ge=1, le=DOCUMENT_BYTES_MAX)] = Field(
        default=DOCUMENT_BYTES_MAX,
        description="Largest answer that is accepted. Plivo accepts 100,000 bytes.",
    )
    retry_for_s: Annotated[float, Field(ge=0, le=86_400)] = Field(
        default=900.0,
        description="How long a notification that it does not take is sent again. Then it becomes a "
        "dead letter. Those of the same call wait meanwhile.",
    )


class RuleTable(BaseModel):
    """``[[rules]]``: a rule. A condition that is not set matches every callback."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)

    name: Annotated[str, Field(min_length=1, max_length=64)] = Field(
        description="Its name, in messages and in the journal."
    )
    type: Texts | None = Field(
        default=None,
        description="Callback types: a name, a list, or a beginning and `*` (`voice.call.*`). Required "
        "with `document`.",
    )
    account: Texts | None = Field(
        default=None, description="Auth ids of accounts or subaccounts: one, or a list."
    )
    application: Texts | None = Field(
        default=None, description="Applications that the path names: one, or a list."
    )
    called: Numbers | None = Field(
        default=None,
        description="Numbers that are called (Plivo's `To`): one, a list, or a beginning and `*`.",
    )
    calling: Numbers | None = Field(
        default=None,
        description=f"Numbers that call (Plivo's `From`), likewise. `{ANONYMOUS}` is a withheld number.",
    )
    document: Annotated[str, Field(min_length=1)] | None = Field(
        default=None, description="File of the answer, relative to the file of rules."
    )
    forward: str | None = Field(
        default=None, description="The application that is asked for the answer."
    )
    fallback: Annotated[str, Field(min_length=1)] | None = Field(
        default=None,
        description="File of the answer if the application fails. Without it Plivo gets the status 502 "
        "and turns to the fallback URL.",
    )


class NamedApplication(BaseModel):
    """A table ``[applications.NAME]`` with its name."""

    name: Annotated[str, Field(pattern=f"^{APPLICATION_NAME}$")]
    table: ApplicationTable


def explain_error(  # noqa: PLR0911 (one for each kind of fault)
    error: ErrorDetails, inside: Keys, model: type[BaseModel]
) -> tuple[str, str]:
    """Return the fault that pydantic found, and its remedy. ``inside`` is the place in the table."""
    key = str(inside[0]) if inside else ""
    match error["type"]:
        case "extra_forbidden":
            meant = closest_name(key, list(model.model_fields))
            known = ", ".join(model.model_fields)
            return f"unknown key {key}", f"did you mean {meant}?" if meant else f"known: {known}"
        case "missing":
            return f"it has no {key}", f"set {key}"
        case "too_short" | "string_too_short":
            return f"{key} is empty", f"set it, or remove {key}"
        case "string_type":
            return f"{key} is not text", 'write it in quotes: "…"'
        case "list_type":
            return f"{key} is neither text nor a list of texts", 'write "…" or ["…", "…"]'
        case "model_type" | "model_attributes_type":
            return "it is not a table", "write its keys below [applications.NAME] or [[rules]]"
        case "string_pattern_mismatch":
            return "its name is not letters, digits, - and _", "change it: it is part of a path"
        case _:
            text = error["msg"].removeprefix("Value error, ").removeprefix("Input ")
            return f"{key}: {text[:1].lower()}{text[1:]}", ""
