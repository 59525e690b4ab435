"""One page of a listing, the protocol of its items, and an item without a model."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Generic, Protocol, TypeVar

from attrs import field, frozen

from .display import rows_of_items, showing

__all__ = ["Page", "PageMeta", "RawItem"]

T = TypeVar("T")

_ROWS, _COLUMNS = 10, 8
"""A page shows at most this many of its items and fields in a notebook."""


class Identified(Protocol):
    """An item of a listing."""

    @property
    def id(self) -> str:
        """The item's ID, which never changes."""
        ...


@frozen
class PageMeta:
    """What a page says about the rest of its listing."""

    has_more: bool
    """Whether the server says that there are more items."""
    next_cursor: int | None = None
    """The cursor of the next page, or None."""


@showing
@frozen
class Page(Generic[T]):
    """One page of a listing, as the server sent it.

    Pages compare by `data`, `meta` and `cursor`. Their hash leaves out `data`, because a list has no hash.
    """

    data: list[T] = field(hash=False)
    """The items, in the server's order."""
    meta: PageMeta
    """What the page says about the rest of the listing."""
    cursor: int = 0
    """The cursor of this page. 0 is the beginning of the listing."""
    request_id: str | None = field(default=None, eq=False)
    """The ID of the request, for a support ticket, or None."""
    headers: Mapping[str, str] = field(factory=dict[str, str], eq=False, repr=False)
    """The headers of the response, such as those about rate limits. Their names ignore case."""

    @property
    def following(self) -> int | None:
        """The cursor of the next page, or None if this page is the last one or names no cursor."""
        return self.meta.next_cursor if self.meta.has_more else None

    def _shown(self) -> tuple[str, Sequence[str], Iterable[Sequence[str]]]:
        headings, rows = rows_of_items(self.data[:_ROWS], _COLUMNS)
        caption = f"{len(self.data)} items from cursor {self.cursor}"
        if self.following is not None:
            caption += f", and more from cursor {self.following}"
        return caption, headings, rows if len(self.data) <= _ROWS else [*rows, ["…", *[""] * (len(headings) - 1)]]


class RawItem(dict[str, Any]):
    """An item as the server sent it: a dict of JSON values."""

    @property
    def id(self) -> str:
        """The ID of the item."""
        item_id: str = self["id"]
        return item_id
