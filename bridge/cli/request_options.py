"""The options of ``call place``, derived from the declarations of the request's parameters.

1. ``--answer-url`` is ``answer_url``. Help, unit, limits and default are those of the declaration.
2. The values are texts, as they are written: the request checks them, and reports all faults together.
   So no option is required, and none is refused by its type.
3. The help is plain text with a section for each group. In typer's own layout, a column for the longest
   name would take half of a terminal's 80 columns, and cut that name.
"""

import functools
import inspect
from collections import defaultdict
from collections.abc import Callable
from typing import Annotated, Any, Final, TypeVar

import typer
from typer.core import TyperCommand

from bridge.originate.fields import RequestField
from bridge.originate.parameter import RequestFault, RequestFaults
from bridge.originate.request import ABSOLUTE, list_parameters

_Result = TypeVar("_Result")
_UNITS: Final = {"s": "seconds"}
_TO: Final = "to"
_TO_HELP: Final = " Repeatable; @FILE reads a file with one on each line, - reads standard input."


def name_option(parameter: str) -> str:
    """Return the option of a parameter: rule 1."""
    return "--" + parameter.replace("_", "-")


def describe_fault(fault: RequestFault) -> str:
    """Return one fault as a line, under the name of the option."""
    return f"{name_option(fault.parameter)}: {fault.fault}; {fault.remedy}"


def describe_faults(error: RequestFaults) -> list[str]:
    """Return all faults as lines."""
    return [describe_fault(fault) for fault in error.faults]


class RequestCommand(TyperCommand):
    """A command with the options of a request: rule 3."""

    def format_help(self, ctx: Any, formatter: Any) -> None:  # noqa: ANN401 (typer's own types are private)
        """Write usage, description, the options by group, and examples."""
        self.format_usage(ctx, formatter)
        self.format_help_text(ctx, formatter)
        for name, rows in self._group_options(ctx).items():
            with formatter.section(name):
                formatter.write_dl(rows)
        self.format_epilog(ctx, formatter)

    def _group_options(self, ctx: Any) -> dict[str, list[tuple[str, str]]]:  # noqa: ANN401
        """Return name and help of the options by section, those of the request first."""
        found = defaultdict[str, list[tuple[str, str]]](list)
        for one in self.get_params(ctx):
            record = one.get_help_record(ctx)
            if record is not None:
                found[getattr(one, "rich_help_panel", None) or "Options"].append(record)
        return dict(found)


def with_request_options(command: Callable[..., _Result]) -> Callable[..., _Result]:
    """Add an option for every parameter of a request to a command of the class RequestCommand.

    The command's first parameter gets the values that were given, by Plivo's names: texts, True for a
    flag, and the list of all ``--to``.
    """
    signature = inspect.signature(command, eval_str=True)
    _given, *others = signature.parameters.values()
    fields = list_parameters()
    options = [_make_option(field) for field in fields.values()]

    @functools.wraps(command)
    def run(**values: object) -> _Result:
        given = {
            name: value
            for name, field in fields.items()
            if (value := values.pop(field.python_name)) not in (None, False, [])
        }
        return command(given, **values)

    run.__signature__ = signature.replace(parameters=[*options, *others])  # type: ignore[attr-defined]
    run.__annotations__ = {one.name: one.annotation for one in (*options, *others)}
    return run


def _make_option(field: RequestField) -> inspect.Parameter:
    kind: Any = bool if field.is_flag else list[str] if field.name == _TO else str
    option = typer.Option(
        name_option(field.name),
        help=_write_help(field),
        metavar=None if field.is_flag else _name_value(field),
        rich_help_panel=field.declared.group,
        show_default=False,
    )
    return inspect.Parameter(
        field.python_name,
        inspect.Parameter.KEYWORD_ONLY,
        default=False if field.is_flag else None,
        annotation=Annotated[kind if field.is_flag else kind | None, option],
    )


def _name_value(field: RequestField) -> str:
    if field.choices:
        return "|".join(field.choices)
    if field.declared.unit:
        return _UNITS.get(field.declared.unit, field.declared.unit).upper()
    return "URL" if field.name.endswith("_url") else "TEXT"


def _write_help(field: RequestField) -> str:
    declared = field.declared
    text = declared.meaning
    if field.name == _TO:
        text += _TO_HELP
    if field.limits not in {"", ABSOLUTE} and not field.choices and not field.is_flag:
        text += f" {field.limits[0].upper()}{field.limits[1:]}."
    if field.info.is_required():
        text += " Required."
    elif declared.default:
        text += f" Default: {declared.default}."
    elif declared.callback is not None:
        text += " Default: this bridge."
    if declared.needs and not field.name.startswith(declared.needs):
        text += f" Only with {name_option(declared.needs)}."
    return text.replace("`", "")
