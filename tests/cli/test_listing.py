"""From a server to a destination."""

import asyncio
import json
from datetime import UTC, datetime, timedelta
from functools import partial
from types import SimpleNamespace

import pytest

from aiotofupilot import Checkpoint
from aiotofupilot.cli.formats import counted, csv_rows
from aiotofupilot.cli.listing import Query, write_listing
from aiotofupilot.cli.messages import ExitCode, StoppedError, explained
from aiotofupilot.cli.options import Server
from aiotofupilot.cli.output import PartFile
from aiotofupilot.models import Procedure
from aiotofupilot.sandbox import Sandbox
from aiotofupilot.sandbox.faults import status

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
    """It tells what has gone wrong until then."""
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
