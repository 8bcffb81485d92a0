"""Run the command with a wrong wall clock: ``python -m tests.chaos.shifted FILE serve …``.

FILE has the seconds by which the clock is ahead. It is read at each access, so a test can make the clock
jump while the bridge runs. Clocks that measure durations do not jump: the kernel's monotonic clock does
not either.
"""

import sys
import time
from datetime import datetime, timedelta, tzinfo
from pathlib import Path

from bridge.cli.main import run
from bridge.ingress import routes
from bridge.intake import walk


def main(file: Path) -> None:
    """Run the command with its clock shifted."""
    true_time_ns = time.time_ns

    def ahead_s() -> float:
        return float(file.read_text() or 0)

    class Shifted(datetime):
        @classmethod
        def now(cls, tz: tzinfo | None = None) -> "Shifted":
            return super().now(tz) + timedelta(seconds=ahead_s())

    for module in (routes, walk):
        vars(module)["datetime"] = Shifted
    time.time_ns = lambda: true_time_ns() + round(ahead_s() * 1e9)
    time.time = lambda: time.time_ns() / 1e9  # noqa: TID251 (the clock that is shifted)
    run()


if __name__ == "__main__":
    main(Path(sys.argv.pop(1)))
