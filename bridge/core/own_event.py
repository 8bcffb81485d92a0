"""The declaration of an event that no callback makes: it has neither a path nor parameters of Plivo.

It has the members of a ``CallbackType`` that describe an event, so that whatever is derived for the
events of callbacks is derived for it too.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from pydantic import BaseModel

from bridge.callbacks.model import EventNames


@dataclass(frozen=True)  # without slots, for the cached properties
class OwnEventType(EventNames):
    """A type of event that no callback makes.

    ``model`` declares its ``data``. ``key`` is a text about its subject and partition key.
    ``meanings`` are those of the CloudEvents attributes that mean something else than in the events
    of callbacks, by name.
    """

    name: str
    model: type[BaseModel]
    key: str
    meanings: Mapping[str, str]
    version: int = 1
    revision: int = 0

    @property
    def meaning(self) -> str:
        """Return the first sentence of the model."""
        return (self.model.__doc__ or "").strip().partition("\n")[0]
