"""An event loop in a thread, for programs without a loop, for notebooks, which use theirs, and for sandboxes."""

from __future__ import annotations

import asyncio
import atexit
import os
import threading
from concurrent.futures import Future, wait
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar
from weakref import WeakSet

from .errors import SessionError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from typing import Self

T = TypeVar("T")

_begun: WeakSet[LoopThread] = WeakSet()


class LoopThread:
    """An event loop in a thread. Both begin with the first function that runs, and end when the context is left.

    The coroutine function `last`, if there is one, runs in the end, before everything else in the loop is cancelled.
    `new_loop` makes the loop. Otherwise, it is one of the program's policy.
    """

    def __init__(
        self,
        last: Callable[[], Awaitable[object]] | None = None,
        *,
        name: str = "aiotofupilot",
        new_loop: Callable[[], asyncio.AbstractEventLoop] = asyncio.new_event_loop,
    ) -> None:
        self._last = last
        self._name = name
        self._new_loop = new_loop
        self._lock = threading.Lock()  # held while the state changes, so that a function either runs or is refused
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None
        self._pid = 0
        self._tasks: set[asyncio.Future[Any]] = set()
        """Tasks that nobody waits for. A loop does not keep its tasks alive, so the thread does."""
        self.has_ended = False
        """Whether the thread was ended, so that nothing runs any more."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.end()

    @property
    def has_begun(self) -> bool:
        """Whether the thread has begun in this process. A thread does not live on in a fork."""
        return self._loop is not None and self._pid == os.getpid()

    def run(self, function: Callable[[], Awaitable[T]]) -> T:
        """Return what a coroutine function returns. An interrupt, such as Ctrl-C, cancels it, and waits for its end.

        The function sees the context variables of the caller. The thread itself, a forked process and a thread that was
        ended are refused.
        """
        if threading.current_thread() is self._thread:
            raise SessionError("a callback cannot use the session that calls it: its thread would wait for itself")
        result: Future[T] = Future()
        tasks: set[asyncio.Future[Any]] = set()
        loop = self._begin(partial(_begin, function, result, tasks))
        try:
            return result.result()
        except asyncio.CancelledError:
            raise SessionError("the session was closed meanwhile") from None
        except BaseException:
            if not result.done():
                with suppress(RuntimeError):  # another thread has closed the loop, and everything in it has ended
                    loop.call_soon_threadsafe(_cancel, tasks)
                wait([result])
            raise
        finally:
            del result  # whose error knows this frame

    def soon(self, function: Callable[[], Awaitable[object]]) -> None:
        """Let a coroutine function run while the thread runs. Nothing waits for it.

        It does not begin when the thread is ending, which ends everything in the loop.
        """
        if (loop := self._loop) is not None and self.has_begun and not self.has_ended:
            with suppress(RuntimeError):  # the loop was closed, and everything in it has ended
                loop.call_soon_threadsafe(_start, function, self._tasks)

    def end(self, *, waits: bool = True) -> None:
        """End whatever runs in the loop, and then the thread, perhaps without waiting for the end.

        The thread does not wait for itself. In a forked process, this does nothing.
        """
        if self._loop is not None and not self.has_begun:
            return
        with self._lock:
            had_ended, self.has_ended = self.has_ended, True
            loop, thread = self._loop, self._thread
            if loop is not None and not had_ended:
                with suppress(RuntimeError):  # an exit has closed the loop
                    loop.call_soon_threadsafe(_start, partial(_finish, self._last), self._tasks)
        if waits and thread is not None and thread is not threading.current_thread():
            thread.join()

    def _begin(self, function: Callable[[], object]) -> asyncio.AbstractEventLoop:
        """Call a function in the thread, which begins with the first one, and return its loop."""
        if self._loop is not None and not self.has_begun:
            raise SessionError(
                "this process was forked, and the session belongs to its parent: make one session in each"
            )
        with self._lock:
            if self.has_ended:
                raise SessionError("the session is closed")
            if self._loop is None:
                self._loop, self._pid = self._new_loop(), os.getpid()
                kept = (self._tasks, self._last)
                serve = partial(_serve, self._loop, kept)
                self._thread = threading.Thread(target=serve, name=self._name, daemon=True)
                self._thread.start()
                _begun.add(self)
            self._loop.call_soon_threadsafe(function)
            return self._loop


@atexit.register
def _end_all() -> None:
    """End the threads that were left, because the interpreter stops a daemon thread wherever it is."""
    for thread in [*_begun]:
        thread.end()


def _serve(loop: asyncio.AbstractEventLoop, _kept: object) -> None:
    """Run a loop. What is needed in the end is kept, so that it is not among the garbage of what was forgotten."""
    try:
        loop.run_forever()
    finally:  # also after a sys.exit in it: a function that is given to a closed loop fails, and waits for nothing
        loop.close()


def _start(function: Callable[[], Awaitable[object]], tasks: set[asyncio.Future[Any]]) -> asyncio.Future[Any]:
    """Let a function run, and keep its task among others until it ends."""
    task = asyncio.ensure_future(function())
    tasks.add(task)
    task.add_done_callback(tasks.discard)
    return task


def _begin(function: Callable[[], Awaitable[T]], result: Future[T], tasks: set[asyncio.Future[Any]]) -> None:
    _start(partial(_settle, function, result), tasks).add_done_callback(partial(_fail, result))


async def _settle(function: Callable[[], Awaitable[T]], result: Future[T]) -> None:
    """Hand over what a coroutine function returns, or raises. Nothing of it ends the thread."""
    try:
        result.set_result(await function())
    except BaseException as error:  # noqa: BLE001 - it is raised where the result is waited for
        result.set_exception(error)
    finally:
        del result  # whose error knows this frame


def _fail(result: Future[T], _task: object) -> None:
    """Tell that a task was cancelled before it began."""
    if not result.done():
        result.set_exception(asyncio.CancelledError())


def _cancel(tasks: set[asyncio.Future[Any]]) -> None:
    for task in tasks:
        task.cancel()


async def _finish(last: Callable[[], Awaitable[object]] | None) -> None:
    """End everything in the loop, and then the loop."""
    loop = asyncio.get_running_loop()
    try:
        if last is not None:
            await last()
        while others := asyncio.all_tasks() - {asyncio.current_task()}:
            for task in others:
                if not task.cancelling():  # a second time would interrupt how it ends itself
                    task.cancel()
            await asyncio.gather(*others, return_exceptions=True)
        await loop.shutdown_asyncgens()
    finally:
        loop.stop()
