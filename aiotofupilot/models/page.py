"""One page of a listing."""

from collections.abc import Mapping
from typing import Generic, TypeVar

from attrs import field

from .frozen import frozen

__all__ = ["Page", "PageMeta"]

T = TypeVar("T")


@frozen
class PageMeta:
    """What a page says about the rest of its listing."""

    has_more: bool
    """Whether the server announces more items."""
    next_cursor: int | None = None
    """Where the next page begins, in the server's own counting. None: the server names no place."""


@frozen
class Page(Generic[T]):
    """One answer of a listing, as the server cut it.

    Pages compare by `data`, `meta` and `cursor`. Their hash leaves out `data`, because a list has no hash.
    """

    data: list[T] = field(hash=False)
    """The items, in the server's order."""
    meta: PageMeta
    """What follows."""
    cursor: int = 0
    """Where the page begins: the cursor that it was asked for. 0 is the beginning of the listing."""
    request_id: str | None = field(default=None, eq=False)
    """What the server or a proxy calls the request, for a support ticket. None: the request has no name."""
    headers: Mapping[str, str] = field(factory=dict[str, str], eq=False, repr=False)
    """The headers of the answer, such as those that tell of rate limits. Names compare without regard to case."""

    @property
    def following(self) -> int | None:
        """Where the next page begins, as the server gave it. None: this page is the last, or names no cursor."""
        return self.meta.next_cursor if self.meta.has_more else None
