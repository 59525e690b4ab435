"""Makes what runs wrote, and the details of items.

Fields that the listings do not show are made up on demand, and depend on the item's id alone.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import lru_cache
from itertools import groupby
from math import exp, sin
from mimetypes import guess_type
from operator import attrgetter
from random import Random
from typing import TYPE_CHECKING, Any

from attrs import frozen

from aiotofupilot import models
from aiotofupilot.sandbox.rest import extended

from .recipes import BENCHES, MILLISECOND, PREPARATION, TESTS, Measured, made_up, uuid
from .world import INCLUDED, MAKERS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from .world import DeployedRun, Snapshot, World

_RECALIBRATION = timedelta(days=7)  # between recalibrations of the instruments
_OUTCOMES = ("SKIP", "PASS", "FAIL", "ERROR")
_MEASURES = {step.name: step.measures for step in TESTS}
_HALF = 0.5
_LEAST_POINTS, _MOST_POINTS = 2000, 4000
_FIRST, _BAND = 2_400_000, 83_500  # kHz
_FLOOR, _LIMIT = -70.0, 20.0  # dBm
_NEVER = datetime(2026, 1, 31, tzinfo=UTC)  # when a phase began if neither it nor its run says
_LINES = 300  # of a file


@frozen
class Reading:
    """The sources of a detail, beside its item."""

    snapshot: Snapshot
    """The items of all listings."""
    organization: models.Organization
    """The organization of the key."""
    address: Callable[[str, str], str]
    """Returns the download address of an attachment, given its ID and name."""
    is_station: bool
    """Whether the key is a station's, not a user's."""

    def first(self, listing: str, by: str, value: object) -> Any:  # noqa: ANN401 - an item of the listing
        """Return the first item of a listing whose field has a value, or None."""
        return next(iter(self.all(listing, by, value)), None)

    def all(self, listing: str, by: str, value: object) -> Sequence[Any]:
        """Return the items of a listing whose field has a value."""
        return self.snapshot.grouped(listing, by).get(value, ())

    @property
    def station(self) -> models.Station:
        """The station of the station's key: the first, or a made-up one."""
        unlisted = models.Station("station", "Station", procedures=(), procedures_count=0, team=None)
        return next(iter(self.snapshot.rows("stations")), unlisted)

    @property
    def user(self) -> models.User:
        """The user of the user's key: the first who is not banned, or a made-up one."""
        user = next((user for user in self.snapshot.rows("users") if not user.banned), models.User("user"))
        return user if user.email else extended(models.User, user, email="user@example.com")

    @property
    def creator(self) -> models.UserRef:
        """The creator of items that name none. It has no address."""
        return models.UserRef(self.user.id, self.user.name)


def run_details(reading: Reading, run: models.Run) -> dict[str, object]:
    """Make the fields that the details add to a run."""
    variable: dict[str, Any] = {"variable_id": uuid(made_up("run", run.id)), "version": 2}
    phases = [
        extended(models.RunPhase, phase, **_phase(reading, phase)) for phase in reading.all("phases", "run_id", run.id)
    ]
    built_in = children_of(reading, run.unit.id) if first_run_of(reading, run.unit.id) is run else []
    return {
        "config": (
            models.RunConfig(key="ripple_limit_mv", value=50, source="procedure", **variable),
            extended(models.RunConfig, None, key="site", value="Lyon", source="default"),
        ),
        "secrets": (models.RunSecret(key="METER_PIN", source="organization", **variable),),
        "phases": sorted(phases, key=attrgetter("started_at", "name", "retry_count")),
        "attachments": attachments(reading, run.id, "report.html", "trace.csv", "scope.part"),
        "logs": map(_line, reading.all("logs", "run.id", run.id)),
        "sub_units": [_sub_unit(reading, child) for child in built_in],
    }


def _line(log: models.Log) -> models.RunLog:
    """Make a line of a run's log. The official SDK needs a source file and a line number."""
    source_file, line_number = log.source_file or "unknown", log.line_number or 0
    return extended(models.RunLog, log, timestamp=log.created_at, source_file=source_file, line_number=line_number)


def _sub_unit(reading: Reading, child: models.UnitRef) -> models.SubUnit:
    """Make a built-in unit, whose part is unknown if the unit is not listed."""
    part = getattr(reading.first("units", "id", child.id), "part", None)
    number, name = (part.number, part.name) if part else ("unknown", None)
    return extended(models.SubUnit, child, part_number=number, part_name=name)


def first_run_of(reading: Reading, unit_id: str) -> models.Run | None:
    """Return the run that created a unit, or None."""
    return min(reading.all("runs", "unit.id", unit_id), key=attrgetter("started_at"), default=None)


def children_of(reading: Reading, unit_id: str) -> list[models.UnitRef]:
    """Return a unit's children, and units that name it as their parent."""
    shown = [child for unit in reading.all("units", "id", unit_id) for child in unit.children]
    others = [extended(models.UnitRef, unit) for unit in reading.all("units", "parent.id", unit_id)]
    return list({child.id: child for child in (*shown, *others)}.values())


