"""A file that grows in parts, and the Parquet file that is made from it at the end.

The end of a Parquet file says where everything in it is, so a file that breaks off cannot be read. An Arrow stream has
no such end. It can be cut between any two parts, and further parts can be appended.

Source: https://arrow.apache.org/docs/format/Columnar.html#ipc-streaming-format
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pyarrow as pa
from pyarrow import ipc, parquet

from .rows import rows_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from io import BufferedIOBase, FileIO

_GROUP_SIZE = 8 * 2**20
"""A row group with this many bytes is full. The writer has one group in memory, and more than that for a moment. A
reader reads, or skips, one group at a time. A row of any listing takes 50 bytes or more, 36 of them for its ID, a
UUID. So a group has some 170,000 rows at most."""

_parquet: Any = parquet  # the stubs do not know the types of its parameters


def stream_head(model: type) -> bytes:
    """Return the beginning of a stream of a model's items."""
    return rows_of(model).schema.serialize().to_pybytes()


def stream_part(items: Sequence[Any], model: type) -> bytes:
    """Return some items as a part of a stream: models of a class, or structs with their values."""
    return rows_of(model).sent(items).serialize().to_pybytes()


async def write_parquet(stream: FileIO, target: BufferedIOBase) -> None:
    """Make a Parquet file of the rest of a stream. Both stay open. Other tasks run after each group of rows."""
    with (
        ipc.open_stream(pa.PythonFile(stream, mode="r")) as reader,
        _parquet.ParquetWriter(target, reader.schema, compression="zstd") as writer,
    ):
        for group in _groups(reader):
            writer.write_table(group, row_group_size=group.num_rows)
            await asyncio.sleep(0)


def _groups(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.Table]:
    """Join batches into groups that are neither small nor large."""
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
