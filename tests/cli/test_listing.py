"""From a server to a destination."""

import asyncio
import errno
import json
from functools import partial

import pytest
from attrs import evolve

from aiotofupilot import Checkpoint, ForbiddenError
from aiotofupilot.cli import listing as listing_module
from aiotofupilot.cli.columns import columns_of
from aiotofupilot.cli.failures import ExitCode, StoppedError, UsageError, explained
from aiotofupilot.cli.listing import write_listing
from aiotofupilot.cli.output.files import PartFile
from aiotofupilot.cli.output.formats import CSV, JSONArray, JSONLines
from aiotofupilot.cli.output.journal import Mark
from aiotofupilot.cli.output.table import Table
from aiotofupilot.cli.query import Query
from aiotofupilot.cli.server import Server
from aiotofupilot.models import Procedure
from aiotofupilot.sandbox import Sandbox, make_procedures
from aiotofupilot.sandbox.faults import json as json_fault

COLUMNS = columns_of("procedures")
ProceduresCSV = partial(CSV, Procedure)


@pytest.fixture
async def sandbox():
    async with Sandbox() as sandbox:
        yield sandbox


@pytest.fixture
def server(sandbox):
    return Server(base_url=sandbox.url, api_key=sandbox.api_key)


@pytest.fixture
def output(tmp_path):
    return tmp_path / "list"


def ids(text):
    return [json.loads(line)["id"] for line in text.splitlines()]


async def test_a_listing_is_written_and_counted(sandbox, server, output):
    """All of it, in the server's order."""
    assert (await write_listing(Query(name="procedures"), server, JSONLines(), output)).items == 250
    assert ids(output.read_bytes()) == [procedure.id for procedure in sandbox.procedures]


@pytest.mark.parametrize("on_drift", ["ignore", "resync"])
async def test_rows_are_written_as_pages_arrive(sandbox, server, capfdbinary, on_drift):
    """What a page brought is on standard output before the next is asked for."""
    written = []
    sandbox.before_response.append(lambda *_: written.append(capfdbinary.readouterr().out.count(b"\n")))
    await write_listing(Query(name="procedures", on_drift=on_drift), server, ProceduresCSV(), None)
    assert written == ([0, 101, 100] if on_drift == "ignore" else [0, 101, 99])


async def test_an_empty_listing(sandbox, server, output):
    """It has a header and no rows."""
    sandbox.procedures.clear()
    assert (await write_listing(Query(name="procedures"), server, ProceduresCSV(), output)).items == 0
    assert output.read_bytes().count(b"\r\n") == 1
    assert (await write_listing(Query(name="procedures"), server, JSONArray(), output)).items == 0
    assert json.loads(output.read_bytes()) == []


async def test_a_refused_listing_writes_nothing(sandbox, capfdbinary, output):
    """Not even a header precedes an error, and no file is left."""
    sandbox.station_listings.discard("procedures")
    station = Server(base_url=sandbox.url, api_key=sandbox.station_key)
    for path in (None, output):
        with pytest.raises(ForbiddenError):
            await write_listing(Query(name="procedures"), station, ProceduresCSV(), path)
    assert capfdbinary.readouterr().out == b""
    assert not list(output.parent.iterdir())


async def test_a_bad_query_touches_nothing(sandbox, server, output):
    """The server is not asked, and the files of another run stay as they are."""
    part = output.with_name("list.part")
    part.write_text("left")
    with pytest.raises(UsageError, match=r"^wrong --search-query: search_query must have"):
        await write_listing(
            Query(name="procedures", filters={"search_query": "x" * 101}), server, ProceduresCSV(), output
        )
    assert part.read_text() == "left"
    assert not sandbox.requests


@pytest.mark.parametrize("form", [ProceduresCSV, JSONLines])
async def test_a_failed_listing_can_be_gone_on_with(sandbox, server, output, form):
    """The error has its reason and how much is written; going on gives the file that it would have been."""
    await write_listing(Query(name="procedures"), server, form(), output.with_name("whole"))
    sandbox.faults.on(cursor=200).next(json_fault([]))
    with pytest.raises(StoppedError) as caught:
        await write_listing(Query(name="procedures", concurrency=2), server, form(), output)
    stopped = caught.value
    place = stopped.mark.checkpoint.partition(":")[2]
    assert (stopped.mark.items, place[:4], stopped.can_resume) == (200, "200@", True)
    assert not output.exists()
    asked = len(sandbox.requests)
    assert (await write_listing(Query(name="procedures"), server, form(), output, resume=True)).items == 250
    assert sandbox.requests[asked:].pop().query["cursor"] == "200"
    assert output.read_bytes() == output.with_name("whole").read_bytes()


