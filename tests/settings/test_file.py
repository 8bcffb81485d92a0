"""Messages about a faulty settings file: key, file and line, and no secret."""

import os
import tomllib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.settings.file import parse_settings_file, read_settings_file
from bridge.settings.kafka import PREFIX
from bridge.settings.load import Need, SettingsRefused, load
from tests.support.bridge import AUTH_ID

SECRET = "hunter2-is-a-secret-token"
ALL = "remove it (docs/reference/settings.md lists all settings)"
NO_PATH = "(not shown: it does not look like a path)"


@pytest.fixture(autouse=True)
def _no_bridge_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in list(os.environ):  # noqa: TID251 (to empty it)
        if name.startswith(PREFIX):
            monkeypatch.delenv(name)


def refusal(file: Path, need: Need = Need.NOTHING) -> list[str]:
    with pytest.raises(SettingsRefused) as refused:
        load(file, need)
    text = str(refused.value)
    assert SECRET not in text
    return text.splitlines()


# What the settings file holds, and what is said of it.
FILES = [
    ("port =\nhost = 1", ["BRIDGE_SETTINGS_FILE: {file}, line 1, column 7: not TOML: invalid value"]),
    ("port = 1\nhost = [", ["BRIDGE_SETTINGS_FILE: {file}, line 2: not TOML: invalid value"]),
    ("prt = 8080", ["prt ({file}, line 1) is not a setting; did you mean port?"]),
    ("BRIDGE_PORT = 8080", ["BRIDGE_PORT ({file}, line 1) is not a setting; did you mean port?"]),
    (f'"{SECRET}" = 1', [f"a key ({{file}}, line 1) is not a setting; {ALL}"]),
    ("# ports\n\nport = 0",
     ["port ({file}, line 3): should be greater than or equal to 1 (it is 0)"]),
    ("kafka_bootstrap = 'a:1'",
     [("kafka_bootstrap ({file}, line 1) is not a setting; did you mean bootstrap_servers in "
      "[kafka]?")]),
    ("[kafka]\nport = 1",
     [("kafka.port ({file}, line 2) is not a setting; did you mean port? Put it above the first "
      "[table]")]),
    ("[kafka]\nclient_id = '''\nack_timeout = 1\n'''\nack_timeout = 1",
     ["kafka.ack_timeout ({file}, line 5) is not a setting; did you mean kafka.ack_timeout_s?"]),
    ("[log]\nlevel = 'info'", [("log.level ({file}, line 2) is not a setting; did you mean "
                               "log_level?")]),
    (f'acounts = [{{auth_tokens = ["{SECRET}"]}}]',
     ["acounts ({file}, line 1) is not a setting; did you mean accounts?"]),
    (f'[kafka]\npassword = "{SECRET}"',
     ["kafka.password ({file}, line 2) is not a setting; did you mean kafka.sasl_password?"]),
    (f'kafka = "{SECRET}"',
     [("kafka ({file}, line 1): is a group of settings: [kafka] in the settings file, BRIDGE_KAFKA_… "
      "in the environment")]),
    (f'[kafka]\nsasl_password = ["{SECRET}"]',
     ["kafka.sasl_password ({file}, line 2): should be a valid string"]),
    ((f'port = 1\n\n[[accounts]]\nauth_id = "{AUTH_ID}"\nauth_tokens = ["{SECRET}\\n"]\n'
     'timezone = "UTC"'),
     [(f"accounts[0].auth_tokens[0] of {AUTH_ID} ({{file}}, line 3): has white space around it; "
      "remove it (`echo` adds a line break, `printf %s` none)")]),
    ("port = 9090",
     ["port ({file}, line 1) and BRIDGE_MANAGEMENT_PORT are both 9090; change one"]),
]  # fmt: skip


@pytest.mark.parametrize(("content", "lines"), FILES)
def test_a_fault_of_the_settings_file_names_key_file_and_line(
    tmp_path: Path, content: str, lines: list[str]
) -> None:
    file = tmp_path / "bridge.toml"
    file.write_text(content)
    assert refusal(file) == [line.replace("{file}", str(file)) for line in lines]


