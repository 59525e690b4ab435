"""Items as a Parquet file, under the names of the library's attributes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from aiotofupilot.arrow.files import stream_head, stream_part, write_parquet

from .formats import Format

if TYPE_CHECKING:
    from collections.abc import Sequence

    from .files import Remake

__all__ = ["Parquet"]


class Parquet(Format):
    """An Arrow stream while items arrive, of which a Parquet file is made in the end.

    Args:
        model: The model of an item, which gives the file its columns.
    """

    name = "parquet"
    takes_shapes = True

    def __init__(self, model: type) -> None:
        self._model = model

    @property
    def remake(self) -> Remake:
        """What makes a Parquet file of the stream."""
        return write_parquet

    def head(self) -> bytes:
        """Return the schema."""
        return stream_head(self._model)

    def page(self, items: Sequence[Any]) -> bytes:
        """Return a record batch."""
        return stream_part(items, self._model)
