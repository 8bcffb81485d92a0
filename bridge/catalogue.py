"""Every callback type there is, and how to tell which one came.

The declarations are found by walking ``bridge.callbacks``: a new file there is a new type.
"""

import importlib
import pkgutil
from collections.abc import Callable, Mapping
from functools import cached_property

from bridge import callbacks
from bridge.callbacks.model import CallbackType, Reply

Values = Mapping[str, str]


def _condition(text: str) -> Callable[[Values], bool]:
    name, equals, value = text.partition("=")
    if equals:
        return lambda values: values.get(name) == value
    if name.startswith("!"):
        return lambda values: not values.get(name[1:])
    return lambda values: bool(values.get(name))


class Catalogue:
    """The declared types; ``unrecognised`` is the one for callbacks none of them knows."""

    def __init__(self, types: tuple[CallbackType, ...], unrecognised: CallbackType) -> None:
        self.types = types
        self.unrecognised = unrecognised
        self._alternatives = [
            (kind, [_condition(part.strip()) for part in alternative.split("&")])
            for kind in types
            for alternative in kind.recognise
        ]

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
        """Return the types whose answer Plivo executes."""
        return tuple(kind for kind in self.types if kind.reply is Reply.XML)

    def candidates(self, values: Values) -> list[CallbackType]:
        """Return the types these parameters fit, those that parameters can tell first.

        Blank values are absent. More than one means that only the path tells them apart.
        """
        found = [
            kind
            for kind, conditions in self._alternatives
            if all([condition(values) for condition in conditions])  # noqa: C419 (faster)
        ]
        return sorted(found, key=lambda kind: kind.told_by_path) if len(found) > 1 else found

    def choose(self, values: Values, route: CallbackType | None) -> tuple[CallbackType, bool]:
        """Return the type of a callback, and whether its path told it.

        The parameters decide, the path only between types they fit equally (answer and fallback),
        or where they fit none: a hangup that arrives on the answer URL is a hangup.
        """
        found = self.candidates(values)
        if route is not None and (route in found or not found):
            return route, True
        return (found[0] if found else self.unrecognised), False


def load() -> Catalogue:
    """Return the catalogue of all declarations, in the order of their names."""
    declared: list[CallbackType] = []
    for module in pkgutil.walk_packages(callbacks.__path__, callbacks.__name__ + "."):
        declaration = getattr(importlib.import_module(module.name), "CALLBACK", None)
        if isinstance(declaration, CallbackType):
            declared.append(declaration)
    declared.sort(key=lambda kind: kind.name)
    unrecognised = next(kind for kind in declared if not kind.recognise)
    return Catalogue(tuple(kind for kind in declared if kind.recognise), unrecognised)
