"""Items as a table for people. Its column widths are settled before the first row, so that rows can stream."""

from __future__ import annotations

from itertools import accumulate, pairwise
from typing import TYPE_CHECKING, Any

from attrs import evolve
from rich.cells import cell_len, set_cell_size

from .formats import Format
from .terminal import visible

if TYPE_CHECKING:
    from collections.abc import Sequence

    from aiotofupilot.cli.columns.column import Column

__all__ = ["Table"]


_GAP = "  "


class Table(Format):
    """A header and a row for each item.

    Args:
        columns: What is shown of each item.
        width: Terminal cells that no row may exceed: text is cut, and columns that do not fit are left out; None: all
            columns are there and nothing is cut, as befits a pipe or a file.
    """

    name = "table"

    def __init__(self, columns: Sequence[Column], width: int | None) -> None:
        self._columns = _wide(columns) if width is None else _fitted(columns, width)
        self._cuts = width is not None

    def head(self) -> bytes:
        """Return the header."""
        return self._row([column.heading for column in self._columns])

    def page(self, items: Sequence[Any]) -> bytes:
        """Return a row for each item; ``-`` stands for null."""
        return b"".join(self._row([visible(column.text(item) or "-") for column in self._columns]) for item in items)

    def _row(self, texts: Sequence[str]) -> bytes:
        cells = (self._cell(text, column.width) for text, column in zip(texts, self._columns, strict=True))
        return (_GAP.join(cells).rstrip() + "\n").encode()

    def _cell(self, text: str, width: int) -> str:
        length = cell_len(text)
        if length <= width:
            return text + " " * (width - length)
        return set_cell_size(text, width - 1) + "…" if self._cuts else text


def _wide(columns: Sequence[Column]) -> list[Column]:
    return [evolve(column, width=column.enough) for column in columns]


def _fitted(columns: Sequence[Column], width: int) -> list[Column]:
    """Leave out what there is no room for, and share what is left over in proportion to what each column can use."""
    kept = list(columns)
    while (missing := sum(column.width + len(_GAP) for column in kept) - len(_GAP) - width) > 0 and len(kept) > 1:
        kept.remove(min(kept, key=lambda column: column.leaves))
    if missing > 0:
        return [evolve(kept[0], width=max(1, width))]
    usable = list(accumulate((column.enough - column.width for column in kept), initial=0))
    shared = min(-missing, usable[-1])
    ends = [shared * end // (usable[-1] or 1) for end in usable]  # rounded where a share ends, so that none is lost
    return [
        evolve(column, width=column.width + end - at) for column, (at, end) in zip(kept, pairwise(ends), strict=True)
    ]
