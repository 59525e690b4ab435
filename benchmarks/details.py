"""Clients that list runs, and read each of them by itself, with all of its measurements."""

from __future__ import annotations

import asyncio
import os
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

from .kinds import KEY, LIMIT

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from .kinds import Kind, Listing

__all__ = ["bare_details", "official_details", "ours_details"]


@asynccontextmanager
async def bare_details(url: str, kind: Kind) -> AsyncIterator[Listing]:
    """The floor: aiohttp and orjson, 16 runs of a page at once, dicts, no checks, no retries."""
    import aiohttp
    import orjson

    async def fetch(target: str, **query: Any) -> Any:  # noqa: ANN401 - values and JSON
        async with places, session.get(f"{url}{target}", params=query) as response:
            response.raise_for_status()
            return orjson.loads(await response.read())

    async def listing() -> AsyncIterator[object]:
        cursor = 0
        while True:
            page = await fetch(kind.path, limit=LIMIT, cursor=cursor, **kind.query)
            for run in await asyncio.gather(*(fetch(f"{kind.path}/{item['id']}") for item in page["data"])):
                yield run
            if not page["meta"]["has_more"]:
                return
            cursor = page["meta"]["next_cursor"]

    places = asyncio.Semaphore(16)
    async with aiohttp.ClientSession(headers={"Authorization": f"Bearer {KEY}"}) as session:
        yield listing


@asynccontextmanager
async def official_details(url: str, kind: Kind) -> AsyncIterator[Listing]:
    """The official SDK in the obvious loop."""
    os.environ["DISABLE_TELEMETRY"] = "true"
    from tofupilot.v2 import TofuPilot

    async def listing() -> AsyncIterator[object]:
        cursor = 0
        while True:
            page = await resource.list_async(limit=LIMIT, cursor=cursor, **kind.options)
            for item in page.data:
                yield await resource.get_async(id=item.id)
            if not page.meta.has_more:
                return
            cursor = page.meta.next_cursor

    async with TofuPilot(api_key=KEY, server_url=url) as client:
        resource = getattr(client, kind.listing)
        yield listing


@asynccontextmanager
async def ours_details(url: str, kind: Kind, **options: Any) -> AsyncIterator[Listing]:  # noqa: ANN401 - those of list()
    """aiotofupilot, with typed models and every feature on."""
    from aiotofupilot import TofuPilotSession

    async with TofuPilotSession(KEY, base_url=url) as session:
        yield getattr(session, kind.listing).list(limit=LIMIT, **kind.options, **options).details
