"""A listing as record batches while its pages arrive, or as one table."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pyarrow as pa

from aiotofupilot._arguments import for_parameter, integer, must_be
from aiotofupilot._paging.paginator import Paginator
from aiotofupilot._paging.walk import Iteration
from aiotofupilot.errors import DecodeError
from aiotofupilot.models import RawItem

from .columns import schema, sent_batch

if TYPE_CHECKING:
    from aiotofupilot.positions import Checkpoint
    from aiotofupilot.stats import WalkStats

__all__ = ["RecordBatches", "batches", "table"]

_LARGEST = 64 * 2**20
"""A batch with this many bytes takes no more rows."""

_AT_ONCE = 5_000
"""At least this many values are converted together. A column of the schema counts as one value in each row.

With fewer values, the calls cost more than the values. With more, the values leave the CPU's caches in between, which
doubles the cost of runs.
"""

_arrow: Any = pa  # the stubs do not know concat_batches


class RecordBatches(Iteration[pa.RecordBatch]):
    """A pass over a listing, in record batches. Pages are requested only while you wait for a batch.

    Enter it with ``async with``, which closes it, or call `aclose`. As in a walk, no row that was listed before a
    failure is lost. The rows that came before a failure are yielded first, as a shorter batch. The next batch then
    raises the error. If you request another batch after that, the page is requested again.

    Args:
        listing: The listing.
        rows: The number of rows of a batch.
    """

    _in_use = "another task is waiting for the next batch: give each task its own batches"

    def __init__(self, listing: Paginator[Any], *, rows: int) -> None:
        self._model = listing.model
        self.schema: pa.Schema = schema(self._model)
        """The schema of every batch."""
        self._rows = rows
        self._walk = listing.structs().walk()
        self._checkpoint = self._walk.checkpoint
        self._items: list[Any] = []  # items of the next batch
        self._parts: list[pa.RecordBatch] = []  # rows of the next batch, before these items
        self._size = 0  # bytes of these parts
        self._failure: Exception | None = None

    def __repr__(self) -> str:
        return f"<RecordBatches of {self._model.__name__}: {self.stats.items} items so far>"

    async def __anext__(self) -> pa.RecordBatch:
        with self._waiting():
            await self._gather()
        if self._items:
            self._convert()
        if self._parts:
            batch: pa.RecordBatch = _arrow.concat_batches(self._parts)
            self._parts, self._size = [], 0
            self._checkpoint = self._walk.checkpoint
            return batch
        failure, self._failure = self._failure, None
        try:
            raise failure or StopAsyncIteration
        finally:
            del failure  # its traceback refers to this frame

    async def aclose(self) -> None:
        """End after the batch that was yielded last, and wait until nothing is in flight.

        Raises:
            RuntimeError: Another task is waiting for the next batch.
        """
        self._check_idle()
        self._items, self._parts, self._failure = [], [], None
        await self._walk.aclose()

    @property
    def checkpoint(self) -> Checkpoint:
        """The position after the batch that was yielded last. ``list(cursor=...)`` resumes there.

        If you store it together with the batch, each item is stored exactly once.
        """
        return self._checkpoint

    @property
    def stats(self) -> WalkStats:
        """The counts of the walk so far. Items of the next batch count too, if they have arrived."""
        return self._walk.stats

    async def _gather(self) -> None:
        """Gather the items of the next batch, up to a failure."""
        while self._failure is None and (room := self._room()):
            try:
                items = await self._walk.take(room)
            except Exception as error:  # noqa: BLE001 - it is raised after the rows before it
                self._failure = error
                return
            if not items:
                return
            self._items += items
            if len(self._items) * len(self.schema) >= _AT_ONCE:
                self._convert()

    def _room(self) -> int:
        """Return how many more items the next batch takes."""
        if self._size >= _LARGEST:
            return 0
        return self._rows - len(self._items) - sum(part.num_rows for part in self._parts)

    def _convert(self) -> None:
        """Convert the items.

        Raises:
            DecodeError: A duration is longer than Arrow can hold. The items stay.
        """
        try:
            part = sent_batch(self._items, self._model)
        except DecodeError as error:
            error.checkpoint = self._checkpoint
            raise
        self._parts.append(part)
        self._size += part.nbytes
        self._items = []


def batches(listing: Paginator[Any], *, rows: int = 10_000) -> RecordBatches:
    """Return a listing as record batches with the `schema` of its model. Nothing is sent before the first is used.

    Args:
        listing: The listing, as ``list()`` returns it.
        rows: Rows of a batch, 1 or more. The last batch may have fewer, and so may a batch of 64 MiB, or one that a
            failure ends.

    Raises:
        TypeError: It is not a listing, or a listing without models.
        ValueError: `rows` is out of bounds.
    """
    return RecordBatches(_checked(listing), rows=integer("rows", rows, low=1))


def _checked(listing: Any) -> Paginator[Any]:  # noqa: ANN401 - it can be anything
    if not isinstance(listing, Paginator):
        raise must_be(TypeError, "listing", "what list() returns", listing)
    paginator: Paginator[Any] = listing  # pyright: ignore[reportUnknownVariableType] - the type of its items is not known
    if paginator.model is RawItem:
        raise for_parameter(TypeError(f"listing must have models, and raw() has none: got {listing!r}"), "listing")
    return paginator


async def table(listing: Paginator[Any]) -> pa.Table:
    """Return a whole listing as one table with the `schema` of its model. If nothing is listed, it has no rows.

    Args:
        listing: The listing, as ``list()`` returns it.

    Raises:
        TypeError: It is not a listing, or a listing without models.
    """
    async with batches(listing) as stream:
        return pa.Table.from_batches([batch async for batch in stream], schema=stream.schema)
