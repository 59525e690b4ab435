"""A listing whose items are dated, become visible late and vanish, as paging knows it. Nothing of it is HTTP."""

import asyncio
import math
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from attrs import define, evolve, field

from aiotofupilot._paging.paginator import Paginator
from aiotofupilot._paging.source import BY_ID, Plan, SortOrder
from aiotofupilot.errors import ServerError
from aiotofupilot.models import Page, PageMeta
from aiotofupilot.positions import Checkpoint, Shard

BEGIN = datetime(2026, 2, 1, tzinfo=UTC)
MARGIN = 0.001
"""By so many seconds `Dated.between` is wider than asked for, as a query of the package is."""

REQUESTS_AT_MOST = 20_000
"""No test needs so many pages."""


def times_of(rows):
    """Return when rows were created."""
    return [BEGIN + timedelta(seconds=row.created) for row in rows]


@define(eq=False)
class Row:
    """An item, and when it can be seen."""

    id: str
    created: float
    visible: float
    run_id: str = ""
    procedure_id: str = "procedure"
    """The procedure of a run."""


@define(eq=False)
class Server:
    """What is listed, and the time."""

    rows: list[Row] = field(factory=list)
    """In the order in which they were created."""
    runs: list[Row] = field(factory=list)
    now: float = 0.0
    """Seconds since `BEGIN`."""
    tells_time: bool = True
    ahead: float = 0.0
    """How far the clock that tells the time is ahead of the one that dates items."""
    takes: list[float] = field(factory=list)
    """How many seconds pass between reading the items and telling the time, for one answer each."""
    counts_pages: bool = False
    """Whether a cursor is the number of a page, and no offset."""
    sorts: bool = True
    """Whether it sorts where it is asked to. Otherwise the newest come first."""
    sorts_by: Callable[[Row], float] = field(default=lambda row: row.created)
    """By what it sorts where it is asked for the oldest first."""
    shuffle: Callable[[list[Row], int, int], None] | None = None
    """Puts all rows in an order, given the cursor and the limit of a request, before they are sorted. So it decides on
    the order of rows that were created at the same moment."""
    changes: list[Callable[[], None]] = field(factory=list)
    """What happens before one answer each."""
    failures: list[Exception] = field(factory=list)
    """Errors in place of one answer each."""
    unreadable: set[str] = field(factory=set)
    """IDs of items with which no page can be served."""
    requests: list[Any] = field(factory=list)
    outlived: list[Exception] = field(factory=list)
    """Errors that a stream has outlived."""
    bounds: list[float] = field(factory=list)
    """How long a page may be asked for again."""
    down_since: datetime | None = None
    in_flight: int = 0
    turns: int = 1
    """How many turns of the event loop pass before an answer."""

    def seen_by_all(self, rows):
        return [row for row in rows if row.visible <= self.now]


@define(eq=False)
class Clock:
    """The server's time, which passes when it is waited for."""

    server: Server
    slept: list[float] = field(factory=list)
    drawn: list[tuple[float, float]] = field(factory=list)
    chance: float = 0.5
    behind: float = 0.0
    """How far the local clock lags behind the server's."""

    def monotonic(self):
        return self.server.now

    def now(self):
        return BEGIN + timedelta(seconds=self.server.now - self.behind)

    def uniform(self, low, high):
        self.drawn.append((low, high))
        return low + (high - low) * self.chance


