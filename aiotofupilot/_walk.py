"""One pass over a listing: the window fetches, continuity says what is new, the walk hands it over item by item."""

from __future__ import annotations

from collections.abc import AsyncIterator, Coroutine, Iterator, Sequence
from functools import partial
from operator import length_hint
from typing import TYPE_CHECKING, Any, Literal, Protocol, TypeVar

from attrs import evolve, frozen

from ._drift import Anchored, Deduplicated
from ._memory import Identified
from ._window import Spawn, Window
from .checkpoint import BEGINNING, Checkpoint
from .errors import TofuPilotError
from .stats import RequestCounts, WalkStats

if TYPE_CHECKING:
    from types import TracebackType
    from typing import Self

    from .models import Page

__all__ = ["Fetch", "OnDrift", "Plan", "Walk", "behind", "note_checkpoint"]

T = TypeVar("T", bound=Identified)

OnDrift = Literal["ignore", "resync", "raise"]
"""What a walk does about a listing that moves under it."""


class Fetch(Protocol[T]):
    """Fetches a page of a listing."""

    def __call__(self, cursor: int, limit: int, counts: RequestCounts) -> Coroutine[Any, Any, Page[T]]:
        """Return the page that begins at a cursor.

        Args:
            cursor: Where the page begins, in the server's counting. The listing itself begins at 0.
            limit: How many items to ask for.
            counts: Where the requests are counted.
        """
        ...


@frozen
class Plan:
    """How a listing is to be walked."""

    limit: int
    """Items a page."""
    start: Checkpoint
    """Where to begin."""
    max_items: int | None
    """Items to yield at the most; None: all."""
    concurrency: int
    """Pages in flight or waiting to be used, at the most."""
    on_drift: OnDrift
    """What to do about a listing that moves."""


