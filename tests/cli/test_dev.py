"""``dev``: a bridge for development, which leaves nothing behind."""

import inspect
import itertools
import json
import shlex
import shutil
import signal
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

import httpx
import orjson
import pytest

from bridge.cli import dev as dev_command
from bridge.dev.account import ACCOUNTS, AUTH_ID
from bridge.dev.broker import free_port
from bridge.settings.model import Settings
from tests.emulator.receiver import receive
from tests.support.bridge import eventually
from tests.support.cli import Started, run, started
from tests.support.plivo import PATHS, SHARED
from tests.support.terminal import on_a_terminal, widest
from tests.support.waiting import PATIENCE_S

ANY_PORTS = ("--port", "0", "--kafka-port", "0")


@pytest.fixture
def dev() -> Iterator[Started]:
    with started("dev", *ANY_PORTS) as command:
        command.says("Events appear below.")
        yield command
        command.end()  # killed, it would leave its spool behind


def curl_of(command: Started) -> str:
    """Return the printed curl, all its lines."""
    first = next(number for number, line in enumerate(command.err) if line.startswith("curl "))
    lines = command.err[first:]
    last = next(number for number, line in enumerate(lines) if not line.endswith("\\"))
    return "\n".join(lines[: last + 1])


def exported(command: Started) -> dict[str, str]:
    """Return the settings that are printed for a second terminal, as a shell would take them."""
    lines = [line.removeprefix("export ") for line in command.err if line.startswith("export ")]
    pairs = [shlex.split(line)[0].split("=", 1) for line in lines]
    return {name.removeprefix("BRIDGE_").lower(): value for name, value in pairs}


def status_of(curl: str) -> int:
    """Give the curl to a shell, or do the same where there is none; return the HTTP status."""
    if shutil.which("curl"):
        done = subprocess.run(
            ["sh", "-c", curl], capture_output=True, text=True, timeout=PATIENCE_S, check=True
        )
        return int(done.stdout.split()[1])
    words = shlex.split(curl.replace("\\\n", " "))
    headers = {"content-type": "application/x-www-form-urlencoded"}
    pairs = list(itertools.pairwise(words))
    headers |= dict(value.split(": ", 1) for option, value in pairs if option == "-H")
    body = "&".join(value for option, value in pairs if option == "-d")
    return httpx.post(url_of(curl), content=body, headers=headers, timeout=PATIENCE_S).status_code


def url_of(curl: str) -> str:
    return next(one for one in shlex.split(curl) if one.startswith("http"))


def children(pid: int) -> set[int]:
    text = Path(f"/proc/{pid}/task/{pid}/children").read_text()
    return {int(one) for one in text.split()}


@pytest.mark.system
def test_it_prints_all_addresses(dev: Started) -> None:
    calls = [path for name, path in PATHS.items() if name.startswith("voice.call.")]
    for path in (SHARED, *calls):
        assert f"{path}#rp=all&rc=5" in dev.written
    assert "callback-bridge callbacks list" in dev.written
    assert "export BRIDGE_KAFKA_BOOTSTRAP_SERVERS=127.0.0.1:" in dev.written
    assert AUTH_ID in dev.written


@pytest.mark.system
def test_the_printed_curl_works_and_its_event_is_tailed(dev: Started) -> None:
    assert status_of(curl_of(dev)) == 200
    eventually(lambda: dev.out)
    event = orjson.loads(dev.out[0])
    assert event["type"] == "com.plivo.voice.call.ring.v1"
    assert event["data"]["verification"]["verdict"] == "verified"


@pytest.mark.system
def test_the_broker_can_be_read_by_any_client(dev: Started) -> None:
    assert status_of(curl_of(dev)) == 200
    done = run("tail", "--no-follow", "--since", "1h", "--raw", **exported(dev))
    assert done.returncode == 0, done.stderr
    assert orjson.loads(done.stdout)["path"] == PATHS["voice.call.ring"]


@pytest.mark.system
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_ctrl_c_ends_it_and_its_broker(dev: Started, number: signal.Signals) -> None:
    brokers = children(dev.process.pid)
    assert brokers
    assert dev.end(number) == 0
    assert "Traceback" not in dev.written
    assert not any(Path(f"/proc/{pid}").exists() for pid in brokers)


@pytest.mark.system
def test_the_broker_does_not_survive_a_bridge_that_is_killed(dev: Started) -> None:
    brokers = children(dev.process.pid)
    dev.process.kill()
    dev.process.wait(PATIENCE_S)
    eventually(lambda: not any(Path(f"/proc/{pid}").exists() for pid in brokers))


@pytest.mark.system
def test_with_your_own_accounts_the_emulated_one_is_not_used() -> None:
    own = [{**ACCOUNTS[0], "auth_id": "MA0000000000OWN00001"}]
    given = {"accounts": json.dumps(own), "public_url": "https://user:password@tunnel.example.com"}
    with started("dev", *ANY_PORTS, **given) as command:
        command.says("Events appear below.")
        assert AUTH_ID not in command.written
        assert "curl " not in command.written
        assert f"https://***@tunnel.example.com{SHARED}#rp=all&rc=5" in command.written
        assert "password" not in command.written
        assert command.end(signal.SIGINT) == 0


