"""What runs wrote, in full: phases, measured values with their series, logs, configuration and attachments.

What the listings do not tell is made up. It depends on the item's id alone, and is made when it is asked for.
"""

from __future__ import annotations

from datetime import UTC, datetime
from functools import cache
from math import exp, sin
from mimetypes import guess_type
from operator import attrgetter
from random import Random
from typing import TYPE_CHECKING, Any

from attrs import evolve

from aiotofupilot import models

from .recipes import MILLISECOND, uuid
from .storage import contents
from .wire import extended

if TYPE_CHECKING:
    from collections.abc import Iterator

    from .resource import Reading

_HALF = 0.5
_LEAST_POINTS, _MOST_POINTS = 2000, 4000
_FIRST, _BAND = 2_400_000, 83_500  # kHz
_FLOOR, _LIMIT = -70.0, 20.0  # dBm
_NEVER = datetime(2026, 1, 31, tzinfo=UTC)  # when a phase began that does not say so, of a run that is not listed


def made_up(kind: str, identity: str) -> Random:
    """Return a source of chance for what is made up about an item."""
    return Random(f"{kind} {identity}")  # noqa: S311 - test data


def run_details(reading: Reading, run: models.Run) -> dict[str, Any]:
    """Make what the details of a run have more than the run. The docstrings of measurements are not in there."""
    random = made_up("run", run.id)
    phases = [
        extended(models.RunPhase, phase, **_phase(reading, phase, run))
        for phase in reading.all("phases", "run_id", run.id)
    ]
    built_in = children_of(reading, run.unit.id) if first_run_of(reading, run.unit.id) is run else []
    return {
        "config": (
            _config("ripple_limit_mv", 50, "procedure", random),
            _config("settling_time", random.randint(1, 40) / 8, "station", random),
            _config("site", "Lyon", "default"),
            _config("verbose", random.random() < _HALF, None),
        ),
        "secrets": (models.RunSecret(key="METER_PIN", variable_id=uuid(random), version=1, source="organization"),),
        "phases": [
            evolve(phase, measurements=tuple(evolve(one, docstring=None) for one in phase.measurements))
            for phase in sorted(phases, key=attrgetter("started_at", "name", "retry_count"))
        ],
        "attachments": attachments(reading, run.id, "report.html", "trace.csv", "scope.part"),
        "logs": map(_line, reading.all("logs", "run.id", run.id)),
        "sub_units": [_sub_unit(reading, child) for child in built_in],
    }


def _config(key: str, value: str | float, source: str | None, random: Random | None = None) -> models.RunConfig:
    """Make a value that configured a run. With a source of chance, it came from a variable."""
    variable_id, version = (None, None) if random is None else (uuid(random), random.randint(1, 4))
    return models.RunConfig(key=key, value=value, variable_id=variable_id, version=version, source=source)


def first_run_of(reading: Reading, unit_id: str) -> models.Run | None:
    """Return the first run of a unit, which created the unit. None: the unit was never run."""
    return min(reading.all("runs", "unit.id", unit_id), key=lambda run: run.started_at, default=None)


def children_of(reading: Reading, unit_id: str) -> list[models.UnitRef]:
    """Return all units that are built into a unit: those that the listing shows in it, and others that name it."""
    shown = [child for unit in reading.all("units", "id", unit_id) for child in unit.children]
    others = [extended(models.UnitRef, unit) for unit in reading.all("units", "parent.id", unit_id)]
    return list({child.id: child for child in (*shown, *others)}.values())


def _sub_unit(reading: Reading, child: models.UnitRef) -> models.SubUnit:
    """Make what a run says of a unit that was built in. The part of a unit that is not listed is unknown."""
    part = getattr(reading.first("units", "id", child.id), "part", None)
    number, name = (part.number, part.name) if part else ("unknown", None)
    return extended(models.SubUnit, child, part_number=number, part_name=name)


