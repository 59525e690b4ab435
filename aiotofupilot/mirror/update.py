"""One update of a database: what it reads of each listing, and when it stores rows.

Rows are stored in transactions of some ten thousand, each with the watermark after its rows. An update that ends early
loses only unstored rows, and the next update continues from the watermark.

Measurements, phases and logs have no watermark. They are read before the watermark moves past their runs. They may
become visible a little later than their run, so each update reads those of the latest runs again.
"""

from __future__ import annotations

import asyncio
import logging
from collections import Counter, defaultdict
from concurrent.futures import ThreadPoolExecutor
from contextlib import aclosing, suppress
from datetime import UTC, datetime, timedelta
from functools import partial
from operator import attrgetter
from typing import TYPE_CHECKING, Any, Literal, ParamSpec, TypeVar

from attrs import define, evolve, field

from aiotofupilot import (
    APIError,
    DecodeError,
    DriftError,
    ForbiddenError,
    IncrementalWalk,
    NotFoundError,
    RateLimitedError,
    TofuPilotError,
    UnauthorizedError,
    Watermark,
)
from aiotofupilot.arrow.rows import database_rows
from aiotofupilot.arrow.streaming import structs_of
from aiotofupilot.listings import NAMES, is_compared, listing_class

from .removals import APART, EPOCH, Removals
from .results import MirrorError, MirrorResult
from .tables import FOLLOWING, run_path

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    import pyarrow as pa

    from aiotofupilot import Page, Paginator, TofuPilotSession, Walk, WalkStats

    from .database import Database
    from .removals import Suspect
    from .tables import Selection

    _AnyWalk = Walk[Any] | IncrementalWalk[Any]

_log = logging.getLogger("aiotofupilot")

P = ParamSpec("P")
T = TypeVar("T")

_ROWS, _BYTES = 10_000, 8 * 2**20
"""A transaction ends after this many rows or bytes. Each merge reads all IDs of the table once."""

_ITEMS = 1_000
"""Items that are made into rows together."""

_BETWEEN_AT_MOST = 2_000
"""The most items that are read to find a row that is gone. A server without a time filter lists all items."""

_LATER = timedelta(days=7)
"""How long to wait before looking again for an unlisted row whose item can be read."""

_MARKED, _MARKED_AT_MOST = 100, 2_000
"""How many marked rows each update looks for again, and how many if the server lists more items than the mirror has."""

_RECENT = timedelta(hours=1)
"""An item created this long before a walk began was visible to the walk, even if a clock was wrong."""

_EARLIEST = datetime(1, 1, 1, 0, 0, 1, tzinfo=UTC)
"""The earliest time from which a listing can be requested."""

_RUNS_FIRST, _RUNS_LAST = 50, 800
"""The watermark moves past this many runs at a time, after their measurements, phases and logs were read. An update
begins with few runs, so that an update that always ends early makes progress. More runs at a time save requests,
because the runs of one procedure are requested together."""

_NOT_WHOLE = "a mirror needs pages that show the whole listing; the rows read so far are stored"
"""The hint of an error about pages that contradict each other."""

_IDS_AT_ONCE = 100
"""The most IDs in one request. They make some 4,000 characters in the address."""


