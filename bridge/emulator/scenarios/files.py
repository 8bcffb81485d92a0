"""Read scenario files, and list those that come with the bridge.

1. An integer is decimal. PyYAML reads ``0012`` as octal and ``1:30`` as ninety, so that digits and
   numbers without quotes would silently be others. Here both are text.
"""

import re
from importlib.resources import files
from pathlib import Path
from typing import Final

from pydantic import ValidationError

from bridge.emulator.scenarios.model import Scenario

FILE_BYTES_MAX: Final = 1_000_000
_SUFFIX: Final = ".yaml"
_INTEGER: Final = re.compile(r"[-+]?(?:0|[1-9][0-9]{0,30})", re.ASCII)
_INTEGER_TAG: Final = "tag:yaml.org,2002:int"
_SHIPPED: Final = files("bridge.emulator.scenarios") / "shipped"


class BadScenario(Exception):
    """A scenario cannot be used. The text names the file and every fault."""


class YamlNotInstalled(Exception):
    """Scenarios cannot be read, because the package that reads YAML is not there."""


def list_shipped() -> dict[str, Scenario]:
    """Return the scenarios that come with the bridge, by name, in alphabetical order."""
    files = [one.name for one in _SHIPPED.iterdir() if one.name.endswith(_SUFFIX)]
    names = sorted(name.removesuffix(_SUFFIX) for name in files)
    return {name: _parse(_read(name + _SUFFIX), name) for name in names}


def read_shipped(name: str) -> str:
    """Return the text of a shipped scenario; raises BadScenario."""
    names = list(list_shipped())
    if name not in names:
        message = f"no scenario is called {name!r}; the shipped ones are {', '.join(names)}"
        raise BadScenario(message)
    return _read(name + _SUFFIX)


def load_scenario(name: str) -> Scenario:
    """Return a shipped scenario by its name, or one of a file by its path; raises BadScenario."""
    path = Path(name)
    if path.suffix not in {_SUFFIX, ".yml"}:
        return _parse(read_shipped(name), name)
    try:
        if path.stat().st_size > FILE_BYTES_MAX:
            message = f"{name} is larger than {FILE_BYTES_MAX} bytes"
            raise BadScenario(message)
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        message = f"cannot read {name}: {error}"
        raise BadScenario(message) from error
    return _parse(text, name)


def _read(file_name: str) -> str:
    return (_SHIPPED / file_name).read_text(encoding="utf-8")


def _read_integer(text: str) -> int | str:
    return int(text) if _INTEGER.fullmatch(text) else text


def _parse(text: str, name: str) -> Scenario:
    try:
        import yaml  # noqa: PLC0415 (an extra: absent where only `serve` is installed)
    except ImportError as error:
        message = "PyYAML is not installed: run pip install '.[dev]' in a checkout of the project"
        raise YamlNotInstalled(message) from error

    class Loader(yaml.SafeLoader):
        """Follows rule 1, and names the line of a value such as the date 2026-13-45."""

        def construct_object(self, node: "yaml.Node", deep: bool = False) -> object:  # noqa: FBT001, FBT002 (PyYAML's)
            try:
                return super().construct_object(node, deep)  # pyright: ignore[reportUnknownMemberType] (untyped)
            except (AttributeError, LookupError, ValueError) as error:
                problem = f"{node.value!r} cannot be read: {error}"
                raise yaml.constructor.ConstructorError(
                    None, None, problem, node.start_mark
                ) from error

    Loader.add_constructor(_INTEGER_TAG, lambda _loader, node: _read_integer(node.value))
    try:
        return Scenario.model_validate(yaml.load(text, Loader))  # noqa: S506 (a safe loader)
    except yaml.YAMLError as error:
        message = f"{name} is not YAML: {error}"
        raise BadScenario(message) from error
    except RecursionError as error:
        message = f"{name} is nested too deeply"
        raise BadScenario(message) from error
    except ValidationError as error:
        lines = [
            f"{name}: {'.'.join(str(part) for part in fault['loc']) or 'the file'}: {fault['msg']}"
            for fault in error.errors(include_url=False)
        ]
        raise BadScenario("\n".join(lines)) from error
