"""An event loop in a thread, for programs without a loop, for notebooks, which use theirs, and for sandboxes.

Ctrl-C can interrupt the calling thread at any line. So the state that both threads share changes in the event loop, and
a caller takes no lock that an interrupt could leave locked.

The blocking portal of anyio 4.16 does not do for this. What Ctrl-C interrupts goes on to its end, a call in a forked
process waits without end, and so does the exit of a program that did not close its portal.
"""

from __future__ import annotations

import asyncio
import atexit
import os
from contextlib import suppress
from contextvars import copy_context
from queue import Empty, SimpleQueue
from threading import Lock, Thread, current_thread, get_ident
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from .errors import SessionError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Generator
    from typing import Self

T = TypeVar("T")

_CLOSED = "the session was closed meanwhile"

_serving: set[LoopThread] = set()
"""Those whose loop runs."""


_PATIENCE = 1.0
"""Seconds after which a wait begins anew. A signal that comes just before it begins does not end it, so an interrupt
would wait for the next one."""


class Call(Generic[T]):
    """A coroutine function that runs in the thread, once. Whoever waits for it can be interrupted, and wait again."""

    def __init__(self, function: Callable[[], Awaitable[T]]) -> None:
        self.function = function
        self.context = copy_context()
        self.caller = get_ident()
        self.task: asyncio.Task[None] | None = None
        """Runs the function. None: it has not begun."""
        self.is_awaited = False
        """Whether its caller is waiting for its end, perhaps while the handler of a signal runs."""
        self.is_cancelled = False
        """Whether the caller was interrupted, and wants no result."""
        self.result: T
        """What the function has returned, if `has_result`."""
        self.has_result = False
        self.failures: list[BaseException] = []
        """The error that the function has raised, until it is raised where it was called."""
        self.has_ended = False
        self._signals: SimpleQueue[None] = SimpleQueue()

    def join(self) -> None:
        """Wait for the end."""
        while not self.has_ended:
            with suppress(Empty):
                self._signals.get(timeout=_PATIENCE)

    def raise_failure(self) -> None:
        """Raise its error, if it has one that was not raised yet.

        This happens in C, so an interrupt comes before all of it or after it, and the error is not lost between.
        """
        if self.failures:
            raising = _raising()
            next(raising)
            any(map(raising.throw, map(self.failures.pop, [0])))

    def end(self, failure: BaseException | None = None) -> None:
        """Note that it has ended, and wake up whoever waits for it."""
        if failure is not None:
            self.failures.append(failure)
        self.has_ended = True
        self._signals.put(None)


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
        self._pid = 0
        """The process in which the thread has begun; 0: it has not."""
        self._threads: list[Thread] = []
        """The thread. There are more if several callers let it begin at once, and all but one of them end at once."""
        self._is_served = Lock()
        """Held by the thread that runs the loop."""
        self._loop: asyncio.AbstractEventLoop | None = None
        self._calls: set[Call[Any]] = set()
        """The calls that have not ended. The thread ends those that are left when the loop is closed."""
        self._tasks: set[asyncio.Future[Any]] = set()
        """Tasks that nobody waits for. A loop does not keep its tasks alive, so the thread does."""
        self._is_finishing = False
        self.has_ended = False
        """Whether the thread was ended, so that nothing runs any more."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.end()

    @property
    def has_begun(self) -> bool:
        """Whether the thread has begun in this process. A thread does not live on in a fork."""
        return self._pid == os.getpid()

    @property
    def is_running(self) -> bool:
        """Whether functions can run, and one has."""
        return self.has_begun and not self.has_ended

    def run(self, function: Callable[[], Awaitable[T]]) -> T:
        """Return what a coroutine function returns. An interrupt, such as Ctrl-C, cancels it, and waits for its end.

        The function sees the context variables of the caller. The thread itself, a forked process and a thread that was
        ended are refused.
        """
        call = Call(function)
        self.wait(call)
        call.raise_failure()
        return call.result

    def wait(self, call: Call[T]) -> None:
        """Let a call begin, unless it has begun, and wait for its end.

        An interrupt cancels it, and waits for its end all the same. A second interrupt does not wait.
        """
        if call.has_ended:
            return
        self._check()
        try:
            call.is_awaited = True
            self._proceed(call)
            call.join()
        except BaseException:
            call.is_cancelled = True
            self._proceed(call)
            call.join()
            raise
        finally:
            call.is_awaited = False

    async def stop(self, call: Call[T]) -> None:
        """Cancel a call, and wait for its end, in the loop."""
        call.is_cancelled = True
        self._step(call)
        if call.task is not None:
            await asyncio.wait((call.task,))

    def soon(self, function: Callable[[], Awaitable[object]]) -> None:
        """Let a coroutine function run while the thread runs. Nothing waits for it.

        It does not begin when the thread is ending, which ends everything in the loop.
        """
        if (loop := self._loop) is not None and self.is_running:
            _schedule(loop, self._start, function)

    def end(self, *, waits: bool = True) -> None:
        """End whatever runs in the loop, and then the thread, perhaps without waiting for the end.

        The thread does not wait for itself. In a forked process, this does nothing.
        """
        if self._is_forked:
            return
        self.has_ended = True
        if (loop := self._loop) is not None:  # otherwise the thread notices when it makes the loop
            _schedule(loop, self._finish_once)
        if waits and current_thread() not in self._threads:
            for thread in self._threads:
                if thread.is_alive():
                    thread.join()

    @property
    def _is_forked(self) -> bool:
        return self._pid not in (0, os.getpid())

    def _check(self) -> None:
        """Raise a `SessionError` unless functions can run."""
        if current_thread() in self._threads:
            raise SessionError("a callback cannot use the session that calls it: its thread would wait for itself")
        if self._is_forked:
            raise SessionError(
                "this process was forked, and the session belongs to its parent: make one session in each"
            )
        if self.has_ended:
            raise SessionError("the session is closed")

    def _proceed(self, call: Call[T]) -> None:
        """Let a call begin, or cancel it, or do nothing if it has ended. The thread begins with the first one."""
        self._calls.add(call)
        if (loop := self._loop) is None:
            self._pid = os.getpid()
            thread = Thread(target=self._serve, name=self._name, daemon=True)
            self._threads.append(thread)
            thread.start()
            return
        if not _schedule(loop, self._step, call):
            self._note_end(call, SessionError("the session is closed"))

    def _serve(self) -> None:
        """Run the loop, unless another thread does."""
        if not self._is_served.acquire(blocking=False):
            return
        try:
            loop = self._new_loop()
        except Exception as error:  # noqa: BLE001 - it is raised where the thread was to begin, and the next call tries again
            self._is_served.release()
            self._end_calls(error)
            return
        _serving.add(self)
        self._loop = loop
        for call in self._calls.copy():  # a call that is not among these comes by the loop
            loop.call_soon(self._step, call)
        if self.has_ended:
            loop.call_soon(self._finish_once)
        try:
            loop.run_forever()
        finally:  # also after a sys.exit in it
            loop.close()
            self._end_calls(SessionError(_CLOSED))  # no other call is added after this that could wait
            _serving.discard(self)

    def _end_calls(self, failure: BaseException) -> None:
        while self._calls:
            self._calls.pop().end(failure)

    def _step(self, call: Call[T]) -> None:
        """Do in the loop what `_proceed` says."""
        if call.has_ended:
            return
        if call.task is not None:
            if call.is_cancelled and not call.task.cancelling():  # a second time would interrupt how it ends itself
                call.task.cancel()
        elif call.is_cancelled or self.has_ended:
            self._note_end(call)
        else:
            call.task = asyncio.get_running_loop().create_task(_run(call), context=call.context)
            call.task.add_done_callback(lambda _: self._note_end(call))

    def _note_end(self, call: Call[T], failure: BaseException | None = None) -> None:
        self._calls.discard(call)
        if not (failure or call.has_result or call.failures or call.is_cancelled):
            failure = SessionError(_CLOSED)
        call.end(failure)

    def _start(self, function: Callable[[], Awaitable[object]]) -> None:
        task = asyncio.ensure_future(function())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _finish_once(self) -> None:
        if not self._is_finishing:
            self._is_finishing = True
            self._start(self._finish)

    async def _finish(self) -> None:
        """End everything in the loop, and then the loop."""
        loop = asyncio.get_running_loop()
        try:
            if self._last is not None:
                await self._last()
            while others := asyncio.all_tasks() - {asyncio.current_task()}:
                for task in others:
                    if not task.cancelling():  # a second time would interrupt how it ends itself
                        task.cancel()
                await asyncio.gather(*others, return_exceptions=True)
            await loop.shutdown_asyncgens()
        finally:
            loop.stop()


def _raising() -> Generator[None]:
    """Raise what is thrown into it."""
    yield


def _schedule(loop: asyncio.AbstractEventLoop, function: Callable[..., object], *arguments: object) -> bool:
    """Let a function run in a loop, and return whether it can. It cannot when the loop is closed: all in it has ended.

    The handler of a signal may raise a `RuntimeError` of its own here.
    """
    try:
        loop.call_soon_threadsafe(function, *arguments)
    except RuntimeError:
        if not loop.is_closed():
            raise
        return False
    return True


async def _run(call: Call[T]) -> None:
    try:
        call.result = await call.function()
        call.has_result = True
    except asyncio.CancelledError:
        raise
    except BaseException as error:  # noqa: BLE001 - it is raised where the result is waited for, and does not end the thread
        call.failures.append(error)


@atexit.register
def _end_all() -> None:
    """End the threads that were left, because the interpreter stops a daemon thread wherever it is."""
    for thread in [*_serving]:
        thread.end()
