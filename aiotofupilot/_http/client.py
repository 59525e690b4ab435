"""Sends a request and reads its response, within the lifetime of a session."""

from __future__ import annotations

import asyncio
import os
from functools import partial
from typing import TYPE_CHECKING, TypeVar

from attrs import evolve, field, frozen

from aiotofupilot import errors
from aiotofupilot._checks import integer, seconds

from .policy import RetryPolicy, checked_retry
from .retry import Attempts

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from datetime import datetime
    from typing import Self, Unpack

    from yarl import URL

    from aiotofupilot._clock import Clock
    from aiotofupilot._request import FetchOptions, Label
    from aiotofupilot._wire.response import Response
    from aiotofupilot.stats import RequestCounts

    from .policy import Retry
    from .throttle import Throttle
    from .transport import Transport

T = TypeVar("T")

MAX_BODY = 64 * 1024 * 1024
"""The default limit of a response, in bytes. A page has at most 100 items of a few hundred bytes. A single run can have
tens of megabytes."""


class Lifetime:
    """Tracks the work of a session, so that closing the session can end it.

    The first use binds the session to its event loop and process.
    """

    def __init__(self) -> None:
        self._loop: asyncio.AbstractEventLoop | None = None
        self._pid = 0
        self.closed: bool = False
        """Whether no work may begin."""
        self._under_way: dict[asyncio.Timeout, asyncio.Task[object] | None] = {}
        """The timeout scope and the task of each piece of work."""
        self._something_left = asyncio.Event()

    def check(self) -> None:
        """Raise a `SessionError` if the session is closed, or if this is another event loop or process."""
        try:
            loop = asyncio.get_running_loop()
        except RuntimeError:  # such as on trio
            message = "a session needs a running asyncio event loop, and there is none here"
            raise errors.SessionError(message) from None
        if self._loop is None:
            self._loop, self._pid = loop, os.getpid()
        if self.closed:
            raise errors.SessionError("the session is closed")
        if self._loop is not loop:
            raise errors.SessionError("the session belongs to another event loop: make one session in each")
        if self._pid != os.getpid():  # a forked process has a copy of its parent's loop
            raise errors.SessionError(
                "this process was forked, and the session belongs to its parent: make one session in each"
            )

    async def run(self, work: Callable[[], Awaitable[T]]) -> T:
        """Return the result of work. Closing the session cancels the work, which then raises a `SessionError`."""
        self.check()
        scope = asyncio.Timeout(None)
        self._under_way[scope] = asyncio.current_task()
        try:
            async with scope:
                result = await work()
            if scope.when() is None:
                return result
        except TimeoutError:
            if not scope.expired():
                raise  # the work's own error
        finally:
            del self._under_way[scope]
            self._something_left.set()
            del scope  # the scope refers to its task, whose error refers to this frame
        raise errors.SessionError("the session was closed meanwhile")

    async def close(self) -> None:
        """Cancel the work of all tasks, and wait until it has ended.

        If the closing task is itself at work, such as in a callback, it gets the `SessionError` at its next step.
        """
        loop, own = asyncio.get_running_loop(), asyncio.current_task()
        if self._loop not in (loop, None):
            raise errors.SessionError("the session belongs to another event loop: close it there")
        self.closed = True
        for scope, task in self._under_way.items():
            if task is not own and scope.when() is None:
                scope.reschedule(loop.time())
        while any(task is not own for task in self._under_way.values()):
            self._something_left.clear()
            await self._something_left.wait()


@frozen(kw_only=True, eq=False)
class Connection:
    """The connection of listings to the server. `TofuPilotSession` explains the options."""

    transport: Transport
    throttle: Throttle
    """Shared by all views of a session, so that they pause together."""
    clock: Clock
    timeout: float | None
    retry: Retry
    concurrency: int
    key_source: str
    """Where the key is from, for error messages."""
    max_body: int = MAX_BODY
    lifetime: Lifetime = field(factory=Lifetime)
    """Shared by all views."""
    served: set[str] = field(factory=set[str], repr=False)
    """The paths of listings from which the server has returned a single item."""
    storages: dict[str, Throttle] = field(factory=dict[str, "Throttle"], repr=False)
    """The throttle of each storage of attachments, by its origin."""

    def __attrs_post_init__(self) -> None:
        checked = {
            "timeout": None if self.timeout is None else seconds("timeout", self.timeout, zero=False),
            "retry": checked_retry(self.retry),
            "concurrency": integer("concurrency", self.concurrency, low=1),
            "max_body": integer("max_body", self.max_body, low=1),
        }
        for name, value in checked.items():
            object.__setattr__(self, name, value)

    @property
    def down_since(self) -> datetime | None:
        """See `Throttle`."""
        return self.throttle.down_since

    def within(self, max_elapsed: float) -> Self:
        """Limit the retries to ``max_elapsed`` seconds."""
        retry = self.retry
        if not isinstance(retry, RetryPolicy):
            return self
        return evolve(self, retry=evolve(retry, max_elapsed=min(retry.max_elapsed, max_elapsed)))

    async def pause(self, seconds: float, *, after: errors.TofuPilotError | None = None) -> None:
        """Wait. Log ``after``, the error that is the reason. Closing the session ends the wait."""
        if after is not None:
            self.throttle.log_wait(seconds, after)
        await self.lifetime.run(partial(self.clock.sleep, seconds))

    async def get(
        self,
        target: str,
        read: Callable[[Response], T],
        counts: RequestCounts,
        *,
        label: Label,
        **options: Unpack[FetchOptions],
    ) -> T:
        """Send a GET, with retries, and return the result of ``read`` for the response.

        If ``read`` raises an error, the attempt has failed. ``target`` is the path and query, percent-encoded.
        """
        attempts = Attempts(self.throttle, self.retry, label, counts, **options)
        try:
            return await self.lifetime.run(partial(attempts.make, partial(self._send, target, read)))
        except errors.TofuPilotError as error:
            attempts.sign(error)
            raise

    async def _send(self, target: str, read: Callable[[Response], T], attempts: Attempts) -> T:
        """Send a request once, and read its response. All errors with texts of the API begin here."""
        self.lifetime.check()
        self.transport.check()
        attempts.begin()
        url, timeout = self.transport.url(target), self.timeout
        response: Response | None = None
        try:
            async with self.clock.timeout(timeout):
                response = await self.transport.get(url, self.max_body)
            return read(response)
        except TimeoutError:
            failure: errors.TofuPilotError = errors.RequestTimeoutError(
                f"no whole response within {timeout} s from {url.path}", timeout=timeout
            )
        except errors.TofuPilotError as error:
            failure = error
        # Raised outside the except clauses, so that no other library's error becomes its context.
        try:
            self.transport.redaction.clean(failure, response)
            _add_hint(failure, url, self.key_source)
            raise failure
        finally:
            del failure  # because its traceback refers to this frame


def _add_hint(error: errors.TofuPilotError, url: URL, key_source: str) -> None:
    """Add a hint to an error about the key or the address."""
    if error.hint is not None:  # the code that read the response has set a better hint
        return
    server = url.origin()
    key = "the key given as api_key" if key_source == "api_key" else f"the key of {key_source}"
    match error:
        case errors.UnauthorizedError():
            error.hint = f"{server} refused {key}: check the key, and that it is for this server"
        case errors.ForbiddenError():
            error.hint = f"{server} does not let {key} read this: use a user's key, because a station's key is limited"
        case errors.NotFoundError():
            error.hint = f"{server} has no {url.path}: check the address of the server"
        case _:
            pass
