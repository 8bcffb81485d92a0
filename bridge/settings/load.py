"""Read the settings once: environment, settings file, accounts file. Report all faults together."""

import os
import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, cast

import orjson
from pydantic import TypeAdapter, ValidationError
from pydantic.fields import FieldInfo
from pydantic_settings import EnvSettingsSource

from bridge.settings.accounts import AccountSettings
from bridge.settings.faults import (
    InvalidJson,
    Need,
    SettingFault,
    SettingOrigins,
    closest_setting,
    describe_json_error,
    find_contradictions,
    find_missing,
    find_repeated_accounts,
    find_unreadable_files,
    to_fault,
    variable_name,
)
from bridge.settings.file import BadFile, SettingsFile, read_settings_file
from bridge.settings.kafka import PREFIX, SettingNamer
from bridge.settings.model import GROUPS, KNOWN, Settings
from bridge.telemetry.masking import mask_path

__all__ = [
    "GROUPS",
    "LoadedSettings",
    "Need",
    "Settings",
    "SettingsRefused",
    "fault_lines",
    "find_ledger_directory",
    "load",
    "load_with_faults",
    "read_accounts",
    "require_kafka",
    "require_serving",
    "unknown_variables",
]


class SettingsRefused(Exception):
    """The settings cannot be used; the text has one line for each fault."""


class _Environment(EnvSettingsSource):
    """The environment as pydantic-settings reads it, with nested settings only in the groups."""

    def explode_env_vars(
        self, field_name: str, field: FieldInfo, env_vars: Mapping[str, str | None]
    ) -> dict[str, Any]:
        """Return a group's settings; BRIDGE_ACCOUNTS_FILE is not part of BRIDGE_ACCOUNTS."""
        if field_name not in GROUPS:
            return {}
        return super().explode_env_vars(field_name, field, env_vars)

    def decode_complex_value(self, field_name: str, field: FieldInfo, value: Any) -> Any:  # noqa: ANN401 (its signature)
        """Return decoded JSON. Other text is kept, and reported together with all other faults."""
        del field_name, field
        try:
            return orjson.loads(value)
        except orjson.JSONDecodeError:
            return InvalidJson(value)


_ACCOUNTS: Final = TypeAdapter(list[AccountSettings])


@dataclass(frozen=True, slots=True)
class LoadedSettings:
    """The settings and their faults. A faulty setting has its default value."""

    settings: Settings
    faults: tuple[SettingFault, ...]
    name: SettingNamer

    @property
    def faulty(self) -> frozenset[str]:
        """Return the names of the faulty settings; of a faulty group, those of all its settings."""
        named = {setting for fault in self.faults for setting in fault.settings}
        return frozenset(named | {one for one in KNOWN if one.partition(".")[0] in named})


def load(file: Path | None = None, need: Need = Need.NOTHING, /, **given: object) -> Settings:
    """Return the settings. The environment overrides the TOML file, and ``given`` overrides both.

    Raises SettingsRefused with a line for every fault.
    """
    found = load_with_faults(file, need, **given)
    if found.faults:
        raise SettingsRefused(fault_lines(found.faults))
    return found.settings


def fault_lines(faults: Collection[SettingFault]) -> str:
    """Return the messages of the faults, one a line, without repetitions."""
    return "\n".join(dict.fromkeys(fault.line for fault in faults))


def load_with_faults(
    file: Path | None = None, need: Need = Need.NOTHING, /, **given: object
) -> LoadedSettings:
    """Return what `load` returns, and all faults beside it.

    A fault does not hide another: a faulty setting gets its default, and the others are still checked.
    """
    settings_file, faults = _read_file(file)
    environment = _read_environment()
    file_values = _drop_unknown_keys(settings_file, faults)
    faults += [_unknown_variable(name) for name in unknown_variables()]
    values = _merge(_merge(file_values, environment), given)
    accounts_file = values.get("accounts_file")
    from_file = bool(accounts_file) and not values.get("accounts")
    origins = SettingOrigins(
        frozenset(_setting_names(environment)) | frozenset(_setting_names(given)),
        settings_file,
        Path(accounts_file) if from_file and isinstance(accounts_file, str | Path) else None,
    )
    if accounts_file:
        faults += _load_accounts_file(
            values, SettingOrigins(origins.from_environment, settings_file).name
        )
    settings = _validate(values, origins.name, faults)
    found = LoadedSettings(settings, tuple(faults), origins.name)
    more = [*find_contradictions(settings, origins.name)]
    if file is None or settings_file is not None:  # an unreadable file may set what is missing
        more += find_missing(settings, need, origins.name)
        more += find_unreadable_files(settings, need, origins.name)
    faulty = found.faulty
    faults += [fault for fault in more if faulty.isdisjoint(fault.settings)]
    return LoadedSettings(settings, tuple(faults), origins.name)


