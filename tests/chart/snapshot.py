"""``python -m tests.chart.snapshot``: store the rendered examples of the chart, to compare with."""

import sys

from tests.chart.tools import EXAMPLES, ROOT, SNAPSHOTS, Tools


def main() -> None:
    """Write the snapshots."""
    for example in EXAMPLES:
        path = SNAPSHOTS / f"{example}.yaml"
        path.write_text(Tools().template(example))
        sys.stdout.write(f"{path.relative_to(ROOT)}\n")


if __name__ == "__main__":
    main()
