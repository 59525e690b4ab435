"""What users iterate over: a listing, its walks and its pages."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Generator, Iterator
from typing import TYPE_CHECKING, Generic, TypeVar

from .errors import PaginationError

if TYPE_CHECKING:
    from types import TracebackType
    from typing import Self

    from .models import Page

__all__ = ["Fetch", "Paginator", "Walk"]

T = TypeVar("T")

Fetch = Callable[[int | None], Awaitable["Page[T]"]]
"""From a cursor, None for the listing's beginning, to the page that begins there."""


def _following(page: Page[T]) -> int | None:
    """Return the cursor of the page after this one; None: this one is the last."""
    cursor = page.meta.next_cursor
    if not page.meta.has_more or cursor is None:
        return None
    if cursor <= page.cursor:
        raise PaginationError(
            f"the page at cursor {page.cursor} says that the next one begins at {cursor}, which is not beyond it",
            cursor=page.cursor,
            next_cursor=cursor,
        )
    return cursor


async def _follow(fetch: Fetch[T], cursor: int | None) -> AsyncGenerator[Page[T]]:
    """Yield page after page, asking for each when it is wanted."""
    following = cursor
    while True:
        page = await fetch(following)
        yield page
        following = _following(page)
        if following is None:
            return


class Walk(AsyncIterator[T]):
    """One pass over a listing, item by item. A page is asked for when the one before it is used up.

    As an async context manager it is closed on the way out.
    """

    def __init__(self, pages: AsyncGenerator[Page[T]], max_items: int | None) -> None:
        self._pages = pages
        self._items: Iterator[T] = iter(())
        self._remaining = max_items

    async def __anext__(self) -> T:
        if self._remaining == 0:
            await self.aclose()
        while (item := next(self._items, None)) is None:
            self._items = iter((await anext(self._pages)).data)
        if self._remaining is not None:
            self._remaining -= 1
        return item

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """End the walk; it yields nothing any more."""
        self._items = iter(())
        await self._pages.aclose()


class Paginator(Generic[T]):
    """A listing that has not been asked for yet. Nothing is sent before it is used, and every use begins anew.

    ``await`` it for its first page, ``async for`` over it for its items.
    """

    def __init__(self, fetch: Fetch[T], *, cursor: int | None, max_items: int | None) -> None:
        self._fetch = fetch
        self._cursor = cursor
        self._max_items = max_items

    def __await__(self) -> Generator[object, None, Page[T]]:
        return self._fetch(self._cursor).__await__()

    def __aiter__(self) -> Walk[T]:
        return self.walk()

    def walk(self) -> Walk[T]:
        """Return a pass over the items, which can be closed before its end."""
        return Walk(_follow(self._fetch, self._cursor), self._max_items)

    async def pages(self) -> AsyncIterator[Page[T]]:
        """Yield the pages as the server cuts them, ``max_items`` aside: the last one is yielded whole."""
        remaining = self._max_items
        async for page in _follow(self._fetch, self._cursor):
            yield page
            if remaining is not None:
                remaining -= len(page.data)
                if remaining <= 0:
                    return

    async def collect(self) -> list[T]:
        """Return all items."""
        return [item async for item in self]

    async def first(self) -> T | None:
        """Return the first item, or None if the listing is empty."""
        async with self.walk() as walk:
            return await anext(walk, None)
