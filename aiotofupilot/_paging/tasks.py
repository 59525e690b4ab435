"""The tasks in which pages are fetched ahead: how they begin, end and are awaited."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, TypeVar

from aiotofupilot.errors import SessionError

if TYPE_CHECKING:
    from collections.abc import Coroutine, Iterable

__all__ = ["begun", "cancel", "result"]

R = TypeVar("R")


def begun(fetching: Coroutine[Any, Any, R]) -> asyncio.Task[R]:
    """Return a task that fetches a page. Nobody has to ask for its error."""
    task = asyncio.create_task(fetching)
    task.add_done_callback(_retrieve)
    return task


async def result(task: asyncio.Task[R]) -> R:
    """Return the page that a task fetches, or raise its error as it is.

    Its error may be an `asyncio.CancelledError` that a limiter of the user has raised.

    Raises:
        SessionError: Somebody has cancelled the task, as the end of an event loop does.
    """
    try:
        if task.done():
            await asyncio.sleep(0)  # the pages asked for just now set off before this one is consumed
        else:
            await asyncio.wait((task,))  # awaiting the task itself could not tell its cancellation from ours
        if task.cancelled() and task.cancelling():
            raise SessionError("the session was closed while a page was under way")
        return task.result()
    finally:
        del task  # which knows its error, which knows this frame


def cancel(tasks: Iterable[asyncio.Task[Any]]) -> None:
    """Cancel tasks whose pages nobody wants any more."""
    for task in tasks:
        task.cancel()


def _retrieve(task: asyncio.Task[Any]) -> None:
    """Retrieve the error of a page that nobody may ask for any more, so that asyncio does not report it as unseen."""
    if not task.cancelled():
        task.exception()
