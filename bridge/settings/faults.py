"""Faults of settings: checks across settings, and a message for each fault.

1. A message has one line: the setting, what is wrong with its value, what to do.
2. A setting is named as the operator wrote it: a variable by its name; a key of the settings file by
   key, file and line.
3. No message contains a secret, nor a value that may be a misplaced one (`bridge/telemetry/masking.py`).
"""

import difflib
import re
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import Final

import orjson
from pydantic_core import ErrorDetails

from bridge.settings.accounts import AccountSettings, locate_fault
from bridge.settings.file import SettingsFile
from bridge.settings.kafka import PREFIX, SettingNamer
from bridge.settings.model import Settings
from bridge.telemetry.masking import mask_path, mask_value

_EXAMPLES: Final = {
    "accounts": '[{"auth_id": "MA…", "auth_tokens": ["…"], "timezone": "America/New_York"}]',
}
_NEVER_SHOWN: Final = frozenset(
    {
        "accounts",
        "kafka.sasl_oauth_client_secret",
        "kafka.sasl_password",
        "log_key",
        "plivo_api_url",
        "public_url",
    }
)
_READ_FILES: Final = (
    "sasl_password_file",
    "sasl_oauth_client_secret_file",
    "tls_ca_file",
    "tls_certificate_file",
    "tls_key_file",
)
_KEY: Final = re.compile(r"[a-z_.]{1,60}")


class Need(Enum):
    """The purpose of a command, which decides which settings it needs."""

    NOTHING = "nothing"
    KAFKA = "kafka"
    SERVING = "serving"


class InvalidJson(str):
    """Text that should be JSON and is not."""

    __slots__ = ()


@dataclass(frozen=True, slots=True)
class SettingFault:
    """A message about one faulty setting, or several that contradict each other."""

    settings: tuple[str, ...]
    line: str


def variable_name(setting: str, inside: str = "") -> str:
    """Return a setting's name as an environment variable."""
    return PREFIX + setting.replace(".", "_").upper() + inside


@dataclass(frozen=True, slots=True)
class SettingOrigins:
    """Where the settings were set: rule 2."""

    from_environment: Collection[str] = ()
    file: SettingsFile | None = None
    accounts_file: Path | None = None

    def name(self, setting: str, inside: str = "") -> str:
        """Return a setting's name as the operator wrote it; see `SettingNamer`."""
        if setting == "accounts" and self.accounts_file is not None:
            return f"{self.name('accounts_file')} ({mask_path(self.accounts_file)}){inside}"
        if self.file is not None and setting not in self.from_environment:
            line = self.file.find_line(setting.split("."))
            if line is not None:
                return f"{setting}{inside} ({mask_path(self.file.path)}, line {line})"
        return variable_name(setting, inside)


def closest_setting(setting: str, known: Collection[str]) -> str:
    """Return the setting most similar to an unknown name; empty if none is similar."""
    plain = setting.lower().removeprefix(PREFIX.lower()).replace(".", "_")
    if plain.removesuffix("s") in {
        field.removesuffix("s") for field in AccountSettings.model_fields
    }:
        return "accounts"
    by_plain = {name.replace(".", "_"): name for name in known}
    near = difflib.get_close_matches(plain, by_plain, n=1)
    near = near or [one for one in by_plain if one.endswith(f"_{plain}")]
    return by_plain[near[0]] if near else ""


def to_fault(
    error: ErrorDetails,
    setting: str,
    inside: Sequence[str | int],
    values: object,
    name: SettingNamer,
) -> SettingFault:
    """Return the fault for an error of pydantic. ``values`` is the value of the setting."""
    not_json = _describe_invalid_json(error["input"], setting) if not inside else None
    if setting == "accounts" and not_json is None:
        place, text = locate_fault(inside, error, values)
    else:
        place = "".join(
            f"[{key}]" if isinstance(key, int) else f".{_loggable_key(key)}" for key in inside
        )
        text = not_json or _describe_error(error, setting)
    return SettingFault((setting,), f"{name(setting, place)}: {text}")


def _loggable_key(key: str) -> str:
    return key if _KEY.fullmatch(key) else "…"


def _describe_invalid_json(given: object, setting: str) -> str | None:
    """Return why a setting's text is not JSON; None if it is, or need not be."""
    if not isinstance(given, InvalidJson) or setting not in _EXAMPLES:
        return None
    try:
        orjson.loads(str(given))  # orjson takes no subclass of str
    except orjson.JSONDecodeError as error:
        text = f"not JSON ({describe_json_error(error)}); set it to {_EXAMPLES[setting]}"
        is_other = setting == "accounts" and not given.lstrip().startswith(("[", "{"))
        return f"{text}, or {variable_name('accounts_file')} to a file of it" if is_other else text
    return None