def test_a_setting_that_the_environment_overrides_is_named_as_a_variable(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    file = tmp_path / "bridge.toml"
    file.write_text("port = 0\n")
    monkeypatch.setenv("BRIDGE_PORT", "nonsense")
    (line,) = refusal(file)
    assert line.startswith("BRIDGE_PORT: ")


def test_a_file_that_is_not_there_is_refused_and_hides_no_other_fault(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    file = tmp_path / "none.toml"
    monkeypatch.setenv("BRIDGE_LOG_LEVEL", "loud")
    # What the file would have set is not known, so nothing is said to be lacking.
    assert refusal(file, Need.SERVING) == [
        f"BRIDGE_SETTINGS_FILE: {file}: no such file",
        "BRIDGE_LOG_LEVEL: should be 'debug', 'info', 'warning' or 'error' (it is 'loud')",
    ]


@pytest.mark.parametrize(
    ("content", "fault"),
    [(None, "Is a directory"), (b"port = 1 # \xff", "not UTF-8 text; save it as UTF-8")],
)
def test_a_settings_file_that_cannot_be_read_is_refused(
    tmp_path: Path, content: bytes | None, fault: str
) -> None:
    file = tmp_path
    if content is not None:
        file = tmp_path / "bridge.toml"
        file.write_bytes(content)
    assert refusal(file) == [f"BRIDGE_SETTINGS_FILE: {file}: {fault}"]


def test_a_secret_in_place_of_the_settings_file_is_not_shown() -> None:
    assert refusal(Path(SECRET)) == [f"BRIDGE_SETTINGS_FILE: {NO_PATH}: no such file"]


@given(
    before=st.lists(
        st.sampled_from(["", "# port = 1", "host = 'a'", "log_key = '''\nport = 1\n'''"]),
        max_size=6,
    ).filter(lambda lines: all(lines.count(line) < 2 for line in lines if line[:1].isalpha())),
    statement=st.sampled_from(["port = 8080", "  port=8080 # port", "'port' = 8080"]),
    after=st.sampled_from(["", "\nmanagement_port = 1", "\n[kafka]\nclient_id = 'port = 1'"]),
)
def test_the_line_of_a_setting_is_the_one_on_which_its_statement_begins(
    tmp_path_factory: pytest.TempPathFactory, before: list[str], statement: str, after: str
) -> None:
    text = "\n".join([*before, statement]) + after
    file = tmp_path_factory.mktemp("settings") / "bridge.toml"
    file.write_text(text)
    line = read_settings_file(file).find_line(["port"])
    assert line is not None
    assert text.split("\n")[line - 1] == statement
    assert tomllib.loads(statement) == {"port": 8080}


def test_a_setting_of_several_lines_is_on_its_first(tmp_path: Path) -> None:
    file = tmp_path / "bridge.toml"
    file.write_text("# the proxies\ntrusted_proxies = [\n  '10.0.0.1',\n]\nport = 1\n")
    found = read_settings_file(file)
    keys = ("trusted_proxies", "port", "host")
    assert [found.find_line([key]) for key in keys] == [2, 5, None]


RULES = """# rules
[applications.crm] # the first
origin = "https://crm.example.com"

[[rules]]
name = "a"
called = [
  "1",
]
[[rules]]
text = '''
name = "b"
'''
name = "b"
inline = {x = 1}
"""


@pytest.mark.parametrize(
    ("keys", "line"),
    [
        (("applications",), 2),
        (("applications", "crm", "origin"), 3),
        (("rules",), 5),
        (("rules", 0), 5),
        (("rules", 0, "called"), 7),
        (("rules", 0, "called", 0), 7),
        (("rules", 1), 10),
        (("rules", 1, "name"), 14),
        (("rules", 1, "inline", "x"), 15),
        (("rules", 2), None),
        (("rules", 0, "text"), None),
        (("applications", 0), None),
        (("rules", "name"), None),
    ],
)
def test_the_line_of_a_setting_is_where_its_statement_begins(
    keys: tuple[str | int, ...], line: int | None
) -> None:
    assert parse_settings_file(Path("rules.toml"), RULES).find_line(keys) == line
