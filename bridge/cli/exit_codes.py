"""The exit codes of the command line, and the errors that end a command with one of them."""

from collections.abc import Mapping
from typing import Final

EXIT_DIFFERS: Final = 1
"""Something is missing or differs, or not everything was done."""
EXIT_USAGE: Final = 2
"""The arguments, the settings or a file that the user named are wrong."""
EXIT_CANNOT_CONNECT: Final = 3
"""Kafka, an address, the disk, or a package of an extra cannot be used."""
EXIT_UNKNOWN: Final = 4
"""Plivo may have taken a request that places calls, or not: it must not be placed again blindly."""
EXIT_STOPPED: Final = 130
"""Stopped by Ctrl-C, as shells report it: 128 + SIGINT."""

# By name: importing the classes would import aiokafka, starlette and all readers for `--version`.
ERRORS: Final[Mapping[str, int]] = {
    "bridge.app.rules_file.RulesRefused": EXIT_USAGE,
    "bridge.derived.pack.NotAPack": EXIT_USAGE,
    "bridge.derived.validation.ValidatorNotInstalled": EXIT_CANNOT_CONNECT,
    "bridge.dev.broker.BrokerNotStarted": EXIT_CANNOT_CONNECT,
    "bridge.emulator.server.CannotListen": EXIT_CANNOT_CONNECT,
    "bridge.emulator.server.ServerNotInstalled": EXIT_CANNOT_CONNECT,
    "bridge.emulator.scenarios.files.BadScenario": EXIT_USAGE,
    "bridge.emulator.scenarios.files.YamlNotInstalled": EXIT_CANNOT_CONNECT,
    "bridge.ingress.server.CannotListen": EXIT_CANNOT_CONNECT,
    "bridge.originate.entry.LedgerUnusable": EXIT_CANNOT_CONNECT,
    "bridge.originate.errors.NotSent": EXIT_CANNOT_CONNECT,
    "bridge.originate.errors.OutcomeUnknown": EXIT_UNKNOWN,
    "bridge.originate.errors.RequestRefused": EXIT_DIFFERS,
    "bridge.originate.originator.OutcomeNotRecorded": EXIT_UNKNOWN,
    "bridge.originate.originator.PlacingStopped": EXIT_UNKNOWN,
    "bridge.originate.parameter.RequestFaults": EXIT_USAGE,
    "bridge.publish.Unavailable": EXIT_CANNOT_CONNECT,
    "bridge.publish.topics.ProvisioningRefused": EXIT_CANNOT_CONNECT,
    "bridge.reader.topic_reader.RecordsMissing": EXIT_DIFFERS,
    "bridge.reader.topic_reader.CannotRead": EXIT_CANNOT_CONNECT,
    "bridge.replay.CannotWrite": EXIT_CANNOT_CONNECT,
    "bridge.replay.TargetExists": EXIT_USAGE,
    "bridge.replay.plan.NotAPlan": EXIT_USAGE,
    "bridge.replay.progress.InUse": EXIT_USAGE,
    "bridge.replay.progress.NotAProgressFile": EXIT_USAGE,
    "bridge.replay.targets.parquet.ParquetUnavailable": EXIT_CANNOT_CONNECT,
    "bridge.reply.document.BadDocument": EXIT_USAGE,
    "bridge.settings.load.SettingsRefused": EXIT_USAGE,
    "bridge.spool.inspect.SpoolUnreadable": EXIT_CANNOT_CONNECT,
}


def exit_code(error: BaseException) -> int | None:
    """Return the exit code of an expected error, None for any other."""
    names = (f"{one.__module__}.{one.__qualname__}" for one in type(error).__mro__)
    return next((ERRORS[name] for name in names if name in ERRORS), None)
