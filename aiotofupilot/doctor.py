"""Finds out how a server lists, in at most 40 requests, and how a walk will continue there.

    async with TofuPilotSession() as session:
        diagnosis = await diagnose(session)
    print(diagnosis.findings)

The requests only read, never beyond cursor 20,000. There are at most two per second, and no retries. The first asks
whose key it is. Then each stage of an examination looks at all listings, at measurements, phases and logs last.
Measurements and phases are those of the most frequent procedure of the newest runs.
"""

from __future__ import annotations

import math
from collections import Counter
from datetime import timedelta
from itertools import pairwise
from operator import gt, lt
from typing import TYPE_CHECKING, Any, Literal, TypeVar, cast

from attrs import define, frozen

from . import Checkpoint, errors
from ._paging.course import DEEP, LONGEST
from ._paging.position import NULLS, ByKey, ByTime, OutOfBoundError, UnsortedError, begin_of_group
from ._paging.source import BY_ID, SHORTEST, check_offsets
from .listings import NAMES
from .models import Page
from .stats import RequestCounts

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence
    from datetime import datetime

    from ._paging.position import Position
    from ._paging.source import PageSource, Source
    from ._session import TofuPilotSession
    from .listings import Listing

__all__ = ["Diagnosis", "ListingFacts", "diagnose"]

R = TypeVar("R")

READS_AT_MOST: int = 40

PACE = 0.5
"""The least seconds between the starts of two requests."""

CURSORS = (DEEP, 9_900, 19_900)
"""The cursors that are requested in long listings. 10,000 is Elasticsearch's default limit."""

_MOVED_AT_MOST = 20
"""An item may move by at most this many positions between two requests, because others are created or removed."""

_CLOCKS_APART = 60
"""Clocks may differ by this many seconds."""

_SAME = 0.9
"""Two pages that share more than this fraction of their items count as the same page."""

_CAPS = {"ends": "ends the listing", "refuses": "responds with 400", "repeats": "repeats a page"}

_COVERING = ("inclusive", "by microseconds", "exclusive")
"""With these filters, a query by value misses nothing, because it is a millisecond wider than needed."""


@define(kw_only=True)
class ListingFacts:
    """The facts about one listing that a few requests showed."""

    name: str
    """Name, such as ``runs``."""
    error: str | None = None
    """The error of the last failed request, such as ``404 NotFoundError at cursor 0``. None if none failed."""
    longest_page: int = 0
    """The number of items on the first page, of 100 requested."""
    has_offsets: bool | None = None
    """Whether a cursor is the number of items before its page. None if the listing has only one page."""
    sorted_by: str | None = None
    """The time that sorts the listing, and the direction, such as ``started_at desc``. None if no time sorts it, or if
    all items have the same time."""
    keeps_ties: bool | None = None
    """Whether items with the same time keep their order between requests. None if no two pages had such items in
    common."""
    filter: str | None = None
    """How the server compares this time with a bound: ``inclusive``; ``exclusive``; ``by microseconds``, which is finer
    than the times it shows; ``ignored``; or ``other``, if it rounds the bound or compares another time. None if the
    listing has no such filter, or too few items."""
    deepest: int = 0
    """The largest requested cursor that had items."""
    beyond: int | None = None
    """The smallest cursor known to have no items. None if each page said that there were more."""
    cap: Literal["ends", "refuses", "repeats"] | None = None
    """How the server hides items from `beyond` on: it ends the listing, refuses the cursor with 400, or repeats a page.
    None if no hidden items are known."""
    head_seconds: float | None = None
    """Seconds that the first page took. None if it did not arrive."""
    deep_seconds: float | None = None
    """Seconds that the page at `deepest` took. None if that is the first page."""
    follows: Literal["by value", "by cursor", "unchecked", "one page"] | None = None
    """How a walk without ``on_drift`` continues after a page: ``by value``, from the time of the last item; ``by
    cursor``, checking each page; ``unchecked``, by cursor without checks; or not at all, because the listing has
    ``one page``. None if no page arrived."""


@frozen(kw_only=True)
class Diagnosis:
    """Facts about a server and a key, without names, IDs, keys, addresses or texts of the server."""

    key: Literal["user", "station", "other"] | None
    """Whose key it is. None if the server did not say."""
    clock_ahead: float | None
    """Whole seconds that the server's clock is ahead of the local one. None if no response had a date."""
    reads: int
    """The number of requests."""
    listings: tuple[ListingFacts, ...]
    """The facts about each listing."""
    findings: tuple[str, ...]
    """Unexpected facts, each with its consequence. Each begins with the listing or ``clock``."""
    notes: tuple[str, ...]
    """Unexpected facts that this package can handle, in the same form."""


