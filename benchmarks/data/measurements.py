"""Measurements, of every type and with every kind of validator."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .draws import Draws, moment

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["measurements"]

_UNITS = ("mV", "V", "A", "°C", "dBm", "%", "Ω", "s")
_COLOURS = ("amber", "blue", "green", "red")
_TYPES = ("numeric",) * 14 + ("boolean", "boolean", "string", "string", "multidimensional", "json", "empty")
_OUTCOMES = ("PASS",) * 12 + ("FAIL", "UNSET")
_MEASUREMENTS_A_RUN = 8


def measurements() -> Iterator[dict[str, Any]]:
    """Yield measurements without end, several of each run."""
    draws = Draws("measurements")
    while True:
        run_id, serial_number = draws.id(), f"{draws.words(1)[:3].upper()}-{draws.integer(1, 99_999):05}"
        for _ in range(_MEASUREMENTS_A_RUN):
            yield _measurement(draws, run_id, serial_number)


def _measurement(draws: Draws, run_id: str, serial_number: str) -> dict[str, Any]:
    of_type, outcome = draws.choice(_TYPES), draws.choice(_OUTCOMES)
    value = draws.number(-40, 4_000) if draws.happens(0.8) else draws.integer(-40, 4_000)
    return {
        "id": draws.new_id(),
        "phase_name": draws.words(2).capitalize(),
        "measurement_name": draws.words(draws.integer(1, 3), "_"),
        "started_at": draws.unless(0.02, moment(draws.moment())),
        "value": value if of_type == "numeric" else None,
        "bool_value": draws.happens(0.9) if of_type == "boolean" else None,
        "string_value": draws.choice(_COLOURS) if of_type == "string" else None,
        "units": draws.choice(_UNITS) if of_type == "numeric" else None,
        "measurement_outcome": outcome,
        "run_id": run_id,
        "serial_number": serial_number,
        "sample": draws.unless(0.95, "golden"),
        "measurement_type": of_type,
        "retry_count": draws.choice((0, 0, 0, 0, 1, 2)),
        "is_final_attempt": draws.happens(0.9),
        "validators": draws.unless(0.1, [_validator(draws, of_type, outcome) for _ in range(draws.integer(1, 2))]),
    }


def _validator(draws: Draws, of_type: str, outcome: str) -> dict[str, Any]:
    operator, expected = _check(draws, of_type)
    expression = "len(x) > 0 and x[0] < 5" if operator is None else f"x {operator} {expected}"
    return {
        "outcome": outcome,
        "operator": operator,
        "expected_value": expected,
        "expression": expression,
        "is_decisive": draws.unless(0.1, draws.happens(0.8)),
        "is_expression_only": operator is None,
        "analytics_expression": None if operator is None else expression,
        "has_custom_expression": draws.happens(0.1),
    }


def _check(draws: Draws, of_type: str) -> tuple[str | None, object]:
    """Return how a value of a type is compared, and with what."""
    match of_type:
        case "numeric" if draws.happens(0.3):
            return "in", [draws.number(-40, 0), draws.integer(1, 4_000)]
        case "numeric":
            operator = draws.choice(("<=", ">=", "<", ">"))
            return operator, draws.number(0, 4_000) if draws.happens(0.6) else draws.integer(0, 4_000)
        case "boolean":
            return "==", True
        case "string" if draws.happens(0.5):
            return "in", draws.some(_COLOURS, 2, 4)
        case "string":
            return "==", draws.choice(_COLOURS)
        case _:
            return None, None
