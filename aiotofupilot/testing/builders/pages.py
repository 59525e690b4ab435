"""Pages of a listing."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from aiotofupilot.models import Page, PageMeta

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["make_page"]

T = TypeVar("T")


def make_page(data: Iterable[T] = (), *, cursor: int = 0, next_cursor: int | None = None) -> Page[T]:
    """Make a page of items.

    Args:
        data: The items.
        cursor: Where the page begins.
        next_cursor: Where the next page begins. None: this page is the last one.
    """
    return Page(list(data), PageMeta(has_more=next_cursor is not None, next_cursor=next_cursor), cursor)
