"""The console consumer of Apache Kafka: a reader that shares no code with the bridge."""

import re
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tests.kafka.cluster import java

_PATIENCE_S: Final = 120.0
# It ends when nothing came for this long, which it calls an error in its log, not in its exit code.
# A busy machine may take its time before the first record, and what it leaves out looks lost.
_QUIET_MS: Final = 15_000
_TAB: Final = "\t"


@dataclass(frozen=True, slots=True)
class Printed:
    """One record, as the console consumer prints it: headers as ``name:value,…``."""

    headers: str
    key: str
    value: str

    def header(self, name: str) -> str | None:
        """Return a header whose value has no comma."""
        found = re.search(rf"(?:^|,){re.escape(name)}:([^,]*)", self.headers)
        return found[1] if found else None


def consume(libs: Path, address: str, topics: str) -> list[Printed]:
    """Return every record of the topics a regular expression names, in no order between them."""
    command = java(
        libs,
        "org.apache.kafka.tools.consumer.ConsoleConsumer",
        f"--bootstrap-server={address}",
        f"--include={topics}",
        "--from-beginning",
        f"--timeout-ms={_QUIET_MS}",
    )
    for option in ("print.headers=true", "print.key=true", f"key.separator={_TAB}"):
        command.append(f"--formatter-property={option}")
    command.insert(1, "-Dkafka.log=/dev/null")
    done = subprocess.run(command, capture_output=True, text=True, timeout=_PATIENCE_S, check=False)
    assert done.returncode == 0, done.stderr
    return [Printed(*line.split(_TAB, 2)) for line in done.stdout.splitlines()]
