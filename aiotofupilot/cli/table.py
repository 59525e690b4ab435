"""Procedures as a table for people. Its column widths are settled before the first row, so that rows can stream."""

from __future__ import annotations

from typing import TYPE_CHECKING

from attrs import evolve, frozen
from rich.cells import cell_len, set_cell_size

from aiotofupilot._wire.moments import spell_date_time

from .formats import Format
from .terminal import visible

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from aiotofupilot import Procedure

__all__ = ["Table"]


@frozen
class _Column:
    heading: str
    text: Callable[[Procedure], str | None]
    width: int
    """Terminal cells."""
    enough: int
    """The width up to which more room is of use, in terminal cells."""
    leaves: int
    """Where the terminal is too narrow for all, the column with the lowest number is left out first."""


def _created(procedure: Procedure) -> str:
    spelled = spell_date_time(procedure.created_at)
    day_and_minute, offset = spelled[:16], spelled[len("2024-01-01T00:00:00.000") :]
    return day_and_minute.replace("T", " ") + offset


def _creator(procedure: Procedure) -> str | None:
    user = procedure.created_by_user
    return None if user is None else user.name or user.email


def _repository(procedure: Procedure) -> str | None:
    repository = procedure.linked_repository
    return None if repository is None else repository.full_name


_COLUMNS = (
    _Column("ID", lambda procedure: procedure.id, width=36, enough=36, leaves=2),
    _Column("CREATED", _created, width=17, enough=17, leaves=3),
    _Column("NAME", lambda procedure: procedure.name, width=20, enough=48, leaves=4),
    _Column("CREATED BY", _creator, width=12, enough=24, leaves=1),
    _Column("REPOSITORY", _repository, width=16, enough=48, leaves=0),
)
"""Columns of a fixed width come first: where nothing is cut, what follows a long name is what moves."""

_GAP = "  "


class Table(Format):
    """A header and a row for each procedure.

    Args:
        width: Terminal cells that no row may exceed: text is cut, and columns that do not fit are left out; None: all
            columns are there and nothing is cut, as befits a pipe or a file.
    """

    name = "table"

    def __init__(self, width: int | None) -> None:
        self._columns = _wide(_COLUMNS) if width is None else _fitted(_COLUMNS, width)
        self._cuts = width is not None

    def head(self) -> bytes:
        """Return the header."""
        return self._row([column.heading for column in self._columns])

    def page(self, procedures: Sequence[Procedure]) -> bytes:
        """Return a row for each procedure; ``-`` stands for null."""
        return b"".join(
            self._row([visible(column.text(procedure) or "-") for column in self._columns]) for procedure in procedures
        )

    def _row(self, texts: Sequence[str]) -> bytes:
        cells = (self._cell(text, column.width) for text, column in zip(texts, self._columns, strict=True))
        return (_GAP.join(cells).rstrip() + "\n").encode()

    def _cell(self, text: str, width: int) -> str:
        length = cell_len(text)
        if length <= width:
            return text + " " * (width - length)
        return set_cell_size(text, width - 1) + "…" if self._cuts else text


def _wide(columns: Sequence[_Column]) -> list[_Column]:
    return [evolve(column, width=column.enough) for column in columns]


def _fitted(columns: Sequence[_Column], width: int) -> list[_Column]:
    """Leave out what there is no room for, and give what is left over to the columns that can use it, in order."""
    kept = list(columns)
    while (missing := sum(column.width + len(_GAP) for column in kept) - len(_GAP) - width) > 0 and len(kept) > 1:
        kept.remove(min(kept, key=lambda column: column.leaves))
    if missing > 0:
        return [evolve(kept[0], width=max(1, width))]
    spare, fitted = -missing, list[_Column]()
    for column in kept:
        more = min(spare, column.enough - column.width)
        fitted.append(evolve(column, width=column.width + more))
        spare -= more
    return fitted
