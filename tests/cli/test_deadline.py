"""A listing that has to end in time: what has come is written, and the rest can be had."""

import asyncio
import json

import pytest
from pyarrow import parquet

from aiotofupilot import Procedure
from aiotofupilot.arrow import streaming
from aiotofupilot.cli.formats import format_for, json_lines
from aiotofupilot.cli.listing import Query, write_listing
from aiotofupilot.cli.messages import DeadlineError, StoppedError
from aiotofupilot.cli.options import Server
from aiotofupilot.cli.progress import Progress
from aiotofupilot.sandbox import Sandbox
from aiotofupilot.sandbox.faults import stall, status

LATE = 3600.0


@pytest.fixture
async def sandbox():
    async with Sandbox() as sandbox:
        yield sandbox


@pytest.fixture
def server(sandbox):
    return Server(base_url=sandbox.url, api_key=sandbox.api_key, deadline=LATE)


@pytest.fixture
def passes_now(monkeypatch):
    """Let the deadline of the command that runs pass at this moment, if one runs."""
    timeout = asyncio.timeout
    scopes = []

    def caught(seconds):
        scope = timeout(seconds)
        if seconds == LATE:
            scopes.append(scope)
        return scope

    def passes_now():
        if scopes:
            scopes[0].reschedule(0.0)

    monkeypatch.setattr(asyncio, "timeout", caught)
    return passes_now


@pytest.fixture
def passes_at(sandbox, passes_now):
    """Let the deadline of the next command pass when the sandbox is asked for a page, which it never answers.

    Faults that are given are met before, each by an attempt of its own.
    """

    def passes_at(cursor, *before):
        def pass_now(_, request):
            if request.query.get("cursor") == cursor and request.attempt > len(before):
                passes_now()

        sandbox.faults.on(cursor=cursor).next(*before, stall(LATE))
        sandbox.before_response.append(pass_now)

    return passes_at


async def test_a_file_is_gone_on_with_after_a_deadline(sandbox, server, tmp_path, passes_at):
    """The part is kept, and the second run makes it the file that one run would have made."""
    output = tmp_path / "list.jsonl"
    passes_at("196")
    query = Query("procedures", concurrency=3)
    with pytest.raises(StoppedError) as caught:
        await write_listing(query, server, json_lines(), output)
    stopped = caught.value
    assert isinstance(stopped.reason, DeadlineError)
    assert str(stopped.reason) == f"the deadline of {LATE:g} s has passed"
    assert stopped.left.startswith("198 procedures written, continue with --resume, or elsewhere with --cursor ")
    assert not output.exists()
    sandbox.before_response.clear()
    assert (await write_listing(query, server, json_lines(), output, resume=True))[0] == 250
    assert [json.loads(line)["id"] for line in output.read_bytes().splitlines()] == [
        procedure.id for procedure in sandbox.procedures
    ]


async def test_a_deadline_that_passes_while_a_parquet_file_is_made(sandbox, server, tmp_path, passes_now, monkeypatch):
    """It is looked at after each group of rows. What has arrived is kept, and the next run makes the file of it."""
    groups_of, made, output = streaming._groups, [], tmp_path / "list.parquet"

    def groups(batches):
        for group in groups_of(batches):
            passes_now()
            made.append(group)
            yield group

    query, form = Query("procedures", limit=10), format_for("parquet", output, "procedures", Procedure)
    with monkeypatch.context() as patch:
        patch.setattr(streaming, "_GROUP_SIZE", 1)
        patch.setattr(streaming, "_groups", groups)
        with pytest.raises(StoppedError) as caught:
            await write_listing(query, server, form, output)
    stopped = caught.value
    assert isinstance(stopped.reason, DeadlineError)
    assert stopped.left.startswith("250 procedures written, continue with --resume")
    assert len(made) <= 2
    assert sorted(path.name for path in tmp_path.iterdir()) == ["list.parquet.part", "list.parquet.part.state"]

    sandbox.requests.clear()
    assert (await write_listing(query, server, form, output, resume=True))[0] == 250
    assert len(sandbox.requests) == 1
    assert parquet.read_table(output)["id"].to_pylist() == [procedure.id for procedure in sandbox.procedures]
    assert list(tmp_path.iterdir()) == [output]


async def test_a_deadline_tells_the_failure_that_was_not_got_over(server, tmp_path, passes_at):
    """Whoever reads the mail of a nightly job would not know otherwise what took so long."""
    passes_at(None, status(503))
    told = r"^the deadline of 3600 s has passed; the latest warning was: procedures at cursor 0: attempt 1 failed .*503"
    with pytest.raises(DeadlineError, match=told):
        await write_listing(Query("procedures"), server, json_lines(), tmp_path / "list.jsonl")


async def test_a_deadline_tells_no_failure_that_was_got_over(sandbox, server, tmp_path, passes_at):
    """More has arrived after it."""
    sandbox.faults.on(cursor=None).next(status(503))
    passes_at("98")
    with pytest.raises(StoppedError) as caught:
        await write_listing(Query("procedures"), server, json_lines(), tmp_path / "list.jsonl")
    assert str(caught.value.reason) == "the deadline of 3600 s has passed"


@pytest.mark.parametrize("deadline", [None, 60.0])
async def test_a_timeout_of_the_disk_is_not_the_deadline(deadline):
    """Network file systems have such an error."""
    with pytest.raises(TimeoutError, match="Connection timed out"):
        async with Progress().until(deadline):
            raise TimeoutError(110, "Connection timed out")