def _read_file(path: Path | None) -> tuple[SettingsFile | None, list[SettingFault]]:
    if path is None:
        return None, []
    try:
        return read_settings_file(path), []
    except BadFile as error:
        return None, [
            SettingFault(("settings_file",), f"{variable_name('settings_file')}: {error}")
        ]


def _read_environment() -> dict[str, Any]:
    """Return the settings of the environment, without the unknown variables of a group."""
    values = _Environment(Settings)()
    for group, model in GROUPS.items():
        inside = _table(values.get(group))
        if inside is not None:
            values[group] = {key: one for key, one in inside.items() if key in model.model_fields}
    return values


def _table(value: object) -> dict[str, Any] | None:
    """Return a value if it is a table (TOML's word for an object), else None."""
    return cast("dict[str, Any]", value) if isinstance(value, dict) else None


def unknown_variables() -> list[str]:
    """Return the environment's BRIDGE_… variables that are not settings: probably misspelt."""
    known = {variable_name(setting) for setting in KNOWN} | {
        variable_name(group) for group in GROUPS
    }
    known.add(variable_name("settings_file"))
    return sorted(
        name
        for name, value in os.environ.items()  # noqa: TID251 (only this module reads the environment)
        if name.upper().startswith(PREFIX)
        and name.upper() not in known
        and not _FOREIGN_VARIABLE.fullmatch(name)
        and not value.startswith(("tcp://", "udp://", "sctp://"))
    )


# Kubernetes sets these for every Service whose name starts with `bridge`. Source: Kubernetes'
# documentation, Service, "Environment variables". BRIDGE_TEST_… belongs to the project's own tests.
_FOREIGN_VARIABLE: Final = re.compile(
    r"BRIDGE_(TEST_\w+|(\w+_)?SERVICE_(HOST|PORT(_\w+)?)|(\w+_)?PORT_\d+_(TCP|UDP|SCTP)(_\w+)?)"
)


def _unknown_variable(name: str) -> SettingFault:
    near = closest_setting(name, KNOWN)
    remedy = f"did you mean {variable_name(near)}?" if near else _ALL_SETTINGS
    return SettingFault((name,), f"{name} is not a setting; {remedy}")


_ALL_SETTINGS: Final = "remove it (docs/reference/settings.md lists all settings)"
_KEY: Final = re.compile(r"[A-Za-z_.-]{1,40}")  # any other text may be a secret


def _drop_unknown_keys(file: SettingsFile | None, faults: list[SettingFault]) -> dict[str, Any]:
    """Return the file's settings, and append a fault for each unknown key."""
    if file is None:
        return {}
    values: dict[str, Any] = {}
    for key, value in file.values.items():
        table = _table(value)
        if table is not None and key in GROUPS:
            known = GROUPS[key].model_fields
            values[key] = {name: one for name, one in table.items() if name in known}
            faults += [_unknown_key(file, (key, name)) for name in table if name not in known]
        elif key in Settings.model_fields:
            values[key] = value
        elif table:
            faults += [_unknown_key(file, (key, name)) for name in table]
        else:
            faults.append(_unknown_key(file, (key,)))
    return values


def _unknown_key(file: SettingsFile, keys: tuple[str, ...]) -> SettingFault:
    setting = ".".join(keys)
    near = closest_setting(setting, KNOWN)
    group, _, inside = near.partition(".")
    if keys[-1] in Settings.model_fields and keys[0] in GROUPS:
        remedy = f"did you mean {keys[-1]}? Put it above the first [table]"
    elif inside and keys[0] != group:
        remedy = f"did you mean {inside} in [{group}]?"
    else:
        remedy = f"did you mean {near}?" if near else _ALL_SETTINGS
    shown = setting if near or _KEY.fullmatch(setting) else "a key"
    where = f"{mask_path(file.path)}, line {file.find_line(keys)}"
    return SettingFault((setting,), f"{shown} ({where}) is not a setting; {remedy}")


def _merge(weaker: Mapping[str, Any], stronger: Mapping[str, Any]) -> dict[str, Any]:
    """Return both, setting by setting; ``stronger`` wins where both have one."""
    merged = dict(weaker)
    for key, value in stronger.items():
        below, above = _table(merged.get(key)), _table(value)
        merged[key] = value if below is None or above is None else _merge(below, above)
    return merged


def _setting_names(values: Mapping[str, Any]) -> Iterator[str]:
    """Yield the names of all settings; a group's as `group.name`."""
    for key, value in values.items():
        table = _table(value) if key in GROUPS else None
        yield from [key] if table is None else (f"{key}.{name}" for name in table)


