import subprocess
import sys
from pathlib import Path

import pytest

from tests.chart.tools import BUILT, ROOT, Tools, settings_of


@pytest.fixture(scope="session")
def tools(tmp_path_factory: pytest.TempPathFactory) -> Tools:
    """The tools that render and check the chart, in a home of their own."""
    if not (BUILT / "helm").is_file():
        pytest.fail("the chart's tools are not built: run the tests by `make test-chart`")
    return Tools({"HOME": str(tmp_path_factory.mktemp("home"))})


@pytest.fixture(scope="session")
def least(tools: Tools) -> dict[str, str]:
    """The settings of the minimal example."""
    return settings_of(tools.manifests("minimal"))


@pytest.fixture(scope="session")
def schemas(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the schemas of Kubernetes and of the custom resources."""
    folder = tmp_path_factory.mktemp("schemas")
    script = ROOT / "deploy/tools/schemas.py"
    subprocess.run([sys.executable, script, "unpack", folder], check=True)
    return folder
