"""An event loop in a thread: for programs without a loop, for notebooks, whose own loop is in use, and for sandboxes.

Ctrl-C can interrupt the calling thread at any line. So shared state is only changed in the event loop, and a caller
takes no lock that an interrupt could leave locked.

The blocking portal of anyio 4.16 cannot be used. It does not cancel calls after Ctrl-C. Calls in a forked process never
return, and a program that leaves a portal open never exits.
"""

from __future__ import annotations

import asyncio
import atexit
import os
from contextlib import suppress
from contextvars import copy_context
from queue import Empty, SimpleQueue
from threading import Lock, Thread, current_thread
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from .errors import SessionError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from typing import Self

T = TypeVar("T")

_serving: set[LoopThread] = set()

_PATIENCE = 1.0
"""A wait is repeated after this many seconds. A signal that comes just before a wait does not end it, so Ctrl-C takes
effect at the next one."""


class _Call(Generic[T]):
    """A coroutine function that runs in the thread, once."""

    def __init__(self, function: Callable[[], Awaitable[T]]) -> None:
        self.function = function
        self.context = copy_context()
        self.task: asyncio.Task[None] | None = None
        """Runs the function. None before it has begun."""
        self.is_cancelled = False
        """Whether the caller was interrupted, and wants no result."""
        self.result: T
        self.failure: BaseException | None = SessionError("the session was closed meanwhile")
        """The error to raise, or None if there is a result."""
        self._has_ended = False
        self._signals: SimpleQueue[None] = SimpleQueue()

    async def run(self) -> None:
        try:
            self.result = await self.function()
            self.failure = None
        except asyncio.CancelledError:
            raise
        except BaseException as error:  # noqa: BLE001 - it is raised in the caller, and must not end the thread
            self.failure = error

    def end(self) -> None:
        """Wake up everyone who waits for the end."""
        self._has_ended = True
        self._signals.put(None)

    def join(self) -> None:
        """Wait for the end."""
        while not self._has_ended:
            with suppress(Empty):
                self._signals.get(timeout=_PATIENCE)


