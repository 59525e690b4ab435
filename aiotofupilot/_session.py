"""The session: settings, ownership and wiring."""

from __future__ import annotations

from copy import copy
from enum import Enum
from typing import TYPE_CHECKING, TypeVar

from attrs import evolve, frozen

from ._arguments import seconds
from ._clock import Clock
from ._lifetime import Lifetime
from ._procedures import Procedures
from ._retry import Retry, RetryPolicy, checked_retry, with_retries
from ._settings import authorization, resolve_base_url
from ._transport import Transport

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from types import TracebackType
    from typing import Self

    import aiohttp

    from ._protocol import Response

__all__ = ["TofuPilotSession"]

T = TypeVar("T")


class _Unset(Enum):
    UNSET = "unset"

    def __repr__(self) -> str:
        return "unset"


_UNSET = _Unset.UNSET


@frozen
class _Options:
    timeout: float | None
    retry: Retry


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
        http_session: aiohttp.ClientSession | None = None,
        trace_configs: Sequence[aiohttp.TraceConfig] | None = None,
        allow_insecure_http: bool = False,
    ) -> None:
        self._clock = Clock()
        self._options = _Options(timeout=_checked_timeout(timeout), retry=checked_retry(retry))
        self._base_url = resolve_base_url(base_url, allow_insecure_http=allow_insecure_http)
        self._transport = Transport(
            self._base_url,
            authorization(api_key),
            http_session=http_session,
            trace_configs=trace_configs,
            clock=self._clock,
        )
        self._lifetime = Lifetime()
        self._is_view = False

    def __repr__(self) -> str:
        state = "closed" if self._lifetime.closed else "open"
        return f"<TofuPilotSession {self._base_url} {state}>"

    @property
    def procedures(self) -> Procedures:
        """The procedures that the key may read."""
        return Procedures(self._request)

    def with_options(self, *, timeout: float | _Unset | None = _UNSET, retry: Retry | _Unset = _UNSET) -> Self:
        """Return a view on this session, over the same connections, with other options.

        They hold for every page of a walk begun from the view. What is not given stays as it is here. Closing the
        view closes nothing.

        Args:
            timeout: As in `TofuPilotSession`.
            retry: As in `TofuPilotSession`.

        Raises:
            TypeError: An option is of the wrong type.
            ValueError: An option is out of bounds.
        """
        options = self._options
        if not isinstance(timeout, _Unset):
            options = evolve(options, timeout=_checked_timeout(timeout))
        if not isinstance(retry, _Unset):
            options = evolve(options, retry=checked_retry(retry))
        view = copy(self)
        view._options, view._is_view = options, True  # noqa: SLF001 - of this very class
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

    async def _request(self, target: str, read: Callable[[Response], T]) -> T:
        timeout, retry = self._options.timeout, self._options.retry

        async def attempt() -> T:
            # The answer is read in here, so that one that cannot be read is asked for again like one that never came.
            self._lifetime.check()
            return read(await self._transport.get(target, timeout=timeout))

        return await self._lifetime.run(with_retries(attempt, retry, self._clock))


def _checked_timeout(timeout: object) -> float | None:
    return None if timeout is None else seconds("timeout", timeout, zero=False)
