"""``callback-bridge emulate``: scenarios listed, shown, and run against a receiver."""

import io
import os
import re
import signal
import subprocess
import sys
from pathlib import Path
from urllib.parse import parse_qs

import httpx
import orjson
import pytest
from rich.console import Console
from starlette.applications import Starlette

from bridge.cli.emulate.run import to_bridge_urls
from bridge.cli.emulate.serve import _Lines
from bridge.dev.account import AUTH_ID, AUTH_TOKEN
from bridge.emulator.behaviours import BEHAVIOURS
from bridge.emulator.behaviours.behaviour import Confidence
from bridge.emulator.emulator import Emulator
from bridge.emulator.machine.commands import Response
from bridge.emulator.machine.person import Person, Pickup
from bridge.emulator.scenarios.files import list_shipped
from bridge.emulator.server import CannotListen
from tests.emulator.machines import drive
from tests.emulator.receiver import receive
from tests.support.bridge import eventually
from tests.support.cli import COMMAND, environment, run, started
from tests.support.waiting import PATIENCE_S

ANSWER = "/plivo/voice/call/answer"
REQUEST = drive(person=Person(Pickup.BUSY)).requests[0]
MENU = "<Response><Speak>Hello</Speak><Wait length='90'/></Response>"


def test_every_scenario_is_listed_and_can_be_shown_and_used_as_a_file(tmp_path: Path) -> None:
    names = [orjson.loads(line)["name"] for line in run("emulate", "list").stdout.splitlines()]
    assert names == list(list_shipped())
    mine = tmp_path / "mine.yaml"
    mine.write_text(run("emulate", "show", "busy").stdout)
    with receive() as receiver:
        done = run("emulate", "run", str(mine), "--against", receiver.url, "--speed", "1000")
    assert done.returncode == 0


def test_a_run_sends_the_callbacks_to_the_paths_of_a_bridge_and_counts_them() -> None:
    with receive({ANSWER: MENU}) as receiver:
        done = run("emulate", "run", "answered", "--against", receiver.url, "--speed", "200")
    assert done.returncode == 0, done.stderr
    found = orjson.loads(done.stdout)
    assert found["ended"] == {"Normal Hangup": 1}
    assert found["delivered"] == found["sent"] != {}
    # They are sent on several connections, so the order is the machine's only there.
    assert {*receiver.called} == {"/plivo/voice/call/ring", ANSWER, "/plivo/voice/call/hangup"}
    assert len(receiver.called) == 3


def test_two_runs_have_other_calls_and_a_seed_repeats_one() -> None:
    with receive() as receiver:
        command = ["emulate", "run", "busy", "--against", receiver.url, "--speed", "1000"]
        first = orjson.loads(run(*command).stdout)
        run(*command)
        run(*command, "--seed", str(first["seed"]))
    called = [parse_qs(body)["CallUUID"][0] for body in receiver.bodies]
    assert len(called) == 6
    assert len(set(called)) == 2
    assert called[4:] == called[:2]


@pytest.mark.parametrize(
    ("line", "offered"),
    [
        ("callback-bridge emulate run sec", ["second-leg", "second-leg-busy"]),
        ("callback-bridge emulate show mixed", ["mixed-load"]),
        ("callback-bridge emulate --people mach", ["machine", "machine-hangup"]),
        ("callback-bridge trigger type voice.call.h", ["voice.call.hangup"]),
        ("callback-bridge emulate run mine.yaml", []),
    ],
)
def test_a_shell_completes_scenarios_and_types(
    monkeypatch: pytest.MonkeyPatch, line: str, offered: list[str]
) -> None:
    monkeypatch.setenv("_CALLBACK_BRIDGE_COMPLETE", "complete_zsh")
    monkeypatch.setenv("_TYPER_COMPLETE_ARGS", line)
    assert re.findall(r'"([\w.-]+)":', run().stdout) == offered


def test_an_option_of_the_server_before_a_command_is_refused() -> None:
    done = run("emulate", "--speed", "20", "run", "busy", "--against", "http://127.0.0.1:9")
    assert done.returncode == 2
    assert "--speed" in done.stderr
    assert "options of `emulate run` come after its name" in done.stderr


@pytest.mark.parametrize("command", ["emulate list", "trigger call"])
def test_without_the_package_that_reads_yaml_the_remedy_is_named(
    monkeypatch: pytest.MonkeyPatch, command: str
) -> None:
    monkeypatch.setitem(sys.modules, "yaml", None)
    done = run(*command.split())
    assert done.returncode == 3
    assert done.stderr.startswith("PyYAML is not installed: run pip install '.[dev]'")


def test_without_the_package_of_its_server_the_remedy_is_named(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "uvicorn", None)
    done = run("emulate", "--port", "0")
    assert done.returncode == 3
    assert done.stderr == (
        "uvicorn is not installed: run pip install '.[dev]' in a checkout of the project\n"
    )


