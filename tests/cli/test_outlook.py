"""A listing is counted beside its walk, for someone who watches, and the walk does not notice."""

import asyncio
import logging
from contextlib import nullcontext

import pytest

from aiotofupilot import Checkpoint
from aiotofupilot.cli import listing as listing_module
from aiotofupilot.cli.listing import write_listing
from aiotofupilot.cli.outlook import Outlook
from aiotofupilot.cli.output.formats import JSONLines
from aiotofupilot.cli.output.progress import Progress
from aiotofupilot.cli.query import Query
from aiotofupilot.cli.server import Server
from aiotofupilot.sandbox import Sandbox, paging
from aiotofupilot.sandbox.faults import status


class Watched(Progress):
    """Progress that somebody watches."""

    def __init__(self):
        super().__init__()
        self.total, self.arrived, self.told_at, self.warnings = None, 0, None, []

    @property
    def wants_total(self):
        return self.total is None

    def expect(self, total):
        self.total, self.told_at = total, self.arrived

    def advance(self, items):
        self.arrived += items

    def emit(self, record):
        self.warnings.append(record.getMessage())


@pytest.fixture
async def sandbox():
    async with Sandbox(3000) as sandbox:
        yield sandbox


@pytest.fixture
def server(sandbox):
    return Server(base_url=sandbox.url, api_key=sandbox.api_key)


async def pull(server, query):
    """Take pages of a listing until the count is over, and return who watched."""
    watched = Watched()
    async with (
        server.session() as session,
        query.listing(session).walk() as walk,
        Outlook(query, session, watched) as outlook,
    ):
        async for items in walk.batches():
            watched.advance(len(items))
            outlook.page_arrived()
            if outlook._task is not None:
                await asyncio.wait((outlook._task,))
    return watched


async def test_the_total_is_told_while_pages_arrive(server):
    watched = await pull(server, Query(name="procedures"))
    assert (watched.total, watched.told_at, watched.arrived) == (3000, 300, 3000)


@pytest.mark.parametrize(("cursor", "total"), [(Checkpoint(), 3000), (Checkpoint(500, 20), 2480)])
async def test_what_lies_before_the_cursor_does_not_count(server, cursor, total):
    assert (await pull(server, Query(name="procedures", cursor=cursor))).total == total


async def test_a_listing_that_has_shrunk_behind_the_cursor_has_nothing_left(sandbox, server):
    watched = Watched()
    query = Query(name="procedures", cursor=Checkpoint(4000))
    async with server.session() as session, Outlook(query, session, watched) as outlook:
        for _ in range(3):
            outlook.page_arrived()
        await asyncio.wait((outlook._task,))
    assert watched.total == 0


@pytest.mark.parametrize("total", [0, 99, 100, 101, 200])
async def test_a_short_listing_is_not_counted(sandbox, server, total):
    """Each request is one of the walk's."""
    del sandbox.procedures[total:]
    assert (await pull(server, Query(name="procedures"))).total is None
    assert len(sandbox.requests) == max(1, -(-total // 100))


async def test_nothing_is_counted_where_nobody_watches(sandbox, server):
    async with server.session() as session, Outlook(Query(name="procedures"), session, Progress()) as outlook:
        for _ in range(5):
            outlook.page_arrived()
    assert not sandbox.requests


async def test_a_count_that_fails_is_no_failure(sandbox, server, caplog):
    """It is not tried again, and says why in the debug log alone."""
    caplog.set_level(logging.DEBUG, "aiotofupilot.cli")
    sandbox.paging = paging.page_numbers
    watched = await pull(server, Query(name="procedures"))
    assert (watched.total, watched.arrived, watched.warnings) == (None, 3000, [])
    assert [record.levelname for record in caplog.records if record.name == "aiotofupilot.cli"] == ["DEBUG"]
    assert "cannot be counted: the server's cursors are no offsets" in caplog.text


async def test_a_request_of_the_count_is_not_tried_again(sandbox, server):
    sandbox.faults.on(limit=1).always(status(503))
    watched = await pull(server, Query(name="procedures"))
    assert (watched.total, watched.arrived, watched.warnings) == (None, 3000, [])
    assert len([request for request in sandbox.requests if request.query["limit"] == "1"]) == 1


async def test_a_count_ends_with_the_listing(sandbox, server):
    """However far it is."""
    watched = Watched()
    async with server.session() as session, Outlook(Query(name="procedures"), session, watched) as outlook:
        for _ in range(3):
            outlook.page_arrived()
        await asyncio.sleep(0)
    assert outlook._task.cancelled()
    assert watched.total is None


async def test_a_mistake_in_counting_is_not_hidden(server, monkeypatch):
    async def count(_paginator):
        raise RuntimeError("a mistake")

    monkeypatch.setattr("aiotofupilot._paging.paginator.Paginator.count", count)
    with pytest.raises(RuntimeError, match="a mistake"):
        await pull(server, Query(name="procedures"))


async def test_the_command_tells_its_bar(server, tmp_path, monkeypatch):
    watched = Watched()
    monkeypatch.setattr(listing_module, "progress_shown", lambda *_, **__: nullcontext(watched))
    query = Query(name="procedures", limit=10)
    assert (await write_listing(query, server, JSONLines(), tmp_path / "list")).items == 3000
    assert watched.total == 3000
