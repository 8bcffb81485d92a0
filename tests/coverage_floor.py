"""Hold a coverage report against the floors: the core whole, the rest nearly.

``python tests/coverage_floor.py REPORT.json``: exit code 1 and a line for each file that is short.
"""

import json
import sys
from pathlib import Path

OVERALL_PERCENT = 95.0
CORE = (
    "bridge/callbacks/",
    "bridge/core/",
    "bridge/intake/anomalies.py",
    "bridge/intake/preparation.py",
    "bridge/intake/walk.py",
    "bridge/normalise/",
    "bridge/reply/",
)


def shortfalls(report: dict) -> list[str]:
    """Return what of a coverage.py JSON report is below its floor."""
    found = []
    for name, file in sorted(report["files"].items()):
        if name.startswith(CORE) and (file["missing_lines"] or file.get("missing_branches")):
            missing = file["missing_lines"] or file["missing_branches"]
            found.append(f"{name}: the core is tested whole; not reached: {missing}")
    overall = report["totals"]["percent_covered"]
    if overall < OVERALL_PERCENT:
        found.append(f"overall {overall:.1f} %, floor {OVERALL_PERCENT} %")
    return found


if __name__ == "__main__":
    below = shortfalls(json.loads(Path(sys.argv[1]).read_text()))
    for line in below:
        sys.stderr.write(line + "\n")
    sys.exit(1 if below else 0)