async def diagnose(session: TofuPilotSession) -> Diagnosis:
    """Diagnose how the server lists for a session's key, in at most 40 requests and about 20 seconds.

    Args:
        session: The session. Its retries are disabled here.

    Raises:
        UnauthorizedError: The key is missing or wrong.
        TransportError: A request had no response. A timeout of a listing is one of the facts about it.
        SessionError: The session is closed.
    """
    view = session.with_options(retry=None)
    reads, key = _Requests(view), None
    findings, notes = list[str](), list[str]()
    try:
        identity, _ = await reads.make(view.whoami)
        key = identity.type if identity.type in ("user", "station") else "other"
    except errors.UnauthorizedError:
        raise
    except (errors.APIError, errors.DecodeError) as error:
        findings.append(f"whoami: the request failed: {_named(error)}")
    looks = [_Examination(getattr(view, name), reads) for name in NAMES]
    of_runs = [look for look in looks if look.listing.by_run is not None]
    others = [look for look in looks if look.listing.by_run is None]
    plan = [(stage, [*others, *of_runs]) for stage in (_Examination.head, _Examination.again, _Examination.compared)]
    plan += [(stage, some) for some in (others, of_runs) for stage in (_Examination.deep, _Examination.end)]
    for stage, some in plan:
        for look in some:
            await look.at(stage)
    if reads.ahead is not None and abs(reads.ahead) >= _CLOCKS_APART:
        findings.append(f"clock: it differs from the server's by {abs(reads.ahead):.0f} s, and so do ages like 7d")
    for look in looks:
        look.judge(key, findings, notes)
    return Diagnosis(
        key=cast("Any", key),
        clock_ahead=reads.ahead,
        reads=reads.made,
        listings=tuple(look.facts for look in looks),
        findings=tuple(findings),
        notes=tuple(notes),
    )


def _named(error: errors.TofuPilotError) -> str:
    """Return an error's class and status, without its text, which may be the server's."""
    status = f"{error.status} " if isinstance(error, errors.APIError) else ""
    return f"{status}{type(error).__name__}"


class _NoneLeftError(Exception):
    """All requests of a diagnosis have been used."""


class _Requests:
    """Makes requests one after the other, and counts them."""

    def __init__(self, session: TofuPilotSession) -> None:
        self.made = 0
        self.ahead: float | None = None
        """Seconds that the server's clock is ahead. None if not known yet."""
        self.procedures: Counter[str] = Counter()
        """The number of newest runs per procedure."""
        self._connection = session._connection  # noqa: SLF001 # pyright: ignore[reportPrivateUsage] - for its clock
        self._begun = -math.inf

    async def make(self, request: Callable[[], Awaitable[R]]) -> tuple[R, float]:
        """Wait until a request may be made, make it, and return its result and the seconds it took."""
        if self.made == READS_AT_MOST:
            raise _NoneLeftError
        clock = self._connection.clock
        await self._connection.pause(max(0.0, self._begun + PACE - clock.monotonic()))
        self.made += 1
        self._begun = clock.monotonic()
        return await request(), clock.monotonic() - self._begun

    def note_date(self, date: datetime | None) -> None:
        """Compare the clocks by the first date in a response. It has whole seconds, so half a second is added."""
        if self.ahead is None and date is not None:
            ahead = date + timedelta(seconds=0.5) - self._connection.clock.now()
            self.ahead = float(round(ahead.total_seconds()))


