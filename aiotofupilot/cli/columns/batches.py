"""Batches as a table."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .column import Column, Columns, moment

if TYPE_CHECKING:
    from aiotofupilot import Batch

__all__ = ["COLUMNS"]


def _creator(batch: Batch) -> str | None:
    creator = batch.created_by_user or batch.created_by_station
    return None if creator is None else creator.name


COLUMNS = Columns(
    "batch",
    (
        Column("ID", lambda batch: batch.id, width=36, enough=36, leaves=0),
        Column("CREATED", lambda batch: moment(batch.created_at), width=17, enough=17, leaves=2),
        Column("UNITS", lambda batch: f"{batch.unit_count:,}", width=7, enough=7, leaves=3),
        Column("NUMBER", lambda batch: batch.number, width=16, enough=40, leaves=4),
        Column("CREATED BY", _creator, width=12, enough=24, leaves=1),
    ),
)