def describe_json_error(error: orjson.JSONDecodeError) -> str:
    """Return why and where text is not JSON, without quoting it."""
    return f"line {error.lineno}, column {error.colno}: {error.msg}"


def _describe_error(error: ErrorDetails, setting: str) -> str:
    given = error["input"]
    if isinstance(given, str) and given.startswith(("tcp://", "udp://")) and "port" in setting:
        return (
            "is what Kubernetes sets for a Service named `bridge`; set enableServiceLinks: false "
            "in the pod, or this variable to the port"
        )
    match error["type"]:
        case "path_type":
            return 'is a path in quotes: "…"'
        case "model_type" | "model_attributes_type":
            return (
                f"is a group of settings: [{setting}] in the settings file, {variable_name(setting)}_… "
                "in the environment"
            )
        case "too_short" | "too_long":  # of a secret, which pydantic takes for a list
            about = error.get("ctx", {})
            bound = (
                f"at least {about['min_length']}"
                if "min_length" in about
                else f"at most {about['max_length']}"
            )
            return f"should have {bound} characters, not {about['actual_length']}"
        case "string_pattern_mismatch" if setting == "topic_prefix":
            text = "should be words in lower case, each followed by a dot, such as prod.eu."
        case _:
            text = error["msg"].removeprefix("Value error, ").removeprefix("Input ")
    shown = None if setting in _NEVER_SHOWN else mask_value(given)
    return f"{text} (it is {shown})" if shown else text


def find_contradictions(settings: Settings, name: SettingNamer) -> Iterator[SettingFault]:
    """Yield the faults of settings that contradict each other."""
    if settings.port == settings.management_port:
        line = f"{name('port')} and {name('management_port')} are both {settings.port}; change one"
        yield SettingFault(("port", "management_port"), line)
    for group in (settings.kafka, settings.topics):
        for names, line in group.contradictions(name):
            yield SettingFault(names, line)
    yield from find_repeated_accounts(settings.accounts, name)


def find_repeated_accounts(
    accounts: list[AccountSettings], name: SettingNamer
) -> Iterator[SettingFault]:
    """Yield a fault for each auth id that occurs twice."""
    ids = [account.auth_id for account in accounts]
    for auth_id in sorted({one for one in ids if ids.count(one) > 1}):
        line = (
            f"{name('accounts')} names an auth_id twice: {auth_id}; put its tokens in one account"
        )
        yield SettingFault(("accounts",), line)


def find_missing(settings: Settings, need: Need, name: SettingNamer) -> Iterator[SettingFault]:
    """Yield a fault for each setting that a command needs and that is not set."""
    if need is not Need.NOTHING and not settings.kafka.bootstrap_servers:
        setting = "kafka.bootstrap_servers"
        line = f"{name(setting)} is not set: host:port of a broker, or several with commas"
        yield SettingFault((setting,), line)
    if need is not Need.SERVING:
        return
    if settings.verification == "enforce" and not any(one.has_token for one in settings.accounts):
        line = (
            f"{name('accounts')} contains no auth token, so no callback could be verified. Set it, or "
            f"set {name('verification')}=report (publish, marked unverified) or off (check nothing)"
        )
        yield SettingFault(("accounts", "verification"), line)
    if settings.verification == "enforce" and not (settings.public_url or settings.allowed_hosts):
        line = (
            f"{name('public_url')} is not set, so a callback that Plivo signed for any other server of "
            "the account would be accepted. Set it to the URL that Plivo calls, or set "
            f"{name('allowed_hosts')} to the hosts that Plivo calls this bridge by"
        )
        yield SettingFault(("public_url", "allowed_hosts"), line)
    if settings.spool.enabled and settings.spool.directory is None:
        line = (
            f"{name('spool.directory')} is not set: set it to a directory on a local disk that outlives "
            f"the process. Or set {name('spool.enabled')}=false, and callbacks are lost while Kafka is "
            "away"
        )
        yield SettingFault(("spool.directory", "spool.enabled"), line)


def find_unreadable_files(
    settings: Settings, need: Need, name: SettingNamer
) -> Iterator[SettingFault]:
    """Yield a fault for each unreadable file of the connection to Kafka."""
    if need is Need.NOTHING:
        return
    for field in _READ_FILES:
        path: Path | None = getattr(settings.kafka, field)
        if path is None:
            continue
        try:
            empty = not path.read_bytes().strip()
        except (OSError, ValueError) as error:
            fault = getattr(error, "strerror", None) or "cannot be opened"
        else:
            fault = "the file is empty" if empty else None
        if fault is not None:
            line = f"{name(f'kafka.{field}')}: {mask_path(path)}: {fault}; set it to a file"
            if field.startswith("sasl"):
                line += f". Or set its content as {name(f'kafka.{field}'.removesuffix('_file'))}"
            yield SettingFault((f"kafka.{field}",), line)
