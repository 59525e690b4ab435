"""Measurements and their validators.

Source: the official Python SDK ``tofupilot`` 2.26.1, ``v2/models/measurement_listop.py``
"""

from datetime import datetime

from attrs import fields

from .fields import check_array
from .frozen import frozen

__all__ = ["Measurement", "Validator"]


@frozen(kw_only=True)
class Validator:
    """One check of a measured value."""

    outcome: str
    """``PASS``, ``FAIL``, ``UNSET``, or one that TofuPilot adds later."""
    operator: str | None
    """How the value is compared, such as ``<=``. None: the validator has an expression and no operator."""
    expected_value: bool | int | float | str | tuple[int | float, ...] | tuple[str, ...] | None
    """The value to compare with. Numbers keep the type that they have in JSON. None: there is none."""
    expression: str
    """The check as text, such as ``x <= 50``."""
    is_decisive: bool | None
    """Whether the check decides the outcome of the measurement. None: the server does not say."""
    is_expression_only: bool
    """Whether the check has an expression and no operator."""
    analytics_expression: str | None
    """The expression that analytics use. None: the server names none."""
    has_custom_expression: bool
    """Whether somebody wrote the expression by hand."""

    def __attrs_post_init__(self) -> None:
        if isinstance(self.expected_value, tuple):
            check_array(fields(Validator).expected_value.type, self.expected_value)


@frozen(kw_only=True)
class Measurement:
    """One measured value of a run.

    `value`, `bool_value` and `string_value` are all None for the types ``multidimensional``, ``json`` and ``empty``.
    """

    id: str
    """UUID."""
    phase_name: str
    """Name of the phase that measured it."""
    measurement_name: str
    """Name of the measurement."""
    started_at: datetime | None
    """When the phase began; timezone-aware. None: the server does not say."""
    value: int | float | None
    """A number, with the type that it has in JSON. None: the measurement is of another type."""
    bool_value: bool | None
    """A truth value. None: the measurement is of another type."""
    string_value: str | None
    """A text. None: the measurement is of another type."""
    units: str | None
    """Unit of the value, such as ``mV``. None: it has none."""
    measurement_outcome: str
    """``PASS``, ``FAIL``, ``UNSET``, or one that TofuPilot adds later."""
    run_id: str
    """UUID of the run."""
    serial_number: str | None
    """Serial number of the unit. None: the server names none."""
    sample: str | None
    """``golden``, ``failing``, ``ignored``, or one that TofuPilot adds later. None: a unit of production."""
    measurement_type: str
    """``numeric``, ``boolean``, ``string``, ``multidimensional``, ``empty``, ``json``, or one that TofuPilot adds
    later."""
    retry_count: int
    """How many attempts at the phase came before this one."""
    is_final_attempt: bool
    """Whether this is the last attempt at the phase."""
    validators: tuple[Validator, ...] | None
    """Checks of the value. None: it was not checked."""