@pytest.mark.parametrize(
    ("base", "below"),
    [
        ("http://127.0.0.1:8080", "http://127.0.0.1:8080"),
        ("https://example.com/hooks/", "https://example.com/hooks"),
        ("http://127.0.0.1:8080/#rp=all&rc=5", "http://127.0.0.1:8080"),
        ("http://127.0.0.1:8080?x=1", "http://127.0.0.1:8080"),
    ],
)
def test_a_bridge_behind_a_prefix_is_called_below_it(base: str, below: str) -> None:
    assert to_bridge_urls(base, "--against").answer == f"{below}/plivo/voice/call/answer"


def test_the_urls_of_an_application_can_be_given_one_by_one() -> None:
    with receive({"/answer": MENU}) as receiver:
        done = run(
            "emulate", "run", "answered", "--answer-url", f"{receiver.url}/answer", "--speed", "200"
        )
    assert done.returncode == 0, done.stderr
    assert receiver.called == ["/answer"]


def test_a_callback_without_a_2xx_is_exit_code_1() -> None:
    with receive(status=503) as receiver:
        done = run("emulate", "run", "busy", "--against", receiver.url, "--speed", "1000")
    assert done.returncode == 1
    found = orjson.loads(done.stdout)
    assert (found["undelivered"], found["faults"]) == (2, {"status 503": 2})


@pytest.mark.system
def test_ctrl_c_ends_a_run_and_shows_the_counts_so_far() -> None:
    with (
        receive() as receiver,
        started("emulate", "run", "mixed-load", "--against", receiver.url) as load,
    ):
        eventually(lambda: len(receiver.called) > 2)
        assert load.end(signal.SIGINT) == 130
    found = orjson.loads(load.out[0])
    assert found["stopped"]
    assert 0 < found["begun"] < 100
    assert found["sent"]["voice.call.ring"] >= 1
    assert load.err == ["Stopped before the end: these are the counts so far."]


async def test_the_server_says_how_long_a_slow_answer_took() -> None:
    console = Console(file=io.StringIO(), width=200)
    lines = _Lines(console)
    clock = iter([10.0, 17.04, 17.04, 20.0, 20.9, 20.9])
    lines._clock = lambda: next(clock)
    for _ in range(2):
        lines.show_command(REQUEST)
        lines.show(REQUEST, Response(200))
    slow, quick = console.file.getvalue().splitlines()  # type: ignore[attr-defined]
    assert slow.endswith("200 after 7.0 s")
    assert quick.endswith("200")


@pytest.mark.parametrize(
    ("arguments", "fault"),
    [
        (["bussy", "--against", "http://127.0.0.1:1"], "no scenario is called 'bussy'"),
        (["missing.yaml", "--against", "http://127.0.0.1:1"], "cannot read missing.yaml"),
        (["busy"], "name the receiver"),
        (["busy", "--against", "127.0.0.1:8080"], "is not a URL such as"),
        (["busy", "--against", "http://127.0.0.1:1", "--start", "noon"], "is neither a duration"),
        (["busy", "--against", "http://127.0.0.1:1", "--timezone", "Mars/Base"], "Mars/Base"),
    ],
)
def test_a_wrong_argument_is_exit_code_2_and_names_the_fault(
    arguments: list[str], fault: str
) -> None:
    done = run("emulate", "run", *arguments)
    assert done.returncode == 2
    assert fault in " ".join(done.stderr.replace("│", " ").split())


@pytest.mark.parametrize(
    ("arguments", "fault"),
    [
        (["--number", "abc"], "'abc' is not a number such as 14155550100"),
        (["--auth-id", "SAEMULATEDACCOUNT001"], "Plivo's SDKs refuse it"),
        (["--auth-id", "MA1"], "Plivo's SDKs refuse it"),
        (["--answer-url", "localhost:5000"], "is not a URL such as"),
        (["--people", "nobody"], "no scenario is called 'nobody'"),
    ],
)
def test_a_server_with_a_wrong_option_is_exit_code_2_and_names_the_fault(
    arguments: list[str], fault: str
) -> None:
    done = run("emulate", "--port", "0", *arguments)
    assert done.returncode == 2
    assert fault in " ".join(done.stderr.replace("│", " ").split())


def test_every_behaviour_is_explained_with_its_confidence() -> None:
    done = run("emulate", "--explain")
    rows = [orjson.loads(line) for line in done.stdout.splitlines()]
    assert [one["text"] for one in rows] == [one.text for one in BEHAVIOURS]
    assert {one["confidence"] for one in rows} <= {*Confidence}


def test_a_port_that_is_taken_is_exit_code_3() -> None:
    with receive() as receiver:
        port = receiver.url.rpartition(":")[2]
        done = run("emulate", "--port", port)
    assert done.returncode == 3
    assert f"cannot listen on 127.0.0.1:{port}" in done.stderr
    assert "choose another port with --port, 0 for any free one" in done.stderr


def test_an_address_of_another_machine_is_exit_code_3_and_named_as_the_fault() -> None:
    done = run("emulate", "--port", "0", "--host", "192.0.2.1")  # of RFC 5737: nobody has it
    assert done.returncode == 3
    assert "cannot listen on 192.0.2.1:0: " in done.stderr
    assert "choose an address of this machine with --host" in done.stderr
    assert "--port" not in done.stderr


