"""Measurements and their validators."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aiotofupilot.models import Measurement, Validator

from .identity import identified
from .phases import make_phase

if TYPE_CHECKING:
    from collections.abc import Iterable

    from aiotofupilot.models import Phase

__all__ = ["make_measurement", "make_validator"]


def make_validator(
    operator: str | None = ">=",
    expected_value: bool | float | str | tuple[int | float, ...] | tuple[str, ...] | None = 11.4,  # noqa: FBT001 - what a truth value is compared with
    *,
    outcome: str = "PASS",
    expression: str | None = None,
    is_decisive: bool | None = True,
) -> Validator:
    """Make a check of a measured value.

    Args:
        operator: How the value is compared. None: the validator has an expression and no operator.
        expected_value: The value to compare with. None: there is none.
        outcome: ``PASS``, ``FAIL``, ``UNSET``, or another value.
        expression: The check as text. None: a text of the operator and the expected value, such as ``x >= 11.4``.
        is_decisive: Whether the check decides the outcome of the measurement. None: the server does not say.

    Raises:
        ValueError: There is neither an operator nor an expression.
    """
    if expression is None and operator is None:
        raise ValueError("expression must be given if operator is None")
    spelled = expression or f"x {operator} {expected_value!r}"
    return Validator(
        outcome=outcome,
        operator=operator,
        expected_value=expected_value,
        expression=spelled,
        is_decisive=is_decisive,
        is_expression_only=operator is None,
        analytics_expression=spelled,
        has_custom_expression=expression is not None,
    )


def make_measurement(
    measurement_name: str = "supply_voltage",
    value: bool | float | str | None = 12.1,  # noqa: FBT001 - a measured value
    *,
    id: str | None = None,  # noqa: A002 - the API's name
    phase: Phase | None = None,
    units: str | None = None,
    measurement_outcome: str = "PASS",
    measurement_type: str | None = None,
    validators: Iterable[Validator] | None = None,
) -> Measurement:
    """Make a measurement. It belongs to the attempt and the run of the phase.

    Args:
        measurement_name: Name of the measurement.
        value: The value that was measured. The item has it in the field of its type. None: there is none, as for the
            types ``multidimensional``, ``json`` and ``empty``.
        id: None: a UUID that depends on the other arguments.
        phase: The phase that measured it. None: the one of `make_phase`.
        units: Unit of the value, such as ``V``. None: it has none.
        measurement_outcome: ``PASS``, ``FAIL``, ``UNSET``, or another value.
        measurement_type: None: ``numeric``, ``boolean``, ``string`` or ``empty``, depending on the value.
        validators: Checks of the value. None: it was not checked.
    """
    phase = phase or make_phase()
    number = None if isinstance(value, bool | str) else value
    truth = value if isinstance(value, bool) else None
    text = value if isinstance(value, str) else None
    measurement = Measurement(
        id="",
        phase_name=phase.name,
        measurement_name=measurement_name,
        started_at=phase.started_at,
        value=number,
        bool_value=truth,
        string_value=text,
        units=units,
        measurement_outcome=measurement_outcome,
        run_id=phase.run_id,
        serial_number=phase.serial_number,
        sample=phase.sample,
        measurement_type=measurement_type or _type(value),
        retry_count=phase.retry_count,
        is_final_attempt=phase.is_final_attempt,
        validators=None if validators is None else tuple(validators),
    )
    return identified(measurement, id, "measurement", phase.id)


def _type(value: bool | float | str | None) -> str:  # noqa: FBT001 - a measured value
    """Return the API's word for the type of a value."""
    match value:
        case None:
            return "empty"
        case bool():
            return "boolean"
        case str():
            return "string"
        case _:
            return "numeric"
