"""The life of a session. A session lives in one event loop and one process, and nothing of it outlives it."""

from __future__ import annotations

import asyncio
import os
from typing import TYPE_CHECKING, Any

from aiotofupilot.errors import SessionError

if TYPE_CHECKING:
    from types import TracebackType

__all__ = ["Lifetime", "Work"]


class Lifetime:
    """Knows the work of a session, so that closing the session can end it.

    The event loop and the process of the session are those of its first use.
    """

    def __init__(self) -> None:
        self._loop: asyncio.AbstractEventLoop | None = None
        self._pid = 0
        self._closed = False
        self._under_way: set[Work] = set()
        self._something_left = asyncio.Event()

    @property
    def closed(self) -> bool:
        """Whether the session is closed, so that no work may begin."""
        return self._closed

    def check(self) -> None:
        """Raise an error if no work may begin here.

        Raises:
            SessionError: The session is closed, or belongs to another event loop or process, or no event loop runs
                here.
        """
        try:
            loop = asyncio.get_running_loop()
        except RuntimeError:  # such as on trio, which has no event loop of asyncio
            raise SessionError("a session needs a running event loop of asyncio, and there is none here") from None
        if self._loop is None:
            self._loop, self._pid = loop, os.getpid()
        if self._closed:
            raise SessionError("the session is closed")
        if self._loop is not loop:
            raise SessionError("the session belongs to another event loop: make one session in each")
        if self._pid != os.getpid():  # a forked process goes on with its parent's loop
            raise SessionError(
                "this process was forked, and the session belongs to its parent: make one session in each"
            )

    def work(self) -> Work:
        """Return a context whose body is ended when the session is closed.

        Entering the context raises the same errors as `check`. When the session is closed, the body is cancelled, and
        the program continues after the ``with`` statement. So raise the error there, after a body that ends with
        ``return``:

            with lifetime.work():
                return await ...
            raise SessionError("the session was closed meanwhile")
        """
        return Work(self)

    def enter(self, work: Work) -> None:
        """Note that work has begun."""
        self.check()
        self._under_way.add(work)

    def leave(self, work: Work) -> None:
        """Note that work is over."""
        self._under_way.discard(work)
        self._something_left.set()

    async def close(self) -> None:
        """End all work, and wait until it is over, whichever tasks it is done in.

        The task that closes the session may be at work itself, such as in a callback. Its work is not ended here. It
        gets the `SessionError` at its next step.

        Raises:
            SessionError: The session belongs to another event loop.
        """
        loop, own = asyncio.get_running_loop(), asyncio.current_task()
        if self._loop not in (loop, None):
            raise SessionError("the session belongs to another event loop: close it there")
        self._closed = True
        for work in self._under_way:
            if work.task is not own:
                work.end()
        while any(work.task is not own for work in self._under_way):
            self._something_left.clear()
            await self._something_left.wait()


class Work:
    """Something that a session does within one task; see `Lifetime.work`.

    It is ended by cancelling the task, as `asyncio.timeout` does. If its owner cancels it too, it stays cancelled.
    """

    __slots__ = ("_cancelling", "_is_ended", "_lifetime", "task")

    def __init__(self, lifetime: Lifetime) -> None:
        self._lifetime = lifetime
        self._is_ended = False

    def __enter__(self) -> None:
        self._lifetime.enter(self)
        self.task: asyncio.Task[Any] | None = asyncio.current_task()
        self._cancelling = self.task.cancelling() if self.task else 0

    def end(self) -> None:
        """Leave the body at the place where its task is waiting."""
        if not self._is_ended and self.task is not None:
            self._is_ended = True
            self.task.cancel()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> bool:
        self._lifetime.leave(self)
        if not self._is_ended or self.task is None:
            return False
        return self.task.uncancel() <= self._cancelling and isinstance(error, asyncio.CancelledError)
