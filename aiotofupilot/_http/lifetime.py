"""The life of a session: in one event loop, in one process, and once it is closed nothing of it goes on."""

from __future__ import annotations

import asyncio
import os
from typing import TYPE_CHECKING, Any, TypeVar

from aiotofupilot.errors import SessionError

if TYPE_CHECKING:
    from collections.abc import Coroutine

__all__ = ["Lifetime"]

T = TypeVar("T")


class Lifetime:
    """Runs all that a session awaits, so that closing the session can end it.

    The event loop and the process are those of the first use.
    """

    def __init__(self) -> None:
        self._loop: asyncio.AbstractEventLoop | None = None
        self._pid = 0
        self._closed = False
        self._under_way: dict[asyncio.Timeout, asyncio.Task[Any] | None] = {}
        self._tasks: set[asyncio.Task[Any]] = set()
        self._something_left = asyncio.Event()

    @property
    def closed(self) -> bool:
        """Whether nothing may begin any more."""
        return self._closed

    def check(self) -> None:
        """Refuse to begin anything where it cannot be.

        Raises:
            SessionError: The session is closed, or belongs to another event loop or process.
        """
        loop = asyncio.get_running_loop()
        if self._loop is None:
            self._loop, self._pid = loop, os.getpid()
        if self._closed:
            raise SessionError("the session is closed")
        if self._loop is not loop:
            raise SessionError("the session belongs to another event loop: make one in each")
        if self._pid != os.getpid():  # forked, and running its parent's loop on
            raise SessionError("the session belongs to the process that this one was forked from: make one in each")

    async def run(self, work: Coroutine[Any, Any, T], *, timeout: float | None = None) -> T:  # noqa: ASYNC109 - one scope ends it either way
        """Return what a coroutine returns, unless the session is closed before, or the time is over.

        Args:
            work: The coroutine.
            timeout: Seconds; None: no limit.

        Raises:
            SessionError: The session was closed, or `check` refuses.
            TimeoutError: The time is over.
        """
        try:
            self.check()
        except SessionError:
            work.close()
            raise
        # A scope that expires cancels its task in a way that can be told from the task's owner cancelling it.
        scope = asyncio.timeout(timeout)
        self._under_way[scope] = asyncio.current_task()
        try:
            async with scope:
                return await work
        except TimeoutError:
            if not (self._closed and scope.expired()):
                raise
        finally:
            del self._under_way[scope]
            del scope  # which knows its task, whose error knows this frame
            self._something_left.set()
        raise SessionError("the session was closed meanwhile")

    def spawn(self, work: Coroutine[Any, Any, T]) -> asyncio.Task[T]:
        """Return a task that runs a coroutine, and does not outlive the session.

        Whoever spawns it awaits it too, for its errors are theirs. Closing the session ends it by a `SessionError`.
        """
        task = asyncio.get_running_loop().create_task(self.run(work))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        task.add_done_callback(lambda _: work.close())  # which a task cancelled before its first step has not begun
        return task

    async def close(self) -> None:
        """End what is under way by a `SessionError`, and wait until it has ended.

        What closes the session from within, such as a callback, is spared, and meets the error at its next step.

        Raises:
            SessionError: The session belongs to another event loop.
        """
        loop, own = asyncio.get_running_loop(), asyncio.current_task()
        if self._loop not in (loop, None):
            raise SessionError("the session belongs to another event loop: close it there")
        self._closed = True
        for scope, task in self._under_way.items():
            if task is not own and not scope.expired():
                scope.reschedule(loop.time())
        while any(task is not own for task in self._under_way.values()):
            self._something_left.clear()
            await self._something_left.wait()
        await asyncio.gather(*(self._tasks - {own}), return_exceptions=True)
