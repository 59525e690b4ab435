"""From a server to a destination."""

import asyncio
import json
import logging
from datetime import UTC, datetime, timedelta
from functools import partial
from types import SimpleNamespace

import pytest
from fakes import paging

from aiotofupilot import Checkpoint
from aiotofupilot.cli import listing as listing_module
from aiotofupilot.cli.formats import counted, csv_rows, json_lines
from aiotofupilot.cli.listing import Query, counting_beside, write_listing
from aiotofupilot.cli.messages import ExitCode, StoppedError, explained
from aiotofupilot.cli.options import Server
from aiotofupilot.cli.output import PartFile
from aiotofupilot.cli.progress import Progress
from aiotofupilot.models import Procedure
from aiotofupilot.sandbox import Sandbox, make_procedures
from aiotofupilot.sandbox.faults import latency, stall, status

ProceduresCSV = partial(csv_rows, Procedure)
WHEN = datetime(2024, 1, 1, tzinfo=UTC)


@pytest.fixture
async def sandbox():
    async with Sandbox() as sandbox:
        yield sandbox


@pytest.fixture
def server(sandbox):
    return Server(base_url=sandbox.url, api_key=sandbox.api_key)


@pytest.fixture
async def session(server):
    async with server.session() as session:
        yield session


@pytest.fixture
def output(tmp_path):
    return tmp_path / "list"


def ids(text):
    return [json.loads(line)["id"] for line in text.splitlines()]


@pytest.mark.parametrize("on_drift", ["ignore", "resync"])
async def test_rows_are_written_as_pages_arrive(sandbox, server, capfdbinary, on_drift):
    """What a page brought is on standard output before the next is asked for."""
    written = []
    sandbox.before_response.append(lambda *_: written.append(capfdbinary.readouterr().out.count(b"\n")))
    await write_listing(Query("procedures", on_drift=on_drift), server, ProceduresCSV(), None)
    assert written == ([0, 101, 100] if on_drift == "ignore" else [0, 101, 98])


async def test_cancelled_during_an_outage(sandbox, server, output):
    """It tells what has gone wrong until then, as a deadline does."""
    pulling = asyncio.create_task(write_listing(Query("procedures"), server, ProceduresCSV(), output))
    sandbox.faults.always(status(503))
    sandbox.before_response.append(lambda *_: pulling.cancel() if len(sandbox.requests) == 2 else None)
    with pytest.raises(StoppedError) as caught:
        await pulling
    code, line = explained(caught.value)
    assert code == ExitCode.INTERRUPTED
    assert line.startswith("interrupted; the latest warning was: procedures at cursor 0: attempt 1 failed ")
    assert line.endswith("; 0 procedures written")


async def test_cancelled_when_the_file_is_whole(sandbox, server, output, monkeypatch):
    """The finished file is not called a part, and no checkpoint is offered."""
    finish = PartFile.finish

    async def cancel_and_finish(file, remake):
        await finish(file, remake)
        pulling.cancel()

    monkeypatch.setattr(PartFile, "finish", cancel_and_finish)
    pulling = asyncio.create_task(write_listing(Query("procedures"), server, ProceduresCSV(), output))
    with pytest.raises(asyncio.CancelledError):
        await pulling
    assert output.read_bytes().count(b"\r\n") == 251
    assert [path.name for path in output.parent.iterdir()] == ["list"]


@pytest.mark.parametrize(("max_items", "end"), [(None, 250), (150, 150), (100, 100)])
async def test_what_comes_after_what_is_written(sandbox, session, max_items, end):
    """It is the rest of the whole listing: what is written counts as listed."""
    written = SimpleNamespace(items=100, checkpoint="100")
    listed = await Query("procedures", max_items=max_items).after(written).listing(session).collect()
    assert listed == sandbox.procedures[100:end]


def test_the_options_are_what_decides_what_is_listed():
    """How it is asked for does not."""
    nothing = {"listing": "procedures"}
    assert Query("procedures", limit=7, concurrency=3, on_drift="resync").options() == nothing
    filters = {"search_query": "x", "created_after": WHEN, "duration_min": timedelta(minutes=1), "ids": ["a", "b"]}
    query = Query("runs", **filters, max_items=0, cursor=Checkpoint(3, 0, WHEN, (b"abcdef",)))
    assert query.options() == {
        "listing": "runs",
        "--search-query": "x",
        "--created-after": "2024-01-01T00:00:00+00:00",
        "--duration-min": "0:01:00",
        "--ids": "['a', 'b']",
        "--max-items": "0",
        "--cursor": "3@20240101T000000Z~YWJjZGVm",
    }