def _line(log: models.Log) -> models.RunLog:
    """Make a line of a run's log. The official SDK cannot read a line there without its place."""
    source_file, line_number = log.source_file or "unknown", log.line_number or 0
    return extended(models.RunLog, log, timestamp=log.created_at, source_file=source_file, line_number=line_number)


def phase_details(reading: Reading, phase: models.Phase) -> dict[str, Any]:
    """Make what the details of a phase have more than the phase."""
    run = reading.first("runs", "id", phase.run_id)
    return _phase(reading, phase, run) | {
        "run": models.RunRef(phase.run_id, serial_number=phase.serial_number),
        "procedure": _procedure(run, phase.run_id),
    }


def _phase(reading: Reading, phase: models.Phase, run: models.Run | None) -> dict[str, Any]:
    """Make what a phase has more in a run, and by itself.

    The official SDK cannot read a phase that did not end. So one that was skipped ends here when it begins.
    """
    started_at = phase.started_at or (run.started_at if run else _NEVER)
    duration = (phase.duration_ms or 0) * MILLISECOND
    measurements = reading.all("measurements", "run_id", phase.run_id)
    return {
        "started_at": started_at,
        "ended_at": phase.ended_at or started_at + duration,
        "duration": duration,
        "measurements": tuple(
            extended(models.RunMeasurement, measurement, **_measurement(measurement))
            for measurement in measurements
            if _is_of(measurement, phase)
        ),
        "docstring": _docstring(phase.id, phase.name),
    }


def _is_of(measurement: models.Measurement, phase: models.Phase) -> bool:
    """Return whether a phase of the same run made a measurement."""
    return (measurement.phase_name, measurement.retry_count) == (phase.name, phase.retry_count)


def measurement_details(reading: Reading, measurement: models.Measurement) -> dict[str, Any]:
    """Make what the details of a measurement have more than the measurement."""
    run_id, name = measurement.run_id, measurement.phase_name
    run = reading.first("runs", "id", run_id)
    phases = reading.all("phases", "run_id", run_id)
    phase_id = next((phase.id for phase in phases if _is_of(measurement, phase)), None)
    return _measurement(measurement) | {
        "phase": models.PhaseRef(phase_id or uuid(made_up(f"phase {name}", run_id)), name),
        "run": models.RunRef(run_id, run.outcome if run else None, measurement.serial_number),
        "procedure": _procedure(run, run_id),
    }


def _procedure(run: models.Run | None, run_id: str) -> models.ProcedureRef:
    """Return the procedure of a run. If the run is not listed, the procedure is made up."""
    if run is None:
        return models.ProcedureRef(uuid(made_up("procedure", run_id)), "Unknown")
    return extended(models.ProcedureRef, run.procedure)


def _docstring(identity: str, name: str) -> str | None:
    """Make the docstring of a phase or a measurement. Some have none."""
    return f"{name}: see the work instruction." if made_up("docstring", identity).random() < _HALF else None


def _measurement(measurement: models.Measurement) -> dict[str, Any]:
    """Make the fields that a measurement has in its run and by itself, but not in the listing."""
    random, kind = made_up("measurement", measurement.id), measurement.measurement_type
    values = (measurement.value, measurement.bool_value, measurement.string_value)
    value: Any = next((value for value in values if value is not None), None)
    aggregations = None
    if measurement.value is not None and random.random() < _HALF:
        largest = measurement.value + abs(measurement.value) * random.random() / 8
        aggregations = (_aggregation("MAX", largest, measurement.units, random),)
    return {
        "name": measurement.measurement_name,
        "outcome": measurement.measurement_outcome,
        "aggregations": aggregations,
        "measured_value": _document(random) if kind == "json" else value,
        "data_series": tuple(_series(measurement, random)) if kind == "multidimensional" else None,
        "docstring": _docstring(measurement.id, measurement.measurement_name),
    }


def _document(random: Random) -> dict[str, Any] | list[Any]:
    points = [{"set": volts, "read": round(random.gauss(volts, 0.01), 4), "note": None} for volts in range(0, 13, 3)]
    if random.random() < _HALF:
        return ["OK", len(points), *points, None]
    return {"mode": "two-point", "faults": [], "is_linear": True, "points": points}


