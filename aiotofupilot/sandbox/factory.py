"""The factory whose data the sandbox lists: what every listing holds at the moment."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .rows import Pieces

if TYPE_CHECKING:
    from collections.abc import Iterable

    from aiotofupilot.models import Procedure

__all__ = ["Factory"]


class Factory:
    """All that is listed.

    Attributes:
        procedures: What is listed, in the listing's order. Add, remove and replace at any time; the next answer knows.
    """

    def __init__(self, procedures: Iterable[Procedure] = ()) -> None:
        self.procedures = list(procedures)

    def pieces(self, name: str) -> Pieces[Any]:
        """Give the rows of a listing as they are now."""
        rows = getattr(self, name)
        if isinstance(rows, list):
            return Pieces((tuple(rows),), _nothing)  # pyright: ignore[reportUnknownArgumentType]
        pieces: Pieces[Any] = rows.pieces
        return pieces


def _nothing(number: int) -> Any:  # noqa: ANN401 - it never returns
    """Make no item: a list holds all of its items."""
    raise IndexError(number)