@pytest.mark.parametrize(
    ("name", "items", "words"),
    [
        ("procedures", 0, "0 procedures"),
        ("procedures", 1, "1 procedure"),
        ("procedures", 1300, "1,300 procedures"),
        ("batches", 1, "1 batch"),
        ("phases", 1, "1 phase"),
        ("phases", 2, "2 phases"),
    ],
)
def test_items_are_counted_in_words(name, items, words):
    """One is one, and many have a comma."""
    assert counted(items, name) == words


class Watched(Progress):
    """Progress that somebody watches."""

    def __init__(self):
        super().__init__("procedures")
        self.setLevel(logging.WARNING)
        self.warnings = []

    is_shown = True

    def emit(self, record):
        self.warnings.append(record.getMessage())


class TestTotal:
    """A listing is counted beside its walk, for someone who watches, and the walk does not notice."""

    @pytest.fixture
    def watched(self, monkeypatch):
        watched = Watched()
        monkeypatch.setattr(listing_module, "Progress", lambda *_, **__: watched)
        return watched

    async def test_the_total_is_told_while_pages_arrive(self, sandbox, server, output, watched):
        sandbox.procedures[:] = make_procedures(600)
        query = Query("procedures", limit=10)
        assert (await write_listing(query, server, json_lines(), output))[0] == 600
        assert watched.total == 600

    @pytest.mark.parametrize(
        ("total", "query", "requests"),
        [
            (0, {}, 1),
            (20, {}, 1),
            (198, {}, 2),
            (250, {"limit": 10, "cursor": Checkpoint(100)}, 19),
            (250, {"limit": 10, "max_items": 200}, 25),
        ],
    )
    async def test_a_short_listing_or_a_part_of_one_is_not_counted(
        self, sandbox, server, output, watched, total, query, requests
    ):
        """A count is one of the whole listing. Each request is one of the walk's."""
        sandbox.procedures[:] = make_procedures(total)
        watched.total = wanted = query.get("max_items")
        await write_listing(Query("procedures", **query), server, json_lines(), output)
        assert (watched.total, len(sandbox.requests)) == (wanted, requests)

    async def test_nothing_is_counted_where_nobody_watches(self, sandbox, server, output):
        await write_listing(Query("procedures", limit=10), server, json_lines(), output)
        assert len(sandbox.requests) == 31

    @pytest.mark.parametrize("broken", ["cursors", "requests"])
    async def test_a_count_that_fails_is_no_failure(self, sandbox, server, output, watched, broken):
        """None of its requests is tried again, and nothing is said."""
        if broken == "cursors":
            sandbox.paging = paging.page_numbers
        else:
            sandbox.faults.on(limit=1).always(status(503))
        query = Query("procedures", limit=5, on_drift="ignore")
        assert (await write_listing(query, server, json_lines(), output))[0] == 250
        assert (watched.total, watched.warnings) == (None, [])
        if broken == "requests":
            assert [request.query["limit"] for request in sandbox.requests].count("1") == 1

    async def test_a_count_ends_with_the_listing(self, sandbox, server, output, watched):
        """However far it is."""
        sandbox.faults.on(limit=1).always(stall(3600))
        assert (await write_listing(Query("procedures", limit=10), server, json_lines(), output))[0] == 250
        assert watched.total is None
        assert not counting()

    async def test_a_count_has_one_request_in_flight_whatever_the_walk_may_have(self, sandbox, session, watched):
        watched.is_long.set()
        sandbox.faults.always(latency(0.001))  # a server that responds at once hides that others are in flight
        async with counting_beside(Query("procedures", limit=10, concurrency=16), session, watched):
            await asyncio.wait(counting())
        assert (watched.total, sandbox.requests.peak_in_flight) == (250, 1)

    async def test_a_count_is_over_when_its_block_is_left(self, session, watched):
        async with counting_beside(Query("procedures"), session, watched):
            await asyncio.sleep(0)
            assert counting()
        assert not counting()


def counting():
    return [task for task in asyncio.all_tasks() if "tell_total" in repr(task)]