async def test_a_failed_listing_to_standard_output(sandbox, server, capfdbinary):
    """The output and the items after the checkpoint are together the listing."""
    sandbox.faults.on(cursor=200).next(json_fault([]))
    with pytest.raises(StoppedError) as caught:
        await write_listing(Query(name="procedures"), server, JSONLines(), None)
    assert not caught.value.can_resume
    assert caught.value.is_kept
    from_checkpoint = Query(name="procedures", cursor=Checkpoint.parse(caught.value.mark.checkpoint))
    await write_listing(from_checkpoint, server, JSONLines(), None)
    assert ids(capfdbinary.readouterr().out) == [procedure.id for procedure in sandbox.procedures]


async def test_a_file_that_cannot_be_gone_on_with(sandbox, server, output):
    """It leaves nothing, and the error knows that."""
    sandbox.faults.on(cursor=200).next(json_fault([]))
    with pytest.raises(StoppedError) as caught:
        await write_listing(Query(name="procedures"), server, JSONArray(), output)
    assert not caught.value.can_resume
    assert not caught.value.is_kept
    assert not list(output.parent.iterdir())


async def test_cancelled(sandbox, server, output):
    """Ctrl-C, which is a cancellation, stops a listing like an error does."""
    pulling = asyncio.create_task(write_listing(Query(name="procedures"), server, ProceduresCSV(), output))
    sandbox.before_response.append(lambda _, request: pulling.cancel() if "cursor" in request.query else None)
    with pytest.raises(StoppedError) as caught:
        await pulling
    assert isinstance(caught.value.reason, asyncio.CancelledError)
    assert caught.value.mark.items == 100


async def test_cancelled_before_anything_is_written(sandbox, server, output):
    """Then it says so, and there is nothing to go on with."""
    pulling = asyncio.create_task(write_listing(Query(name="procedures"), server, ProceduresCSV(), output))
    sandbox.before_response.append(lambda *_: pulling.cancel())
    with pytest.raises(StoppedError) as caught:
        await pulling
    assert explained(caught.value) == (ExitCode.INTERRUPTED, "interrupted; 0 procedures written")
    assert not list(output.parent.iterdir())


async def test_cancelled_when_the_file_is_whole(sandbox, server, output, monkeypatch):
    """The finished file is not called a part, and no checkpoint is offered."""
    finish = PartFile.finish

    def cancel_and_finish(file):
        finish(file)
        pulling.cancel()

    monkeypatch.setattr(PartFile, "finish", cancel_and_finish)
    pulling = asyncio.create_task(write_listing(Query(name="procedures"), server, ProceduresCSV(), output))
    with pytest.raises(asyncio.CancelledError):
        await pulling
    assert output.read_bytes().count(b"\r\n") == 251
    assert [path.name for path in output.parent.iterdir()] == ["list"]


async def test_cancelled_within_the_first_page(sandbox, server, monkeypatch):
    """Then what is whole of it counts as written, and the place after it lies within the page."""
    pulling = asyncio.create_task(write_listing(Query(name="procedures"), server, JSONLines(), None))
    out = Torn(pulling.cancel, pages=0, size=10_000)
    monkeypatch.setattr(listing_module, "destination", lambda *_, **__: out)
    with pytest.raises(StoppedError) as caught:
        await pulling
    mark = caught.value.mark
    assert 0 < mark.items < 100
    assert mark.items == out.written.count(b"\n")
    assert await collect(server, mark) == sandbox.procedures[mark.items :]


@pytest.mark.parametrize("on_drift", ["ignore", "resync"])
async def test_cancelled_within_a_later_page(sandbox, server, monkeypatch, on_drift):
    """Then what is whole of the page counts as written."""
    pulling = asyncio.create_task(write_listing(Query(name="procedures", on_drift=on_drift), server, JSONLines(), None))
    out = Torn(pulling.cancel, pages=1, size=10_000)
    monkeypatch.setattr(listing_module, "destination", lambda *_, **__: out)
    with pytest.raises(StoppedError) as caught:
        await pulling
    mark = caught.value.mark
    assert 100 < mark.items < 200
    assert mark.items == out.written.count(b"\n")
    assert await collect(server, mark) == sandbox.procedures[mark.items :]


class Torn:
    """An output that takes some pages, and of the next so many bytes."""

    is_terminal = False

    def __init__(self, end, *, pages, size):
        self.mark, self.torn, self.written = Mark(), 0, b""
        self._end, self._pages, self._size = end, pages, size

    async def __aenter__(self):
        return self

    async def __aexit__(self, *_):
        pass

    async def write(self, data, *, items, checkpoint):
        if self._pages:
            self._pages -= 1
            self.written += data
            self.mark = Mark(items=items, checkpoint=checkpoint)
            return
        self.torn = min(self._size, len(data))
        self.written += data[: self.torn]
        self._end()
        await asyncio.sleep(0)


