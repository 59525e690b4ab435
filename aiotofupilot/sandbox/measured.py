"""What runs wrote, in full: phases, measured values with their series, logs, configuration and attachments.

What the listings do not tell is made up. It depends on the item's id alone, and is made when it is asked for.
"""

from __future__ import annotations

from datetime import UTC, datetime
from math import exp, sin
from mimetypes import guess_type
from operator import attrgetter
from typing import TYPE_CHECKING, Any

from aiotofupilot import models

from .document import extended
from .recipes import MILLISECOND, Measured, made_up, uuid
from .storage import contents

if TYPE_CHECKING:
    from collections.abc import Iterator
    from random import Random

    from .resource import Reading

_HALF = 0.5
_LEAST_POINTS, _MOST_POINTS = 2000, 4000
_FIRST, _BAND = 2_400_000, 83_500  # kHz
_FLOOR, _LIMIT = -70.0, 20.0  # dBm
_NEVER = datetime(2026, 1, 31, tzinfo=UTC)  # when a phase began that does not say so, of a run that is not listed


def run_details(reading: Reading, run: models.Run) -> dict[str, Any]:
    """Make what the details of a run have more than the run. The docstrings of measurements are not in there."""
    random = made_up("run", run.id)
    variable: dict[str, Any] = {"variable_id": uuid(random), "version": random.randint(1, 4)}
    none: dict[str, Any] = dict.fromkeys(variable)
    phases = [
        extended(models.RunPhase, phase, **_phase(reading, phase, run, docstring=None))
        for phase in reading.all("phases", "run_id", run.id)
    ]
    built_in = children_of(reading, run.unit.id) if first_run_of(reading, run.unit.id) is run else []
    return {
        "config": (
            models.RunConfig(key="ripple_limit_mv", value=50, source="procedure", **variable),
            models.RunConfig(key="settling_time", value=random.randint(1, 40) / 8, source="station", **variable),
            models.RunConfig(key="site", value="Lyon", source="default", **none),
            models.RunConfig(key="verbose", value=random.random() < _HALF, source=None, **none),
        ),
        "secrets": (models.RunSecret(key="METER_PIN", source="organization", **variable),),
        "phases": sorted(phases, key=attrgetter("started_at", "name", "retry_count")),
        "attachments": attachments(reading, run.id, "report.html", "trace.csv", "scope.part"),
        "logs": map(_line, reading.all("logs", "run.id", run.id)),
        "sub_units": [_sub_unit(reading, child) for child in built_in],
    }


def _line(log: models.Log) -> models.RunLog:
    """Make a line of a run's log. The official SDK cannot read a line there without its place."""
    source_file, line_number = log.source_file or "unknown", log.line_number or 0
    return extended(models.RunLog, log, timestamp=log.created_at, source_file=source_file, line_number=line_number)


def _sub_unit(reading: Reading, child: models.UnitRef) -> models.SubUnit:
    """Make what a run says of a unit that was built in. The part of a unit that is not listed is unknown."""
    part = getattr(reading.first("units", "id", child.id), "part", None)
    number, name = (part.number, part.name) if part else ("unknown", None)
    return extended(models.SubUnit, child, part_number=number, part_name=name)


def first_run_of(reading: Reading, unit_id: str) -> models.Run | None:
    """Return the first run of a unit, which created the unit. None: the unit was never run."""
    return min(reading.all("runs", "unit.id", unit_id), key=attrgetter("started_at"), default=None)


def children_of(reading: Reading, unit_id: str) -> list[models.UnitRef]:
    """Return all units that are built into a unit: those that the listing shows in it, and others that name it."""
    shown = [child for unit in reading.all("units", "id", unit_id) for child in unit.children]
    others = [extended(models.UnitRef, unit) for unit in reading.all("units", "parent.id", unit_id)]
    return list({child.id: child for child in (*shown, *others)}.values())


def phase_details(reading: Reading, phase: models.Phase) -> dict[str, Any]:
    """Make what the details of a phase have more than the phase."""
    run = reading.first("runs", "id", phase.run_id)
    return _phase(reading, phase, run) | {
        "run": models.RunRef(phase.run_id, serial_number=phase.serial_number),
        "procedure": _procedure(run, phase.run_id),
    }