class Walk(AsyncIterator[T]):
    """One pass over a listing, in the server's order. Pages are fetched as items are asked for, never on their own.

    A walk may be left at any item. Nothing of it stays in flight once it ended, failed, was closed, was cancelled or
    was dropped. It cannot notice a ``break`` while a variable still holds it: enter it with ``async with``, which
    closes it, or call `aclose`. A walk that failed can be asked on. It then asks the server again for the page that it
    did not get, except after a `PaginationError`.
    """

    def __init__(self, fetch: Fetch[T], plan: Plan, spawn: Spawn[T]) -> None:
        start, limit = plan.start, plan.limit
        anchors = start.anchors or (() if start.cursor or start.skip else (BEGINNING,))
        self._continuity: Deduplicated[T] | Anchored[T]
        if plan.on_drift == "ignore":
            if plan.max_items is not None and not start.cursor:  # elsewhere, the cursor may count pages of this length
                limit = max(1, min(limit, plan.max_items + start.skip))
            self._continuity = Deduplicated((*start.ahead, *anchors), skip=start.skip)
            self._whole = limit
            cursor = start.cursor
        else:
            # One item of each page is the last of the page before.
            self._whole = max(2, limit)
            limit = self._whole if plan.max_items is None else max(2, min(limit, plan.max_items + 1))
            self._continuity = Anchored(anchors, start.ahead, limit=self._whole, resync=plan.on_drift == "resync")
            cursor = max(0, start.cursor + start.skip - bool(start.anchors))
        self._stats = WalkStats()
        self._window = Window(
            partial(fetch, counts=self._stats.counts),
            cursor=cursor,
            limit=limit,
            overlap=self._continuity.overlap,
            concurrency=plan.concurrency,
            spawn=spawn,
        )
        self._shortened = limit < plan.limit
        self._start = start
        self._remaining = plan.max_items
        self._page: Page[T] | None = None
        self._new: Sequence[T] = ()
        self._items: Iterator[T] = iter(())
        self._given = self._given_before = 0
        self._turning = False

    def __repr__(self) -> str:
        return f"<Walk: {self.stats.items} items, {self.stats.requests} requests so far>"

    async def __anext__(self) -> T:
        # All that an item costs. How many were taken is not counted here: the iterator knows how many are left.
        while True:
            for item in self._items:
                return item
            await self._turn()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.aclose()

    async def batches(self) -> AsyncIterator[list[T]]:
        """Yield the items in lists, as they arrive: those at hand, then those that are new on page after page.

        The checkpoint stands behind the list yielded last: store both together, and each item is stored exactly once.
        """
        async for item in self:
            yield [item, *self._items]

    async def aclose(self) -> None:
        """End the walk where it stands, and wait until nothing of it is in flight. It yields nothing any more.

        Raises:
            RuntimeError: Another task is waiting for the walk's next item.
        """
        self._check_idle()
        self._give((), taken=self._taken)
        await self._window.aclose()

    @property
    def checkpoint(self) -> Checkpoint:
        """Where the walk stands, behind the last item that it yielded; give it to ``list(cursor=...)`` to go on."""
        if self._page is None:
            return self._start
        page, memory = self._page, self._continuity.memory
        if self._taken < len(self._new):
            upcoming = self._new[self._taken]
            passed = next(at for at, item in enumerate(page.data) if item is upcoming)
            place = Checkpoint(page.cursor, passed)
        else:
            passed = len(page.data)
            # A cursor that counts pages would mean another place to whoever goes on with longer ones.
            place = Checkpoint(page.cursor, passed) if self._shortened else behind(page)
        return evolve(
            place,
            skip=place.skip + self._continuity.skip,
            anchors=memory.anchors(passed),
            ahead=memory.ahead(passed),
        )

    @property
    def stats(self) -> WalkStats:
        """What the walk has done so far; the same object each time, brought up to date."""
        self._stats.items = self._given_before + self._taken
        self._stats.duplicates = self._continuity.memory.duplicates
        self._stats.resyncs = self._continuity.resyncs
        return self._stats

    @property
    def _taken(self) -> int:
        """How many of the items given by the page at hand have been yielded."""
        return self._given - length_hint(self._items)

    def _check_idle(self) -> None:
        if self._turning:
            raise RuntimeError("another task is waiting for the walk's next item: give each task a walk of its own")

    def _give(self, items: Sequence[T], *, taken: int = 0) -> None:
        self._items, self._given = iter(items), len(items) + taken

    async def _turn(self) -> None:
        """Take up the next page, or end."""
        self._check_idle()
        self._turning = True
        try:
            page = await self._next_page()
        except StopAsyncIteration as error:  # of a callback of the user's, and not the end of the listing
            raise RuntimeError("StopAsyncIteration was raised while a page was fetched") from error
        except Exception as error:
            note_checkpoint(error, self.checkpoint)
            raise
        finally:
            self._turning = False
        if page is None:
            raise StopAsyncIteration

    async def _next_page(self) -> Page[T] | None:
        """Take up the next page, and return it; None: there is none, or none that is wanted."""
        if self._remaining == 0:
            return None
        while (page := await self._window.next(self._pages_wanted())) is not None:
            try:
                new = self._continuity.admit(page, is_short=self._window.limit < self._whole)
            except TofuPilotError:
                self._window.restart(page.cursor)
                raise
            if new is not None:
                await self._take_up(page, new)
                break
            self._window.restart(self._continuity.sought, limit=self._whole)
        return page

    async def _take_up(self, page: Page[T], new: Sequence[T]) -> None:
        self._given_before += self._given
        self._page, self._new = page, new
        self._stats.pages += 1
        self._give(new if self._remaining is None else new[: self._remaining])
        if self._remaining is not None:
            self._remaining -= self._given
            if self._remaining == 0:
                await self._window.aclose()

    def _pages_wanted(self) -> int | None:
        """Return how many pages can still be needed, if they are full."""
        if self._remaining is None:
            return None
        return -(-(self._remaining + self._continuity.skip) // self._window.stride)


def behind(page: Page[T]) -> Checkpoint:
    """Return the place behind a page's last item."""
    cursor = page.following
    if cursor is None or cursor <= page.cursor:
        return Checkpoint(page.cursor, len(page.data))
    return Checkpoint(cursor)


def note_checkpoint(error: Exception, checkpoint: Checkpoint) -> None:
    """Tell with an error where to resume, whoever it comes from."""
    if isinstance(error, TofuPilotError):
        error.checkpoint = checkpoint
    error.add_note(f"cursor={checkpoint.cursor}, resume with cursor=Checkpoint.parse({str(checkpoint)!r})")