def _load_accounts_file(values: dict[str, Any], name: SettingNamer) -> list[SettingFault]:
    """Load the accounts of BRIDGE_ACCOUNTS_FILE into ``values``; return the faults."""
    file = values["accounts_file"]
    if values.get("accounts"):
        line = f"{name('accounts')} and {name('accounts_file')} are both set; set one"
        del values["accounts"], values["accounts_file"]
        return [SettingFault(("accounts", "accounts_file"), line)]
    if not isinstance(file, str | Path):
        return []  # validation reports it
    try:
        values["accounts"] = _read_accounts_json(Path(file))
    except BadFile as error:
        del values["accounts_file"]
        return [SettingFault(("accounts", "accounts_file"), f"{name('accounts_file')}: {error}")]
    return []


def _read_accounts_json(path: Path, content: bytes | None = None) -> object:
    """Return the JSON of an accounts file; raises BadFile, whose text quotes none of it.

    ``content`` is the content of the file, if it was read before.
    """
    shown = mask_path(path)
    if str(path).lstrip().startswith(("[", "{")):
        message = f"is JSON and not a path; put it into {variable_name('accounts')}, or into a file"
        raise BadFile(message)
    try:
        return orjson.loads(path.read_bytes() if content is None else content)
    except orjson.JSONDecodeError as error:
        message = f"{shown}: not JSON ({describe_json_error(error)})"
        raise BadFile(message) from error
    except (OSError, ValueError) as error:
        message = f"{shown}: {getattr(error, 'strerror', None) or 'cannot be opened'}"
        raise BadFile(message) from error


def read_accounts(
    path: Path, title: str = variable_name("accounts_file"), *, content: bytes | None = None
) -> list[AccountSettings]:
    """Return the accounts in a file; raises SettingsRefused, whose lines start with ``title``.

    ``content`` is the content of the file, if it was read before. No other settings are read, so a
    running bridge can reload its accounts.
    """

    def name(setting: str, inside: str = "") -> str:
        del setting
        return f"{title} ({mask_path(path)}){inside}"

    try:
        given = _read_accounts_json(path, content)
    except BadFile as error:
        message = f"{title}: {error}"
        raise SettingsRefused(message) from error
    try:
        accounts = _ACCOUNTS.validate_python(given)
    except ValidationError as error:
        faults = [to_fault(one, "accounts", one["loc"], given, name) for one in error.errors()]
        raise SettingsRefused(fault_lines(faults)) from None
    faults = list(find_repeated_accounts(accounts, name))
    if faults:
        raise SettingsRefused(fault_lines(faults))
    return accounts


def _validate(values: dict[str, Any], name: SettingNamer, faults: list[SettingFault]) -> Settings:
    """Return the settings, with defaults for the faulty ones, and append the faults."""
    while True:
        try:
            return Settings(**values)
        except ValidationError as error:
            given = dict(values)
            for one in error.errors(include_url=False):
                depth = 2 if one["loc"][0] in GROUPS and len(one["loc"]) > 1 else 1
                keys = [str(key) for key in one["loc"][:depth]]
                setting, inside = ".".join(keys), one["loc"][depth:]
                faults.append(to_fault(one, setting, inside, given.get(keys[0]), name))
                _remove(values, keys)


def _remove(values: dict[str, Any], keys: list[str]) -> None:
    group = _table(values.get(keys[0]))
    if len(keys) > 1 and group is not None:
        values[keys[0]] = {key: value for key, value in group.items() if key != keys[1]}
    else:
        values.pop(keys[0], None)


def find_ledger_directory(settings: Settings) -> Path:
    """Return the directory of the ledger: the setting, or one in the user's directory of state.

    Source: XDG Base Directory Specification, ``$XDG_STATE_HOME``. A relative path there is ignored.
    """
    if settings.ledger_directory is not None:
        return settings.ledger_directory
    given = Path(os.environ.get("XDG_STATE_HOME", ""))  # noqa: TID251 (only this module reads the environment)
    state = given if given.is_absolute() else Path.home() / ".local" / "state"
    return state / "callback-bridge"


def require_serving(settings: Settings) -> Settings:
    """Return ``settings``; raises SettingsRefused if the bridge cannot serve with them."""
    return _require(settings, Need.SERVING)


def require_kafka(settings: Settings) -> Settings:
    """Return ``settings``; raises SettingsRefused if they do not name Kafka's brokers."""
    return _require(settings, Need.KAFKA)


def _require(settings: Settings, need: Need) -> Settings:
    faults = list(find_missing(settings, need, variable_name))
    if faults:
        raise SettingsRefused(fault_lines(faults))
    return settings
