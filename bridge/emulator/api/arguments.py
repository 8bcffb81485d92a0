"""Read the arguments of an API request; refuse what Plivo refuses.

1. SDKs send the same argument as a number, a Boolean, or as text of one: all forms are read alike.
2. ``None`` and an empty text count as absent. Arguments that no endpoint reads are ignored.
3. Each method raises Refused, which names the argument.
"""

from collections.abc import Iterable, Mapping
from typing import Final, cast

from bridge.emulator.api.answers import refuse_argument, refuse_missing
from bridge.reply.urls import is_absolute

METHODS: Final = ("GET", "POST")
# More seconds than a datetime can be moved by are no number of seconds.
_DIGITS_MAX: Final = 9


class Arguments:
    """The arguments of a request: its JSON body, or the query of a GET."""

    def __init__(self, values: Mapping[str, object]) -> None:
        self._values = values

    def __contains__(self, name: str) -> bool:
        """Return whether an argument has a value."""
        return self.read_text(name) != ""

    def read_text(self, name: str, *, characters_max: int | None = None) -> str:
        """Return an argument as text; empty if it is absent."""
        value = self._values.get(name)
        match value:
            case None:
                return ""
            case bool():
                return "true" if value else "false"
            case str() | int() | float():
                text = str(value)
            case _:
                raise refuse_argument(name, "It must be a text.")
        if characters_max is not None and len(text) > characters_max:
            raise refuse_argument(name, f"It may have at most {characters_max} characters.")
        return text

    def has_value(self, name: str) -> bool:
        """Return whether an argument of any form has a value."""
        return self._values.get(name) not in (None, "", {}, [])

    def read_list(self, name: str) -> list[str]:
        """Return an argument that is a list of texts; empty if it is absent."""
        value = self._values.get(name)
        items = cast("list[object]", value) if isinstance(value, list) else []
        if not self.has_value(name):
            return []
        texts = [one for one in items if isinstance(one, str)]
        if not items or len(texts) < len(items):
            raise refuse_argument(name, "It must be a list of texts.")
        return texts

    def require_text(self, name: str) -> str:
        """Return an argument that must be there."""
        text = self.read_text(name)
        if not text:
            raise refuse_missing(name)
        return text

    def read_integer(
        self, name: str, default: int, *, least: int = 0, most: int | None = None
    ) -> int:
        """Return a whole number in a range; ``most`` None: without an upper bound."""
        text = self.read_text(name).strip()
        if not text:
            return default
        if not (text.isascii() and text.isdigit()) or len(text) > _DIGITS_MAX:
            raise refuse_argument(name, "It must be a whole number.")
        number = int(text)
        if number < least or (most is not None and number > most):
            bounds = f"{least} or more" if most is None else f"{least} to {most}"
            raise refuse_argument(name, f"It must be {bounds}.")
        return number

    def read_flag(self, name: str) -> bool:
        """Return true or false; false if it is absent."""
        return self.read_choice(name, ("false", "true")) == "true"

    def read_choice(self, name: str, choices: Iterable[str], default: str = "") -> str:
        """Return one of several words, in lower case."""
        text = self.read_text(name).lower()
        words = tuple(choices)
        if text and text not in words:
            raise refuse_argument(name, f"It must be one of {', '.join(words)}.")
        return text or default

    def read_url(self, name: str, method_name: str, *, required: bool = False) -> tuple[str, str]:
        """Return a URL that Plivo can call, and its method; an empty URL if there is none."""
        url = self.require_text(name) if required else self.read_text(name)
        method = self.read_text(method_name).upper() or "POST"
        if url and not is_absolute(url):
            raise refuse_argument(name, "It must be an absolute URL.")
        if method not in METHODS:
            raise refuse_argument(method_name, "It must be GET or POST.")
        return url, method
