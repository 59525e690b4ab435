"""Measurements as a table."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .column import Column, Columns, moment

if TYPE_CHECKING:
    from aiotofupilot import Measurement

__all__ = ["COLUMNS"]


def _value(measurement: Measurement) -> str | None:
    values = (measurement.value, measurement.bool_value, measurement.string_value)
    value = next((value for value in values if value is not None), None)
    if value is None:
        return None
    return f"{value} {measurement.units}" if measurement.units else f"{value}"


COLUMNS = Columns(
    "measurement",
    (
        Column("STARTED", lambda measurement: moment(measurement.started_at), width=17, enough=17, leaves=2),
        Column("OUTCOME", lambda measurement: measurement.measurement_outcome, width=7, enough=7, leaves=4),
        Column("SERIAL NUMBER", lambda measurement: measurement.serial_number, width=16, enough=24, leaves=1),
        Column("MEASUREMENT", lambda measurement: measurement.measurement_name, width=16, enough=32, leaves=5),
        Column("VALUE", _value, width=12, enough=24, leaves=3),
        Column("PHASE", lambda measurement: measurement.phase_name, width=12, enough=32, leaves=0),
    ),
)
