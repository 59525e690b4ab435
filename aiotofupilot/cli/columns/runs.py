"""Runs as a table."""

from __future__ import annotations

from .column import Column, Columns, duration, moment

__all__ = ["COLUMNS"]

COLUMNS = Columns(
    "run",
    (
        Column("ID", lambda run: run.id, width=36, enough=36, leaves=0),
        Column("STARTED", lambda run: moment(run.started_at), width=17, enough=17, leaves=3),
        Column("OUTCOME", lambda run: run.outcome, width=7, enough=7, leaves=5),
        Column("DURATION", lambda run: duration(run.duration), width=9, enough=9, leaves=1),
        Column("SERIAL NUMBER", lambda run: run.unit.serial_number, width=14, enough=24, leaves=4),
        Column("PROCEDURE", lambda run: run.procedure.name, width=16, enough=48, leaves=2),
    ),
)