@pytest.mark.system
def test_two_servers_have_other_calls_unless_a_seed_is_given() -> None:
    found = []
    for option in ((), (), ("--seed", "5")):
        with started("emulate", "--port", "0", *option) as emulator:
            emulator.says("Callbacks appear below.")
            found += [line.split()[1] for line in emulator.err if line.startswith("  seed ")]
            assert emulator.end() == 0
    assert len(set(found)) == 3
    assert found[2] == "5"


@pytest.mark.system
def test_the_server_places_the_calls_that_an_api_client_asks_for() -> None:
    with (
        receive({"/answer": MENU}) as receiver,
        started("emulate", "--port", "0", "--speed", "100") as emulator,
    ):
        emulator.says("Callbacks appear below.")
        api = next(line.split()[-1] for line in emulator.err if line.startswith("  API "))
        placed = httpx.post(
            f"{api}Call/",
            json={
                "from": "14155550100",
                "to": "14155550123",
                "answer_url": f"{receiver.url}/answer",
                "hangup_url": f"{receiver.url}/hangup",
            },
            auth=(AUTH_ID, AUTH_TOKEN),
        )
        assert placed.status_code == 201
        # A slow machine may not have read the answer when the person hangs up, 0.6 s later.
        eventually(lambda: sorted(receiver.called) == ["/answer", "/hangup"])
        eventually(lambda: len(emulator.out) == 3)
        assert emulator.end() == 0
    shown = [orjson.loads(line) for line in emulator.out]
    types = {one["type"] for one in shown if "type" in one}
    assert types == {"voice.call.answer", "voice.call.hangup"}
    assert [one["ended"]["source"] for one in shown if "ended" in one] == ["Callee"]
    assert {one["subject"] for one in shown} == {placed.json()["request_uuid"]}


@pytest.mark.system
def test_the_server_ends_when_nobody_reads_its_output_any_more() -> None:
    reading, writing = os.pipe()
    os.close(reading)
    process = subprocess.Popen(
        [COMMAND, "emulate", "--port", "0", "--speed", "100"],
        env=environment(),
        stdout=writing,
        stderr=subprocess.PIPE,
        text=True,
    )
    os.close(writing)
    with process:
        try:
            assert process.stderr is not None
            api = next(line.split()[-1] for line in process.stderr if line.startswith("  API "))
            call = {
                "from": "14155550100", "to": "14155550123", "answer_url": "http://127.0.0.1:9/a"
            }  # fmt: skip
            httpx.post(f"{api}Call/", json=call, auth=(AUTH_ID, AUTH_TOKEN))
            assert process.wait(PATIENCE_S) == 1
            assert "Traceback" not in process.stderr.read()
        finally:
            process.kill()


def test_a_run_can_begin_before_a_clock_change_and_things_can_go_wrong() -> None:
    with receive({ANSWER: MENU}) as receiver:
        done = run(
            "emulate", "run", "chaos-load", "--against", receiver.url, "--speed", "2000",
            "--start", "clock-change",
        )  # fmt: skip
        none = run("emulate", "run", "busy", "--against", receiver.url, "--start", "clock-change",
                   "--timezone", "Asia/Kolkata")  # fmt: skip
    found = orjson.loads(done.stdout)
    assert found["begun"] == 100
    assert sum(found["ended"].values()) == 100
    assert any(note.startswith("chaos") for note in found["notes"])
    assert (none.returncode, "has set no clock back" in none.stderr) == (2, True)


@pytest.mark.system
def test_the_calls_of_a_second_can_be_more_than_plivos_usual_two() -> None:
    # The emulated second lasts longer than the test.
    options = ("--port", "0", "--speed", "0.01", "--calls-per-second", "3")
    with started("emulate", *options) as emulator:
        emulator.says("Callbacks appear below.")
        api = next(line.split()[-1] for line in emulator.err if line.startswith("  API "))
        call = {"from": "14155550100", "to": "14155550123", "answer_url": "http://127.0.0.1:9/a"}
        placed = [
            httpx.post(f"{api}Call/", json=call, auth=(AUTH_ID, AUTH_TOKEN)) for _ in range(4)
        ]
    messages = [one.json()["message"] for one in placed]
    assert messages == ["call fired"] * 3 + ["call queued"]


@pytest.mark.parametrize("option", [[], ["--open-control"]])
def test_the_control_is_for_this_machine_unless_an_option_says_otherwise(
    option: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    given: list[bool] = []

    def stop(_emulator: Emulator, *, control_from_anywhere: bool) -> Starlette:
        given.append(control_from_anywhere)
        message = "nothing is served"
        raise CannotListen(message)

    monkeypatch.setattr("bridge.cli.emulate.serve.make_app", stop)
    assert run("emulate", "--port", "0", *option).returncode == 3
    assert given == [bool(option)]
