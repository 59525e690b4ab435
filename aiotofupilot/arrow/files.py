"""A file that grows by parts, and the Parquet file that is made of it in the end.

The end of a Parquet file tells where everything in it is, so that a file which breaks off says nothing. An Arrow stream
has no end: it can be cut between any two parts, and be appended to again.

Source: https://arrow.apache.org/docs/format/Columnar.html#ipc-streaming-format
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pyarrow as pa
from pyarrow import ipc, parquet

from .schemas import received, schema

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from io import BufferedIOBase, FileIO

__all__ = ["stream_head", "stream_part", "write_parquet"]

_GROUP_ROWS = 2**17
"""Rows of a row group from which on it takes up no more. A reader takes up, or passes over, a group at a time."""

_GROUP_SIZE = 8 * 2**20
"""Bytes of a row group from which on it takes up no more. The writer has a group in memory, and more for a moment."""

_parquet: Any = parquet  # the stubs do not know of what types its parameters are


def stream_head(model: type) -> bytes:
    """Return how a stream of a model's items begins."""
    return schema(model).serialize().to_pybytes()


def stream_part(items: Sequence[Any], model: type) -> bytes:
    """Return some items as a part of a stream.

    Args:
        items: Models or shapes, as a server sent them.
        model: Their class, or that of the models whose shapes they are.

    Raises:
        DecodeError: A duration is longer than Arrow can hold.
    """
    return received(items, model).serialize().to_pybytes()


async def write_parquet(stream: FileIO, target: BufferedIOBase) -> None:
    """Make a Parquet file of a stream. The event loop gets its turn after each group of rows.

    Args:
        stream: Is read from where it stands to its end, and stays open.
        target: Is written to, and stays open.

    Raises:
        OSError: There is no room for it.
    """
    with (
        ipc.open_stream(pa.PythonFile(stream, mode="r")) as reader,
        _parquet.ParquetWriter(target, reader.schema, compression="zstd") as writer,
    ):
        for group in _groups(reader):
            writer.write_table(group, row_group_size=group.num_rows)
            await asyncio.sleep(0)


def _groups(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.Table]:
    """Join batches to groups that are neither small nor large."""
    gathered: list[pa.RecordBatch] = []
    rows = size = 0
    for batch in batches:
        gathered.append(batch)
        rows, size = rows + batch.num_rows, size + batch.nbytes
        if rows >= _GROUP_ROWS or size >= _GROUP_SIZE:
            yield pa.Table.from_batches(gathered)
            gathered, rows, size = [], 0, 0
    if gathered:
        yield pa.Table.from_batches(gathered)
