"""Every parameter of a request is an option, and its value reaches the request as it was written."""

from typing import Annotated

import pytest
import typer
from typer.testing import CliRunner

from bridge.cli.request_options import (
    RequestCommand,
    describe_faults,
    name_option,
    with_request_options,
)
from bridge.originate.parameter import Group, RequestFaults
from bridge.originate.request import CallRequest, list_parameters

COLUMNS = 80


@pytest.fixture
def received() -> list[object]:
    return []


@pytest.fixture
def app(received: list[object]) -> typer.Typer:
    command = typer.Typer(add_completion=False)

    @command.command(cls=RequestCommand)
    @with_request_options
    def place(
        given: dict[str, object], *, yes: Annotated[bool, typer.Option("--yes")] = False
    ) -> None:
        """Place calls."""
        received.extend((given, yes))

    return command


def test_values_arrive_as_texts_under_the_names_of_plivo(
    app: typer.Typer, received: list[object]
) -> None:
    values = {
        name: "x" for name, field in list_parameters().items() if not field.is_flag and name != "to"
    }
    arguments = [part for name, text in values.items() for part in (name_option(name), text)]
    flags = [name_option(name) for name, field in list_parameters().items() if field.is_flag]
    result = CliRunner().invoke(app, [*arguments, *flags, "--to", "1", "--to", "@more", "--yes"])
    assert result.exit_code == 0, result.output
    expected = values | {
        "send_on_preanswer": True,
        "error_if_parent_not_found": True,
        "to": ["1", "@more"],
    }
    assert received == [expected, True]


def test_nothing_is_given_without_an_option_but_an_empty_text_is(
    app: typer.Typer, received: list[object]
) -> None:
    CliRunner().invoke(app, [])
    CliRunner().invoke(app, ["--ring-url", ""])
    assert received == [{}, False, {"ring_url": ""}, False]


def test_help_at_80_columns_has_every_option_whole_in_the_section_of_its_group(
    app: typer.Typer,
) -> None:
    result = CliRunner().invoke(app, ["--help"], env={"COLUMNS": str(COLUMNS)})
    lines = result.output.splitlines()
    assert max(map(len, lines)) <= COLUMNS
    sections: dict[str, list[str]] = {}
    for line in lines:
        if line.endswith(":") and not line.startswith(" "):
            sections[line[:-1]] = []
        elif line.lstrip().startswith("--"):
            sections[next(reversed(sections))].append(line.split()[0])
    by_group = {
        str(group): [
            name_option(name)
            for name, field in list_parameters().items()
            if field.declared.group is group
        ]
        for group in Group
    }
    assert sections == by_group | {"Options": ["--yes", "--help"]}


def test_help_has_meaning_limits_unit_and_default_of_the_declaration(app: typer.Typer) -> None:
    result = CliRunner().invoke(app, ["--help"], env={"COLUMNS": "200"})
    words = " ".join(result.output.split())
    assert (
        "--machine-detection-time MS Time limit of the detection. 2,000 to 10,000 ms. Default: 5000."
    ) in words
    assert "--answer-method GET|POST Method of the request to answer_url. Default: POST." in words


def test_faults_are_named_by_their_options() -> None:
    with pytest.raises(RequestFaults) as caught:
        CallRequest.model_validate({"to": "14153464321", "time_limit": "x"})
    assert describe_faults(caught.value) == [
        "--from: is missing, and Plivo requires it; give a number in E.164, with or without `+`",
        "--time-limit: 'x' is not allowed; give 1 to 86,400 s",
    ]
