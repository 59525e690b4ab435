"""Lines of logs as a table."""

from __future__ import annotations

from .column import Column, Columns, moment

__all__ = ["COLUMNS"]

COLUMNS = Columns(
    "log",
    (
        Column("CREATED", lambda log: moment(log.created_at), width=17, enough=17, leaves=3),
        Column("LEVEL", lambda log: log.level, width=8, enough=8, leaves=4),
        Column("SERIAL NUMBER", lambda log: log.unit.serial_number, width=16, enough=24, leaves=2),
        Column("SOURCE", lambda log: log.source_file, width=14, enough=24, leaves=0),
        Column("MESSAGE", lambda log: log.message, width=20, enough=80, leaves=5),
        Column("PROCEDURE", lambda log: log.procedure.name, width=12, enough=32, leaves=1),
    ),
)
