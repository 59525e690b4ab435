"""What surrounds the items of every listing."""

from __future__ import annotations

from typing import Generic, TypeVar

from msgspec import Struct

__all__ = ["Meta", "Page"]

T = TypeVar("T")


class Meta(Struct):
    """What a page says about the rest of its listing."""

    has_more: bool
    next_cursor: int | None = None


class Page(Struct, Generic[T]):
    """A page."""

    data: list[T]
    meta: Meta
