"""The measured values of the made-up factory."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aiotofupilot.models import Validator

from .identity import scramble

if TYPE_CHECKING:
    from .recipes import Limit, Measured

__all__ = ["number_measured", "text_measured", "truth_measured", "validators"]

_RECALIBRATION = 2000
"""The number of runs from one recalibration of the instruments to the next."""


def number_measured(measured: Measured, outcome: str, run: int, chance: int) -> float | None:
    """Return a measured number. It is within the limits if and only if it passes. None: no number was measured.

    Args:
        measured: The measurement.
        outcome: PASS, FAIL or UNSET.
        run: The number of the run. The drift depends on it.
        chance: 64 random bits. The rest depends on them.
    """
    if measured.kind != "numeric" or outcome == "UNSET":
        return None
    low, high = measured.low, measured.high
    least = low if low is not None else 0.2 * (high or 0.0)
    most = high if high is not None else 1.08 * least
    noise = (chance & 0xFFFF) / 0xFFFF  # 0 to 1
    if outcome == "FAIL":
        place = 1.05 + 0.35 * noise if high is not None else -1.05 - 0.35 * noise
    else:
        drift = 1.1 * (run % _RECALIBRATION) / _RECALIBRATION - 0.3 if measured.drifts else 0.0
        place = max(-0.97, min(0.97, drift + 0.5 * (noise - 0.5)))
    return round((least + most) / 2 + place * (most - least) / 2, 4)


def truth_measured(measured: Measured, outcome: str) -> bool | None:
    """Return a measured truth value; None: no truth value was measured."""
    return None if measured.kind != "boolean" or outcome == "UNSET" else outcome == "PASS"


def text_measured(measured: Measured, outcome: str, chance: int) -> str | None:
    """Return a measured text; None: no text was measured."""
    if measured.kind != "string" or outcome == "UNSET":
        return None
    allowed = measured.expected if isinstance(measured.expected, tuple) else (str(measured.expected),)
    return allowed[scramble(chance) % len(allowed)] if outcome == "PASS" else "unreadable"


def validators(measured: Measured, outcome: str) -> tuple[Validator, ...] | None:
    """Return the checks of a measured value; None: it is not checked. Only the last limit can fail."""
    limits = measured.limits
    if not limits:
        return None
    return (
        *(_validator(limit, outcome if limit is limits[-1] or outcome == "UNSET" else "PASS") for limit in limits),
        *(() if measured.expression is None else (_by_hand(measured.expression, outcome),)),
    )


def _by_hand(expression: str, outcome: str) -> Validator:
    """Return a check that has only an expression."""
    return Validator(
        outcome=outcome,
        operator=None,
        expected_value=None,
        expression=expression,
        is_decisive=None,
        is_expression_only=True,
        analytics_expression=None,
        has_custom_expression=True,
    )


def _validator(limit: Limit, outcome: str) -> Validator:
    """Return one check."""
    expected = list(limit.expected) if isinstance(limit.expected, tuple) else limit.expected
    expression = f"x {limit.operator} {expected!r}"
    return Validator(
        outcome=outcome,
        operator=limit.operator,
        expected_value=limit.expected,
        expression=expression,
        is_decisive=True,
        is_expression_only=False,
        analytics_expression=expression,
        has_custom_expression=False,
    )
