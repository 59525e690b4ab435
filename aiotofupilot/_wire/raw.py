"""Items as the server sent them, for fields that are newer than this package."""

from __future__ import annotations

from typing import Any

from aiotofupilot.errors import DecodeError
from aiotofupilot.models import Page, RawItem

from .codec import PageDecoder
from .response import json_excerpt

__all__ = ["RawDecoder"]


class RawDecoder:
    """Decode the pages of a listing without models.

    Args:
        is_bare: Whether a body is an array of items, with no envelope around it.
    """

    item = RawItem
    """The class of an item."""

    def __init__(self, *, is_bare: bool) -> None:
        self._items = "$" if is_bare else "$.data"
        self._decode: PageDecoder[Any] = PageDecoder(dict, bare=is_bare)

    def __call__(self, body: bytes, cursor: int) -> Page[RawItem]:
        """Return the page that a body spells.

        Args:
            body: The bytes of the answer, decompressed.
            cursor: Where the page was asked to begin.

        Raises:
            InvalidJSONError: The body is not JSON.
            DecodeError: The JSON is not a page, or an item has no ID. A walk needs the IDs to tell items apart.
        """
        page = self._decode(body, cursor)
        items = [RawItem(item) for item in page.data]
        for at, item in enumerate(items):
            if not isinstance(item.get("id"), str):
                path = f"{self._items}[{at}].id"
                fault = "expected a string" if "id" in item else "it is missing"
                raise DecodeError(f"{path}: {fault}", path=path, body=json_excerpt(item))
        return Page(items, page.meta, page.cursor)
