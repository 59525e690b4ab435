"""Runs by themselves, with everything in them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .draws import Draws
from .runs import runs

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["run_details"]

_PHASES = 5
_MEASUREMENTS = 8


def run_details(points: int) -> Iterator[dict[str, Any]]:
    """Yield runs, without end. Each has 40 measurements in 5 phases.

    Args:
        points: One more measurement has this many points, of which each takes some 19 bytes of JSON. 0: there is none.
    """
    draws = Draws("details")
    for run in runs():
        phases = [_phase(draws, [_number(draws) for _ in range(_MEASUREMENTS)]) for _ in range(_PHASES)]
        if points:
            phases.append(_phase(draws, [_waveform(draws, points)]))
        yield run | {"config": [], "secrets": [], "phases": phases, "attachments": [], "logs": [], "sub_units": []}


def _phase(draws: Draws, measurements: list[dict[str, Any]]) -> dict[str, Any]:
    return {
        "id": draws.new_id(),
        "name": draws.words(2).capitalize(),
        "outcome": "PASS",
        "started_at": "2026-11-20T09:30:10.000Z",
        "ended_at": "2026-11-20T09:30:31.250Z",
        "duration": "PT21.25S",
        "retry_count": 0,
        "sequence_path": None,
        "measurements": measurements,
        "docstring": None,
    }


def _number(draws: Draws) -> dict[str, Any]:
    limit = {
        "outcome": "PASS",
        "operator": "<=",
        "expected_value": 4_000,
        "expression": "x <= 4000",
        "is_decisive": True,
        "is_expression_only": False,
        "analytics_expression": "x <= 4000",
        "has_custom_expression": False,
    }
    return {
        "id": draws.new_id(),
        "name": draws.words(2, "_"),
        "outcome": "PASS",
        "validators": [limit],
        "units": "mV",
        "measured_value": draws.number(-40, 4_000),
        "aggregations": None,
    }


def _waveform(draws: Draws, points: int) -> dict[str, Any]:
    readings = [draws.number(11.9, 12.1) / 3 for _ in range(points)]  # a third has all digits of a double
    return {
        "id": draws.new_id(),
        "name": "output",
        "outcome": "PASS",
        "validators": None,
        "data_series": [{"data": readings, "units": "V", "name": "Output voltage"}],
    }
