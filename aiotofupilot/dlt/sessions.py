"""One session for all resources of a source that are extracted at the same time."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

from aiotofupilot import TofuPilotSession
from aiotofupilot._arguments import named

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable
    from contextlib import AbstractAsyncContextManager

__all__ = ["Sessions"]


class Sessions:
    """Opens a session for whoever comes first, and closes it after the last one.

    dlt extracts resources one after another or at the same time, on an event loop of its own that ends with the
    extraction. A session belongs to one loop, so it may not outlive the resources that use it. While there is one,
    all resources share it: when the server asks one of them to wait, all of them do.

    Args:
        make_limiter: Makes the ``limiter`` of each session. None: they have none.
        options: What `TofuPilotSession` takes.

    Raises:
        TypeError: ``make_limiter`` is not a function.
    """

    def __init__(
        self,
        *,
        make_limiter: Callable[[], AbstractAsyncContextManager[object]] | None = None,
        **options: Any,  # noqa: ANN401 - each option has a type of its own
    ) -> None:
        if not (make_limiter is None or callable(make_limiter)):
            complaint = f"make_limiter must be a function that returns a limiter, or None, got {make_limiter!r}"
            raise named(TypeError(complaint), "make_limiter")
        self._make_limiter = make_limiter
        self._options = options
        self._session: TofuPilotSession | None = None
        self._users = 0

    @asynccontextmanager
    async def session(self) -> AsyncGenerator[TofuPilotSession]:
        """Hold the session open.

        Raises:
            ConfigurationError: There is no key, or it or the address cannot be used.
            TypeError: What ``make_limiter`` has made is no limiter.
        """
        asyncio.get_running_loop().set_exception_handler(_on_error)
        session = self._session = self._session or self._made()
        self._users += 1
        try:
            yield session
        finally:
            self._users -= 1
            if not self._users:
                self._session = None
                await session.close()

    def _made(self) -> TofuPilotSession:
        limiter = None if self._make_limiter is None else self._make_limiter()
        return TofuPilotSession(**self._options, limiter=limiter)


def _on_error(loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    """Report what dlt's event loop reports, except that a generator was being closed already.

    When an extraction fails, dlt lets its loop close all generators at the same time. A generator also closes those
    that it reads from, and the loop reports each that it finds closing.
    """
    if not ("asyncgen" in context and isinstance(context.get("exception"), RuntimeError)):
        loop.default_exception_handler(context)
