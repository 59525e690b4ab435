"""Loops of a few lines over the listings: what a client is measured against."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from aiotofupilot.sandbox.request import Request

if TYPE_CHECKING:
    from collections.abc import Iterator

    from postgres.server import Server

_MARGIN = timedelta(milliseconds=1)
"""How much later than the wire shows a row may be, because the wire cuts its time."""


def page(server: Server, listing: str, **query: object) -> dict[str, Any]:
    """Return the document of a page."""
    pairs = {name: str(value) for name, value in query.items()}
    request = Request(path=f"/api/v2/{listing}", query=pairs, authorization=f"Bearer {server.api_key}")
    status, document = server.respond(request)
    assert status == 200, document
    return document


def by_cursor(server: Server, listing: str, *, limit: int = 100, **filters: str) -> Iterator[dict[str, Any]]:
    """Yield the items of all pages, by their cursors."""
    cursor = 0
    while cursor is not None:
        document = page(server, listing, limit=limit, cursor=cursor, **filters)
        yield from document["data"]
        cursor = document["meta"]["next_cursor"]


def by_value(server: Server, listing: str, field: str, *, limit: int = 100, **filters: str) -> Iterator[dict[str, Any]]:
    """Yield the items of all pages, the newest first, each page at cursor 0 from the time of the last item on.

    Raises:
        ValueError: More items than a page have one time.
    """
    known: dict[str, datetime] = {}
    until: dict[str, str] = {}
    while True:
        document = page(server, listing, limit=limit, **until, **filters)
        times = {item["id"]: datetime.fromisoformat(item[field]) for item in document["data"]}
        if not times.keys() - known.keys() and document["meta"]["has_more"]:
            raise ValueError(f"more than {limit} items have the time {min(times.values())}")
        yield from (item for item in document["data"] if item["id"] not in known)
        if not document["meta"]["has_more"]:
            return
        until_time = min(times.values()) + _MARGIN
        known = {id_: time for id_, time in (known | times).items() if time <= until_time}
        until = {f"{field.removesuffix('_at')}_before": until_time.isoformat()}