def _series(measurement: models.Measurement, random: Random) -> Iterator[models.DataSeries]:
    """Make a spectrum: frequencies, the level at each, and the angle at each. One that failed is over the limit."""
    count = random.randint(_LEAST_POINTS, _MOST_POINTS)
    start, step = random.randrange(_MOST_POINTS), _BAND // count
    height = _LIMIT - _FLOOR + (8 if measurement.measurement_outcome == "FAIL" else -8)
    centre, width = count * random.uniform(0.3, 0.7), count * random.uniform(0.02, 0.1)
    noise = _noise()[start : start + count]
    levels = tuple(
        round(_FLOOR + level + height * exp(-(((point - centre) / width) ** 2)), 3) for point, level in enumerate(noise)
    )
    yield models.DataSeries(data=tuple(range(_FIRST, _FIRST + count * step, step)), units="kHz", name="Frequency")
    outcome, is_known = "FAIL" if max(levels) > _LIMIT else "PASS", measurement.measurement_outcome != "UNSET"
    limit = check(outcome, "<=", _LIMIT, is_decisive=is_known)
    yield models.DataSeries(
        data=levels,
        units="dBm",
        name="Level",
        description="Mean of 16 sweeps",
        validators=(limit,),
        aggregations=(
            _aggregation("MIN", min(levels), "dBm", random),
            _aggregation("MAX", max(levels), "dBm", random, limit),
            _aggregation("MEAN", sum(levels) / count, "dBm", random),
        ),
    )
    yield models.DataSeries(data=_angles()[start : start + count], units="°")


@cache
def _noise() -> tuple[float, ...]:
    """Return noise of which each spectrum takes a part, because to draw it takes longest."""
    random = made_up("noise", "")
    return tuple(random.gauss(0, 0.7) for _ in range(2 * _MOST_POINTS))


@cache
def _angles() -> tuple[int, ...]:
    """Return angles of which each spectrum takes a part."""
    return tuple(round(180 * sin(point / 40)) for point in range(2 * _MOST_POINTS))


def check(
    outcome: str,
    operator: str | None,
    expected: float | str | tuple[str, ...] | None,
    *,
    expression: str | None = None,
    is_decisive: bool = True,
) -> models.Validator:
    """Make a check of a value: a comparison with the expected one, or an expression that somebody wrote by hand."""
    compared = f"x {operator} {list(expected) if isinstance(expected, tuple) else expected!r}"
    is_custom = expression is not None
    return models.Validator(
        outcome=outcome,
        operator=operator,
        expected_value=expected,
        expression=expression or compared,
        is_decisive=None if is_custom else is_decisive,
        is_expression_only=is_custom,
        analytics_expression=None if is_custom else compared,
        has_custom_expression=is_custom,
    )


def _aggregation(
    kind: str, value: float, unit: str | None, random: Random, *limits: models.Validator
) -> models.Aggregation:
    """Make a value that sums up others. Its limit decides its outcome."""
    return models.Aggregation(
        id=uuid(random),
        type=kind,
        outcome=limits[0].outcome if limits else None,
        value=round(value, 4),
        unit=unit,
        validators=limits or None,
    )


def attachments(reading: Reading, owner: str, *names: str) -> Iterator[models.Attachment]:
    """Make some attachments of a run or a unit, with the names. An upload of a ``.part`` has not ended.

    TofuPilot does not know the size of some, and tells 0.
    """
    random = made_up("attachments", owner)
    for name in names:
        identity, chance, is_there = uuid(random), random.random(), not name.endswith(".part")
        size = 0 if chance < _HALF / 4 else len(contents(identity))
        if chance < _HALF:
            yield models.Attachment(
                id=identity,
                name=name,
                size=size if is_there else None,
                content_type=guess_type(name)[0],
                is_report=name.startswith("report"),
                download_url=reading.storage.address(identity, name) if is_there else None,
            )