def _phase(reading: Reading, phase: models.Phase, run: models.Run | None, **more: Any) -> dict[str, Any]:  # noqa: ANN401 - fields of its measurements
    """Make what a phase has more in a run, and by itself.

    The official SDK cannot read a phase that did not end. So one that was skipped ends here when it begins.
    """
    started_at = phase.started_at or (run.started_at if run else _NEVER)
    duration = (phase.duration_ms or 0) * MILLISECOND
    return {
        "started_at": started_at,
        "ended_at": phase.ended_at or started_at + duration,
        "duration": duration,
        "measurements": [
            extended(models.RunMeasurement, measurement, **(_measurement(measurement) | more))
            for measurement in reading.all("measurements", "run_id", phase.run_id)
            if _is_of(measurement, phase)
        ],
        "docstring": _docstring(phase.id, phase.name),
    }


def _is_of(measurement: models.Measurement, phase: models.Phase) -> bool:
    """Return whether a phase of the same run made a measurement."""
    return (measurement.phase_name, measurement.retry_count) == (phase.name, phase.retry_count)


def _docstring(identity: str, name: str) -> str | None:
    """Make the docstring of a phase or a measurement. Some have none."""
    return f"{name}: see the work instruction." if made_up("docstring", identity).random() < _HALF else None


def _procedure(run: models.Run | None, run_id: str) -> models.ProcedureRef:
    """Return the procedure of a run. If the run is not listed, the procedure is made up."""
    if run is None:
        return models.ProcedureRef(uuid(made_up("procedure", run_id)), "Unknown")
    return extended(models.ProcedureRef, run.procedure)


def measurement_details(reading: Reading, measurement: models.Measurement) -> dict[str, Any]:
    """Make what the details of a measurement have more than the measurement."""
    run_id, name = measurement.run_id, measurement.phase_name
    run = reading.first("runs", "id", run_id)
    phases = (phase.id for phase in reading.all("phases", "run_id", run_id) if _is_of(measurement, phase))
    return _measurement(measurement) | {
        "phase": models.PhaseRef(next(phases, None) or uuid(made_up(f"phase {name}", run_id)), name),
        "run": models.RunRef(run_id, run.outcome if run else None, measurement.serial_number),
        "procedure": _procedure(run, run_id),
    }


def _measurement(measurement: models.Measurement) -> dict[str, Any]:
    """Make the fields that a measurement has in its run and by itself, but not in the listing."""
    random, kind = made_up("measurement", measurement.id), measurement.measurement_type
    values = (measurement.value, measurement.bool_value, measurement.string_value)
    value: Any = next((value for value in values if value is not None), None)
    aggregations = None
    if measurement.value is not None and random.random() < _HALF:
        largest = measurement.value + abs(measurement.value) * random.random() / 8
        aggregations = (_aggregation("MAX", largest, measurement.units, random),)
    if kind == "json":
        points = [{"set": volts, "read": round(random.gauss(volts, 0.01), 4), "note": None} for volts in (0, 5, 12)]
        value = (
            ["OK", *points, None] if random.random() < _HALF else {"is_linear": True, "faults": [], "points": points}
        )
    return {
        "name": measurement.measurement_name,
        "outcome": measurement.measurement_outcome,
        "aggregations": aggregations,
        "measured_value": value,
        "data_series": tuple(_series(measurement, random)) if kind == "multidimensional" else None,
        "docstring": _docstring(measurement.id, measurement.measurement_name),
    }


def _series(measurement: models.Measurement, random: Random) -> Iterator[models.DataSeries]:
    """Make a spectrum: frequencies, the level at each, and the angle at each. One that failed is over the limit."""
    count = random.randint(_LEAST_POINTS, _MOST_POINTS)
    frequencies = range(_FIRST, _FIRST + _BAND, _BAND // count)[:count]
    height = _LIMIT - _FLOOR + (8 if measurement.measurement_outcome == "FAIL" else -8)
    centre, width = count * random.uniform(0.3, 0.7), count * random.uniform(0.02, 0.1)
    peak = (height * exp(-(((point - centre) / width) ** 2)) for point in range(count))
    levels = tuple(round(_FLOOR + level + random.random(), 3) for level in peak)
    (limit,) = Measured("Level", high=_LIMIT).checks("FAIL" if max(levels) > _LIMIT else "PASS")
    yield models.DataSeries(data=tuple(frequencies), units="kHz", name="Frequency")
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
    yield models.DataSeries(data=tuple(round(180 * sin(point / 40)) for point in range(count)), units="°")


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