class _Examination:
    """Examines one listing, in stages."""

    def __init__(self, listing: Listing[Any], reads: _Requests) -> None:
        self.listing = listing
        self.facts = ListingFacts(name=listing.name)
        self._reads = reads
        self._required: dict[str, str] = {}
        """The required filters."""
        self._cursor = 0
        """The cursor of the last request."""
        self._pages: dict[int, tuple[Page[Any], float]] = {}
        """The pages by cursor, with the seconds each took."""
        self._keys: list[Any] = []
        """The times of the items on the first page, or their IDs if no time sorts it."""
        self._order = BY_ID
        self._is_unstable = False
        """Whether items came in another order when requested again, in a listing that no time sorts."""

    @property
    def _first(self) -> Page[Any]:
        return self._pages[0][0]

    @property
    def _deepest(self) -> int:
        return max(self._pages, default=0)

    async def at(self, stage: Callable[[_Examination], Awaitable[None]]) -> None:
        """Run a stage, unless a request has failed before. Note its failure."""
        try:
            if self.facts.error is None and (self._pages or stage is _Examination.head):
                await stage(self)
        except _NoneLeftError:
            pass
        except errors.UnauthorizedError:
            raise
        except (errors.APIError, errors.DecodeError, errors.RequestTimeoutError) as error:
            self.facts.error = f"{_named(error)} at cursor {self._cursor}"

    def _source(self, **filters: object) -> Source[Any]:
        listing: Any = self.listing
        source: Source[Any] = listing.list(**self._required, **filters)._source  # noqa: SLF001 - for its `fetch`
        return source

    async def _read(
        self, cursor: int, limit: int = LONGEST, source: PageSource[Any] | None = None
    ) -> tuple[Page[Any], float]:
        self._cursor, fetch = cursor, (source or self._source()).fetch
        page, seconds = await self._reads.make(lambda: fetch(cursor, limit, RequestCounts()))
        self._reads.note_date(self._source().served_at(page))
        return page, seconds

    def _position(self) -> Position[Any]:
        return ByTime(self._order, Checkpoint()) if self._order.is_time else ByKey(BY_ID, Checkpoint())

    def _admitted(
        self, position: Position[Any], page: Page[Any], bound: datetime | None = None
    ) -> Sequence[object] | None:
        """Return the new items of the first page of a listing or query. None if a walk would reject the page."""
        try:
            return position.admit(page, "query" if bound else "listing", bound=bound)
        except (OutOfBoundError, UnsortedError):
            return None

    async def head(self) -> None:
        """Find out how the first page is sorted, and whether cursors are offsets."""
        required, known = [each.name for each in self.listing.filters if each.is_required], self._reads.procedures
        if required and not known:
            return
        self._required = {name: known.most_common(1)[0][0] for name in required}
        page, seconds = await self._read(0)
        if self.listing.name == "runs":
            known.update(run.procedure.id for run in page.data)
        self.facts.longest_page, self.facts.head_seconds, self.facts.follows = len(page.data), seconds, "one page"
        if self.listing.is_bare:
            return
        self._pages[0] = page, seconds
        self._order = self._source().order
        if self._admitted(position := self._position(), page) is None:  # a walk does the same
            self._order = BY_ID
            self._admitted(position := self._position(), page)
        self._keys = [*position.keys]
        if self._order.is_time and len({*self._keys}) > 1:
            self.facts.sorted_by = f"{self.listing.default_order} {'asc' if position.is_ascending else 'desc'}"
        if page.meta.has_more:
            self.facts.has_offsets = page.following is not None
            try:
                check_offsets(page, may_be_short=False)
            except (errors.DriftError, errors.PaginationError):
                self.facts.has_offsets = False

    async def again(self) -> None:
        """Repeat a part of the first page, from inside a group of equal times if possible."""
        keys, count = self._keys, len(self._keys)
        at = next((at for at in range(1, count) if keys[at] == keys[at - 1]), count // 2)
        has_ties = keys[at : at + 1] == keys[at - 1 : at]
        is_telling = has_ties or self._first.meta.has_more or not self._order.is_time
        if count > 1 and self.facts.has_offsets is not False and is_telling:
            page, _ = await self._read(at, max(SHORTEST, count // 2))
            self._compare(self._first, page)

    def _compare(self, one: Page[Any], other: Page[Any]) -> None:
        """Compare two pages where they overlap. The second begins within the first."""
        left = one.data[other.cursor - one.cursor :][: len(other.data)]
        right = other.data[: len(left)]
        places = {item.id: place for place, item in enumerate(one.data, one.cursor)}
        seen = [(place, places[item.id]) for place, item in enumerate(other.data, other.cursor) if item.id in places]
        if not self._order.is_time:
            self._is_unstable |= not seen or any(earlier > later for (_, earlier), (_, later) in pairwise(seen))
            return
        keys = self._order.keys(left)
        is_same = bool(keys) and keys == self._order.keys(right)
        self.facts.has_offsets = is_same or any(abs(place - before) <= _MOVED_AT_MOST for place, before in seen)
        if is_same and len({*keys}) < len(keys):
            is_kept = BY_ID.keys(left) == BY_ID.keys(right)
            self.facts.keeps_ties = is_kept and self.facts.keeps_ties is not False

    async def compared(self) -> None:
        """Find out how the server compares a bound with the sorting time."""
        keys, sorted_by = self._keys, self.facts.sorted_by
        if sorted_by is None or not self._order.is_bounded:
            return
        usable = [at for at, key in enumerate(keys) if key not in (keys[0], *NULLS)]
        usable = [at for at in usable if keys[at].microsecond] or usable  # milliseconds show whether the server rounds
        if usable:
            at = begin_of_group(keys, next((at for at in usable if at >= len(keys) // 3), usable[-1]))
            self.facts.filter = await self._filter(at, 1 if sorted_by.endswith("asc") else -1)

    async def _filter(self, at: int, sign: int) -> str:
        """Return how the server compares the time of an item of the first page.

        Args:
            at: The index of an item. The item before it has another time.
            sign: 1 if the oldest items come first, otherwise -1.
        """
        own, name = self._keys[at], self.listing.times[self.listing.default_order]
        side, other_side = ("after", "before") if sign > 0 else ("before", "after")
        page, _ = await self._read(0, source=self._source(**{f"{name}_{side}": own}))
        shown = next(iter(self._order.keys(page.data)), None)
        if shown == own:
            return "inclusive"
        is_later: Callable[[Any, Any], bool] = gt if sign > 0 else lt
        if shown is not None and not is_later(shown, self._keys[0]):
            return "ignored"
        if shown is None or is_later(shown, own):
            position = self._position()
            self._admitted(position, Page(self._first.data[: at + 1], self._first.meta))
            page, _ = await self._read(0, source=self._source().between(**{side: own}))
            if self._admitted(position, page, own) is not None:
                page, _ = await self._read(0, at + 1, self._source(**{f"{name}_{other_side}": own}))
                return "by microseconds" if own in self._order.keys(page.data) else "exclusive"
        return "other"

    async def deep(self) -> None:
        """Request larger cursors while the listing continues. Then request one that overlaps the last by a quarter."""
        if not (self.facts.has_offsets and self._first.meta.has_more):
            return
        for cursor in CURSORS:
            if not await self._goes_on(cursor):
                break
        if deepest := self._deepest:
            page, _ = self._pages[deepest]
            await self._goes_on(before := deepest - self.facts.longest_page * 3 // 4)
            if before in self._pages:
                self._compare(self._pages[before][0], page)

    async def end(self) -> None:
        """Look for items after the last one that the listing shows."""
        (last, _), position = self._pages[self._deepest], self._position()
        self._admitted(position, last)
        key, is_last = position.key, self._deepest and not last.meta.has_more
        if is_last and self.facts.filter in _COVERING and not position.is_null:
            source = self._source().between(**{"after" if position.is_ascending else "before": key})
            page, _ = await self._read(0, source=source)
            # Earlier pages may have other items of the same time.
            if self._admitted(position, page, key) and position.key != key:
                self.facts.cap = "ends"

    async def _goes_on(self, cursor: int) -> bool:
        """Request a page, and return whether the listing continues after it."""
        facts = self.facts
        try:
            page, seconds = await self._read(cursor)
        except errors.BadRequestError:
            facts.cap, facts.beyond = "refuses", cursor
            return False
        ids = {*BY_ID.keys(page.data)}
        if any(len(ids.intersection(BY_ID.keys(other.data))) > _SAME * len(ids) for other, _ in self._pages.values()):
            self._pages = {at: each for at, each in self._pages.items() if at < cursor}
            facts.cap, facts.beyond = "repeats", cursor
            return False
        if ids:
            self._pages[cursor] = page, seconds
        if not page.meta.has_more:
            facts.beyond = cursor + len(ids)
        return page.meta.has_more

    def judge(self, key: str | None, findings: list[str], notes: list[str]) -> None:
        """Complete the facts, and add the conclusions for the type of key."""
        facts, order, time = self.facts, self._order, self.listing.default_order
        is_unsorted = has_short_pages = False
        if self._pages:
            is_unsorted = time in self.listing.times and not order.is_time
            has_short_pages = self._first.meta.has_more and facts.longest_page < LONGEST
            facts.follows = "by value" if order.is_bounded and facts.filter != "ignored" else "by cursor"
            if facts.has_offsets is False or self._is_unstable:
                facts.follows = "unchecked"
            facts.deepest = self._deepest
            facts.deep_seconds = self._pages[self._deepest][1] if self._deepest else None
        is_refused = key == "station" and (facts.error or "").startswith("403")
        cap = f"the server {_CAPS.get(facts.cap or '')} at cursor {facts.beyond or 0:,} although there are more items"
        unexpected = {
            f"a request failed: {facts.error}": facts.error and not is_refused,
            "cursors cannot be computed, so a walk follows the server's, unchecked": facts.has_offsets is False,
            f"not sorted by {time}, so a walk cannot continue by value": is_unsorted,
            "the order changes from page to page, so a walk is unchecked": self._is_unstable,
            "the filter by time is ignored, so a walk continues by cursor": facts.filter == "ignored",
            "the filter rounds times or compares others, so a walk takes more requests": facts.filter == "other",
            f"{cap}, and a walk misses them": facts.cap and facts.follows != "by value",
        }
        handled = {
            "the key of a station may not list it": is_refused,
            "items of the same time change their order, so a walk reads them as a set": facts.keeps_ties is False,
            f"the filter is {facts.filter}, so queries are a millisecond wider": facts.filter in _COVERING[1:],
            f"{cap}, and a walk gets them by value": facts.cap and facts.follows == "by value",
            f"a page has at most {facts.longest_page} items": has_short_pages,
        }
        findings += [f"{facts.name}: {text}" for text, is_so in unexpected.items() if is_so]
        notes += [f"{facts.name}: {text}" for text, is_so in handled.items() if is_so]
