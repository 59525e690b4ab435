"""The points of waveforms as one long table, with a row for each point.

The columns that identify a waveform repeat for all of its points, so they are dictionary-encoded: each row has an index
of 4 bytes, and each batch has the texts once.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterable
from functools import partial
from itertools import chain
from operator import attrgetter
from typing import TYPE_CHECKING, Any, cast

import attrs
import pyarrow as pa

from aiotofupilot._checks import for_parameter, integer, must_be, one_of
from aiotofupilot._paging.paginator import Details, Paginator
from aiotofupilot.models import Run

from .rows import DOUBLE, INT32, STRING, arrow
from .streaming import RecordBatches, model_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from aiotofupilot.models import DataSeries, RunDetails, RunMeasurement, RunPhase


@attrs.frozen
class Waveform:
    """One series of points, with its measurement, phase and run."""

    run: RunDetails
    phase: RunPhase
    measurement: RunMeasurement
    number: int
    """The number of the series in the measurement, from 0."""
    series: DataSeries


def waveforms(run: RunDetails) -> Iterator[Waveform]:
    """Yield the waveforms of a run, including those without points."""
    for phase in run.phases:
        for measurement in phase.measurements:
            for number, series in enumerate(measurement.data_series or ()):
                yield Waveform(run, phase, measurement, number, series)


TEXT = pa.dictionary(INT32, STRING)

_COLUMNS: dict[str, tuple[str, pa.DataType]] = {
    "run_id": ("run.id", TEXT),
    "serial_number": ("run.unit.serial_number", TEXT),
    "phase": ("phase.name", TEXT),
    "retry_count": ("phase.retry_count", INT32),
    "measurement_id": ("measurement.id", TEXT),
    "measurement": ("measurement.name", TEXT),
    "series": ("number", INT32),
    "series_name": ("series.name", TEXT),
    "index": ("", INT32),
    "value": ("series.data", DOUBLE),
    "units": ("series.units", TEXT),
}
"""The path in a `Waveform` and the type of each column. The index has no path."""


def _schema(columns: object) -> pa.Schema:
    """Check the names of columns and return their schema. None means all."""
    if isinstance(columns, str) or not isinstance(columns, Iterable | None):
        raise for_parameter(
            TypeError(f"columns must be a list or another iterable of names, got {columns!r}"), "columns"
        )
    given = _COLUMNS if columns is None else cast("Iterable[str]", columns)
    names = [one_of("columns", name, (*_COLUMNS,)) for name in given]
    if not names or len({*names}) < len(names):
        raise for_parameter(
            ValueError(f"columns must have at least one name, and each name once, got {names}"), "columns"
        )
    return pa.schema([pa.field(name, _COLUMNS[name][1]) for name in names])


def _points(schema: pa.Schema, runs: Sequence[RunDetails]) -> pa.RecordBatch:
    found = [waveform for run in runs for waveform in waveforms(run) if waveform.series.data]
    lengths = [len(waveform.series.data) for waveform in found]
    up_to_the_longest = array("i", range(max(lengths, default=0)))
    which, index = array("i"), array("i")  # the waveform of each point, and the point's number in it
    for number, length in enumerate(lengths):
        which += array("i", [number]) * length
        index += up_to_the_longest[:length]
    repeated = _integers(which)

    def column(name: str) -> object:
        path, kind = _COLUMNS[name]
        if name == "index":
            return _integers(index)
        values = map(attrgetter(path), found)
        if name == "value":
            return arrow.array([*chain.from_iterable(values)], kind, from_pandas=True)  # a NaN is null
        return arrow.array([*values], kind).take(repeated)

    batch: pa.RecordBatch = arrow.RecordBatch.from_arrays([column(name) for name in schema.names], schema=schema)
    return batch


def _integers(numbers: array[int]) -> Any:  # noqa: ANN401 - an array
    return arrow.Array.from_buffers(INT32, len(numbers), [None, pa.py_buffer(numbers)])


def series_batches(
    listing: Paginator[Run] | Details[RunDetails], *, rows: int = 100_000, columns: Sequence[str] | None = None
) -> RecordBatches:
    """Return the points of waveforms as record batches. Nothing is sent before the first is used.

    Use it for more points than fit into memory. Each batch has whole runs, so the checkpoint resumes after the batch.

    Args:
        listing: As in `series`.
        rows: The least rows of a batch, 1 or more. A batch ends with the run that reaches this number, or with a later
            run from the same 4 MiB of JSON. A batch has fewer if it is the last or ends with a failure.
        columns: As in `series`.

    Raises:
        TypeError: `listing` is not of runs, or an argument is of the wrong type.
        ValueError: There is no such column, a column is named twice, or `rows` is out of bounds.
    """
    from aiotofupilot.models import RunDetails  # noqa: PLC0415 - it takes a while, and most programs need no details

    if model_of(listing) not in {Run, RunDetails}:
        raise must_be(TypeError, "listing", "a listing of runs, or its details()", listing)
    details = listing if isinstance(listing, Details) else listing.details()
    schema = _schema(columns)
    return RecordBatches(details, schema, partial(_points, schema), rows=integer("rows", rows, low=1))


async def series(listing: Paginator[Run] | Details[RunDetails], *, columns: Sequence[str] | None = None) -> pa.Table:
    """Return the points of the waveforms of runs as one long table, with a row for each point.

    The columns are ``run_id``, ``serial_number``, ``phase``, ``retry_count`` of the phase, ``measurement_id``,
    ``measurement``, ``series`` (its number in the measurement, from 0), ``series_name``, ``index`` (the number of the
    point, from 0), ``value`` and ``units``. The API does not say which series is x. ``value`` is null if the server has
    no number. ``measurement_id`` and ``series`` together identify a waveform, because each attempt at a phase has its
    own measurements.

    A row takes 48 bytes. A million points of each of 50 runs take 2.4 GB: choose columns, or use `series_batches`.

    Args:
        listing: The listing of runs, or its ``details()``. Each run takes a request.
        columns: The names of the columns, in this order, or None for all.

    Raises:
        TypeError: `listing` is not of runs, or an argument is of the wrong type.
        ValueError: There is no such column, or a column is named twice.
    """
    async with series_batches(listing, columns=columns) as stream:
        table: Any = pa.Table.from_batches([batch async for batch in stream], schema=stream.schema)
    return cast("pa.Table", table.unify_dictionaries())
