"""Checks across settings: contradictions, missing settings, unreadable files."""

from collections.abc import Iterator
from enum import Enum
from pathlib import Path
from typing import Final

from bridge.settings.accounts import AccountSettings
from bridge.settings.faults import SettingFault, SettingName
from bridge.settings.model import Settings
from bridge.telemetry.masking import mask_path


class Need(Enum):
    """What a command needs settings for."""

    NOTHING = "nothing"
    KAFKA = "kafka"
    SERVING = "serving"


def find_contradictions(settings: Settings, name: SettingName) -> Iterator[SettingFault]:
    """Yield the faults of settings that contradict each other."""
    if settings.port == settings.management_port:
        line = f"{name('port')} and {name('management_port')} are both {settings.port}; change one"
        yield SettingFault(("port", "management_port"), line)
    for group in (settings.kafka, settings.topics):
        for names, line in group.contradictions(name):
            yield SettingFault(names, line)
    yield from find_repeated_accounts(settings.accounts, name)


def find_repeated_accounts(
    accounts: list[AccountSettings], name: SettingName
) -> Iterator[SettingFault]:
    """Yield a fault for each auth id that occurs twice."""
    ids = [account.auth_id for account in accounts]
    for auth_id in sorted({one for one in ids if ids.count(one) > 1}):
        line = (
            f"{name('accounts')} names an auth_id twice: {auth_id}; put its tokens in one account"
        )
        yield SettingFault(("accounts",), line)


def find_missing(settings: Settings, need: Need, name: SettingName) -> Iterator[SettingFault]:
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


_READ_FILES: Final = (
    "sasl_password_file",
    "sasl_oauth_client_secret_file",
    "tls_ca_file",
    "tls_certificate_file",
    "tls_key_file",
)


def find_unreadable_files(
    settings: Settings, need: Need, name: SettingName
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
