"""Check everything that a bridge needs before it starts, report all faults at once, and run it.

1. The checks change nothing, except that they create the spool's directory.
2. Only faults that an operator must fix prevent a start. A full disk and an unavailable Kafka do not:
   they pass, and the bridge answers callbacks until then.
"""

import errno
import os
import socket
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Final

import structlog

from bridge import __version__
from bridge.app.build import make_connection_limits
from bridge.app.process import Bridge
from bridge.app.rules_file import RulesRefused, load_replies
from bridge.core import catalogue
from bridge.ingress import server
from bridge.ingress.server import CannotListen, Listeners, listen
from bridge.settings.faults import SettingFault
from bridge.settings.load import (
    LoadedSettings,
    Need,
    Settings,
    SettingsRefused,
    fault_lines,
    load_with_faults,
)
from bridge.spool.directory import make_directory, other_writers
from bridge.spool.locking import spool_files
from bridge.telemetry.masking import NOT_SHOWN, mask_path, mask_value

log = structlog.get_logger()

# Errors that do not pass by themselves. A full or failing disk is not among them: rule 2.
_UNUSABLE: Final = frozenset(
    {
        errno.EACCES,
        errno.EEXIST,
        errno.EINVAL,
        errno.ELOOP,
        errno.ENAMETOOLONG,
        errno.ENOENT,
        errno.ENOTDIR,
        errno.EPERM,
        errno.EROFS,
    }
)


def prepare(settings_file: Path | None) -> tuple[Settings, Listeners]:
    """Return valid settings and the two listening sockets.

    Raises SettingsRefused with a line for every fault; CannotListen if only a port is at fault.
    """
    found = load_with_faults(settings_file, Need.SERVING)
    faults = [*found.faults]
    faults += [
        fault
        for fault in _check_replies_and_spool(found)
        if found.faulty.isdisjoint(fault.settings)
    ]
    with ExitStack() as held:
        sockets, ports = _bind(found, held)
        if faults:
            raise SettingsRefused(fault_lines([*faults, *ports]))
        if ports:
            raise CannotListen(fault_lines(ports))
        held.pop_all()
    return found.settings, Listeners(*sockets)


def _check_replies_and_spool(found: LoadedSettings) -> Iterator[SettingFault]:
    settings, name = found.settings, found.name
    try:
        load_replies(settings.replies_file, catalogue.load_catalogue())
    except RulesRefused as error:
        for line in str(error).splitlines():
            yield SettingFault(("replies_file",), f"{name('replies_file')}: {line}")
    if settings.spool.enabled and settings.spool.directory is not None:
        fault = check_spool_directory(settings.spool.directory)
        if fault is not None:
            line = (
                f"{name('spool.directory')}: {mask_path(settings.spool.directory)}: {fault}; set it "
                "to a directory that this user can make and write"
            )
            yield SettingFault(("spool.directory",), line)


def check_spool_directory(directory: Path) -> str | None:
    """Return why a directory cannot be used as a spool; None if it can, now or later."""
    if not directory.is_absolute() and mask_path(directory / "spool.db") == NOT_SHOWN:
        # A misplaced token would become the name of a folder, and be logged.
        return "write the whole path, from / on"
    try:
        make_directory(directory)
        others = None if directory.is_mount() else other_writers(directory)
        fault = f"{others} can write in it, and so remove callbacks or forge some"
        if others is not None or os.access(directory, os.R_OK | os.W_OK | os.X_OK):
            return fault if others is not None else None
        # The kernel remounts a failing disk read-only. If the directory already has spool files, that
        # is what happened: rule 2.
        if os.statvfs(directory).f_flag & os.ST_RDONLY and spool_files(directory):
            return None
    except OSError as error:
        return error.strerror if error.errno in _UNUSABLE else None
    except ValueError:
        return "not a path"
    return "cannot be written"


def _bind(found: LoadedSettings, held: ExitStack) -> tuple[list[socket.socket], list[SettingFault]]:
    """Bind the sockets, to be closed with ``held``; return them, and the faults of the others."""
    settings, faults = found.settings, list[SettingFault]()
    sockets: list[socket.socket] = []
    addresses = (
        ("host", settings.host, "port", settings.port),
        ("management_host", settings.management_host, "management_port", settings.management_port),
    )
    for host_setting, host, setting, port in addresses:
        if not found.faulty.isdisjoint({host_setting, setting}):
            continue
        try:
            sockets.append(held.enter_context(listen(host, port)))
        except CannotListen as error:
            cause = error.__cause__
            taken = isinstance(cause, OSError) and cause.errno in {errno.EADDRINUSE, errno.EACCES}
            named = setting if taken else host_setting
            remedy = "set another port" if taken else "set it to an address of this machine"
            text = str(error)
            if mask_value(host) is None:  # it may be a misplaced secret
                text = text.replace(host, "it")
            faults.append(SettingFault((named,), f"{found.name(named)}: {text}; {remedy}"))
    return sockets, faults


async def run_bridge(
    bridge: Bridge, listeners: Listeners, settings: Settings, stop: server.StopRequest
) -> None:
    """Run a bridge until ``stop`` is requested."""

    async def start() -> None:
        await bridge.start()
        log.info(
            "bridge_started",
            version=__version__,
            port=listeners.callbacks.getsockname()[1],
            management_port=listeners.management.getsockname()[1],
            verification=settings.verification,
        )

    await server.serve(
        bridge.app,
        bridge.management_app,
        listeners,
        server.Lifecycle(
            stop=stop,
            start_up=start,
            on_stopping=bridge.begin_stopping,
            shut_down=bridge.stop,
            shutdown_delay_s=settings.shutdown_delay_s,
            shutdown_timeout_s=settings.shutdown_timeout_s,
        ),
        limits=make_connection_limits(settings),
        metrics=bridge.metrics,
    )
    log.info("bridge_stopped")
