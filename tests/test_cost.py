"""The cost of a page that can be counted: requests and memory. Seconds are not counted."""

import gc
import tracemalloc
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qsl, urlsplit

import pytest
from msgspec import json

from aiotofupilot import to_wire
from aiotofupilot._wire.response import Response
from aiotofupilot.listings import Procedures
from aiotofupilot.sandbox import Sandbox, make_procedures

PAGES = 12
LIMIT = 20
LISTED = PAGES * LIMIT - 5


@pytest.fixture
async def sandbox():
    async with Sandbox(procedures=LISTED) as sandbox:
        yield sandbox


def beyond_the_end(sandbox):
    """Requests that could bring nothing: a page that begins with two items of the one before it has to have a third."""
    return [request for request in sandbox.requests if int(request.query.get("cursor", 0)) >= LISTED - 2]


class TestRequests:
    @pytest.mark.parametrize("concurrency", [2, 4, 16])
    @pytest.mark.parametrize(("on_drift", "pages"), [(None, PAGES + 1), ("ignore", PAGES)])
    async def test_a_window_asks_for_less_than_itself_in_vain(self, session, sandbox, on_drift, pages, concurrency):
        """Nobody knows the end before the last page has come; what is guessed beyond it is bounded."""
        listing = session.procedures.list(limit=LIMIT, on_drift=on_drift, concurrency=concurrency)
        assert len(await listing.collect()) == LISTED
        assert len(sandbox.requests) == pages + len(beyond_the_end(sandbox))
        assert len(beyond_the_end(sandbox)) <= concurrency - 1


class Prepared:
    """The way of a listing to some pages of 100, an item for each second, without a socket.

    The server remembers nothing.
    """

    concurrency = 1

    def __init__(self, pages):
        self._pages = pages
        (procedure,) = make_procedures(1)
        self._item, self._newest = to_wire(procedure), procedure.created_at

    async def get(self, target, read, counts, *, once=False, **_):
        query = dict(parse_qsl(urlsplit(target).query))
        bound = datetime.fromisoformat(query.get("created_before", to_wire(self._newest)))
        begin = -((bound - self._newest) // timedelta(seconds=1)) if bound < self._newest else 0
        cursor = int(query.get("cursor", 0))
        end = begin + cursor + 100
        data = [
            self._item | {"id": str(number), "created_at": to_wire(self._newest - timedelta(seconds=number))}
            for number in range(begin + cursor, end)
        ]
        more = end < self._pages * 100
        meta = {"has_more": more, "next_cursor": cursor + 100 if more else None}
        return read(Response(200, {}, json.encode({"data": data, "meta": meta}), datetime.now(UTC)))

    def spawn(self, coroutine):
        pytest.fail("one page at a time needs no tasks")


class TestMemory:
    async def test_a_walk_needs_no_more_memory_for_more_pages(self):
        """The peak of a walk over eighty pages is that of one over twenty, within two pages."""

        async def peak(pages):
            listing = Procedures(Prepared(pages)).list()
            gc.collect()
            tracemalloc.start()
            try:
                async for _ in listing:
                    pass
                return tracemalloc.get_traced_memory()[1]
            finally:
                tracemalloc.stop()

        page = json.encode([to_wire(procedure) for procedure in make_procedures(100)])
        await peak(20)  # makes what is made once
        assert await peak(80) - await peak(20) < 2 * len(page)  # a set may grow in between
