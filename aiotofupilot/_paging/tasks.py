"""Ordered work in flight: the pages of a window, details, and the probes of a count."""

from __future__ import annotations

import asyncio
from contextlib import AbstractContextManager, nullcontext, suppress
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from aiotofupilot.errors import SessionError

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, ItemsView, Iterable, Iterator

K = TypeVar("K")
R = TypeVar("R")

if TYPE_CHECKING:
    Work = Coroutine[Any, Any, R]
    """The coroutine of a task. Nothing here awaits it, so the types that it yields and is sent do not matter."""


class Tasks(Generic[K, R]):
    """The tasks of one owner that are in flight or not yet taken up, in the order in which they began.

    Each task has a key. One more task without a key may run beside them, such as one that looks ahead.

    A stopped task is in flight until it has ended, so await `settle` before another begins. Tasks do not refer to this
    object. So it is freed together with its owner, and then cancels what is in flight.
    """

    beside: asyncio.Task[Any] | None = None
    """The task beside the others, if any."""

    def __init__(self, scope: Callable[[], AbstractContextManager[object]] = nullcontext) -> None:
        """Begin without tasks. Each task is started within a ``scope``."""
        self._scope = scope
        self._stopped: list[asyncio.Task[object]] = []
        self._tasks: dict[asyncio.Task[R], K] = {}

    def __len__(self) -> int:
        """Return the number of tasks not taken up. The task beside the others does not count."""
        return len(self._tasks)

    def __iter__(self) -> Iterator[asyncio.Task[R]]:
        """Iterate over the tasks not taken up, in order."""
        return iter(self._tasks)

    def __del__(self) -> None:
        if hasattr(self, "_tasks"):  # otherwise this object was interrupted while it was made
            _cancel_soon(self.in_flight)

    def items(self) -> ItemsView[asyncio.Task[R], K]:
        """The tasks not taken up, in order, and their keys."""
        return self._tasks.items()

    @property
    def in_flight(self) -> list[asyncio.Task[object]]:
        """The tasks that have not ended, including the task beside the others."""
        return [task for task in (*self._tasks, self.beside) if task is not None and not task.done()]

    @property
    def is_settled(self) -> bool:
        """Whether no task was stopped since `settle` was awaited."""
        return not self._stopped

    @property
    def first(self) -> tuple[asyncio.Task[R], K]:
        """The first task not taken up, and its key."""
        return next(iter(self._tasks.items()))

    @property
    def last(self) -> K:
        """The key of the last task not taken up."""
        return next(reversed(self._tasks.values()))

    def start(self, work: Work[R], key: K) -> asyncio.Task[R]:
        with self._scope():
            task = begun(work)
        self._tasks[task] = key
        return task

    def start_beside(self, work: Work[object]) -> None:
        with self._scope():
            self.beside = begun(work)

    def take(self, task: asyncio.Task[R]) -> K:
        """Take up a task, remove it from the tasks, and return its key."""
        return self._tasks.pop(task)

    def drop_first(self) -> None:
        """Take up the first task, if there is one."""
        for task in self._tasks:
            del self._tasks[task]
            return

    def stop(self) -> list[K]:
        """Cancel the tasks in flight, and return their keys. Tasks that have ended stay.

        The task beside the others also stays if it ends with a result although it was cancelled.
        """
        running = [task for task in self._tasks if not task.done()]
        keys = [self._tasks.pop(task) for task in running]
        stopped: list[asyncio.Task[object]] = [*running]
        if self.beside is not None and not self.beside.done():
            stopped.append(self.beside)
        _cancel(stopped)
        self._stopped += stopped
        return keys

    def clear(self) -> None:
        """Stop the tasks in flight, and forget those that have ended."""
        self.stop()
        self._tasks.clear()
        self.beside = None

    async def settle(self) -> None:
        """Wait until everything that was stopped has ended."""
        if self._stopped:
            await asyncio.wait(self._stopped)
            if self.beside in self._stopped and self.beside.cancelled():
                self.beside = None
            self._stopped = []

    async def any_ended(self) -> None:
        await asyncio.wait(self.in_flight, return_when=asyncio.FIRST_COMPLETED)


def begun(work: Work[R]) -> asyncio.Task[R]:
    """Start a task."""
    task = asyncio.create_task(work)
    task.add_done_callback(_retrieve)
    return task


async def result(task: asyncio.Task[R]) -> R:
    """Wait for the `outcome` of a task."""
    try:
        if task.done():
            await asyncio.sleep(0)  # so that a task started just now sends its request before this result is consumed
        else:
            await asyncio.wait((task,))  # if the task itself were awaited, its cancellation would look like ours
        return outcome(task)
    finally:
        del task  # it refers to its error, which refers to this frame


def outcome(task: asyncio.Task[R]) -> R:
    """Return the result of an ended task, or raise its error. A user's limiter may have raised a `CancelledError`."""
    try:
        if task.cancelled() and task.cancelling():  # from outside, as at the end of an event loop
            raise SessionError("the session was closed during a request")
        return task.result()
    finally:
        del task  # as in `result`


def _retrieve(done: asyncio.Task[object]) -> None:
    """Retrieve the error of a task, so that asyncio does not report it as unseen.

    Retrieving the `CancelledError` of a cancelled task also drops it. Otherwise its frames would keep the session alive
    and, in Python 3.13, the event loop. An error that a user's limiter raised is left to `outcome`.
    """
    if done.cancelling() or not done.cancelled():
        with suppress(asyncio.CancelledError):
            done.exception()


def _cancel(tasks: Iterable[asyncio.Task[object]]) -> None:
    for task in tasks:
        task.cancel()


def _cancel_soon(tasks: list[asyncio.Task[object]]) -> None:
    """Cancel tasks whose owner was dropped, perhaps in another thread, or after the loop was closed."""
    if tasks and not (loop := tasks[0].get_loop()).is_closed():
        loop.call_soon_threadsafe(_cancel, tasks)
