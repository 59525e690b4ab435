"""Measurements."""

from __future__ import annotations

from datetime import datetime  # noqa: TC003 - resolved at run time, to decode by

from msgspec import Struct

__all__ = ["Measurement"]


class Validator(Struct):
    """One check of a value."""

    outcome: str
    operator: str | None
    expected_value: bool | int | float | str | tuple[int | float | str, ...] | None
    expression: str
    is_decisive: bool | None
    is_expression_only: bool
    analytics_expression: str | None
    has_custom_expression: bool


class Measurement(Struct):
    """An item."""

    id: str
    phase_name: str
    measurement_name: str
    started_at: datetime | None
    value: int | float | None
    bool_value: bool | None
    string_value: str | None
    units: str | None
    measurement_outcome: str
    run_id: str
    serial_number: str | None
    sample: str | None
    measurement_type: str
    retry_count: int
    is_final_attempt: bool
    validators: tuple[Validator, ...] | None