class LoopThread:
    """An event loop in a thread. Both begin with the first function that runs, and end when the context is left.

    The coroutine function ``last``, if there is one, runs at the end, before everything else in the loop is cancelled.
    ``new_loop`` makes the loop. If it is None, the loop is made by the program's policy.
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
        self._pid = 0
        """The process in which the thread has begun; 0 before that."""
        self._threads: list[Thread] = []
        """The thread. If several callers start it at once, there are more, and all but one end at once."""
        self._is_served = Lock()
        """Held by the thread that runs the loop."""
        self._loop: asyncio.AbstractEventLoop | None = None
        self._calls: set[_Call[Any]] = set()
        """The calls that have not ended. The thread ends the rest when the loop is closed."""
        self._ending = asyncio.Event()
        """Set in the loop when the thread is to end."""
        self.has_ended = False

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.end()

    @property
    def has_begun(self) -> bool:
        """Whether the thread has begun in this process. A thread does not survive a fork."""
        return self._pid == os.getpid()

    def run(self, function: Callable[[], Awaitable[T]]) -> T:
        """Return the result of a coroutine function. An interrupt, such as Ctrl-C, cancels it, and waits for its end.

        A second interrupt does not wait. The function sees the caller's context variables. Calls in the thread itself,
        in a forked process and after the end raise a `SessionError`.
        """
        if current_thread() in self._threads:
            raise SessionError("a callback cannot use the session that calls it: its thread would wait for itself")
        if self._is_forked:
            raise SessionError(
                "this process was forked, and the session belongs to its parent: make one session in each"
            )
        if self.has_ended:
            raise SessionError("the session is closed")
        call = _Call(function)
        try:
            self._proceed(call)
            call.join()
        except BaseException:
            call.is_cancelled = True
            self._proceed(call)
            call.join()
            raise
        try:
            if call.failure is not None:
                raise call.failure
            return call.result
        finally:
            del call  # because its failure refers to this frame

    def soon(self, function: Callable[[], Awaitable[object]]) -> None:
        """Let a coroutine function run in the thread, without waiting for it.

        It does not begin while the thread is ending, because then everything in the loop is cancelled.
        """
        if self.has_begun and not self.has_ended:
            self._proceed(_Call(function))

    def end(self, *, waits: bool = True) -> None:
        """Cancel everything in the loop, and end the thread. Wait for that end if ``waits`` is true.

        The thread does not wait for itself. In a forked process, the call does nothing.
        """
        if self._is_forked:
            return
        self.has_ended = True
        if (loop := self._loop) is not None:  # otherwise the thread notices when it makes the loop
            _schedule(loop, self._ending.set)
        if waits and current_thread() not in self._threads:
            for thread in self._threads:
                if thread.is_alive():
                    thread.join()

    @property
    def _is_forked(self) -> bool:
        return self._pid not in (0, os.getpid())

    def _proceed(self, call: _Call[Any]) -> None:
        """Let a call begin, or cancel it. The first call starts the thread."""
        self._calls.add(call)
        if (loop := self._loop) is not None:
            if not _schedule(loop, self._step, call):
                self._note_end(call)
            return
        self._pid = os.getpid()
        thread = Thread(target=self._serve, name=self._name, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _serve(self) -> None:
        """Run the loop, unless another thread does."""
        if not self._is_served.acquire(blocking=False):
            return
        try:
            loop = self._new_loop()
        except Exception as error:  # noqa: BLE001 - it is raised in the caller, and the next call tries again
            self._is_served.release()
            self._end_calls(error)
            return
        _serving.add(self)
        try:
            loop.run_until_complete(self._main())
        finally:  # even after a sys.exit in the loop
            self.has_ended = True
            loop.close()
            self._end_calls()  # nobody can wait for a call that is added later
            _serving.discard(self)

    async def _main(self) -> None:
        """Let calls run until the thread is to end. Then cancel everything in the loop."""
        self._loop = loop = asyncio.get_running_loop()
        for call in self._calls.copy():  # calls that are added later are scheduled in the loop
            self._step(call)
        if not self.has_ended:
            await self._ending.wait()
        if self._last is not None:
            await self._last()
        while others := asyncio.all_tasks() - {asyncio.current_task()}:
            for task in others:
                _cancel(task)
            await asyncio.gather(*others, return_exceptions=True)
        await loop.shutdown_asyncgens()

    def _end_calls(self, failure: Exception | None = None) -> None:
        while self._calls:
            call = self._calls.pop()
            call.failure = failure or call.failure
            call.end()

    def _step(self, call: _Call[Any]) -> None:
        """Do the work of `_proceed`, in the loop."""
        if call.task is None:
            if call.is_cancelled or self.has_ended:
                self._note_end(call)
            else:
                call.task = asyncio.get_running_loop().create_task(call.run(), context=call.context)
                call.task.add_done_callback(lambda _: self._note_end(call))
        elif call.task.done():
            self._note_end(call)
        else:
            _cancel(call.task)

    def _note_end(self, call: _Call[Any]) -> None:
        self._calls.discard(call)
        call.end()


def _cancel(task: asyncio.Task[Any]) -> None:
    """Cancel a task, but only once. A second cancellation would interrupt its cleanup."""
    if not task.cancelling():
        task.cancel()


def _schedule(loop: asyncio.AbstractEventLoop, function: Callable[..., object], *arguments: object) -> bool:
    """Schedule a function in a loop. Return False if the loop is closed.

    A `RuntimeError` of a signal handler is raised here, too, because it does not mean that the loop is closed.
    """
    try:
        loop.call_soon_threadsafe(function, *arguments)
    except RuntimeError:
        if not loop.is_closed():
            raise
        return False
    return True


@atexit.register
def _end_all() -> None:
    """End the remaining threads. Otherwise the interpreter would stop these daemon threads at any point."""
    for thread in [*_serving]:
        thread.end()
