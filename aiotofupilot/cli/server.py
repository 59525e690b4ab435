"""The server that the command requests from, or a sandbox of its own."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from attrs import frozen

from aiotofupilot import RetryPolicy, TofuPilotSession
from aiotofupilot.settings import Secret, Settings

from .failures import DeadlineError
from .terminal import say

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable

    from .options import ServerOptions, TimeoutOptions


@frozen
class Server:
    """A server, and how long to wait for it.

    Whatever needs the key or the address raises a ConfigurationError if there is none, or it cannot be used.
    """

    options: ServerOptions
    """Which server, with which key."""
    timeouts: TimeoutOptions
    """How long each request is waited for, and how often it is repeated."""

    @property
    def name(self) -> str:
        """What distinguishes it from other servers."""
        return "sandbox" if self.options.sandbox else self._settings.base_url

    @property
    def key(self) -> str | None:
        """The key that it is asked with; None: the sandbox's own."""
        return None if self.options.sandbox else self._settings.authorization

    @property
    def _settings(self) -> Settings:
        given = self.options
        return Settings.resolve(given.api_key, base_url=given.base_url, allow_insecure_http=given.allow_insecure_http)

    @asynccontextmanager
    async def session(self) -> AsyncGenerator[TofuPilotSession]:
        """Open a session with it. An embedded server runs meanwhile."""
        given = self.options
        key, base_url = given.api_key, given.base_url
        async with AsyncExitStack() as stack:
            if given.sandbox:
                from aiotofupilot.sandbox import Sandbox  # noqa: PLC0415 - an HTTP server that is seldom wanted

                sandbox = await stack.enter_async_context(Sandbox(until=given.until or datetime.now(UTC)))
                key, base_url = sandbox.api_key, sandbox.url
            elif (settings := self._settings).is_exposed:
                say(f"aiotofupilot: {settings.key_source} can be read by others: chmod 600 {settings.key_source}")
            secrets: dict[str, Any] = {"api_key": Secret(key), "proxy": Secret(given.proxy)}
            session = TofuPilotSession(
                **secrets,
                base_url=base_url,
                allow_insecure_http=given.allow_insecure_http,
                ca_cert=given.ca_cert,
                timeout=self.timeouts.timeout,
                retry=RetryPolicy(attempts=self.timeouts.retries + 1),
            )
            yield await stack.enter_async_context(session)


@asynccontextmanager
async def until(deadline: float | None, failure: Callable[[], str]) -> AsyncGenerator[None]:
    """End a block after some seconds; None: it takes as long as it takes.

    Args:
        deadline: The seconds.
        failure: Returns the latest warning about an attempt; see `Progress.failure`.

    Raises:
        DeadlineError: The time is over.
        CancelledError: A signal has ended the block. It has the warning, if there is one.
    """
    time = asyncio.timeout(deadline)
    try:
        async with time:
            yield
    except TimeoutError as error:
        if deadline is None or not time.expired():  # it is one of the disk, say
            raise
        raise DeadlineError(deadline, failure()) from error
    except asyncio.CancelledError as error:
        raise asyncio.CancelledError(*filter(None, (failure(),))) from error