@define(eq=False)
class Dated:
    """A query of the listing."""

    server: Server
    clock: Clock
    kind: str = "rows"
    can_be_bounded: bool = True
    can_be_ordered: bool = True
    is_dated: bool = True
    is_of_runs: bool = False
    is_by_procedure: bool = False
    """Whether a procedure has to be named."""
    after: float | None = None
    earliest: float = -math.inf
    """What was created earlier is not listed, however it is sorted."""
    latest: float = math.inf
    is_by_id: bool = False
    """Whether it is sorted by ID, which tells apart what was created at one moment."""
    direction: str | None = None
    """Which comes first, ``asc`` or ``desc``. None: that is not asked for."""
    run_ids: tuple[str, ...] = ()
    named: str | None = None
    """The procedure that is named."""

    @property
    def connection(self):
        """It is its own way to the server."""
        return self

    async def fetch(self, cursor, limit, counts, *, once=False, **_):
        server = self.server
        counts.add(requests=1)
        server.in_flight += 1
        try:
            for _ in range(server.turns):
                await asyncio.sleep(0)
            if server.failures:
                raise server.failures.pop(0)
            if server.changes:
                server.changes.pop(0)()
            page = self.page(cursor, limit)
            if server.takes:
                server.now += server.takes.pop(0)
            if not server.unreadable.isdisjoint(row.id for row in page.data):
                raise ServerError("", status=500)
            await asyncio.sleep(0)
        finally:
            server.in_flight -= 1
        return page

    def page(self, cursor, limit):
        server = self.server
        server.requests.append(self)
        assert len(server.requests) < REQUESTS_AT_MOST, "the walk does not end"
        rows = server.seen_by_all(server.runs if self.kind == "runs" else server.rows)
        if self.run_ids:
            rows = [row for row in rows if row.run_id in self.run_ids]
        if self.is_by_procedure:
            assert self.named is not None
            procedure_ids = {run.id: run.procedure_id for run in server.runs}
            rows = [row for row in rows if procedure_ids[row.run_id] == self.named]
        if self.after is not None:
            rows = [row for row in rows if row.created >= self.after]
        rows = [row for row in rows if self.earliest <= row.created <= self.latest]
        rows.reverse()
        if server.shuffle is not None:
            server.shuffle(rows, cursor, limit)
            rows.sort(key=lambda row: -row.created)
        if self.is_by_id:
            rows.sort(key=lambda row: row.id)
        elif self.direction == "asc" and server.sorts:
            rows.sort(key=server.sorts_by)
        elif self.can_be_ordered:
            rows.sort(key=lambda row: -row.created)
        begin = cursor * limit if server.counts_pages else cursor
        has_more = begin + limit < len(rows)
        following = (cursor + 1 if server.counts_pages else cursor + limit) if has_more else None
        return Page(rows[begin : begin + limit], PageMeta(has_more, following), cursor)

    def narrowed(self, *, after=None, order=None, run_ids=(), procedure_id=None):
        assert order is None or self.can_be_ordered
        assert after is None or self.can_be_bounded
        bound = self.after if after is None else (after - BEGIN).total_seconds()
        named, run_ids = procedure_id or self.named, tuple(run_ids) or self.run_ids
        return evolve(self, after=bound, direction=order or self.direction, run_ids=run_ids, named=named)

    @property
    def whole(self):
        return Shard(listing="rows")

    @property
    def order(self):
        if self.is_by_id or not (self.is_dated or self.is_of_runs):
            return BY_ID
        is_ascending = self.direction == "asc" if self.can_be_ordered else None
        is_bounded = self.can_be_bounded or self.is_of_runs
        return SortOrder(times_of, is_time=True, is_ascending=is_ascending, is_bounded=is_bounded)

    def between(self, *, after=None, before=None):
        earliest = self.earliest if after is None else (after - BEGIN).total_seconds() - MARGIN
        latest = self.latest if before is None else (before - BEGIN).total_seconds() + MARGIN
        return evolve(self, earliest=max(self.earliest, earliest), latest=min(self.latest, latest))

    def reordered(self):
        return [evolve(self, is_by_id=True)] if self.can_be_ordered and not self.is_by_id else []

    def created_at(self, item):
        return BEGIN + timedelta(seconds=item.created) if self.is_dated or self.kind == "runs" else None

    def runs(self):
        return Dated(self.server, self.clock, kind="runs")

    def run_id(self, item):
        return item.run_id

    def procedure_id(self, run):
        return run.procedure_id if self.is_by_procedure else None

    def served_at(self, page):
        server = self.server
        return BEGIN + timedelta(seconds=int(server.now + server.ahead)) if server.tells_time else None

    @property
    def down_since(self):
        return self.server.down_since

    def within(self, max_elapsed):
        self.server.bounds.append(max_elapsed)
        return self

    async def pause(self, seconds, *, after=None):
        self.server.outlived += [] if after is None else [after]
        self.clock.slept.append(seconds)
        await asyncio.sleep(0)
        self.server.now += seconds


KINDS = {
    "ordered": {},
    "bounded": {"can_be_ordered": False},
    "compared": {"can_be_bounded": False},
    "undated": {"can_be_bounded": False, "can_be_ordered": False, "is_dated": False},
    "of runs": {"can_be_bounded": False, "is_of_runs": True, "is_dated": False},
    "of procedures": {"can_be_bounded": False, "is_of_runs": True, "is_by_procedure": True, "is_dated": False},
}
"""The kinds of listings that the API has."""


def listing(
    kind="ordered",
    server=None,
    *,
    limit=100,
    concurrency=1,
    max_items=None,
    on_drift="ignore",
    on_unreadable="raise",
    cursor=None,
):
    """Return a paginator of a listing."""
    server = server or Server()
    source = Dated(server, Clock(server), **KINDS[kind])
    start = cursor or Checkpoint(listing="rows", query="abcdefgh")
    plan = Plan(limit, start, max_items, concurrency, on_drift, on_unreadable=on_unreadable)
    return Paginator(source, plan)
