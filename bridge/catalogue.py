"""Every callback type there is, and how to tell which one came.

The declarations are found by walking ``bridge.callbacks``: a new file there is a new type.

1. Types are tried in the order of their step; the first step at which any fits decides.
2. The path a callback came on decides where its type fits too, or where nobody knows what it carries.
3. Where the path's type does not fit, the parameters decide, unless what they fit is weak: a hangup
   that arrives on the answer URL is a hangup, but a digit on the recording URL is no digits callback.
4. On the shared path a type that only its path tells is never chosen: what it cannot be told from is.
"""

import importlib
import pkgutil
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import cached_property
from types import ModuleType
from typing import cast

from bridge import callbacks
from bridge.callbacks.model import UNRECOGNISED, CallbackType, Reply

Values = Mapping[str, str]
Condition = Callable[[Values], bool]


def condition(text: str) -> Condition:
    """Return the test that one part of a declaration's ``recognise`` stands for."""
    if text.startswith("!"):
        refused = condition(text[1:])
        return lambda values: not refused(values)
    if text.endswith("?"):
        return lambda values: text[:-1] in values
    name, sign, value = text.partition("^=")
    if sign:
        return lambda values: values.get(name, "").startswith(value)
    name, sign, value = text.partition("=")
    if sign:
        return lambda values: values.get(name) == value
    return lambda values: bool(values.get(name))


class Catalogue:
    """The declared types; ``unrecognised`` is the one for callbacks none of them knows."""

    def __init__(self, types: tuple[CallbackType, ...], unrecognised: CallbackType) -> None:
        self.types = types
        self.unrecognised = unrecognised
        self._alternatives = {
            kind.name: [
                [condition(part) for part in alternative.split(" & ")]
                for alternative in kind.recognise
            ]
            for kind in types
        }
        self._in_order = sorted(types, key=lambda kind: kind.step)

    @cached_property
    def all(self) -> tuple[CallbackType, ...]:
        """Return every type that can be published, the unrecognised one last."""
        return (*self.types, self.unrecognised)

    @cached_property
    def by_name(self) -> dict[str, CallbackType]:
        """Return every type by its name."""
        return {kind.name: kind for kind in self.all}

    @cached_property
    def controls(self) -> tuple[CallbackType, ...]:
        """Return the types whose answer Plivo executes, or may."""
        return tuple(kind for kind in self.types if kind.reply is not Reply.ACK)

    def fits(self, kind: CallbackType, values: Values) -> bool:
        """Say whether these parameters fit a type; blank values are absent ones."""
        return any(
            all(holds(values) for holds in conditions)
            for conditions in self._alternatives[kind.name]
        )

    def fitting(self, values: Values) -> Iterator[CallbackType]:
        """Yield the types these parameters fit, in the order they are tried."""
        return (kind for kind in self._in_order if self.fits(kind, values))

    def choose(self, values: Values, route: CallbackType | None) -> tuple[CallbackType, bool]:
        """Return the type of a callback, and whether its path told it: rules 1 to 4."""
        if route is not None and (not route.recognise or self.fits(route, values)):
            return route, True
        fitting = (kind for kind in self.fitting(values) if not kind.told_by_path)
        told = next(fitting, self.unrecognised)
        if route is not None and (told.weak or told is self.unrecognised):
            return route, True
        return told, False


def _values(module: ModuleType) -> Iterable[object]:
    return vars(module).values()


def load() -> Catalogue:
    """Return the catalogue of all declarations, in the order of their names."""
    declared: list[CallbackType] = []
    for module in pkgutil.walk_packages(callbacks.__path__, callbacks.__name__ + "."):
        for value in _values(importlib.import_module(module.name)):
            kin = cast("tuple[object, ...]", value) if isinstance(value, tuple) else (value,)
            declared += [kind for kind in kin if isinstance(kind, CallbackType)]
    declared.sort(key=lambda kind: kind.name)
    unrecognised = next(kind for kind in declared if kind.name == UNRECOGNISED)
    return Catalogue(tuple(kind for kind in declared if kind is not unrecognised), unrecognised)
