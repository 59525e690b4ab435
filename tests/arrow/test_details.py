"""The details of a listing become rows as they come, each run whole, with waveforms as lists of doubles.

- Details become rows as they come, each run whole, resumable after each batch; failures and cancellations cost no
  row.
"""

import asyncio
from math import nan

import attrs
import pyarrow as pa
import pytest
from fakes.in_process import InProcess
from fakes.waveforms import few_points
from fakes.wire_details import DETAILS
from msgspec import json

from aiotofupilot import DataSeries, RawItem, RunMeasurement, ServerError, from_wire
from aiotofupilot.arrow import batches, record_batch, schema, streaming, table
from aiotofupilot.listings import Runs
from aiotofupilot.models import RunDetails
from aiotofupilot.models.fields import shown_fields
from aiotofupilot.sandbox import Sandbox, faults

RUNS = 12


@pytest.fixture(scope="module")
def service():
    with few_points():
        yield Sandbox(procedures=2, runs=RUNS)


@pytest.fixture
def listing(service):
    service.faults.clear()
    return Runs(InProcess(service, attempts=1)).list


def plain(value, field=None):
    """Return what a row holds of a value: JSON text where a field can be of several types."""
    if value is None:
        return None
    if field is not None and field.model is None and not field.is_array and field.name in {"expected_value", "value"}:
        return json.encode(value).decode()
    if field is not None and field.name in {"measured_value", "metadata"}:
        text = (
            {key: json.encode(member).decode() for key, member in value.items()} if field.name == "metadata" else value
        )
        return list(text.items()) if field.name == "metadata" else json.encode(value).decode()
    if isinstance(value, tuple):
        return [plain(member) for member in value]
    if attrs.has(type(value)):
        return {field.name: plain(getattr(value, field.name), field) for field in shown_fields(type(value))}
    return value


@pytest.mark.parametrize(("name", "model", "example"), DETAILS)
def test_a_row_has_all_that_may_be_shown_of_the_details(name, model, example):
    item = from_wire(example, model)
    batch = record_batch([item], model)
    batch.validate(full=True)
    assert batch.schema == schema(model), name
    assert batch.to_pylist() == [plain(item)], name


@pytest.mark.parametrize("concurrency", [1, 4])
async def test_a_table_has_the_details_of_each_item(listing, concurrency):
    details = listing(concurrency=concurrency).details()
    found = await table(details)
    assert found.schema == schema(RunDetails)
    assert found.to_pylist() == [plain(run) for run in await details.collect()]


async def test_a_waveform_is_a_list_of_doubles_without_nan():
    """JSON has null there, and null is what frames and databases leave out of a mean."""
    series = DataSeries(data=(1.5, nan, 2.0), units="V")
    measurement = RunMeasurement(id="m", name="sweep", outcome="PASS", validators=None, data_series=(series, series))
    batch = record_batch([measurement, attrs.evolve(measurement, data_series=None)], RunMeasurement)
    batch.validate(full=True)
    assert [each and [one["data"] for one in each] for each in batch["data_series"].to_pylist()] == [
        [[1.5, None, 2.0]] * 2,
        None,
    ]
    whole = record_batch([attrs.evolve(series, data=(1.0, 2.0)), attrs.evolve(series, data=())], DataSeries)["data"]
    assert (whole.to_pylist(), whole.type.value_type) == ([[1.0, 2.0], []], pa.float64())


async def test_a_flat_row_of_details_has_json_with_null():
    series = DataSeries(data=(1.5, nan), units="V")
    measurement = RunMeasurement(id="m", name="sweep", outcome="PASS", validators=None, data_series=(series,))
    (text,) = record_batch([measurement], RunMeasurement, flat=True)["data_series"].to_pylist()
    assert json.decode(text)[0]["data"] == [1.5, None]


@pytest.mark.parametrize("rows", [1, 5, 100])
async def test_the_checkpoint_stands_after_each_batch(listing, rows):
    """From each, another pass goes on with the run after."""
    whole = await table(listing().details())
    passed = 0
    async with batches(listing(concurrency=3).details(), rows=rows) as stream:
        async for batch in stream:
            passed += batch.num_rows
            rest = await table(listing(cursor=stream.checkpoint).details())
            assert rest.equals(whole.slice(passed))
    assert passed == stream.stats.items == RUNS


async def test_a_batch_of_many_bytes_takes_no_more_details(listing, monkeypatch):
    """A large run is converted before the next one is decoded."""
    whole = await table(listing().details())
    monkeypatch.setattr(streaming, "_LARGEST", 1)
    monkeypatch.setattr(streaming, "_BYTES_AT_ONCE", 1)
    parts = [batch async for batch in batches(listing(concurrency=4).details())]
    assert [batch.num_rows for batch in parts] == [1] * RUNS
    assert pa.Table.from_batches(parts).equals(whole)


async def test_a_failure_costs_no_row(service, listing):
    """The rows before it come first, then the error, and then the rest."""
    whole, runs = await table(listing().details()), await listing().collect()
    service.faults.on(lambda request: request.path.endswith(runs[7].id)).next(faults.status(500))
    stream = batches(listing().details())
    first = await anext(stream)
    assert first.num_rows == 7
    with pytest.raises(ServerError) as failed:
        await anext(stream)
    assert failed.value.checkpoint == stream.checkpoint
    assert pa.Table.from_batches([first, *[batch async for batch in stream]]).equals(whole)


async def test_cancelled_anywhere_nothing_is_lost(listing):
    whole, turns = await table(listing().details()), 0
    while True:
        stream = batches(listing(concurrency=4).details())
        task = asyncio.ensure_future(anext(stream))
        for _ in range(turns):
            await asyncio.sleep(0)
        if task.done():
            break
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert pa.Table.from_batches([batch async for batch in stream]).equals(whole)
        turns += 7
    assert turns > RUNS


async def test_details_without_models_are_refused(listing):
    with pytest.raises(TypeError, match="listing must have models, so it cannot be after raw"):
        batches(listing().raw().details())
    assert listing().raw().details().model is RawItem