def phase_details(reading: Reading, phase: models.Phase) -> dict[str, object]:
    """Make the fields that the details add to a phase."""
    ref = models.RunRef(phase.run_id, serial_number=phase.serial_number)
    return {**_phase(reading, phase), "run": ref, "procedure": _procedure(reading, phase.run_id)}


def _phase(reading: Reading, phase: models.Phase) -> dict[str, object]:
    """Make the fields of a phase that the listing lacks or changes.

    A skipped phase ends when it begins, because the official SDK cannot read one without an end.
    """
    run = reading.first("runs", "id", phase.run_id)
    started_at = phase.started_at or (run.started_at if run else _NEVER)
    duration = (phase.duration_ms or 0) * MILLISECOND
    return {
        "started_at": started_at,
        "ended_at": phase.ended_at or started_at + duration,
        "duration": duration,
        "measurements": [
            extended(models.RunMeasurement, measurement, **_measurement(measurement))
            for measurement in reading.all("measurements", "run_id", phase.run_id)
            if _is_of(measurement, phase)
        ],
        "docstring": f"{phase.name}: see the work instruction.",
    }


def _is_of(measurement: models.Measurement, phase: models.Phase) -> bool:
    """Return whether a measurement is of a phase, if both are of the same run."""
    return (measurement.phase_name, measurement.retry_count) == (phase.name, phase.retry_count)


def _procedure(reading: Reading, run_id: str) -> models.ProcedureRef:
    """Return a run's procedure, made up if the run is not listed."""
    run = reading.first("runs", "id", run_id)
    return run.procedure if run else models.ProcedureRef(uuid(made_up("procedure", run_id)), "Unknown")


def measurement_details(reading: Reading, measurement: models.Measurement) -> dict[str, object]:
    """Make the fields that the details add to a measurement."""
    run_id, name = measurement.run_id, measurement.phase_name
    run = reading.first("runs", "id", run_id)
    phases = (phase.id for phase in reading.all("phases", "run_id", run_id) if _is_of(measurement, phase))
    return _measurement(measurement) | {
        "phase": models.PhaseRef(next(phases, None) or uuid(made_up(f"phase {name}", run_id)), name),
        "run": models.RunRef(run_id, run.outcome if run else None, measurement.serial_number),
        "procedure": _procedure(reading, run_id),
        "docstring": f"{measurement.measurement_name}: see the work instruction.",
    }


def _measurement(measurement: models.Measurement) -> dict[str, object]:
    """Make the fields of a measurement that the listing lacks."""
    random, kind = made_up("measurement", measurement.id), measurement.measurement_type
    values = (measurement.value, measurement.bool_value, measurement.string_value)
    value: object = next((value for value in values if value is not None), None)
    if kind == "json":
        points = [{"set": volts, "read": round(random.gauss(volts, 0.01), 4), "note": None} for volts in (0, 5, 12)]
        value = {"is_linear": True, "faults": [], "points": points} if random.random() < _HALF else [*points, None]
    is_largest = measurement.value is not None and random.random() < _HALF
    return {
        "name": measurement.measurement_name,
        "outcome": measurement.measurement_outcome,
        "aggregations": (_aggregation("MAX", measurement.value, measurement.units, random),) if is_largest else None,
        "measured_value": value,
        "data_series": tuple(_series(measurement, random)) if kind == "multidimensional" else None,
    }


