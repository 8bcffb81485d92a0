"""Futures that fakes return where ``Publisher.publish`` does."""

import asyncio
from collections.abc import Callable, Coroutine
from functools import wraps
from typing import Any, ParamSpec, TypeVar

_P = ParamSpec("_P")
_T = TypeVar("_T")


def settled(function: Callable[_P, _T]) -> "Callable[_P, asyncio.Future[_T]]":
    """Have a function return a future that is done: with its result, or with what it raises."""

    @wraps(function)
    def call(*args: _P.args, **kwargs: _P.kwargs) -> "asyncio.Future[_T]":
        future: asyncio.Future[_T] = asyncio.get_running_loop().create_future()
        try:
            future.set_result(function(*args, **kwargs))
        except BaseException as error:  # noqa: BLE001 (a fake may raise anything)
            future.set_exception(error)
        return future

    return call


def started(
    function: Callable[_P, Coroutine[Any, Any, _T]],
) -> "Callable[_P, asyncio.Future[_T]]":
    """Have a coroutine function return a future, done when the coroutine is."""

    @wraps(function)
    def start(*args: _P.args, **kwargs: _P.kwargs) -> "asyncio.Future[_T]":
        return asyncio.ensure_future(function(*args, **kwargs))

    return start
