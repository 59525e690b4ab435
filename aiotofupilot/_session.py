"""The session: settings, ownership and wiring."""

from __future__ import annotations

import logging
from enum import Enum
from typing import TYPE_CHECKING, NoReturn, TypeVar
from warnings import warn

from attrs import evolve, field, frozen

from ._arguments import boolean, integer, seconds
from ._http.clock import Clock
from ._http.gate import Gate
from ._http.lifetime import Lifetime
from ._http.retries import Retries, Retry, RetryPolicy, checked_retry
from ._http.settings import authorization, resolve_base_url
from ._http.transport import Transport
from ._listings.batches import Batches
from ._listings.deployments import Deployments
from ._listings.logs import Logs
from ._listings.measurements import Measurements
from ._listings.parts import Parts
from ._listings.phases import Phases
from ._listings.procedures import Procedures
from ._listings.runs import Runs
from ._listings.stations import Stations
from ._listings.units import Units
from .errors import ConfigurationError, TofuPilotError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from types import TracebackType
    from typing import Self

    import aiohttp

    from ._wire.response import Response
    from .stats import RequestCounts

__all__ = ["TofuPilotSession"]

logging.getLogger("aiotofupilot").addHandler(logging.NullHandler())  # where it goes is the application's to say

T = TypeVar("T")


class _Unset(Enum):
    UNSET = "unset"

    def __repr__(self) -> str:
        return "unset"


_UNSET = _Unset.UNSET


def _checked_timeout(timeout: object) -> float | None:
    return None if timeout is None else seconds("timeout", timeout, zero=False)


def _checked_concurrency(concurrency: object) -> int:
    return integer("concurrency", concurrency, low=1)


@frozen
class _Options:
    """What a view can have of its own."""

    timeout: float | None = field(converter=_checked_timeout)
    retry: Retry = field(converter=checked_retry)
    concurrency: int = field(converter=_checked_concurrency)


@frozen
class _Connection:
    """How listings reach the server, with one set of options."""

    transport: Transport
    lifetime: Lifetime
    retries: Retries
    options: _Options
    session: TofuPilotSession
    """Held on to, for it is not forgotten while a listing of it is in use."""

    @property
    def concurrency(self) -> int:
        """Pages in flight, for a listing that names no number of its own."""
        return self.options.concurrency

    async def get(self, target: str, read: Callable[[Response], T], counts: RequestCounts) -> T:
        """Return what ``read`` makes of the answer to a request, tried again as the options say."""

        async def attempt() -> T:
            response = await self.transport.get(target, timeout=self.options.timeout)
            # The answer is read in here, so that one that cannot be read is asked for again like one that never came.
            try:
                return read(response)
            except TofuPilotError as error:
                failure = error
            try:
                self.transport.redaction.admit(failure, response.body)
                raise failure
            finally:
                del failure  # its traceback knows this frame

        def check() -> None:
            self.lifetime.check()
            self.transport.check()

        check()
        return await self.retries.run(attempt, self.options.retry, counts, check)


class TofuPilotSession:
    """A session with TofuPilot: one key, one server, one pool of connections, for as many walks at once as you like.

    Use it as an async context manager, or close it yourself. It belongs to the event loop that it is first used in.
    Walks share what the session knows of the server: when it asks one of them to wait, all of them do.

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
            closed with this session. One that is handed in brings its own connector, and with it TLS and proxies. It
            sends a request that lost its connection once more by itself, which is counted nowhere; one that is made
            does not.
        trace_configs: Given to the aiohttp session that is made, so not along with ``http_session``; None: none.
        allow_insecure_http: Whether the key may travel unencrypted to other hosts than this one.

    Raises:
        ConfigurationError: There is no key, or the key, the URL or a combination of options cannot be used.
        TypeError: An option is of the wrong type.
        ValueError: An option is out of bounds.
    """

    _STATE = ("_base_url", "_lifetime", "_options", "_retries", "_transport", "_viewed")
    # Before Python 3.12, tracemalloc can tell where an object was made only if it has slots.
    __slots__ = (*_STATE, "__weakref__")

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
        if http_session is not None and trace_configs is not None:
            raise ConfigurationError("trace_configs belong to the aiohttp session, where one is handed in")
        self._options = _Options(timeout=timeout, retry=retry, concurrency=concurrency)
        self._base_url = resolve_base_url(
            base_url, allow_insecure_http=boolean("allow_insecure_http", allow_insecure_http)
        )
        clock = Clock()
        self._lifetime = Lifetime()
        self._transport = Transport(
            self._base_url,
            authorization(api_key),
            http_session=http_session,
            trace_configs=trace_configs,
            clock=clock,
            lifetime=self._lifetime,
        )
        self._retries = Retries(clock, self._lifetime, Gate(clock, self._lifetime, self._transport.connections))
        self._viewed: TofuPilotSession | None = None

    def __repr__(self) -> str:
        state = "closed" if self._lifetime.closed else "open"
        return f"<TofuPilotSession {self._base_url} {state}>"

    @property
    def base_url(self) -> str:
        """The address that requests begin with, such as ``https://www.tofupilot.app/api``."""
        return self._base_url

    @property
    def procedures(self) -> Procedures:
        """The procedures that the key may read."""
        return Procedures(self._connection)

    @property
    def runs(self) -> Runs:
        """The runs that the key may read."""
        return Runs(self._connection)

    @property
    def units(self) -> Units:
        """The units that the key may read."""
        return Units(self._connection)

    @property
    def parts(self) -> Parts:
        """The parts that units are made as."""
        return Parts(self._connection)

    @property
    def batches(self) -> Batches:
        """The batches that units are made in."""
        return Batches(self._connection)

    @property
    def stations(self) -> Stations:
        """The test benches of the organization."""
        return Stations(self._connection)

    @property
    def deployments(self) -> Deployments:
        """The builds of procedures, and where they went."""
        return Deployments(self._connection)

    @property
    def logs(self) -> Logs:
        """The lines that runs wrote to their logs."""
        return Logs(self._connection)

    @property
    def measurements(self) -> Measurements:
        """The values that runs measured, of one procedure at a time."""
        return Measurements(self._connection)

    @property
    def phases(self) -> Phases:
        """The phases that runs went through, of one procedure at a time."""
        return Phases(self._connection)

    @property
    def _connection(self) -> _Connection:
        return _Connection(self._transport, self._lifetime, self._retries, self._options, session=self)

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
        given = {"timeout": timeout, "retry": retry, "concurrency": concurrency}
        options = evolve(self._options, **{name: value for name, value in given.items() if value is not _UNSET})
        view = object.__new__(type(self))
        state = {name: getattr(self, name) for name in self._STATE} | getattr(self, "__dict__", {})
        for name, value in (state | {"_options": options, "_viewed": self}).items():
            setattr(view, name, value)
        return view

    def __getstate__(self) -> NoReturn:
        raise TypeError("a session cannot be copied or pickled: it has a key, connections and an event loop")

    async def __aenter__(self) -> Self:
        self._lifetime.check()
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
        if self._viewed is None:
            await self._lifetime.close()
            await self._transport.close()

    def __del__(self, _warn: Callable[..., None] = warn) -> None:  # bound early, for the end of the interpreter
        if getattr(self, "_viewed", self) is None and self._transport.opened:
            self._transport.abandon()
            _warn(f"{self!r} was not closed", ResourceWarning, source=self)
