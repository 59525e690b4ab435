"""Work in flight, in order: the pages of a window, details, and the probes of a count."""

from __future__ import annotations

import asyncio
from contextlib import AbstractContextManager, nullcontext, suppress
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from aiotofupilot.errors import SessionError

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Iterable, Iterator

K = TypeVar("K")
R = TypeVar("R")

if TYPE_CHECKING:
    Work = Coroutine[Any, Any, R]
    """What a task can do. It is not awaited here, so what it yields and is sent does not matter."""


class Tasks(Generic[K, R]):
    """The work that one owner has in flight or has not taken up yet, in the order in which it began.

    Each task has a key. One more task may run beside them, such as one that looks ahead.

    A stopped task is in flight until it has ended, so await `settle` before anything else begins. Tasks do not refer to
    this object. So it is dropped together with its owner, and cancels what is in flight.
    """

    beside: asyncio.Task[Any] | None = None
    """The task beside the others, if any."""

    def __init__(self, scope: Callable[[], AbstractContextManager[object]] = nullcontext) -> None:
        """Make it empty. Each task begins within a ``scope``."""
        self._scope = scope
        self._stopped: list[asyncio.Task[object]] = []
        self._tasks: dict[asyncio.Task[R], K] = {}

    def __len__(self) -> int:
        """Count the tasks not taken up, without the one beside them."""
        return len(self._tasks)

    def __iter__(self) -> Iterator[asyncio.Task[R]]:
        """Iterate over these tasks in order."""
        return iter(self._tasks)

    def __del__(self) -> None:
        if hasattr(self, "_tasks"):  # otherwise it was interrupted while it was made
            _cancel_soon(self.in_flight)

    @property
    def in_flight(self) -> list[asyncio.Task[object]]:
        """The tasks that have not ended, including the one beside them."""
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
        """Take up a task, which forgets it, and return its key."""
        return self._tasks.pop(task)

    def drop_first(self) -> None:
        """Take up the first task, if there is one."""
        for task in self._tasks:
            del self._tasks[task]
            return

    def stop(self) -> list[K]:
        """Cancel what is in flight, and return its keys. Ended tasks are still to be taken up.

        The task beside the others stays if it ends with a result in spite of this.
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
        """Stop what is in flight, and forget what has ended."""
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
            await asyncio.sleep(0)  # what began just now sets off before this result is consumed
        else:
            await asyncio.wait((task,))  # awaiting the task itself could not tell its cancellation from ours
        return outcome(task)
    finally:
        del task  # which knows its error, which knows this frame


def outcome(task: asyncio.Task[R]) -> R:
    """Return the result of an ended task, or raise its error, perhaps a `CancelledError` of a user's limiter."""
    try:
        if task.cancelled() and task.cancelling():  # by somebody, as the end of an event loop does it
            raise SessionError("the session was closed while a request was under way")
        return task.result()
    finally:
        del task  # as in `result`


def _retrieve(done: asyncio.Task[object]) -> None:
    """Retrieve the error of a task, so that asyncio does not report it as unseen.

    Reading the `CancelledError` of a cancelled task also drops it. Otherwise its frames would keep the session alive.
    In Python 3.13 they also lead to the end of the event loop, which has the task. An error that a user's limiter
    raised is left to `outcome`.
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
