"""Events for consumers' tests: the samples', as the bridge publishes them."""

from collections.abc import Callable
from typing import Any, Final

import orjson

from bridge.core import catalogue
from bridge.core.event import ContractNames
from bridge.derived.samples import Example, build_examples
from bridge.derived.schemas import DEFAULT_BASE

EXAMPLES: Final = list(build_examples(catalogue.load_catalogue(), ContractNames("", DEFAULT_BASE)))
NAMES: Final = [f"{example.type.name}: {example.shows}" for example in EXAMPLES]


def sample(name: str) -> Example:
    """Return the first example of a type."""
    return next(example for example in EXAMPLES if example.type.name == name)


def changed(name: str, change: Callable[[dict[str, Any]], object]) -> bytes:
    """Return the value of a type's first example after ``change`` was made in place."""
    event = orjson.loads(sample(name).event.record.value)
    change(event)
    return orjson.dumps(event)
