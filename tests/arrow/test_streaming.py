"""A listing becomes record batches that can be resumed between any two of them, and each row is there once."""

import asyncio
from datetime import timedelta

import attrs
import pyarrow as pa
import pytest
from fakes.budget import combined
from fakes.in_process import InProcess
from fakes.listings import required
from fakes.wire_listings import MODELS

from aiotofupilot import (
    Checkpoint,
    DecodeError,
    Measurement,
    Procedure,
    RawItem,
    Run,
    ServerError,
    SessionError,
    TofuPilotSession,
)
from aiotofupilot.arrow import batches, record_batch, schema, streaming, table
from aiotofupilot.arrow.streaming import stream_part
from aiotofupilot.listings import Runs
from aiotofupilot.sandbox import Sandbox, faults
from aiotofupilot.testing import make_measurement, make_run

ITEMS = 1_250


@pytest.fixture
def service():
    return Sandbox(procedures=ITEMS)


@pytest.fixture
def listing(service):
    return InProcess(service, attempts=1).procedures.list


def rows(*parts):
    return pa.Table.from_batches(parts, schema=schema(Procedure))


@pytest.fixture
def whole(service):
    return rows(record_batch(service.procedures, Procedure))


@pytest.mark.parametrize(
    ("concurrency", "on_drift", "size"), combined([1, 8], ["ignore", "resync"], [1, 130, ITEMS, 10_000])
)
async def test_every_batch_has_as_many_rows_as_wanted(listing, whole, concurrency, on_drift, size):
    """The last has the rest. Pages may be cut."""
    items = min(ITEMS, size * 20)
    found = listing(concurrency=concurrency, on_drift=on_drift, max_items=items)
    parts = [batch async for batch in batches(found, rows=size)]
    assert rows(*parts).equals(whole.slice(0, items))
    assert [part.num_rows for part in parts] == [size] * (items // size) + [items % size] * bool(items % size)


@pytest.mark.parametrize("on_drift", ["ignore", "resync"])
async def test_the_checkpoint_stands_after_each_batch(listing, whole, on_drift):
    """From each, another pass goes on with the row after."""
    passed = 0
    async with batches(listing(on_drift=on_drift), rows=130) as stream:
        assert stream.checkpoint.place == "0"
        async for batch in stream:
            passed += batch.num_rows
            after = Checkpoint.parse(str(stream.checkpoint))
            assert (await table(listing(cursor=after, on_drift=on_drift))).equals(whole.slice(passed))
    assert stream.stats.items == passed == ITEMS


async def test_a_table_is_the_whole_listing(listing, whole):
    assert (await table(listing())).equals(whole)
    assert (await table(listing(max_items=70, cursor=30))).equals(whole.slice(30, 70))


async def test_an_empty_listing_has_the_whole_schema(service, listing):
    service.procedures.clear()
    assert [batch async for batch in batches(listing())] == []
    empty = await table(listing())
    assert (empty.num_rows, empty.schema) == (0, schema(Procedure))


async def test_nothing_is_asked_for_before_the_first_batch(listing, service):
    async with batches(listing(concurrency=8)) as stream:
        assert stream.schema == schema(Procedure)
        assert repr(stream) == "<RecordBatches: 0 items, 0 requests so far>"
    assert service.requests == []


async def test_rows_that_came_before_a_failure_are_yielded_before_it_is_raised(listing, service, whole):
    """The error knows the same checkpoint, and whoever asks on asks the server again."""
    service.faults.on(cursor=588).next(faults.status(500))
    stream = batches(listing(), rows=1_000)
    first = await anext(stream)
    assert first.num_rows == 590
    with pytest.raises(ServerError) as failed:
        await anext(stream)
    assert failed.value.checkpoint == stream.checkpoint
    rest = [batch async for batch in stream]
    assert [batch.num_rows for batch in rest] == [660]
    assert rows(first, *rest).equals(whole)


async def test_a_cancelled_batch_is_gathered_on(listing, service, whole):
    """What had arrived is not lost, and the checkpoint stays where the batch before ended."""
    stream = batches(listing(), rows=1_000)
    for requests in range(1, 9):
        task = asyncio.ensure_future(anext(stream))
        while len(service.requests) < requests:  # noqa: ASYNC110 - the service tells nobody that it was asked
            await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert stream.checkpoint.place == "0"
    assert rows(*[batch async for batch in stream]).equals(whole)


async def test_a_closed_stream_stands_after_the_batch_yielded_last(listing, service, whole):
    """Rows of the next one that had arrived are dropped, and a resumed pass yields them."""
    stream = batches(listing(), rows=250)
    first = await anext(stream)
    task = asyncio.ensure_future(anext(stream))
    while stream.stats.items < 400:  # noqa: ASYNC110 - the stream tells nobody that a page has come
        await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await stream.aclose()
    with pytest.raises(SessionError, match="closed before its end"):
        await anext(stream)
    assert rows(first, *(await table(listing(cursor=stream.checkpoint))).to_batches()).equals(whole)


async def test_a_batch_of_many_bytes_is_not_filled_up(listing, monkeypatch, whole):
    """A row group or a message that is built of it stays small, whatever the server writes into texts."""
    monkeypatch.setattr(streaming, "_LARGEST", 1)
    monkeypatch.setattr(streaming, "_AT_ONCE", 2_500)  # of 5 columns: known are the bytes of 500 rows
    parts = [batch async for batch in batches(listing(on_drift="ignore"))]
    assert [part.num_rows for part in parts] == [500, 500, 250]
    assert rows(*parts).equals(whole)


@pytest.mark.parametrize(
    ("size", "complaint"), [(0, ValueError), (-1, ValueError), (1.5, TypeError), (True, TypeError)]
)
async def test_rows_are_a_positive_integer(listing, size, complaint):
    with pytest.raises(complaint, match="rows must be") as refused:
        batches(listing(), rows=size)
    assert refused.value.parameter == "rows"


async def test_only_a_listing_with_models_can_be_streamed(listing):
    mine = attrs.make_class("Mine", {"name": attrs.field(type=str)})
    for wrong in (listing().raw(), listing().into(mine), listing().into(mine).details(), listing().walk(), [], None):
        with pytest.raises(TypeError, match="listing must ") as refused:
            batches(wrong)
        assert refused.value.parameter == "listing"
        with pytest.raises(TypeError, match="listing must "):
            await table(wrong)
    assert listing().raw().model is RawItem


async def test_a_page_that_breaks_the_contract_is_refused_with_its_path(service, listing, whole):
    """What can be read before the item at fault is yielded, and nothing of it."""
    service.procedures[730] = attrs.evolve(service.procedures[730], name=None)
    stream = batches(listing())
    first = await anext(stream)
    assert rows(first).equals(whole.slice(0, 730))
    with pytest.raises(DecodeError) as refused:
        await anext(stream)
    assert refused.value.path == "$.data[0].name"
    assert refused.value.checkpoint == stream.checkpoint


async def test_an_item_that_cannot_be_read_can_be_left_out(service, listing, whole):
    service.procedures[730] = attrs.evolve(service.procedures[730], name=None)
    found = await table(listing(on_unreadable="skip"))
    assert found.equals(pa.concat_tables([whole.slice(0, 730), whole.slice(731)]))


async def test_a_duration_that_arrow_cannot_hold_is_an_error_of_this_package():
    """As often as it is asked for. The checkpoint stays before it."""
    service = Sandbox(procedures=3, runs=40)
    runs = Runs(InProcess(service)).list
    (run, *_) = await runs().collect()
    too_long = f"P{timedelta.max.days}D"

    class Lying(InProcess):
        async def _respond(self, target):
            answer = await super()._respond(target)
            return attrs.evolve(
                answer, body=answer.body.replace(b'"duration":"PT', b'"duration":"%bT' % too_long.encode(), 1)
            )

    stream = batches(Runs(Lying(service)).list(limit=10))
    for _ in range(2):
        with pytest.raises(DecodeError, match="Arrow holds a duration of at most") as refused:
            await anext(stream)
        assert refused.value.checkpoint == stream.checkpoint
        assert stream.checkpoint.place == "0"
    assert isinstance(run, Run)


def test_a_part_of_a_stream_tells_of_such_a_duration_with_an_error_of_this_package():
    with pytest.raises(DecodeError, match="Arrow holds a duration of at most"):
        stream_part([attrs.evolve(make_run(), duration=timedelta.max)], Run)
    with pytest.raises(DecodeError, match=r"^value of 'two': int too large to convert to float$") as refused:
        stream_part([make_measurement(), make_measurement(id="two", value=10**400)], Measurement)
    assert refused.value.path == "value"


@pytest.fixture
async def sandbox():
    async with Sandbox(procedures=5, runs=60) as sandbox:
        yield sandbox


async def test_every_listing_becomes_the_table_of_its_models(sandbox):
    async with TofuPilotSession(sandbox.api_key, base_url=sandbox.url) as session:
        for name, model in MODELS.items():
            arguments = required(name, sandbox.procedures[0].id)
            if name in {"runs", "units", "parts", "stations"}:
                arguments["include_metadata"] = True
            found = getattr(session, name).list(**arguments)
            items = await found.collect()
            assert items
            assert (await table(found)).equals(pa.Table.from_batches([record_batch(items, model)]))
