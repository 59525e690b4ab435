"""A wide table of measurements: a row per run, a column per measurement."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from aiotofupilot._checks import boolean, must_be
from aiotofupilot._paging.paginator import Paginator, structs_of
from aiotofupilot.models import Measurement

from .rows import RULES, json_texts

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from aiotofupilot.models import Validator

    from .rows import Array

_OPERATORS = {"lower": (">", ">=", "range"), "upper": ("<", "<=", "range")}
"""The operators that set a limit on each side."""

_EARLIEST = datetime.min.replace(tzinfo=UTC)


async def wide(listing: Paginator[Measurement], *, limits: bool = False) -> pa.Table:
    """Return measurements as one table with a row for each run and a column for each measurement.

    The first columns are ``run_id``, ``serial_number`` and ``started_at``, the start of the run's first listed
    measurement. The others are named after the phase and the measurement, such as ``RF Power.tx_power``. If a run has
    several measurements of one name, all but the first are in ``RF Power.tx_power.2``, ``.3`` and so on, by start,
    attempt and ID. Repeated attempts are not listed, unless you list with ``exclude_retries=False``.

    A column has doubles, booleans or strings, or the JSON text of each value if these are mixed. It is null where a run
    has no such measurement, or one without a value. The listing has no waveforms and no values of JSON. A name without
    any value has no column.

    The runs are in the listing's order. Each 100 measurements take a request. The columns depend on all measurements,
    so the values of all runs are in memory.

    Args:
        listing: What ``session.measurements.list()`` returns. Its filters choose the procedure, the runs and the
            measurements.
        limits: Whether each number gets the limits that were valid in its run, in columns such as
            ``RF Power.tx_power.lower_limit`` and ``.upper_limit``. They come from validators with ``>``, ``>=``, ``<``,
            ``<=`` and ``range``, of which the tightest counts. One whose ``is_decisive`` is false does not count. Null
            if there is no such limit.

    Raises:
        TypeError: It is not a listing of measurements, or an argument is of the wrong type.
    """
    anything: Any = listing
    if not isinstance(anything, Paginator) or listing.model is not Measurement:
        raise must_be(TypeError, "listing", "one of measurements", listing)
    with_limits = boolean("limits", limits)
    runs: dict[str, dict[str, Measurement]] = {}
    async with structs_of(listing).walk() as walk:
        async for measurement in walk:
            runs.setdefault(measurement.run_id, {})[measurement.id] = measurement
    return _table([_in_order(measurements.values()) for measurements in runs.values()], with_limits=with_limits)


def _in_order(measurements: Iterable[Measurement]) -> list[Measurement]:
    return sorted(measurements, key=lambda each: (each.started_at or _EARLIEST, each.retry_count, each.id))


def _table(runs: list[list[Measurement]], *, with_limits: bool) -> pa.Table:
    rows = [_named(run) for run in runs]
    starts = [next((each.started_at for each in run if each.started_at is not None), None) for run in runs]
    table: dict[str, Array] = {
        "run_id": RULES[str][1]([run[0].run_id for run in runs]),
        "serial_number": RULES[str][1]([run[0].serial_number for run in runs]),
        "started_at": RULES[datetime][1](starts),
    }
    names = dict.fromkeys(name for row in rows for name in row)
    for name in names:
        measured = [row.get(name) for row in rows]
        values = [None if each is None else _value(each) for each in measured]
        kinds: set[object] = {float if type(value) is int else type(value) for value in values if value is not None}
        if not kinds:
            continue
        build = RULES[kinds.pop()][1] if len(kinds) == 1 else json_texts
        table[name] = build(values)
        if with_limits and table[name].type == pa.float64():
            for side in _OPERATORS:
                limits = [None if each is None else _limit(each.validators or (), side) for each in measured]
                table[_free(f"{name}.{side}_limit", names)] = RULES[float][1](limits)
    return pa.table(table)


def _named(run: Iterable[Measurement]) -> dict[str, Measurement]:
    named: dict[str, Measurement] = {}
    for each in run:
        named[_free(f"{each.phase_name}.{each.measurement_name}", named)] = each
    return named


def _free(name: str, taken: Mapping[str, object]) -> str:
    """Return a free name, numbered from 2 on if it is taken."""
    free, number = name, 1
    while free in taken:
        number += 1
        free = f"{name}.{number}"
    return free


def _value(measurement: Measurement) -> object:
    values = (measurement.value, measurement.bool_value, measurement.string_value)
    return next((value for value in values if value is not None), None)


def _limit(validators: Iterable[Validator], side: str) -> float | None:
    found: list[float] = []
    for each in validators:
        ends = each.expected_value if each.operator == "range" else (each.expected_value, each.expected_value)
        if each.is_decisive is False or not isinstance(ends, tuple) or len(ends) != len(_OPERATORS):
            continue
        lower, upper = ends
        end = lower if side == "lower" else upper
        if each.operator in _OPERATORS[side] and isinstance(end, int | float) and not isinstance(end, bool):
            found.append(float(end))
    return (max if side == "lower" else min)(found, default=None)
