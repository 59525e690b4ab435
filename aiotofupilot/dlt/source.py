"""The dlt source: one resource for each listing, and one session for all that are extracted at the same time."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence  # noqa: TC003 - dlt resolves the annotations
from contextlib import AbstractAsyncContextManager, aclosing, asynccontextmanager
from functools import partial
from itertools import count
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, cast

import dlt
from attrs import define, field, frozen
from dlt.extract import DltSource

from aiotofupilot import RetryPolicy, TofuPilotSession
from aiotofupilot._arguments import boolean, for_parameter, integer, one_of, seconds
from aiotofupilot._http.retry import checked_retry
from aiotofupilot.listings import listing_class
from aiotofupilot.settings import Secret

from .reading import Deadline, chosen, is_compared, read
from .rows import rows_of, schema_of

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Iterator

    import pyarrow as pa
    from dlt.extract import DltResource

    from .results import Unreadable

__all__ = ["Amounts", "PlacedRows", "Places", "Sessions", "resource", "source_of", "tofupilot"]

_NAME = "tofupilot"


class Sessions:
    """Shares one session among the resources that are under way, and closes it after the last of them.

    dlt extracts resources one after another or at the same time, on an event loop of its own that ends with the
    extraction. A session belongs to one loop, so it may not outlive the resources that use it. While there is one,
    all resources share it: when the server asks one of them to wait, all of them do.

    Args:
        make_limiter: Makes the ``limiter`` of each session. None: they have none.
        options: What `TofuPilotSession` takes.

    Raises:
        TypeError: ``make_limiter`` is not a function.
    """

    def __init__(
        self,
        *,
        make_limiter: Callable[[], AbstractAsyncContextManager[object]] | None = None,
        **options: Any,  # noqa: ANN401 - each option has a type of its own
    ) -> None:
        if not (make_limiter is None or callable(make_limiter)):
            message = f"make_limiter must be a function that returns a limiter, or None, got {make_limiter!r}"
            raise for_parameter(TypeError(message), "make_limiter")
        self._make_limiter = make_limiter
        self._options = options
        self._session: TofuPilotSession | None = None
        self._users = 0

    @asynccontextmanager
    async def session(self) -> AsyncGenerator[TofuPilotSession]:
        """Hold the session open.

        Raises:
            ConfigurationError: There is no key, or it or the address cannot be used.
            TypeError: What ``make_limiter`` has made is not a limiter.
        """
        asyncio.get_running_loop().set_exception_handler(_on_error)
        session = self._session = self._session or self._made()
        self._users += 1
        try:
            yield session
        finally:
            self._users -= 1
            if not self._users:
                self._session = None
                await session.close()

    def _made(self) -> TofuPilotSession:
        limiter = None if self._make_limiter is None else self._make_limiter()
        return TofuPilotSession(**self._options, limiter=limiter)


def _on_error(loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    """Report what dlt's event loop reports, except that a generator was being closed already.

    When an extraction fails, dlt lets its loop close all generators at the same time. A generator also closes those
    that it reads from, and the loop reports each that it finds closing.
    """
    if not ("asyncgen" in context and isinstance(context.get("exception"), RuntimeError)):
        loop.default_exception_handler(context)


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
    """Rows on their way to dlt, and the position after them."""

    rows: pa.RecordBatch | None
    """None: only the position is new."""
    place: dict[str, Any]
    """Where the resource stands after these rows."""
    number: int
    """How many such batches came before, because dlt may take two of them in the wrong order."""


@define
class Places:
    """Keeps the latest place of a resource in dlt's state."""

    _noted: int = -1

    def note(self, placed: PlacedRows) -> pa.RecordBatch | None:
        """Note the position after some rows, now that dlt has taken them, and return the rows."""
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


def source_of(resources: Sequence[DltResource]) -> DltSource:
    """Return some resources as the source, without what its function looks for in dlt's configuration."""
    return DltSource(dlt.Schema(_NAME), _NAME, resources)


@dlt.source(name=_NAME)
def tofupilot(
    api_key: dlt.TSecretStrValue | None = None,
    base_url: str | None = None,
    *,
    listings: Sequence[str] | None = None,
    concurrency: int = 1,
    allow_insecure_http: bool = False,
    proxy: str | None = None,
    ca_cert: str | None = None,
    timeout: float | None = 30.0,
    retry: RetryPolicy | None = RetryPolicy(),  # noqa: B008 - a value
    make_limiter: Callable[[], AbstractAsyncContextManager[object]] | None = None,
    on_unreadable: Literal["raise", "skip"] = "raise",
    rows: int = 5000,
    max_items: int | None = None,
    full: bool = False,
) -> Iterator[DltResource]:
    """Return TofuPilot as a dlt source, with a resource for each listing.

    A resource brings what is new since the pipeline's last run, and the pipeline commits it together with the position
    where it ended. Rows are merged by ``id``. So each item is in the table once, whatever happens to a run. Parts,
    stations and users have no filter on creation: each run reads them from beginning to end, and updates their rows. Of
    the other listings, a run does not see that an item was changed or removed after it was read; ``full`` does see
    changes.

    Measurements and phases come with all attempts, and metadata and sequences with what they belong to.

    Args:
        api_key: As in `TofuPilotSession`; dlt looks for it in its own configuration too.
        base_url: As in `TofuPilotSession`, and likewise.
        listings: Names of the listings to have as resources, in any order. None: all eleven.
        concurrency: As in `TofuPilotSession`.
        allow_insecure_http: As in `TofuPilotSession`.
        proxy: As in `TofuPilotSession`.
        ca_cert: As in `TofuPilotSession`.
        timeout: As in `TofuPilotSession`.
        retry: A `RetryPolicy`; None: every page is requested once.
        make_limiter: A function that returns what `TofuPilotSession` takes as ``limiter``, such as ``lambda:
            AsyncLimiter(10, 1)``. Each session calls it. None: there is no limiter.
        on_unreadable: What to do about an item that the server cannot serve while it serves others: ``"raise"`` its
            error; or ``"skip"`` it, with a warning in the log. Only a run with ``full`` requests it again. What belongs
            to it is left out too, such as the measurements of a run.
        rows: Rows of an Arrow batch, about; 1 or more.
        max_items: In one run, stop a listing after about this many items, 1 or more; the next run continues after
            them. It holds for each listing, except for parts, stations and users. None: read to the end.
        full: Whether to read everything again, whatever was read before.

    Raises:
        TypeError: An argument is of the wrong type.
        ValueError: An argument is out of bounds, or there is no such listing.
    """
    key, way = Secret(api_key), Secret(proxy)
    del api_key, proxy  # so that no traceback with local variables shows them
    names = chosen(listings)
    amounts = Amounts(
        rows=integer("rows", rows, low=1),
        max_items=None if max_items is None else integer("max_items", max_items, low=1),
        full=boolean("full", full),
    )
    sessions = Sessions(
        api_key=key,
        base_url=base_url,
        concurrency=integer("concurrency", concurrency, low=1),
        allow_insecure_http=allow_insecure_http,
        proxy=way,
        ca_cert=ca_cert,
        timeout=None if timeout is None else seconds("timeout", timeout, zero=False),
        retry=checked_retry(retry),
        make_limiter=make_limiter,
    )
    skips = one_of("on_unreadable", on_unreadable, ("raise", "skip")) == "skip"
    for name in names:
        yield resource(name, sessions, amounts, [] if skips else None)
