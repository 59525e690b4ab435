"""TofuPilot as a dlt source, with a resource for each listing, for all of dlt's destinations.

This needs the extra ``dlt``. For a DuckDB database, `aiotofupilot.mirror` needs fewer libraries, and also finds changed
and removed items.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence  # noqa: TC003 - dlt resolves the annotations
from contextlib import aclosing
from datetime import datetime  # noqa: TC003 - dlt resolves the annotations
from importlib.util import find_spec
from itertools import count
from typing import TYPE_CHECKING, Any, cast

if _missing := [name for name in ("dlt", "pyarrow") if find_spec(name) is None]:
    raise ModuleNotFoundError(f"aiotofupilot.dlt needs {_missing[0]}: install the extra 'dlt'", name=_missing[0])

import dlt
from attrs import evolve
from dlt.extract.items_transform import LimitItem, MapItem

from . import IncrementalWalk, TofuPilotSession, Watermark
from ._checks import Secret, aware, one_of
from .arrow.rows import database_rows
from .arrow.streaming import structs_of
from .listings import NAMES, is_compared, listing_class

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Iterator

    import pyarrow as pa
    from dlt.extract import DltResource
    from dlt.extract.items import SupportsPipe
    from dlt.extract.pipe import Pipe

__all__ = ["tofupilot"]

_ROWS = 5000
"""The approximate rows of a batch."""


@dlt.source(name="tofupilot")
def tofupilot(
    api_key: dlt.TSecretStrValue | None = None,
    base_url: str | None = None,
    *,
    listings: Sequence[str] | None = None,
    filters: Mapping[str, object] | None = None,
    start: datetime | None = None,
    make_session: Callable[..., TofuPilotSession] = TofuPilotSession,
) -> Iterator[DltResource]:
    """Return TofuPilot as a dlt source, with a resource for each listing.

    A resource yields the items created since the pipeline's last run. The pipeline commits them together with the
    resource's progress, and merges rows by ``id``. So each item is in the table once, even if a run fails. Parts,
    stations and users have no filter on creation, so each run reads all of them. For other listings, a run does not
    notice that a known item was changed or removed. ``pipeline.run(source, refresh="drop_data")`` reads everything
    again.

    The rows are the same as in a mirror. Measurements and phases include all attempts, and metadata and sequences come
    with the item that they belong to.

    Args:
        api_key: As in `TofuPilotSession`; dlt looks for it in its own configuration too.
        base_url: As in `TofuPilotSession`; dlt looks for it too.
        listings: Names of the listings to have as resources, in any order, or None for all eleven.
        filters: Filters that all of these listings take, by the names in ``list()``, or None.
        start: Load only items created at this time or later; a whole second, timezone-aware, or None for everything.
            For measurements, phases and logs, the creation of their run counts. This has no effect on parts, stations
            and users, or after the first run.
        make_session: Makes a session, such as ``partial(TofuPilotSession, concurrency=8)``. It is called with the key
            and ``base_url=``. Each is None if neither you nor dlt's configuration gives it. Each resource makes a
            session in dlt's event loop, and closes it.

    Raises:
        TypeError: An argument is of the wrong type.
        ValueError: An argument is out of bounds, or there is no such listing.
    """
    key = Secret(api_key)
    del api_key  # so that no traceback with local variables shows it
    wanted = NAMES if listings is None else [one_of("listings", name, NAMES) for name in listings]
    floor = aware("start", start)

    def make() -> TofuPilotSession:
        return make_session(key.value, base_url=base_url)

    for name in NAMES:
        if name in wanted:
            yield _items(name, make, dict(filters or {}), floor)


class _ProgressStep(MapItem):
    """The first step after a resource's batches. It passes on the rows and notes the progress.

    dlt binds a step for each run. dlt's limit comes after all steps, and drops the batches that exceed it. So the step
    does not note the progress of dropped batches.
    """

    def __init__(self, limit: LimitItem | None = None) -> None:
        super().__init__(lambda batch: self.take(*batch))
        self._limit = limit
        self._taken: dict[int, str | None] = {}
        self._following = 0

    def bind(self, pipe: SupportsPipe) -> _ProgressStep:
        steps = cast("Pipe", pipe).steps
        return _ProgressStep(next((step for step in steps if isinstance(step, LimitItem)), None))

    def take(self, number: int, rows: pa.RecordBatch, watermark: str | None) -> pa.RecordBatch:
        """Return the rows of a batch, given its number from 0, and the watermark after it.

        Progress ends before the first batch that was not taken. dlt may take two batches in the wrong order, and drop
        one at a limit.
        """
        if self._limit is not None and self._limit.exhausted:
            return rows
        self._taken[number] = watermark
        while self._following in self._taken:
            dlt.current.resource_state()["watermark"] = self._taken.pop(self._following)
            self._following += 1
        return rows


def _items(
    name: str, make_session: Callable[[], TofuPilotSession], filters: Mapping[str, object], start: datetime | None
) -> DltResource:
    """Return a resource with the new items of a listing, or with all items if the API has no filter for new ones."""
    rows = database_rows(listing_class(name).model)

    async def batches() -> AsyncGenerator[tuple[int, pa.RecordBatch, str | None]]:
        numbers, items = count(), list[object]()
        stored = dlt.current.resource_state().get("watermark")
        async with make_session() as session, aclosing(_walk(session, name, filters, start, stored)) as walk:
            # A first batch without rows makes the table even if the listing is empty.
            yield next(numbers), rows.batch([]), stored
            async for page in walk.batches():
                items += page
                if len(items) >= _ROWS:
                    yield next(numbers), rows.sent(items), _watermark(walk)
                    items = []
            yield next(numbers), rows.sent(items), _watermark(walk)

    made: DltResource = dlt.resource(
        batches,
        name=name,
        primary_key="id",
        write_disposition={"disposition": "merge", "strategy": "delete-insert"},
        # Its types leave out Arrow's schemas.
        columns=cast("Any", rows.schema),
    )
    return made.add_step(_ProgressStep())


def _walk(
    session: TofuPilotSession, name: str, filters: Mapping[str, object], start: datetime | None, stored: str | None
) -> Any:  # noqa: ANN401 - a walk of any kind
    """Return a walk over a whole listing, or over its items since the stored watermark or, without one, ``start``."""
    listed = getattr(session, name)
    needs_procedure = listed.by_run and listed.by_run.procedure_id and "procedure_id" not in filters
    arguments = {**listed.inclusive, **filters, "on_drift": "resync"}
    listing = structs_of((listed.of_every_procedure if needs_procedure else listed.list)(**arguments))
    if is_compared(name):
        return listing.walk()
    return listing.since(evolve(listing.since().watermark, floor=start) if stored is None else Watermark.parse(stored))


def _watermark(walk: object) -> str | None:
    return str(walk.watermark) if isinstance(walk, IncrementalWalk) else None
