"""The cost of a page that can be counted: requests, tasks, decoding, memory. Seconds are not counted."""

import gc
import tracemalloc
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qsl, urlsplit

import pytest
from fakes.wire_listings import PageDecoder
from msgspec import json

from aiotofupilot import Procedure, TofuPilotSession, to_wire
from aiotofupilot._wire.response import Response, read_page
from aiotofupilot.listings import Procedures, _base
from aiotofupilot.sandbox import Sandbox, make_procedures

PAGES = 12
LIMIT = 20
LISTED = PAGES * LIMIT - 5


@pytest.fixture
async def sandbox():
    async with Sandbox(procedures=LISTED) as sandbox:
        yield sandbox


@pytest.fixture
async def session(sandbox):
    async with TofuPilotSession(sandbox.api_key, base_url=sandbox.url) as session:
        yield session


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


def body(procedures, *drop):
    """A page as the wire has it, its items and their creators without some names."""
    items = [to_wire(procedure) for procedure in procedures]
    for item in items:
        for name in drop:
            item.pop(name, None)
            (item.get("created_by_user") or {}).pop(name, None)
    return json.encode({"data": items, "meta": {"has_more": True, "next_cursor": 100}})


class TestDecoding:
    @pytest.mark.parametrize("options", [{}, {"on_drift": "ignore"}, {"concurrency": 4}], ids=str)
    async def test_a_page_is_decoded_once(self, session, monkeypatch, options):
        """This is so in every way of walking. A page beyond the end may be dropped without being decoded."""
        decoded = []

        def read(response, cursor, decode):
            def once(body):
                decoded.append(cursor)
                return decode(body)

            return read_page(response, cursor, once)

        monkeypatch.setattr(_base, "read_page", read)
        walk = session.procedures.list(limit=LIMIT, **options).walk()
        assert len([procedure async for procedure in walk]) == LISTED

        assert len(set(decoded)) == len(decoded)
        assert walk.stats.pages <= len(decoded) <= walk.stats.requests


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
    def test_an_item_keeps_few_objects(self):
        """It keeps three models, their texts and a moment. The JSON and its structs are freed."""
        decode = PageDecoder(Procedure)
        page_body = body(make_procedures(100, seed=1))
        decode(page_body, 0)  # makes what is made once
        gc.collect()
        tracemalloc.start()
        try:
            before = tracemalloc.take_snapshot()
            decoded = decode(page_body, 0)
            gc.collect()  # empties the free lists of CPython, which would count as in use
            after = tracemalloc.take_snapshot()
        finally:
            tracemalloc.stop()
        kept = sum(difference.count_diff for difference in after.compare_to(before, "filename"))

        assert len(decoded.data) == 100
        assert kept <= (3 + 3 + 1 + 3 + 4) * 100 + 20

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

        await peak(20)  # makes what is made once
        assert await peak(80) - await peak(20) < 2 * len(body(make_procedures(100)))  # a set may grow in between
