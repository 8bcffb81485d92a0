"""The commands of the runbooks work where they are run: in a pod, with a network policy."""

import json
import re
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any, Final

import pytest

from tests.alerts.rules import ROOT
from tests.support.waiting import PATIENCE_S

PAGES: Final = sorted((ROOT / "docs/runbooks").glob("*.md"))
METRICS: Final = re.compile(r"-- python3 -c \\\n  '(.*)' \\\n  \| grep ")

each_page = pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)


@each_page
def test_metrics_are_not_read_by_the_way_a_network_policy_closes(page: Path) -> None:
    assert "proxy/metrics" not in page.read_text()
    assert "exec POD -c bridge -- curl" not in page.read_text(), "the image has none"


@pytest.mark.system
def test_the_image_contains_the_program_that_reads_the_metrics() -> None:
    (program,) = {found for page in PAGES for found in METRICS.findall(page.read_text())}

    class Answer(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()
            self.wfile.write(f"path {self.path}\n".encode())

        def log_message(self, *_: Any) -> None:
            """Say nothing."""

    with HTTPServer(("127.0.0.1", 0), Answer) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        here = program.replace("9090", str(server.server_address[1]))
        done = subprocess.run(
            [sys.executable, "-c", here],
            capture_output=True,
            text=True,
            check=True,
            timeout=PATIENCE_S,
        )
        server.shutdown()
    assert done.stdout.strip() == "path /metrics"


@each_page
def test_advice_to_upgrade_during_an_outage_says_how_the_upgrade_succeeds(page: Path) -> None:
    text = " ".join(page.read_text().split())
    if "scale statefulset" in text:
        assert re.search(r"set(s|ting)? (it|that|both) back", text), "by the next upgrade"
    for command in re.findall(r"helm -n NAMESPACE upgrade [^`]*", text):
        # The one that only runs `topics apply` must run it.
        assert "--set" not in command or "--no-hooks" in command


def test_the_pages_that_are_read_while_kafka_is_away_name_the_way_past_the_topics() -> None:
    named = {page.stem for page in PAGES if "--no-hooks" in page.read_text()}
    assert {"README", "kafka-away", "nothing-durable", "spool-filling"} <= named


def test_a_job_that_a_page_has_patched_is_given_arguments() -> None:
    readme = (ROOT / "docs/runbooks/README.md").read_text()
    (patch,) = re.findall(r"-p '(\[.*\])'", readme)
    assert json.loads(patch)[0]["value"] == ["deadletters", "list", "--since", "1h"]
