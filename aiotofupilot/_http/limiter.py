"""The user's own rate limiter: how it is checked, and how an attempt leaves it."""

from __future__ import annotations

from contextlib import AbstractAsyncContextManager
from inspect import isasyncgen
from typing import TYPE_CHECKING, TypeAlias, cast

from aiotofupilot._arguments import named

if TYPE_CHECKING:
    from types import TracebackType

    Limiter: TypeAlias = AbstractAsyncContextManager[object]

__all__ = ["checked_limiter", "leave"]


def checked_limiter(limiter: object) -> Limiter | None:
    """Return the argument ``limiter=``: an async context manager that can be entered again and again, or None.

    Raises:
        TypeError: It is anything else, such as the class of a limiter. What ``@asynccontextmanager`` makes is refused
            too, because it can be entered only once.
    """
    if limiter is None:
        return None
    if not isinstance(limiter, AbstractAsyncContextManager):
        raise named(TypeError(f"limiter must be an async context manager or None, got {limiter!r}"), "limiter")
    if isasyncgen(getattr(cast("object", limiter), "gen", None)):
        complaint = (
            "limiter must be an async context manager that can be entered many times, and one of @asynccontextmanager "
            f"can be entered only once, got {limiter!r}"
        )
        raise named(TypeError(complaint), "limiter")
    return cast("Limiter", limiter)


async def leave(
    limiter: Limiter, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
) -> None:
    """Tell a limiter how an attempt ended. It cannot suppress the error, because there would be no answer."""
    await limiter.__aexit__(kind, error, traceback)