def _series(measurement: models.Measurement, random: Random) -> Iterator[models.DataSeries]:
    """Make a spectrum of frequencies, levels and angles. If the measurement failed, it exceeds the limit."""
    count = random.randint(_LEAST_POINTS, _MOST_POINTS)
    frequencies = range(_FIRST, _FIRST + _BAND, _BAND // count)[:count]
    height = _LIMIT - _FLOOR + (8 if measurement.measurement_outcome == "FAIL" else -8)
    centre, width = count * random.uniform(0.3, 0.7), count * random.uniform(0.02, 0.1)
    peak = (height * exp(-(((point - centre) / width) ** 2)) for point in range(count))
    levels = tuple(round(_FLOOR + level + random.random(), 3) for level in peak)
    yield models.DataSeries(data=tuple(frequencies), units="kHz", name="Frequency")
    yield models.DataSeries(
        data=levels,
        units="dBm",
        name="Level",
        description="Mean of 16 sweeps",
        validators=Measured("Level", high=_LIMIT).checks("FAIL" if max(levels) > _LIMIT else "PASS"),
        aggregations=tuple(_aggregation(found.__name__.upper(), found(levels), "dBm", random) for found in (min, max)),
    )
    yield models.DataSeries(data=tuple(round(180 * sin(point / 40)) for point in range(count)), units="°")


def _aggregation(kind: str, value: float | None, unit: str | None, random: Random) -> models.Aggregation:
    return extended(models.Aggregation, None, id=uuid(random), type=kind, value=value, unit=unit)


def attachments(reading: Reading, owner: str, *names: str) -> Iterator[models.Attachment]:
    """Make attachments of a run or a unit, with some of these names.

    The upload of a ``.part`` has not ended. Some sizes are 0, because TofuPilot does not know them all.
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
                download_url=reading.address(identity, name) if is_there else None,
            )


def _sequences(world: World, run: DeployedRun) -> Iterator[models.RunSequence]:
    """Make the sequences of a run. The outcome of a sequence is the worst outcome of its phases."""
    random = made_up("sequences", run.id)
    for path, together in groupby(world.phases[run.id], attrgetter("sequence_path")):
        phases = [*together]
        end = max((phase.ended_at for phase in phases if phase.ended_at), default=None)
        begin = phases[0].started_at if end else None
        worst = max((phase.outcome for phase in phases if phase.is_final_attempt), key=_OUTCOMES.index)
        yield models.RunSequence(
            id=uuid(random),
            path=path,
            key=path,
            parent_path=None,
            name=path.capitalize(),
            source=None if run.environment == "development" else f"./sequences/{path}.yaml",
            outcome=run.outcome if worst == "ERROR" else worst,
            started_at=begin,
            ended_at=end,
            duration=end - begin if end and begin else None,
        )


def _measurements(world: World, run: DeployedRun) -> Iterator[models.Measurement]:
    """Make the measurements of a run. In each phase, only the first measurement can fail.

    A skipped phase has none, and one with an error has only begun its first.
    """
    random, drift = made_up("measurements", run.id), (run.started_at - world.begin) % _RECALIBRATION
    for phase in world.phases[run.id]:
        most = {"SKIP": 0, "ERROR": 1}.get(phase.outcome)
        for index, measured in enumerate(_MEASURES[phase.name][:most]):
            outcome = phase.outcome if index == 0 else "PASS"
            if outcome == "ERROR" or not measured.checks(outcome):
                outcome = "UNSET"
            value = None if outcome == "UNSET" else measured.draw(random, outcome, drift / _RECALIBRATION)
            field = {"boolean": "bool_value", "string": "string_value"}.get(measured.kind, "value")
            yield extended(
                models.Measurement,
                phase,
                id=uuid(random),
                phase_name=phase.name,
                measurement_name=measured.name,
                units=measured.units,
                measurement_outcome=outcome,
                measurement_type=measured.kind,
                validators=measured.checks(outcome) or None,
                **{field: value},
            )


def _logs(world: World, run: DeployedRun) -> Iterator[models.Log]:
    random, names = made_up("logs", run.id), ("created_at", "level", "message", "source_file", "line_number")
    for line in _lines(world, run):
        yield extended(models.Log, run, id=uuid(random), run=run, **dict(zip(names, line, strict=True)))


def _lines(world: World, run: DeployedRun) -> Iterator[tuple[datetime, str, str, str | None, int | None]]:
    """Yield the time, level, message, source file and line number of each entry."""
    yield run.started_at, "INFO", f"{run.procedure.name} started", "main.py", 12
    if run.slot_key:
        yield run.started_at + PREPARATION / 2, "DEBUG", "Fixture closed", None, None
    for phase in world.phases[run.id]:
        at, name = phase.ended_at or run.ended_at, phase.name
        source = f"phases/{name.lower().replace(' ', '_')}.py"
        if phase.outcome == "FAIL" and not phase.is_final_attempt:
            yield at, "WARNING", f"{name} failed, trying again", "phases/retry.py", 31
        elif phase.outcome == "FAIL":
            yield at, "ERROR", f"{name} is out of limits", source, 88
        elif phase.outcome == "ERROR" and run.outcome == "TIMEOUT":
            yield at, "ERROR", f"{name} took too long", source, 104
        elif phase.outcome == "ERROR":
            yield at, "CRITICAL", f"{name}: the instrument does not answer", "plugs/dmm.py", 57


@lru_cache(maxsize=256)
def contents(identity: str) -> bytes:
    """Return a made-up file, whose lines have a time in seconds and a voltage."""
    random = Random(f"contents {identity}")  # noqa: S311 - test data
    return "".join(f"{line / 100:.2f},{random.gauss(12, 0.05):.4f}\n" for line in range(_LINES)).encode()


MAKERS.update(logs=_logs, measurements=_measurements, phases=lambda world, run: world.phases[run.id])
INCLUDED.update(
    {
        ("runs", "metadata"): lambda _, run: {
            "shift": "ABC"[run.started_at.hour // 8],
            "humidity": 30.5 + made_up("humidity", run.id).randrange(200) / 10,
            "rework": run.docstring is not None,
        },
        ("runs", "sequences"): lambda world, run: tuple(_sequences(world, run)),
        ("units", "metadata"): lambda _, unit: {"pcb_lot": f"L{2000 + int(unit.serial_number[4:]) // 40}"},
        ("parts", "metadata"): lambda _, part: {"supplier": "Acme" if part.name < "C" else "Volta", "layers": 4},
        ("stations", "metadata"): lambda _, station: {
            "location": "Lyon" if station.team else "Graz",
            "bay": [*BENCHES].index(station.name) + 1,
        },
    }
)
