"""JavaScript consumers can compile the schemas, and read records with the CloudEvents SDK."""

import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from bridge.core import catalogue
from bridge.core.event import ContractNames
from bridge.core.journal import JOURNAL_SCHEMA_PATH
from bridge.derived.journal_samples import build_journal_examples
from bridge.derived.own_records import JOURNAL_FORMS, build_own_examples, list_event_types
from bridge.derived.samples import build_examples
from bridge.derived.schemas import DEFAULT_BASE

pytestmark = pytest.mark.node

HERE = Path(__file__).parent
SCHEMAS = HERE.parent.parent / "schemas"


def node(program: str, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
    executable = shutil.which("node")
    assert executable is not None
    command = [executable, HERE / program, *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)


def test_ajv_compiles_every_schema_with_its_defaults_and_without_a_warning() -> None:
    done = node("ajv.mjs", SCHEMAS)
    assert (done.returncode, done.stderr) == (0, ""), done.stdout
    kinds = list_event_types(catalogue.load_catalogue())
    shown = list(build_examples(catalogue.load_catalogue(), ContractNames("", DEFAULT_BASE)))
    records = list(
        build_journal_examples(catalogue.load_catalogue(), ContractNames("", DEFAULT_BASE))
    )
    # A schema for each type of event and of journal record, one for scenarios, one for requests;
    # and the examples of the first two.
    own = list(build_own_examples(ContractNames("", DEFAULT_BASE)))
    valid = len(shown) + len(records) + len(own)
    compiled = len(kinds) + len(JOURNAL_FORMS) + 3
    assert json.loads(done.stdout) == {"compiled": compiled, "valid": valid}


def test_the_journal_record_of_every_sample_is_valid_by_its_schema(tmp_path: Path) -> None:
    shown = list(build_examples(catalogue.load_catalogue(), ContractNames("", DEFAULT_BASE)))
    shutil.copy(SCHEMAS / JOURNAL_SCHEMA_PATH, tmp_path)
    (tmp_path / "examples").mkdir()
    for number, one in enumerate(shown):
        (tmp_path / f"examples/{number}.json").write_bytes(one.journal.value)
    done = node("ajv.mjs", tmp_path)
    assert json.loads(done.stdout) == {"compiled": 1, "valid": len(shown)}


@pytest.mark.parametrize(
    ("keyword", "value", "complaint"),
    [
        ("x-unit", "seconds", 'unknown keyword: "x-unit"'),
        ("format", "decimal", 'unknown format "decimal"'),
        ("properties", {"a": {}}, 'missing type "object"'),
    ],
)
def test_the_check_reports_errors_and_warnings_of_ajv(
    tmp_path: Path, keyword: str, value: object, complaint: str
) -> None:
    schema = {"$schema": "https://json-schema.org/draft/2020-12/schema", keyword: value}
    (tmp_path / "one.json").write_text(json.dumps(schema))
    done = node("ajv.mjs", tmp_path)
    assert done.returncode == 1
    assert complaint in done.stdout


def test_the_lines_of_the_consumers_guide_validate_an_event(tmp_path: Path) -> None:
    guide = (HERE.parent.parent / "docs/consuming.md").read_text()
    (lines,) = re.findall(r"```js\n(.+?)```", guide, re.DOTALL)
    (tmp_path / "node_modules").symlink_to(HERE / "node_modules")
    (tmp_path / "guide.mjs").write_text(
        'import { readFileSync } from "node:fs";\n'
        "const [schema, event] = process.argv.slice(2).map((file) => JSON.parse(readFileSync(file)));\n"
        f"{lines}\n"
        "console.log(validate(event), validate({ ...event, time: 'at noon' }));\n"
    )
    folder = SCHEMAS / "voice.call.hangup"
    (example, *_) = sorted((folder / "examples").iterdir())
    done = node(str(tmp_path / "guide.mjs"), next(folder.glob("*.json")), example)
    assert (done.stdout, done.stderr) == ("true false\n", "")


def test_both_bindings_of_the_cloudevents_sdk_read_every_event(tmp_path: Path) -> None:
    events = [
        one.event.record
        for one in build_examples(catalogue.load_catalogue(), ContractNames("", DEFAULT_BASE))
    ]
    records = [
        {
            "headers": {name: value.decode() for name, value in record.headers},
            "key": record.key.decode(),
            "value": record.value.decode(),
        }
        for record in events
    ]
    file = tmp_path / "records.json"
    file.write_text(json.dumps(records))
    done = node("cloudevents.mjs", file)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert len(found) == len(events) > 0
    for record, read in zip(events, found, strict=True):
        event = json.loads(record.value)
        for binding in ("kafka", "http"):
            given = read[binding]
            assert given.get("refused") is None, (binding, event["type"])
            for name in ("id", "source", "type", "subject", "partitionkey", "data"):
                assert given[name] == event[name], (binding, name)