@pytest.mark.system
@pytest.mark.parametrize("option", ["--port", "--kafka-port"])
def test_a_used_port_exits_with_3_names_the_option_and_leaves_no_broker(option: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        done = run("dev", *ANY_PORTS, option, str(port))
    assert done.returncode == 3
    assert f"cannot listen on 127.0.0.1:{port}: Address already in use" in done.stderr
    assert f"choose another port with {option}, 0 for any free one" in done.stderr
    assert "Traceback" not in done.stderr


def test_rules_that_cannot_be_used_exit_with_2_and_their_errors(tmp_path: Path) -> None:
    rules = tmp_path / "rules.toml"
    rules.write_text('[[rules]]\nname = "sales"\ntype = "voice.call.answer"\ndocument = "no.xml"\n')
    done = run("dev", *ANY_PORTS, replies_file=str(rules))
    assert done.returncode == 2
    assert done.stderr.splitlines() == [
        f"{tmp_path / 'no.xml'}: rule sales: it cannot be read: No such file or directory"
    ]


@pytest.mark.system
def test_kafka_has_the_port_that_was_asked_for() -> None:
    port = free_port()
    with started("dev", "--port", "0", "--kafka-port", str(port)) as command:
        command.says("Events appear below.")
        assert exported(command)["kafka_bootstrap_servers"] == f"127.0.0.1:{port}"
        assert command.end(signal.SIGINT) == 0


def test_the_ports_are_fixed_unless_others_are_asked_for() -> None:
    defaults = {
        name: of.default for name, of in inspect.signature(dev_command.dev).parameters.items()
    }
    assert (defaults["port"], defaults["kafka_port"]) == (8080, 19092)


@pytest.mark.system
def test_nothing_is_printed_before_the_urls(dev: Started) -> None:
    assert dev.err[0].startswith("URLs to set at Plivo")
    assert "reply_not_configured" not in dev.written
    assert "set BRIDGE_REPLIES_FILE" in dev.written


def test_it_says_which_rules_answer_and_that_they_are_reloaded() -> None:
    settings = Settings.model_construct(replies_file=Path("rules.toml"))
    (note,) = dev_command._notes(settings, own_accounts=False)
    assert note.startswith(
        "The rules of rules.toml answer calls. They are reloaded when they change"
    )


@pytest.mark.system
def test_a_second_terminal_gets_the_other_settings_too(tmp_path: Path) -> None:
    file = tmp_path / "my settings.toml"
    file.write_text('topic_prefix = "eu."\n[kafka]\nbootstrap_servers = "kafka:9092"\n')
    with started("dev", *ANY_PORTS, "--settings", str(file)) as command:
        command.says("Events appear below.")
        found = exported(command)
        assert found.pop("kafka_bootstrap_servers").startswith("127.0.0.1:")
        assert found == {
            "settings_file": str(file),
            "topic_prefix": "eu.",
            "kafka_security_protocol": "PLAINTEXT",
            "kafka_idempotence": "false",
        }
        done = run("tail", "--no-follow", "--since", "1h", **exported(command))
        assert (done.returncode, done.stdout) == (0, "")


@pytest.mark.system
@pytest.mark.parametrize("columns", [80, 120, 200])
def test_its_introduction_fits_a_terminal(columns: int) -> None:
    with on_a_terminal("dev", *ANY_PORTS, columns=columns) as terminal:
        terminal.says("Events appear below.")
        assert widest(terminal.text) <= columns


@pytest.mark.system
def test_every_callback_is_kept_and_forwarded_as_it_came(tmp_path: Path) -> None:
    folder = tmp_path / "kept"
    with (
        receive() as application,
        started("dev", *ANY_PORTS, "--keep", str(folder), "--forward-to", application.url) as dev,
    ):
        dev.says("Events appear below.")
        curl = curl_of(dev)
        assert [status_of(curl), status_of(curl)] == [200, 200]
        eventually(lambda: len(application.called) == 2)
        eventually(lambda: len(list(folder.iterdir())) == 2)
        dev.says("voice.call.ring forwarded")
        dev.end()
    assert sorted(one.name for one in folder.iterdir()) == [
        "0001-voice.call.ring.json",
        "0002-voice.call.ring.json",
    ]
    assert application.called == ["/plivo/voice/call/ring"] * 2
    first = orjson.loads((folder / "0001-voice.call.ring.json").read_bytes())
    assert (first["method"], first["path"]) == ("POST", "/plivo/voice/call/ring")


@pytest.mark.system
def test_an_application_that_does_not_answer_delays_nothing(tmp_path: Path) -> None:
    application = f"http://127.0.0.1:{free_port()}"
    with started("dev", *ANY_PORTS, "--keep", str(tmp_path), "--forward-to", application) as dev:
        dev.says("Events appear below.")
        assert status_of(curl_of(dev)) == 200
        dev.says("no answer")
        eventually(lambda: len(list(tmp_path.iterdir())) == 1)
        dev.end()


def test_a_forward_url_that_cannot_be_called_is_refused() -> None:
    done = run("dev", "--forward-to", "localhost:5000")
    assert done.returncode == 2
    assert "is not a URL such as" in done.stderr


def test_a_folder_that_cannot_be_created_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    done = run("dev", *ANY_PORTS, "--keep", str(tmp_path / "file" / "kept"))
    assert done.returncode == 2
    assert "--keep: cannot create" in done.stderr


@pytest.mark.system
def test_a_callback_that_cannot_be_kept_is_said_and_delays_nothing(tmp_path: Path) -> None:
    folder = tmp_path / "kept"
    with started("dev", *ANY_PORTS, "--keep", str(folder)) as dev:
        dev.says("Events appear below.")
        curl = curl_of(dev)
        assert status_of(curl) == 200
        eventually(lambda: [*folder.glob("*.json")])
        shutil.rmtree(folder)
        assert status_of(curl) == 200
        dev.says("0002-voice.call.ring.json is not kept: No such file or directory")
        eventually(lambda: len(dev.out) == 2)
        dev.end()
