"""Phases as a table."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from .column import Column, Columns, duration, moment

if TYPE_CHECKING:
    from aiotofupilot import Phase

__all__ = ["COLUMNS"]


def _duration(phase: Phase) -> str | None:
    return None if phase.duration_ms is None else duration(timedelta(milliseconds=phase.duration_ms))


COLUMNS = Columns(
    "phase",
    (
        Column("STARTED", lambda phase: moment(phase.started_at), width=17, enough=17, leaves=2),
        Column("OUTCOME", lambda phase: phase.outcome, width=7, enough=7, leaves=4),
        Column("DURATION", _duration, width=9, enough=9, leaves=1),
        Column("SERIAL NUMBER", lambda phase: phase.serial_number, width=14, enough=24, leaves=3),
        Column("NAME", lambda phase: phase.name, width=16, enough=48, leaves=5),
        Column("RETRY", lambda phase: str(phase.retry_count), width=5, enough=5, leaves=0),
    ),
)
