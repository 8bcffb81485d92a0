"""Hold a coverage report against the floors: the core whole, the rest nearly.

``python tests/coverage_floor.py REPORT.json``: exit code 1 and a line for each file that is short.
"""

import json
import sys
from pathlib import Path

OVERALL_PERCENT = 95.0
CORE = (
    "bridge/callbacks/",
    "bridge/catalogue.py",
    "bridge/dead_letter.py",
    "bridge/event.py",
    "bridge/identity.py",
    "bridge/intake.py",
    "bridge/json_object.py",
    "bridge/json_readings.py",
    "bridge/key_search.py",
    "bridge/keyring.py",
    "bridge/near_miss.py",
    "bridge/nonce_guard.py",
    "bridge/normalise/",
    "bridge/origins.py",
    "bridge/parameters.py",
    "bridge/parse.py",
    "bridge/raw.py",
    "bridge/recognition.py",
    "bridge/record.py",
    "bridge/rejected.py",
    "bridge/reply/",
    "bridge/signature.py",
    "bridge/signed_messages.py",
    "bridge/slots.py",
    "bridge/verify.py",
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