def refuse():
    raise OSError(errno.ENOSPC, "No space left on device")


@pytest.mark.parametrize(
    "form",
    [JSONLines, ProceduresCSV, JSONArray, partial(Table, COLUMNS.columns, None), partial(Table, COLUMNS.columns, 80)],
)
@pytest.mark.parametrize("size", [0, 1, 40, 500, 7777])
@pytest.mark.parametrize("pages", [0, 2])
@pytest.mark.parametrize("on_drift", ["ignore", "resync"])
async def test_a_page_that_is_written_in_part(sandbox, server, monkeypatch, form, size, pages, on_drift):
    """An item counts if it is whole, in every format, and the checkpoint goes on with the next."""
    sandbox.procedures[:] = [
        evolve(procedure, name=f"line\r\nof {at}") for at, procedure in enumerate(sandbox.procedures)
    ]
    out = Torn(refuse, pages=pages, size=size)
    monkeypatch.setattr(listing_module, "destination", lambda *_, **__: out)
    with pytest.raises((OSError, StoppedError)) as caught:
        await write_listing(Query(name="procedures", limit=50, on_drift=on_drift), server, form(), None)
    spelling = form()
    whole = spelling.head()
    ends = [len(whole := whole + spelling.page([procedure])) for procedure in sandbox.procedures]
    count = sum(end <= len(out.written) for end in ends)
    if not count:
        assert isinstance(caught.value, OSError)
        return
    mark = caught.value.mark
    assert mark.items == count
    async with server.session() as session:
        listing = Query(name="procedures", on_drift=on_drift, cursor=Checkpoint.parse(mark.checkpoint)).listing(session)
        assert await listing.collect() == sandbox.procedures[count:]


async def test_a_page_that_repeats_items_and_is_written_in_part(sandbox, server, monkeypatch):
    """No item is lost behind a page on which some were dropped."""
    out = Torn(refuse, pages=1, size=2000)
    monkeypatch.setattr(listing_module, "destination", lambda *_, **__: out)

    def create(_, request):
        if "cursor" not in request.query:
            sandbox.procedures[:0] = make_procedures(3, seed=9)

    stay = list(sandbox.procedures)
    sandbox.after_response.append(create)
    with pytest.raises(StoppedError) as caught:
        await write_listing(Query(name="procedures", limit=50), server, JSONLines(), None)
    assert ids(out.written.rpartition(b"\n")[0]) == [procedure.id for procedure in stay[: caught.value.mark.items]]
    rest = await collect(server, caught.value.mark)
    assert rest == stay[caught.value.mark.items :]


async def collect(server, mark):
    async with server.session() as session:
        return await Query(name="procedures", cursor=Checkpoint.parse(mark.checkpoint)).listing(session).collect()


async def test_a_listing_that_moved_in_between(sandbox, server, output):
    """With resync, going on finds its place again: what stays listed is written once."""
    stay = list(sandbox.procedures)
    sandbox.faults.on(cursor=198).next(json_fault([]))
    with pytest.raises(StoppedError):
        await write_listing(Query(name="procedures", on_drift="resync"), server, JSONLines(), output)
    sandbox.procedures[:0] = make_procedures(30, seed=9)
    await write_listing(Query(name="procedures", on_drift="resync"), server, JSONLines(), output, resume=True)
    assert ids(output.read_bytes()) == [procedure.id for procedure in stay]


async def test_other_options_are_another_file(sandbox, server, output):
    """A file is gone on with only by the command that it was begun by, but for how it asks."""
    sandbox.faults.on(cursor=200).next(json_fault([]))
    with pytest.raises(StoppedError):
        await write_listing(Query(name="procedures", filters={"search_query": "e"}), server, ProceduresCSV(), output)
    with pytest.raises(UsageError, match="was begun with --search-query e: give"):
        await write_listing(Query(name="procedures"), server, ProceduresCSV(), output, resume=True)
    with pytest.raises(UsageError, match="was begun with --format csv: give"):
        await write_listing(
            Query(name="procedures", filters={"search_query": "e"}), server, JSONLines(), output, resume=True
        )
    elsewhere = Server(base_url="https://other.example", api_key="k")
    with pytest.raises(UsageError, match=f"was begun with server {sandbox.url}: give"):
        await write_listing(
            Query(name="procedures", filters={"search_query": "e"}), elsewhere, ProceduresCSV(), output, resume=True
        )
    written = await write_listing(
        Query(name="procedures", filters={"search_query": "e"}, limit=7, concurrency=5),
        server,
        ProceduresCSV(),
        output,
        resume=True,
    )
    assert written.items > 200
