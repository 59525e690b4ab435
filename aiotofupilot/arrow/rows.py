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

_ROWS_AT_ONCE, _VALUES_AT_ONCE = 500, 10_000
"""As soon as so many rows or values wait, they are converted together.

With fewer, calls cost more than the values do. With more, the values have left the CPU's caches.
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
        self._converted = 0
        self.count = 0
        """How many rows there are."""

    @property
    def size(self) -> int:
        """How many bytes the rows take, without those of the last few that have not been converted yet."""
        return self._pools.size

    def add(self, items: Sequence[Any]) -> None:
        """Take up items.

        Args:
            items: Models, or their shapes.

        Raises:
            OverflowError: A duration is longer than Arrow can hold.
            TypeError: An attribute is of another type than the model says.
        """
        self._members.add(items)
        self.count += len(items)
        if self.count - self._converted >= _ROWS_AT_ONCE or self._pools.waiting >= _VALUES_AT_ONCE:
            self._pools.convert()
            self._converted = self.count

    def build(self) -> pa.RecordBatch:
        """Return the rows as a record batch, and begin anew.

        Raises:
            OverflowError: As `add`. The rows stay.
            TypeError: As `add`. The rows stay.
        """
        self._pools.convert()
        batch: pa.RecordBatch = _arrow.RecordBatch.from_arrays(self._members.build(), schema=self._schema)
        self.count = self._converted = self._pools.size = 0
        return batch
