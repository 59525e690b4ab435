"""The session: settings, ownership and wiring."""

from __future__ import annotations

from copy import copy
from enum import Enum
from typing import TYPE_CHECKING, Any, TypeVar

from attrs import evolve, frozen

from ._arguments import integer, seconds
from ._clock import Clock
from ._lifetime import Lifetime
from ._procedures import Procedures
from ._retry import Retry, RetryPolicy, checked_retry, with_retries
from ._settings import authorization, resolve_base_url
from ._transport import Transport

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable, Coroutine, Sequence
    from types import TracebackType
    from typing import Self

    import aiohttp

    from ._protocol import Response
    from .stats import WalkStats

__all__ = ["TofuPilotSession"]

T = TypeVar("T")


class _Unset(Enum):
    UNSET = "unset"

    def __repr__(self) -> str:
        return "unset"


_UNSET = _Unset.UNSET


@frozen
class _Connection:
    """How listings reach the server, with one set of options."""

    transport: Transport
    lifetime: Lifetime
    clock: Clock
    timeout: float | None
    retry: Retry
    concurrency: int

    async def request(self, target: str, read: Callable[[Response], T], stats: WalkStats) -> T:
        """Return what ``read`` makes of the answer to a request, tried again as the options say."""

        async def attempt() -> T:
            self.lifetime.check()
            stats.requests += 1
            # The answer is read in here, so that one that cannot be read is asked for again like one that never came.
            return read(await self.transport.get(target, timeout=self.timeout))

        return await self.lifetime.run(with_retries(attempt, self.retry, self.clock, stats))

    def spawn(self, coroutine: Coroutine[Any, Any, T]) -> asyncio.Task[T]:
        """Run a request as a task that ends with the session."""
        return self.lifetime.spawn(coroutine)


class TofuPilotSession:
    """A session with TofuPilot: one key, one server, one pool of connections, for as many walks at once as you like.

    Use it as an async context manager, or close it yourself. It belongs to the event loop that it is first used in.

    Args:
        api_key: The key, with or without ``Bearer`` before it; None: that of the environment variable
            ``TOFUPILOT_API_KEY``.
        base_url: The server, with or without ``/api``; None: that of ``TOFUPILOT_URL``, or https://www.tofupilot.app.
        timeout: Seconds for one attempt, from connecting to the body's last byte; more than 0; None: no limit.
        retry: A `RetryPolicy`; or a ``tenacity.AsyncRetrying`` of your own, which is taken as it is; or None: every
            page is asked for once.
        concurrency: Pages that a listing has in flight or waiting to be used at the most, unless it names a number of
            its own; 1 or more; 1: each page is asked for when it is wanted.
        http_session: An ``aiohttp.ClientSession`` to use, which is never closed; None: one is made on first use, and
            closed with this session.
        trace_configs: Given to the aiohttp session that is made; None: none.
        allow_insecure_http: Whether the key may travel unencrypted to other hosts than this one.

    Raises:
        ConfigurationError: There is no key, or the key, the URL or a combination of options cannot be used.
        TypeError: An option is of the wrong type.
        ValueError: An option is out of bounds.
    """

    def __init__(
        self,
        api_key: str | None = None,
        *,
        base_url: str | None = None,
        timeout: float | None = 30.0,
        retry: Retry = RetryPolicy(),  # noqa: B008 - a value
        concurrency: int = 1,
        http_session: aiohttp.ClientSession | None = None,
        trace_configs: Sequence[aiohttp.TraceConfig] | None = None,
        allow_insecure_http: bool = False,
    ) -> None:
        clock = Clock()
        self._base_url = resolve_base_url(base_url, allow_insecure_http=allow_insecure_http)
        self._transport = Transport(
            self._base_url,
            authorization(api_key),
            http_session=http_session,
            trace_configs=trace_configs,
            clock=clock,
        )
        self._lifetime = Lifetime()
        self._connection = _Connection(
            self._transport,
            self._lifetime,
            clock,
            timeout=_checked_timeout(timeout),
            retry=checked_retry(retry),
            concurrency=integer("concurrency", concurrency, low=1),
        )
        self._is_view = False

    def __repr__(self) -> str:
        state = "closed" if self._lifetime.closed else "open"
        return f"<TofuPilotSession {self._base_url} {state}>"

    @property
    def procedures(self) -> Procedures:
        """The procedures that the key may read."""
        return Procedures(self._connection)

    def with_options(
        self,
        *,
        timeout: float | _Unset | None = _UNSET,
        retry: Retry | _Unset = _UNSET,
        concurrency: int | _Unset = _UNSET,
    ) -> Self:
        """Return a view on this session, over the same connections, with other options.

        They hold for every page of a walk begun from the view. What is not given stays as it is here. Closing the
        view closes nothing.

        Args:
            timeout: As in `TofuPilotSession`.
            retry: As in `TofuPilotSession`.
            concurrency: As in `TofuPilotSession`.

        Raises:
            TypeError: An option is of the wrong type.
            ValueError: An option is out of bounds.
        """
        connection = self._connection
        if not isinstance(timeout, _Unset):
            connection = evolve(connection, timeout=_checked_timeout(timeout))
        if not isinstance(retry, _Unset):
            connection = evolve(connection, retry=checked_retry(retry))
        if not isinstance(concurrency, _Unset):
            connection = evolve(connection, concurrency=integer("concurrency", concurrency, low=1))
        view = copy(self)
        view._connection, view._is_view = connection, True  # noqa: SLF001 - of this very class
        return view

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Close the connections, unless they are those of an aiohttp session that was handed in.

        What is under way ends at once, by a `SessionError`. Closing a view does nothing.

        Raises:
            SessionError: The session belongs to another event loop.
        """
        if not self._is_view:
            await self._lifetime.close()
            await self._transport.close()


def _checked_timeout(timeout: object) -> float | None:
    return None if timeout is None else seconds("timeout", timeout, zero=False)
