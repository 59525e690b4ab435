"""One dlt resource for each listing."""

from __future__ import annotations

from contextlib import aclosing
from functools import partial
from itertools import count
from typing import TYPE_CHECKING, Any, NamedTuple, cast

import dlt
from attrs import define, field, frozen

from aiotofupilot.listings import listing_class

from .deadline import Deadline
from .reading import is_compared, read
from .rows import rows_of, schema_of

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    import pyarrow as pa
    from dlt.extract import DltResource

    from .sessions import Sessions
    from .unreadable import Unreadable

__all__ = ["Amounts", "PlacedRows", "Places", "resource"]


@frozen(kw_only=True)
class Amounts:
    """How much a resource reads."""

    rows: int
    """Rows of a batch, about."""
    max_items: int | None
    """In one run, stop after about this many items. None: read to the end."""
    full: bool
    """Whether to begin anew, whatever was read before."""
    deadline: Deadline = field(factory=partial(Deadline, None))
    """When to stop, with the batches that have come by then."""


class PlacedRows(NamedTuple):
    """Rows on their way to dlt, and the place after them."""

    rows: pa.RecordBatch | None
    """None: only the place is new."""
    place: dict[str, Any]
    """Where the resource stands after these rows."""
    number: int
    """How many such batches came before, because dlt may take two of them in the wrong order."""


@define
class Places:
    """Keeps the latest place of a resource in dlt's state."""

    _noted: int = -1

    def note(self, placed: PlacedRows) -> pa.RecordBatch | None:
        """Note the place after some rows, now that dlt has taken them, and return the rows."""
        if placed.number > self._noted:
            self._noted = placed.number
            place = dlt.current.resource_state()
            place.clear()
            place.update(placed.place)
        return placed.rows


def resource(
    name: str, sessions: Sessions, amounts: Amounts, unreadable: list[Unreadable] | None = None
) -> DltResource:
    """Return the resource for a listing.

    Args:
        name: The listing.
        sessions: Whom to ask.
        amounts: How much it reads.
        unreadable: Where to note items that cannot be read, which are left out. None: such an item is an error.
    """
    model, numbers, places = listing_class(name).model, count(), Places()

    async def batches() -> AsyncGenerator[PlacedRows]:
        place = dlt.current.resource_state()
        is_new = not place
        left = None if is_compared(name) else amounts.max_items
        rows_at_once = amounts.rows if left is None else min(amounts.rows, left)
        start = {} if amounts.full else dict(place)
        async with (
            sessions.session() as session,
            aclosing(read(name, session, start, rows=rows_at_once, unreadable=unreadable)) as arrivals,
        ):
            async for items, after in amounts.deadline.before(arrivals):
                # One batch without rows makes the table of a listing that is empty.
                rows = rows_of(items, model) if items or is_new else None
                is_new = False
                yield PlacedRows(rows, after, next(numbers))
                if left is not None:
                    left -= len(items)
                    if left <= 0:
                        return

    made: DltResource = dlt.resource(
        batches,
        name=name,
        primary_key="id",
        write_disposition={"disposition": "merge", "strategy": "delete-insert"},
        columns=cast("Any", schema_of(model)),  # its types leave out that it takes a schema of Arrow
    )
    return made.add_map(places.note)
