"""Rows that become one record batch."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pyarrow as pa

from .columns import members_of
from .pools import Pools

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["Rows"]

_arrow: Any = pa  # the stubs do not know that a batch can be made with a schema

_AT_ONCE = 20_000
"""At least this many values are read and converted together. A column counts as one value in each row.

With fewer values, the calls cost more than the values. With more, the values leave the CPU's caches in between.
"""


class Rows:
    """Gathers rows, and makes a record batch of them.

    Args:
        model: The model of an item.
        schema: Its schema.
    """

    def __init__(self, model: type, schema: pa.Schema) -> None:
        self._schema = schema
        self._pools = Pools()
        self._members = members_of(model).gathering(self._pools)
        self._columns = self._pools.columns
        self._items: list[Any] = []
        self.count: int = 0
        """How many rows there are."""

    @property
    def size(self) -> int:
        """How many bytes the rows take, without the last few rows, which have not been converted yet."""
        return self._pools.size

    def add(self, items: Sequence[Any]) -> None:
        """Add items.

        Args:
            items: Models, or their structs.

        Raises:
            OverflowError: A duration is longer than Arrow can hold. The rows stay.
            TypeError: An attribute is of another type than the model says.
        """
        self._items += items
        self.count += len(items)
        if len(self._items) * self._columns >= _AT_ONCE:
            self._convert()

    def build(self) -> pa.RecordBatch:
        """Return the rows as a record batch, and start over.

        Raises:
            OverflowError: As in `add`. The rows stay.
            TypeError: As in `add`.
        """
        self._convert()
        batch: pa.RecordBatch = _arrow.RecordBatch.from_arrays(self._members.build(), schema=self._schema)
        self.count = self._pools.size = 0
        return batch

    def _convert(self) -> None:
        self._members.add(self._items)
        self._items = []  # the arrays do not need them, and they take as much memory as their values
        self._pools.convert()