@define(kw_only=True, eq=False)
class Update:
    """An update of a database, with the options of `Mirror.update`. It runs once."""

    session: TofuPilotSession
    database: Database
    selection: Selection
    on_unreadable: Literal["raise", "skip"]
    overlap: float
    full: bool
    again: timedelta | None
    on_progress: Callable[[str, int], None] | None
    publish: Path | None
    _thread: ThreadPoolExecutor = field(factory=partial(ThreadPoolExecutor, 1, "aiotofupilot-mirror"), init=False)
    _organization: str | None = field(default=None, init=False)
    """The ID of the key's organization, or None if the server does not say it."""
    _began_at: datetime = field(init=False)
    _in_flight: asyncio.Semaphore = field(init=False)
    _following: tuple[str, ...] = field(default=(), init=False)
    _batches: dict[str, list[pa.RecordBatch]] = field(factory=lambda: defaultdict(list), init=False)
    _watermarks: dict[str, str] = field(factory=dict[str, str], init=False)
    """The rows not yet stored, and the watermarks after them."""
    _rows_before: dict[str, int] = field(factory=dict[str, int], init=False)
    _read: Counter[str] = field(factory=Counter[str], init=False)
    _unreadable: Counter[str] = field(factory=Counter[str], init=False)
    _gone: Counter[str] = field(factory=Counter[str], init=False)
    _unchecked: set[str] = field(factory=set[str], init=False)
    """The listings whose pages could not be checked, so items may have been missed."""
    _lateness: dict[str, float] = field(factory=dict[str, float], init=False)
    _doubts: dict[str, str | None] = field(factory=dict[str, str | None], init=False)
    """By listing, why the search for removed rows was incomplete, or None."""

    def __attrs_post_init__(self) -> None:
        self._began_at = self._now()
        self._in_flight = asyncio.Semaphore(self.session.runs.connection.concurrency)

    def _now(self) -> datetime:
        return self.session.runs.connection.clock.now()

    async def run(self) -> tuple[MirrorResult, ...]:
        """Bring everything up to date."""
        try:
            try:
                filters = {name: self.selection.text(name) for name in self.selection.tables}
                with suppress(NotFoundError):
                    self._organization = (await self.session.whoami()).organization.id
                await self._call(self.database.check, self.session.base_url, self._organization, filters)
                if self.publish is not None:  # refuse another file before anything is requested
                    await self._call(self.database.check_copy, self.publish)
                for name in self.selection.tables:
                    if name not in FOLLOWING:
                        await self._bring(name)
            except TofuPilotError as error:
                await self._store()
                vars(error).pop("__notes__", None)  # the notes say how to resume a walk, but users resume the update
                if isinstance(error, DriftError):
                    error.hint = _NOT_WHOLE
                raise
            except asyncio.CancelledError:
                await self._store()
                raise
            await self._call(self.database.finish)
            results = await self._results()
            if self.publish is not None:
                try:
                    await self._call(self.database.publish, self.publish)
                except (MirrorError, OSError) as error:
                    error.add_note("the update itself is stored; only its copy failed")
                    raise
            return results
        finally:
            closing = self._thread.submit(self.database.close)  # after running work, even after a cancellation
            self._thread.shutdown(wait=False)
            await asyncio.shield(asyncio.wrap_future(closing))

    async def _call(self, function: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T:
        work = partial(self.database.with_memory, partial(function, *args, **kwargs))
        future = asyncio.get_running_loop().run_in_executor(self._thread, work)
        return await asyncio.shield(future)  # so that a cancellation drops no rows that are being stored

    async def _results(self) -> tuple[MirrorResult, ...]:
        rows = {name: await self._call(self.database.rows, name) for name in NAMES if name in self._rows_before}
        return tuple(
            MirrorResult(
                listing=name,
                new=number - self._rows_before[name],
                gone=self._gone[name],
                rows=number,
                unreadable=self._unreadable[name],
                lateness=self._lateness.get(name, 0.0),
                is_unchecked=name in self._unchecked,
                doubt=self._doubts.get(name),
            )
            for name, number in rows.items()
        )

    async def _bring(self, name: str) -> None:
        """Bring a listing up to date, and after runs the tables that follow them, if selected or already mirrored."""
        wanted = {*self.selection.tables, *await self._call(self.database.mirrored)} if name == "runs" else ()
        self._following = tuple(table for table in FOLLOWING if table in wanted)
        names = (name, *self._following)
        await self._call(self.database.prepare, name, {each: self.selection.text(each) for each in names})
        self._rows_before |= {each: await self._call(self.database.rows, each) for each in names}
        self._report(name)
        is_ordered = _is_ordered(name)
        text = None if self.full else await self._call(self.database.watermark, name)
        if text is None and not is_ordered:
            await self._read_all(name)
        else:
            await self._read_new(name, text)
        if self._following and not self._unreadable[name]:
            self._gone.update(await self._call(self.database.mark_without_run, self._following, self._began_at))
        if self.full or is_compared(name):
            await self._mark_gone(name)
        if self.again is not None and is_ordered:
            await self._read_again(name, _before(self._began_at, self.again))
        if self.full:
            await self._call(self.database.suspect, name, {})
        elif text is not None and is_ordered and not self._unreadable[name]:
            await self._find_removed(name)

    async def _read_new(self, name: str, text: str | None) -> None:
        try:
            watermark = None if text is None else Watermark.parse(text)
            news = self._listing(name).since(watermark, overlap=self.overlap)
        except ValueError as error:
            message = f"cannot continue where the last update ended, so a full update is needed: {error}"
            raise MirrorError(message) from error
        floor = news.watermark.floor
        latest = await self._call(self.database.runs_since, floor) if self._following and watermark else []
        await self._store_walk(name, news, dict(latest))
        self._lateness[name] = news.stats.lateness

    async def _read_all(self, name: str) -> None:
        """Read a whole listing that cannot be requested by creation, oldest first.

        A pass of `since` would remember each item until its end. A walk remembers none, but may miss items created
        meanwhile. So the next update reads everything created since an hour before this walk. If the walk could not be
        checked, the next update walks again.
        """
        listing = self._listing(name)
        clock = self.session.runs.connection.clock
        began, began_at = clock.monotonic(), clock.now()
        await self._store_walk(name, listing.walk())
        is_done = is_compared(name) or name in self._unchecked
        newest = None if is_done else await self._call(self.database.newest, name)
        if newest is not None:
            # By the server's clock, the newest row is no newer than the end of the walk. One local clock can be set
            # back, and the other stands still while the machine sleeps, so the longer duration counts.
            took = max(timedelta(seconds=clock.monotonic() - began), clock.now() - began_at)
            floor = _before(min(_before(newest, took), began_at), _RECENT)
            self._watermarks[name] = str(evolve(listing.since().watermark, floor=floor))
            await self._store()

    async def _read_again(self, name: str, since: datetime) -> None:
        first_pass, self._unreadable = self._unreadable, Counter[str]()
        try:
            await self._store_walk(name, self._listing(name, since).walk())
            await self._mark_gone(name, since)
        finally:
            self._unreadable |= first_pass  # the larger counts, because both passes met the same items

    def _listing(self, name: str, created_after: datetime | None = None, **narrower: Any) -> Paginator[Any]:  # noqa: ANN401 - those of the listing
        """Return a listing other than `FOLLOWING`, with every optional field of its items."""
        listing = getattr(self.session, name)
        arguments = self.selection.arguments(name) | narrower
        if created_after is not None:
            after = f"{listing.creation_filter}_after"
            arguments[after] = max(created_after, arguments.get(after, created_after))
        if not listing.is_bare:
            arguments["on_unreadable"] = self.on_unreadable
        return structs_of(listing.list(**listing.inclusive, **arguments))

    async def _store_walk(self, name: str, walk: _AnyWalk, latest: dict[str, str] | None = None) -> None:
        """Store the items of a walk with its watermark. With runs, store their measurements, phases and logs.

        ``latest`` maps the IDs of the latest runs of an earlier update to the IDs of their procedures. The
        measurements, phases and logs of these runs are read again.
        """
        at_once = _RUNS_FIRST if self._following else _ITEMS
        async with aclosing(walk):
            try:
                while True:
                    items, failure = await self._take(walk, at_once)
                    if self._following:
                        if failure is not None:
                            raise failure  # the watermark stays before runs whose items were not read
                        await self._add_following({item.id: item.procedure.id for item in items} | (latest or {}))
                    await self._add(name, items, str(walk.watermark) if isinstance(walk, IncrementalWalk) else None)
                    if failure is not None:
                        raise failure
                    if latest or not items:
                        await self._store()  # even after the latest runs, because the walk may list these again
                    if not items:
                        return
                    latest, at_once = None, min(at_once * 2, _RUNS_LAST if self._following else _ITEMS)
            finally:
                self._note_stats(name, walk.stats)

    def _note_stats(self, name: str, stats: WalkStats) -> None:
        self._unreadable[name] += stats.unreadable
        if stats.is_unchecked:
            self._unchecked.add(name)

    async def _take(self, walk: _AnyWalk, at_most: int) -> tuple[list[Any], BaseException | None]:
        """Return the next items of a walk (none at its end), and the error that cut them short, or None."""
        items: list[object] = []
        try:
            while len(items) < at_most and (more := await walk.take(at_most - len(items))):
                items += more
        except (TofuPilotError, asyncio.CancelledError) as error:
            return items, error
        return items, None

    async def _add_following(self, runs: Mapping[str, str]) -> None:
        """Read the measurements, phases and logs of runs. ``runs`` maps run IDs to procedure IDs."""
        for name in self._following:
            await self._add_written(name, runs)

    async def _add_written(self, name: str, runs: Mapping[str, str]) -> None:
        """Read the measurements, the phases or the logs of runs, with several requests at a time."""
        self._report(name)
        of_procedure: dict[str | None, list[str]] = defaultdict(list)
        by_run = listing_class(name).by_run
        for run_id, procedure_id in runs.items():
            of_procedure[procedure_id if by_run and by_run.procedure_id else None].append(run_id)
        tasks = [
            asyncio.create_task(self._add_written_by(run_ids, name, procedure_id))
            for procedure_id, all_ids in of_procedure.items()
            for run_ids in _parts(all_ids)
        ]
        try:
            for task in tasks:
                await task
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _add_written_by(self, run_ids: Sequence[str], name: str, procedure_id: str | None) -> None:
        """Read the measurements, the phases or the logs of some runs of a procedure.

        The procedure is None if the listing does not require it. If no order tells the items of several runs apart, the
        runs are read one at a time.
        """
        try:
            await self._add_written_at_once(run_ids, name, procedure_id, "resync")
        except DriftError:
            for run_id in run_ids:
                await self._add_written_at_once([run_id], name, procedure_id, None)

    async def _add_written_at_once(
        self, run_ids: Sequence[str], name: str, procedure_id: str | None, on_drift: Literal["resync"] | None
    ) -> None:
        """Read the measurements, the phases or the logs of some runs in one walk, including repeated attempts."""
        wanted, run_of = frozenset(run_ids), attrgetter(run_path(name))
        listed = getattr(self.session, name)
        arguments = {listed.by_run.run_ids: list(run_ids), **listed.inclusive, "concurrency": 1}
        arguments |= {"sort_by": listed.oldest_first, "sort_order": "asc", "on_drift": on_drift}
        if procedure_id is not None:
            arguments[listed.by_run.procedure_id] = procedure_id
        listing = structs_of(listed.list(**arguments, on_unreadable=self.on_unreadable))
        try:
            async with self._in_flight, listing.walk() as walk:
                while items := await walk.take(_ITEMS):
                    # A server that does not know the filter also lists the items of other runs.
                    await self._add(name, [item for item in items if run_of(item) in wanted])
                self._note_stats(name, walk.stats)
        except (ForbiddenError, NotFoundError) as error:
            # The procedure may have been removed with its runs. If they are still listed, the error has another cause.
            page = await self.session.runs.list(ids=list(run_ids))
            has_runs = any(procedure_id in (None, run.procedure.id) for run in page.data)
            if has_runs or isinstance(error, ForbiddenError):
                await self._call(self.database.forget_empty, name)  # so that a later update can leave out the listing
                raise

    async def _add(self, name: str, items: Sequence[object], watermark: str | None = None) -> None:
        """Make items into rows, and store pending rows when they are enough for a transaction."""
        rows, faults = await self._call(database_rows(listing_class(name).model).readable, items)
        if faults and self.on_unreadable == "raise":
            raise faults[0]
        for fault in faults:
            _log.warning("an item of %s cannot be stored and is left out: %s", name, fault)
        self._unreadable[name] += len(faults)
        if rows.num_rows:
            self._batches[name].append(rows)  # looked up here, because `_store` replaces the dict
        if watermark is not None:
            self._watermarks[name] = watermark
        self._read[name] += rows.num_rows
        self._report(name)
        parts = [part for parts in self._batches.values() for part in parts]
        if sum(part.num_rows for part in parts) >= _ROWS or sum(part.nbytes for part in parts) >= _BYTES:
            await self._store()

    async def _store(self) -> None:
        batches, self._batches = self._batches, defaultdict(list)
        watermarks, self._watermarks = self._watermarks, {}
        if batches or watermarks:
            await self._call(self.database.store, batches, self._began_at, watermarks)

    async def _mark_gone(self, name: str, since: datetime | None = None) -> None:
        """Mark rows that were not seen, unless items may have been missed, or a replica may lag."""
        until = _before(self._began_at, _RECENT) if hasattr(listing_class(name).model, "created_at") else None
        for each in (name, *self._following):
            if not (self._unreadable[name] or self._unreadable[each] or {name, each} & self._unchecked):
                self._gone[each] += await self._call(self.database.mark_gone, each, self._began_at, since, until)

    async def _find_removed(self, name: str) -> None:
        """Look for rows that the server no longer lists, and mark them if an earlier update missed them, too.

        Rows that are marked or were missed are requested by ID first, and items without a row are stored last.
        Otherwise both would hide a row that is gone.
        """
        listed = getattr(self.session, name)
        suspects = await self._call(self.database.suspects, name, listed.key)
        marked = await self._call(self.database.marked, name, _MARKED, _MARKED_AT_MOST)
        last, others = marked[:_MARKED], marked[_MARKED:]
        since, gone = {suspect.id: suspect.since for suspect in suspects}, list[str]()
        try:
            found = await self._look_again(name, [*since, *last])
            since = {item_id: time for item_id, time in since.items() if item_id not in found}
            times = await self._call(self.database.times, name, since)
            removals = Removals(name, partial(self._page, name), partial(self._ids_between, name), times)
            for first, end, ids in await removals.missing():
                missed = await self._call(self.database.not_among, name, first, end, ids)
                since = dict.fromkeys(missed, self._now()) | since
            # A lagging replica may not yet find an item by its ID, although the item was on a page.
            since = {item_id: time for item_id, time in since.items() if item_id not in removals.seen}
            self._doubts[name] = removals.fault
            lacking = await self._call(self.database.lacking, name, removals.seen)
            await self._look_again(name, [*lacking.union(others if removals.has_more_items else ())])
            for suspect in suspects:
                if suspect.id in since and self._now() - suspect.since >= APART:
                    if await self._is_removed(listed, suspect):
                        gone.append(suspect.id)
                        del since[suspect.id]
                    else:  # most often, a filter now leaves it out
                        since[suspect.id] = self._now() + _LATER
        except (UnauthorizedError, RateLimitedError):
            raise
        except (APIError, DecodeError, DriftError) as error:
            self._doubts[name] = f"the search for {name} that are gone was not finished: {error}"
        await self._call(self.database.suspect, name, since)
        if gone:
            self._gone.update(await self._call(self.database.mark_removed, name, gone, self._following))

    async def _look_again(self, name: str, ids: Sequence[str]) -> set[str]:
        """Request items by ID, store the listed items, which unmarks their rows, and return the IDs of these items."""
        found = set[str]()
        for part in _parts(ids):
            async with self._listing(name, ids=part).walk() as walk:
                items, failure = await self._take(walk, len(part) + 1)
            if failure is not None:
                raise failure
            if not {item.id for item in items}.issubset(part):
                raise DriftError("the server does not select by ID", cursor=0)
            if items:
                await self._add_following({item.id: item.procedure.id for item in items} if self._following else {})
                await self._add(name, items)
                await self._store()
                found.update(item.id for item in items)
        return found

    async def _page(self, name: str, cursor: int, limit: int) -> Page[Any]:
        listed = getattr(self.session, name)
        arguments = self.selection.arguments(name) | {"sort_by": listed.oldest_first, "sort_order": "asc"}
        page: Page[Any] = await structs_of(listed.list(**arguments, cursor=cursor, limit=limit))
        return page

    async def _ids_between(self, name: str, earliest: int, latest: int) -> set[str] | None:
        """Return the IDs of items created between two times, in microseconds since 1970.

        Return None if the server does not show all of them, or shows far more.
        """
        listed, arguments = getattr(self.session, name), self.selection.arguments(name)
        first, last = (EPOCH + timedelta(microseconds=time) for time in (earliest, latest))
        for end, bound, narrower in (("after", first, max), ("before", last + timedelta(milliseconds=1), min)):
            key = f"{listed.creation_filter}_{end}"
            arguments[key] = narrower(bound, arguments.get(key, bound))
        arguments |= {"sort_by": listed.oldest_first, "sort_order": "asc", "limit": _IDS_AT_ONCE}
        async with structs_of(listed.list(**arguments, max_items=_BETWEEN_AT_MOST)).walk() as walk:
            items, failure = await self._take(walk, _BETWEEN_AT_MOST)
        if failure is not None:
            raise failure
        is_whole = len(items) < _BETWEEN_AT_MOST and not walk.stats.is_unchecked
        return {item.id for item in items if first <= item.created_at <= last} if is_whole else None

    async def _is_removed(self, listed: Any, suspect: Suspect) -> bool:  # noqa: ANN401 - one of the listings
        """Return whether no item has the key of the row, or only an item with another ID."""
        try:
            found = await listed.get(suspect.key)
        except NotFoundError:
            return True
        except DecodeError:  # the item exists
            return False
        except ValueError:  # the key is not known, or fits no address: look for the ID, without the filters
            page = await listed.list(ids=[suspect.id])
            return not page.data
        return bool(found.id != suspect.id)

    def _report(self, name: str) -> None:
        if self.on_progress is not None:
            self.on_progress(name, self._read[name])


def _is_ordered(name: str) -> bool:
    """Return whether a listing can be requested by creation, oldest first: runs, units or batches."""
    declared = listing_class(name)
    return declared.creation_filter is not None and declared.oldest_first == declared.creation_field


def _before(time: datetime, by: timedelta) -> datetime:
    """Subtract a duration from a time, and round down to a second. Return at least the earliest time."""
    return (time - min(by, time - _EARLIEST)).replace(microsecond=0)


def _parts(ids: Sequence[str]) -> list[Sequence[str]]:
    return [ids[start : start + _IDS_AT_ONCE] for start in range(0, len(ids), _IDS_AT_ONCE)]
