"""The TypeScript example: compiled against the derived types, and run as a reader would run it."""

import asyncio
import shutil
from pathlib import Path

import pytest

from bridge.core import catalogue
from bridge.core.event import ContractNames
from bridge.derived import pack
from bridge.derived.own_records import JOURNAL_FORMS
from bridge.derived.samples import build_examples
from bridge.derived.schemas import DEFAULT_BASE
from bridge.derived.typescript import form_type_name
from tests.examples.publishing import (
    STATUS,
    TIME_LIMIT_S,
    event_record,
    of_one_call,
    publish,
)

pytest_plugins = ("tests.support.kafka_fixtures",)
pytestmark = pytest.mark.node

ROOT = Path(__file__).parent.parent.parent
MODULES = ROOT / "tests/node/node_modules"


async def run(folder: Path, *command: str) -> tuple[int, str]:
    """Run a command of Node's to its end; return its exit code and what it printed."""
    process = await asyncio.create_subprocess_exec(
        *command,
        cwd=folder,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    assert process.stdout is not None
    try:
        async with asyncio.timeout(TIME_LIMIT_S):
            output = await process.stdout.read()
            code = await process.wait()
    except TimeoutError:
        process.kill()
        await process.wait()
        pytest.fail(f"{command} did not end")
    return code, output.decode()


@pytest.fixture(scope="session")
def schema_pack(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder that `make schema-pack` writes."""
    folder = tmp_path_factory.mktemp("schema-pack")
    pack.write_pack(folder, pack.build_pack(catalogue.load_catalogue(), None))
    return folder


@pytest.fixture
def project(tmp_path: Path, schema_pack: Path) -> Path:
    """The example's folder in a checkout of its own, with the packages it asks for."""
    if not MODULES.is_dir():
        pytest.fail("the packages of tests/node are not there: run the tests by `make test-node`")
    folder = tmp_path / "examples/typescript"
    shutil.copytree(
        ROOT / "examples/typescript", folder, ignore=shutil.ignore_patterns("build", "node_modules")
    )
    (tmp_path / "node_modules").symlink_to(MODULES)
    (tmp_path / "dist").mkdir()
    (tmp_path / "dist/schema-pack").symlink_to(schema_pack)
    return folder


def compiler() -> str:
    return str(MODULES / ".bin/tsc")


async def test_the_derived_types_compile(project: Path) -> None:
    types = project.parent.parent / "dist/schema-pack/typescript/index.d.ts"
    assert await run(project, compiler(), "--ignoreConfig", "--strict", "--noEmit", str(types)) == (
        0,
        "",
    )


async def test_the_types_hold_what_is_true_and_refuse_what_is_not(project: Path) -> None:
    (project / "consume.ts").write_text(
        """
        import type { Moment, PlivoEvent } from "../../dist/schema-pack/typescript/index";
        import type { VoiceCallHangupV1 } from "../../dist/schema-pack/typescript/index";
        export function check(event: PlivoEvent, hangup: VoiceCallHangupV1): void {
          if (event.type === "com.plivo.voice.call.hangup.v1") hangup = event;
          const certainty: Moment["certainty"] = "exact";
          const newer: Moment["certainty"] = "prophesied";
          const seconds: number | null | undefined = hangup.data.duration_s;
          // @ts-expect-error an absent duration is no number
          const always: number = hangup.data.duration_s;
          // @ts-expect-error money is text
          const cost: number | null | undefined = hangup.data.total_cost;
          // @ts-expect-error there is no such field
          hangup.data.durations;
          // @ts-expect-error not every event has it
          event.data.duration_s;
          // @ts-expect-error a type that does not exist
          if (event.type === "com.plivo.voice.call.teleported.v1") return;
          void [certainty, newer, seconds, always, cost];
        }
        """
    )
    assert await run(project, compiler(), "--noEmit") == (0, "")


async def test_every_example_is_of_its_type(project: Path, schema_pack: Path) -> None:
    journal_types = {form.name: form_type_name(form) for form in JOURNAL_FORMS}
    journal_types["journal"] = "JournalRecord"
    lines = ['import type * as types from "../../dist/schema-pack/typescript/index";']
    for number, path in enumerate(sorted(schema_pack.glob("*/examples/*.json"))):
        name = path.parent.parent.name
        kind = journal_types.get(name, f'PlivoEvents["com.plivo.{name}.v1"]')
        lines.append(f"const e{number}: types.{kind} = {path.read_text()};\nvoid e{number};")
    for number, one in enumerate(
        build_examples(catalogue.load_catalogue(), ContractNames("", DEFAULT_BASE))
    ):
        lines.append(f"const j{number}: types.JournalRecord = {one.journal.value.decode()};")
        lines.append(f"void j{number};")
    (project / "consume.ts").write_text("\n".join(lines))
    assert await run(project, compiler(), "--noEmit") == (0, "")


async def test_the_typescript_consumer_prints_each_event_once(
    project: Path, embedded_kafka: str, prefix: str
) -> None:
    code, output = await run(project, compiler())
    assert (code, output) == (0, "")
    records = [*of_one_call(), event_record(STATUS)]
    topics = await publish(embedded_kafka, prefix, records)
    code, output = await run(
        project,
        "node",
        "build/consume.js",
        embedded_kafka,
        "--records",
        str(len(records)),
        *topics,
    )
    assert code == 0, output
    assert sorted(output.splitlines()) == [
        "hangup 64d3290a-87a6-46b4-a6e2-20f5f4e07a02: 66 s",
        "message 7a242edc-2f57-11e7-98c9-06ab0bf64327: delivered",
        "other com.plivo.voice.call.ring.v1",
    ]
