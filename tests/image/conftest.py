"""What tests of the image share: one fresh environment a run, and one image where an engine is."""

import sys
import uuid
from collections.abc import Iterator

import pytest

from tests.image.checkout import Installed, copy_context, script
from tests.image.container import Image, NoImage, built


@pytest.fixture(scope="session")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Installed:
    """What the image holds, installed by the image's own steps, outside of an image."""
    root = tmp_path_factory.mktemp("image")
    made = Installed(copy_context(root / "context"), root / "run", root / "build")
    for step in ("packages", "bridge"):
        done = script(
            "install",
            step,
            str(made.run),
            str(made.build),
            environment={"PYTHON": sys.executable},
            root=made.context,
        )
        assert done.returncode == 0, done.stdout + done.stderr
    return made


@pytest.fixture(scope="session")
def image() -> Iterator[Image]:
    """The image, built for this run, and gone after it."""
    try:
        made = built(f"callback-bridge:test-{uuid.uuid4().hex[:12]}")
    except NoImage as error:
        pytest.skip(str(error))
    yield made
    made.engine_says("rmi", made.tag)


@pytest.fixture(scope="session")
def runnable(image: Image) -> Image:
    """The image, on an engine that runs containers."""
    if image.engine == "buildah":
        pytest.skip("buildah builds, but does not run a container with a read-only root")
    return image
