"""The limits that a connector of the user has on its connections, as semaphores.

A request that waited within aiohttp for a connection would use up its timeout there, so it waits for these semaphores
before it is sent.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary

if TYPE_CHECKING:
    import aiohttp
    from yarl import URL

__all__ = ["connection_limits"]

_by_connector: WeakKeyDictionary[aiohttp.BaseConnector, dict[URL | None, asyncio.Semaphore]] = WeakKeyDictionary()
"""The semaphores of each connector: one for each server, and under None the one for all servers."""


def connection_limits(connector: aiohttp.BaseConnector | None, origin: URL) -> tuple[asyncio.Semaphore, ...]:
    """Return the semaphores that a request to a server has to hold.

    Args:
        connector: The connector of the aiohttp session; None: the session is closed.
        origin: Scheme, host and port of the server.
    """
    if connector is None:  # nothing will be sent
        return ()
    shared = _by_connector.setdefault(connector, {})
    # The server's own limit comes first. A request that waits for it must not hold a place that others could use.
    limits = {origin: connector.limit_per_host, None: connector.limit}
    return tuple(shared.setdefault(key, asyncio.Semaphore(limit)) for key, limit in limits.items() if limit)
