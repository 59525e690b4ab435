"""A listing or its details as record batches, as one table, or as a file that grows in parts."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from aiotofupilot import models
from aiotofupilot._checks import for_parameter, integer, must_be
from aiotofupilot._paging.details import DetailsWalk
from aiotofupilot._paging.iteration import CountedIteration
from aiotofupilot._paging.paginator import Details, Paginator, structs_of as structs_of  # noqa: PLC0414 - others import it from here
from aiotofupilot._public import internal
from aiotofupilot.errors import DecodeError
from aiotofupilot.models import RawItem

from .rows import Rows, arrow, flat_columns, rows_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from io import BufferedIOBase, FileIO

    from aiotofupilot.positions import Checkpoint
    from aiotofupilot.stats import WalkStats

_LARGEST = 64 * 2**20
"""A batch ends when it has this many bytes."""

_AT_ONCE = 5_000
"""At least this many values are converted together. Each column of each row counts as one value.

With fewer values, the calls take most of the time. With many more, the values leave the CPU's caches, and runs take
twice the time.
"""

_BYTES_AT_ONCE = 4 * 2**20
"""Details are converted after this many bytes of JSON. Decoded, they take about five times as many."""

_GROUP_SIZE = 8 * 2**20
"""The bytes of a full row group. The writer holds one in memory, and for a short time two. A reader reads or skips
whole groups. A row takes at least 50 bytes, because its ID has 36 characters, so a group has at most 170,000 rows."""


class RecordBatches(CountedIteration[pa.RecordBatch]):
    """A pass over a listing or its details, in record batches. Requests are made only while you wait for a batch.

    Enter it with ``async with``, which closes it, or call `aclose`. A failure loses no rows: those before it are
    yielded as a shorter batch, and the error is raised after that batch. If you then ask for another batch, the failed
    request is repeated.
    """

    @internal
    def __init__(
        self,
        listing: Paginator[Any] | Details[Any],
        schema: pa.Schema,
        make: Callable[[Sequence[Any]], pa.RecordBatch],
        *,
        rows: int,
    ) -> None:
        self.schema: pa.Schema = schema
        """The schema of every batch."""
        self._make = make
        self._rows = rows
        self._walk = listing.walk() if isinstance(listing, Details) else structs_of(listing).walk()
        self._checkpoint = self._walk.checkpoint
        self._gathered: list[object] = []  # items of the next batch
        self._parts: list[pa.RecordBatch] = []  # rows of the next batch, before these items
        self._length = self._size = 0  # rows and bytes of these parts
        self._decoded_before = 0  # bytes of JSON of the details that are no longer among the items

    async def _advance(self) -> bool:
        await self._gather()
        self._convert()
        if parts := self._parts:
            batch: pa.RecordBatch = arrow.concat_batches(parts) if len(parts) > 1 else parts[0]
            self._parts, self._length, self._size = [], 0, 0
            self._checkpoint = self._walk.checkpoint
            self._offer([batch])
            return True
        self._raise_failure()
        return False

    async def _close(self) -> None:
        self._gathered, self._parts, self._failure = [], [], None
        self._length = self._size = 0
        await self._walk.aclose()

    @property
    def checkpoint(self) -> Checkpoint:
        """The position after the last batch that was yielded. ``list(cursor=...)`` resumes there.

        Store it together with the batch, so that each item is stored exactly once.
        """
        return self._checkpoint

    @property
    def stats(self) -> WalkStats:
        """The counts of the walk so far, including items that have arrived for the next batch."""
        return self._walk.stats

    async def _gather(self) -> None:
        """Gather the items of the next batch, or those before a failure."""
        while self._failure is None and self._length < self._rows and self._size < _LARGEST:
            missing = self._rows - self._length - len(self._gathered)
            if missing <= 0 or len(self._gathered) * len(self.schema) >= _AT_ONCE or self._decoded >= _BYTES_AT_ONCE:
                self._convert()
                continue
            try:
                # Details are taken one by one, because each can be large.
                items = await self._walk.take(1 if isinstance(self._walk, DetailsWalk) else missing)
            except Exception as error:  # noqa: BLE001 - it is raised after the rows before it
                self._failure = error
                return
            if not items:
                return
            self._gathered += items

    @property
    def _decoded(self) -> int:
        """The bytes of JSON of the gathered details. 0 for other items, because a page is small."""
        if not isinstance(self._walk, DetailsWalk):
            return 0
        return self._walk._yielded_bytes - self._decoded_before  # noqa: SLF001 # pyright: ignore[reportPrivateUsage] - no user needs it

    def _convert(self) -> None:
        try:
            part = self._make(self._gathered)
        except DecodeError as error:  # the items are kept
            error.checkpoint = self._checkpoint
            raise
        self._gathered, self._decoded_before = [], self._decoded_before + self._decoded
        if part.num_rows:
            self._parts.append(part)
            self._length, self._size = self._length + part.num_rows, self._size + part.nbytes


def batches(
    listing: Paginator[Any] | Details[Any],
    *,
    rows: int = 10_000,
    flat: bool = False,
) -> RecordBatches:
    """Return a listing or its details as record batches. Nothing is sent before you ask for the first batch.

    Args:
        listing: As in `table`.
        rows: Rows of a batch, 1 or more. A batch has fewer if it is the last, reaches 64 MiB, or ends with a failure.
        flat: As in `table`.

    Raises:
        TypeError: `listing` is not a listing of models, or an argument is of the wrong type.
        ValueError: `rows` is out of bounds.
    """
    made = rows_of(model_of(listing), flat=flat)
    return RecordBatches(listing, made.schema, made.sent, rows=integer("rows", rows, low=1))


def model_of(listing: object) -> type:
    """Return the model of a listing or its details, after checking it."""
    if not isinstance(listing, Paginator | Details):
        raise must_be(TypeError, "listing", "what list() returns, or its details()", listing)
    found: Paginator[Any] | Details[Any] = listing  # pyright: ignore[reportUnknownVariableType] - the type of its items is not known
    model: type = found.model
    is_ours = getattr(models, model.__name__, None) is model
    if not is_ours or model is RawItem:
        message = f"listing must have models, so it cannot be after raw() or into(), got {listing!r}"
        raise for_parameter(TypeError(message), "listing")
    return model


async def table(listing: Paginator[Any] | Details[Any], *, flat: bool = False) -> pa.Table:
    """Return a whole listing, or the details of its items, as one table. It may have no rows.

    Args:
        listing: What ``list()`` returns, or its ``details()``. Details are converted one by one as they come.
        flat: Whether columns hold only plain values, for frames and spreadsheets. Nested values become columns with
            dots in their names, such as ``unit.serial_number``. Lists and mappings become JSON text, and durations
            numbers of seconds. A mirror has the same columns, but with ``__`` for the dot.

    Raises:
        TypeError: `listing` is not a listing of models, or an argument is of the wrong type.
    """
    async with batches(listing, flat=flat) as stream:
        return pa.Table.from_batches([batch async for batch in stream], schema=stream.schema)


def stream_of(schema: pa.Schema, batches: Iterator[pa.RecordBatch], requested_schema: object) -> object:
    """Return record batches as a C stream capsule. Its reader takes them one by one, perhaps in another thread."""
    return arrow.RecordBatchReader.from_batches(schema, batches).__arrow_c_stream__(requested_schema)


def _stream_rows(model: type, columns: Sequence[str] | None) -> Rows:
    if columns is None:
        return rows_of(model)
    known = {column.field.name: column for column in flat_columns(model, ".")}
    return Rows([known[name] for name in columns])


def stream_head(model: type, columns: Sequence[str] | None = None) -> bytes:
    """Return the beginning of an Arrow stream. ``columns`` chooses flat columns of the model.

    A Parquet file without its end cannot be read, because the end says where everything is. A stream can be cut between
    any two parts, and further parts can be appended.

    Source: https://arrow.apache.org/docs/format/Columnar.html#ipc-streaming-format
    """
    return _stream_rows(model, columns).schema.serialize().to_pybytes()


def stream_part(items: Sequence[object], model: type, columns: Sequence[str] | None = None) -> bytes:
    """Return models or structs as a part of a stream."""
    return _stream_rows(model, columns).sent(items).serialize().to_pybytes()


async def write_parquet(stream: FileIO, target: BufferedIOBase) -> None:
    """Write the rest of a stream as Parquet. Both stay open, and other tasks run after each row group."""
    from pyarrow import parquet  # noqa: PLC0415 - it takes a while, and no table needs it

    make_writer: Any = parquet.ParquetWriter  # the stubs do not know the types of its parameters
    with (
        pa.ipc.open_stream(pa.PythonFile(stream, mode="r")) as reader,
        make_writer(target, reader.schema, compression="zstd") as writer,
    ):
        for group in _groups(reader):
            writer.write_table(group, row_group_size=group.num_rows)
            await asyncio.sleep(0)


def _groups(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.Table]:
    """Join batches into row groups."""
    gathered: list[pa.RecordBatch] = []
    size = 0
    for batch in batches:
        gathered.append(batch)
        size += batch.nbytes
        if size >= _GROUP_SIZE:
            yield pa.Table.from_batches(gathered)
            gathered, size = [], 0
    if gathered:
        yield pa.Table.from_batches(gathered)
