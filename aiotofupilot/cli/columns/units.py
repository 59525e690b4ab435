"""Units as a table."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .column import Column, Columns, moment

if TYPE_CHECKING:
    from aiotofupilot import Unit

__all__ = ["COLUMNS"]


def _last_outcome(unit: Unit) -> str | None:
    return None if unit.last_run is None else unit.last_run.outcome


def _batch(unit: Unit) -> str | None:
    return None if unit.batch is None else unit.batch.number


COLUMNS = Columns(
    "unit",
    (
        Column("ID", lambda unit: unit.id, width=36, enough=36, leaves=0),
        Column("CREATED", lambda unit: moment(unit.created_at), width=17, enough=17, leaves=2),
        Column("LAST RUN", _last_outcome, width=8, enough=8, leaves=4),
        Column("SERIAL NUMBER", lambda unit: unit.serial_number, width=16, enough=32, leaves=5),
        Column("PART", lambda unit: unit.part.number, width=12, enough=24, leaves=3),
        Column("BATCH", _batch, width=10, enough=20, leaves=1),
    ),
)
