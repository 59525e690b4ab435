"""The session: settings, ownership and wiring."""

from __future__ import annotations

import logging
from functools import partial
from typing import TYPE_CHECKING, Any, NoReturn

from attrs import NOTHING, evolve, frozen

from . import models
from ._checks import Secret
from ._clock import Clock
from ._http.client import MAX_BODY, Connection
from ._http.policy import RetryPolicy
from ._http.proxy import resolve_proxy
from ._http.throttle import Throttle, checked_limiter
from ._http.transport import Transport
from .listings import Listings
from .settings import Settings, unusable

if TYPE_CHECKING:
    import os
    from collections.abc import Callable, Sequence
    from pathlib import Path
    from typing import Self

    import aiohttp

    from ._http.policy import Retry
    from ._http.throttle import Limiter


__all__ = ["TofuPilotSession"]

_log = logging.getLogger("aiotofupilot")


_UNCHANGED: Any = NOTHING  # Any, so that each option keeps its own type


@frozen
class Wiring:
    """The parts of a session that `aiotofupilot.testing` replaces."""

    transport: Callable[..., Transport] = Transport
    clock: Clock = Clock()  # noqa: RUF009 - it has no state


class TofuPilotSession(Listings):
    """A session with TofuPilot: one key, one server and one pool of connections, for any number of walks.

    Use it as an async context manager, or close it yourself. It belongs to the event loop of its first use. When the
    server asks one walk to wait, all walks of the session wait.

    Args:
        api_key: The key, with or without ``Bearer``. If None, the key is ``TOFUPILOT_API_KEY``, or else the one in
            ``~/.tofupilot/credentials.json``, which TofuPilot's command writes at login. A key from the file is only
            sent to the file's own server.
        base_url: The server, with or without ``/api``. If None, ``TOFUPILOT_URL``, or else the server of the key's
            file, or else https://www.tofupilot.app.
        timeout: Seconds for one attempt, until the body's last byte; more than 0, or None for no limit.
        retry: A `RetryPolicy`, a ``tenacity.AsyncRetrying``, or None for no retries.
        concurrency: The most pages of a listing in flight or waiting to be used; 1 or more. With 1, a page is requested
            only when the walk needs it. A listing can override it.
        max_body: The most bytes of a response after decompression; 1 or more, 64 MiB by default. A run with all points
            of its waveforms can have tens of megabytes.
        limiter: Your rate limiter, or None. It is an async context manager that can be entered many times at once, such
            as ``aiolimiter.AsyncLimiter(10, 1)``. Each attempt of this session and its views is made within it. The
            wait for it counts in ``max_elapsed``, but not in ``timeout``. Its errors are raised unchanged.
        proxy: The address of an HTTP proxy, such as ``http://user:password@proxy.example.com:3128``, or an empty string
            for none. If None, the one in ``https_proxy``, or in ``http_proxy`` if the server is plain HTTP. Servers on
            this machine or in ``no_proxy`` need no proxy. Each variable may be in upper or lower case.
        ca_cert: An authority to trust in addition to the system's: the path of a PEM file, or certificates in PEM. If
            None, and the key is from a login, the login's authority is trusted.
        http_session: Your own ``aiohttp.ClientSession``, which is left open. It brings its connector, TLS and proxies,
            so it excludes ``proxy``, ``ca_cert`` and ``trace_configs``. Its trace hooks do not see the key. A download
            ignores the ``proxy=`` of that session, and uses the environment's proxy if that session has ``trust_env``.
            If None, an aiohttp session is made on first use, and closed with this session.
        trace_configs: Trace hooks for the aiohttp session made here, or None.
        allow_insecure_http: Whether the key may be sent unencrypted to another host.

    Raises:
        ConfigurationError: There is no key, or the key, the URL or a combination of options cannot be used.
        TypeError: An option is of the wrong type.
        ValueError: An option is out of bounds.
    """

    __slots__ = ("__weakref__", "_connection", "_is_view")

    if TYPE_CHECKING:
        _connection: Connection

    _wiring: Wiring = Wiring()
    """The parts of new sessions. A subclass or a session may override it."""

    def __init__(
        self,
        api_key: str | None = None,
        *,
        base_url: str | None = None,
        timeout: float | None = 30.0,
        retry: Retry = RetryPolicy(),  # noqa: B008 - a value
        concurrency: int = 1,
        max_body: int = MAX_BODY,
        limiter: Limiter | None = None,
        proxy: str | None = None,
        ca_cert: str | os.PathLike[str] | None = None,
        http_session: aiohttp.ClientSession | None = None,
        trace_configs: Sequence[aiohttp.TraceConfig] | None = None,
        allow_insecure_http: bool = False,
    ) -> None:
        key, way = Secret.of(api_key), Secret.of(proxy)
        del api_key, proxy  # so that no traceback with local variables shows them
        are_missing = {"proxy": way.value is None, "ca_cert": ca_cert is None, "trace_configs": trace_configs is None}
        for name, is_missing in are_missing.items():
            if not (http_session is None or is_missing):
                raise unusable(name, f"{name} cannot be given with http_session: give it to the aiohttp session")
        settings = Settings.resolve(key, base_url=base_url, allow_insecure_http=allow_insecure_http)
        if settings.is_exposed:
            # Not a Python warning, because the program cannot mend it, and some turn warnings into errors.
            _log.warning("%s can be read by others: chmod 600 %s", settings.key_source, settings.key_source)
        transport = self._wiring.transport(
            settings.base_url,
            Secret(settings.authorization),
            http_session=http_session,
            trace_configs=trace_configs,
            tls=settings.tls(ca_cert) if http_session is None else None,
            proxy_of=partial(resolve_proxy, way, allow_insecure_http=allow_insecure_http),
            clock=self._wiring.clock,
        )
        # It must not refer to the session, or the session would keep itself alive.
        self._connection = Connection(  # pyright: ignore[reportIncompatibleMethodOverride] - read like a property
            transport=transport,
            throttle=Throttle(transport.clock, transport.connections, checked_limiter(limiter)),
            clock=transport.clock,
            timeout=timeout,
            retry=retry,
            concurrency=concurrency,
            max_body=max_body,
            key_source=settings.key_source,
        )
        self._is_view = False

    def __repr__(self) -> str:
        if not hasattr(self, "_connection"):  # in the traceback of a session that could not be made
            return "<TofuPilotSession>"
        state = "closed" if self._connection.lifetime.closed else "open"
        return f"<TofuPilotSession {self.base_url} {state}>"

    @property
    def base_url(self) -> str:
        """The base of request addresses, such as ``https://www.tofupilot.app/api``."""
        return self._connection.transport.base_url

    def with_options(
        self,
        *,
        timeout: float | None = _UNCHANGED,
        retry: Retry = _UNCHANGED,
        concurrency: int = _UNCHANGED,
        max_body: int = _UNCHANGED,
    ) -> Self:
        """Return a view of this session with other options, over the same connections.

        The options apply to walks begun from the view. Closing the view closes nothing.

        Args:
            timeout: As in `TofuPilotSession`.
            retry: As in `TofuPilotSession`.
            concurrency: As in `TofuPilotSession`.
            max_body: As in `TofuPilotSession`.

        Raises:
            TypeError: An option is of the wrong type.
            ValueError: An option is out of bounds.
        """
        given = {"timeout": timeout, "retry": retry, "concurrency": concurrency, "max_body": max_body}
        changes: dict[str, Any] = {name: value for name, value in given.items() if value is not _UNCHANGED}
        view = object.__new__(type(self))
        for name, value in getattr(self, "__dict__", {}).items():  # of a subclass
            setattr(view, name, value)
        view._is_view = True
        view._connection = evolve(self._connection, **changes)
        return view

    async def whoami(self) -> models.Identity:
        """Return the user or station of the key, and its organization.

        Raises:
            NotFoundError: The server is too old for this request.
            TofuPilotError: The request failed.
        """
        from .listings._items import get_item  # noqa: PLC0415 - a session loads nothing of this before it is used

        missing = f"the server is too old to say whose key this is, or {self.base_url} is not its address"
        return await get_item(self._connection, "/v2/whoami", models.Identity, missing=missing)

    async def download(self, attachment: models.Attachment, folder: str | os.PathLike[str]) -> Path:
        """Download an attachment of a run or a unit, and return the path of its file.

        The file is ``FOLDER/<id of the run, or serial number of the unit>/<id>-<name>``, with a name that every system
        allows. A file with that name is complete, and is not requested again. An incomplete one ends with ``.part``.
        After a failed attempt only the rest is requested, if the storage allows it.

        The file comes from a storage, without the key and headers of this session. The session's retries, proxy, TLS
        and connections apply, but not its limiter and ``max_body``. ``timeout`` is the longest time without a byte. If
        the storage refuses the address, the run or unit is requested once, to get a new address.

        Args:
            attachment: The attachment, from the details of a run or a unit.
            folder: The folder of the file; made if missing.

        Raises:
            TypeError: An argument is of the wrong type.
            ValueError: The attachment has neither an address nor an owner.
            AttachmentError: The server has no address for it, or one that is not https, or another process is
                downloading it. Plain HTTP is only accepted if server and storage are on this machine.
            APIError: The storage refused, failed, or sent a file that is compressed or of another size; or the run or
                unit could not be read.
            TofuPilotError: The file did not arrive.
            OSError: The file cannot be written.
        """
        from ._attachments import download  # noqa: PLC0415 - most programs download nothing

        return await download(self._connection, attachment, folder)

    def __getstate__(self) -> NoReturn:
        raise TypeError("a session cannot be copied or pickled: it has a key, connections and an event loop")

    async def __aenter__(self) -> Self:
        self._connection.lifetime.check()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def close(self) -> None:
        """Close the connections, unless they belong to your own aiohttp session.

        Walks end at once with a `SessionError`. Closing a view does nothing.

        Raises:
            SessionError: The session belongs to another event loop.
        """
        if not self._is_view:
            await self._connection.lifetime.close()
            await self._connection.transport.close()
