"""Items that are not turned into models."""

from typing import Any

__all__ = ["RawItem"]


class RawItem(dict[str, Any]):
    """An item of a listing as the server sent it: a dict of JSON values, with every key that the server knows."""

    @property
    def id(self) -> str:
        """The ID of the item."""
        item_id: str = self["id"]
        return item_id
