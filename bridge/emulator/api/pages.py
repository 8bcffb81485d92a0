"""Lists as Plivo returns them: one page, with a ``meta`` that names its neighbours.

1. ``limit`` is 1 to 20, 20 by default; ``offset`` counts from 0.
2. ``next`` and ``previous`` are relative URLs with the filters of the request, null at the ends.
"""

from collections.abc import Callable, Iterable, Sequence
from http import HTTPStatus
from typing import Final, TypeVar
from urllib.parse import urlencode

from bridge.emulator.api.answers import Answer, Body
from bridge.emulator.api.arguments import Arguments

T = TypeVar("T")
LIMIT_MAX: Final = 20


def answer_page(  # noqa: PLR0913 (most by keyword)
    found: Sequence[T],
    show: Callable[[T], Body],
    arguments: Arguments,
    *,
    path: str,
    filter_names: Iterable[str] = (),
    total_name: str = "total_count",
) -> Answer:
    """Return a page of what was found. ``filter_names`` are the arguments that may have chosen it."""
    limit = arguments.read_integer("limit", LIMIT_MAX, least=1, most=LIMIT_MAX)
    offset = arguments.read_integer("offset", 0)
    filters = {name: arguments.read_text(name) for name in filter_names if name in arguments}

    def link(to: int) -> str:
        return f"{path}?{urlencode({'limit': limit, 'offset': to, **filters})}"

    after, before = offset + limit, offset - limit
    meta: Body = {
        "limit": limit,
        "next": link(after) if after < len(found) else None,
        "offset": offset,
        "previous": link(max(0, before)) if offset > 0 else None,
        total_name: len(found),
    }
    return Answer(
        HTTPStatus.OK, {"meta": meta, "objects": [show(one) for one in found[offset:after]]}
    )
