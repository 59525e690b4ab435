"""What a paginator lists, as paging knows it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol, TypeVar

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from aiotofupilot.models import Page, RawItem
    from aiotofupilot.stats import RequestCounts

    from .memory import Identified

__all__ = ["Source"]

T = TypeVar("T", bound="Identified")


class Source(Protocol[T]):
    """A query of a listing. Its pages can be fetched, and it can be narrowed."""

    @property
    def model(self) -> type[T]:
        """The class of an item."""
        ...

    async def fetch(self, cursor: int, limit: int, counts: RequestCounts) -> Page[T]:
        """Return the page that begins at a cursor.

        Args:
            cursor: Where the page begins, in the server's counting. The listing itself begins at 0.
            limit: How many items to ask for.
            counts: Where the requests are counted.
        """
        ...

    def raw(self) -> Source[RawItem]:
        """Return the same query with its items as the server sends them."""
        ...

    def shapes(self) -> Source[Any]:
        """Return the same query with items that have the attributes and the values of the models, and no more.

        They take half of the time that models take. They are not of the models' classes, except on a page that is
        spelled in a way that is seldom met.
        """
        ...

    def narrowed(
        self,
        *,
        after: datetime | None = None,
        before: datetime | None = None,
        oldest_first: bool = False,
        run_ids: Iterable[str] = (),
    ) -> Source[T]:
        """Return the same query for some of its items only.

        Args:
            after: Only items created at this moment or later; timezone-aware. The query's own bound still holds. A
                fraction of a millisecond is dropped. None: no further bound.
            before: Only items created at this moment or earlier; likewise. A fraction of a millisecond is rounded up.
            oldest_first: Whether the oldest items come first.
            run_ids: Only what these runs wrote, in place of the runs that the query names. Empty: no change.

        Raises:
            ValueError: The API does not let this listing be narrowed so.
        """
        ...
