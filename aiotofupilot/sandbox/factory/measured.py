"""Makes what runs wrote, and the details of items.

Fields that the listings do not show are made up on demand, and depend on the item's id alone.
"""

from __future__ import annotations

from datetime import UTC, datetime
from functools import lru_cache
from math import exp, sin
from mimetypes import guess_type
from operator import attrgetter
from random import Random
from typing import TYPE_CHECKING, Any

from attrs import frozen

from aiotofupilot import models
from aiotofupilot.sandbox.rest import extended

from .recipes import MILLISECOND, STEPS, made_up, uuid
from .world import MAKERS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from .world import Snapshot, World

_LOG_LINES = {
    ("FAIL", False): ("WARNING", "failed, trying again"),
    ("FAIL", True): ("ERROR", "is out of limits"),
    ("ERROR", True): ("CRITICAL", "has lost its instrument"),
}
"""The level and the message of a log about a phase, by its outcome and whether it was the final attempt."""
_HALF = 0.5
_LEAST_POINTS, _MOST_POINTS = 2000, 4000
_NEVER = datetime(2026, 1, 31, tzinfo=UTC)  # when a phase began if neither the phase nor its run says so
_LINES = 300  # of a file


@frozen
class Reading:
    """The sources of a detail, in addition to its item."""

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
        """The station of the station's key: the first station, or a made-up station."""
        unlisted = models.Station("station", "Station", procedures=(), procedures_count=0, team=None)
        return next(iter(self.snapshot.rows("stations")), unlisted)

    @property
    def user(self) -> models.User:
        """The user of the user's key: the first user who is not banned, or a made-up user."""
        user = next((user for user in self.snapshot.rows("users") if not user.banned), models.User("user"))
        return user if user.email else extended(models.User, user, email="user@example.com")


def run_details(reading: Reading, run: models.Run) -> dict[str, object]:
    """Make the fields that the details add to a run."""
    phases = [
        extended(models.RunPhase, phase, **_phase(reading, phase)) for phase in reading.all("phases", "run_id", run.id)
    ]
    unit = reading.first("units", "id", run.unit.id)
    built_in = unit.children if unit and first_run_of(reading, unit.id) is run else ()
    return {
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
    """Return whether a measurement belongs to a phase, if both belong to the same run."""
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
        value = {"is_linear": True, "faults": [], "points": [{"set": 5, "read": round(random.gauss(5, 0.01), 4)}, None]}
    return {
        "name": measurement.measurement_name,
        "outcome": measurement.measurement_outcome,
        "measured_value": value,
        "data_series": tuple(_series(measurement, random)) if kind == "multidimensional" else None,
    }


def _series(measurement: models.Measurement, random: Random) -> Iterator[models.DataSeries]:
    """Make a spectrum of frequencies, levels and angles. If the measurement failed, a level exceeds 20 dBm."""
    count = random.randint(_LEAST_POINTS, _MOST_POINTS)
    height = 98 if measurement.measurement_outcome == "FAIL" else 82
    centre, width = count * random.uniform(0.3, 0.7), count * random.uniform(0.02, 0.1)
    peak = (height * exp(-(((point - centre) / width) ** 2)) for point in range(count))
    frequencies = range(2_400_000, 2_400_000 + 20 * count, 20)
    yield models.DataSeries(data=tuple(frequencies), units="kHz", name="Frequency")
    levels = tuple(round(level - 70 + random.random(), 3) for level in peak)
    yield models.DataSeries(data=levels, units="dBm", name="Level")
    yield models.DataSeries(data=tuple(round(180 * sin(point / 40)) for point in range(count)), units="°")


def attachments(reading: Reading, owner: str, *names: str) -> Iterator[models.Attachment]:
    """Make attachments of a run or a unit, with some of these names.

    The upload of a ``.part`` file has not ended. Some sizes are 0, because TofuPilot does not know them all.
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


def _phases(_world: World, run: models.Run) -> Iterator[models.Phase]:
    """Make the phases of a run, which take equal shares of its time. The phases after a failed phase are skipped."""
    random, attempts = made_up("phases", run.id), list[tuple[str, int, str, bool]]()
    broken = len(STEPS) if run.outcome == "PASS" else random.randrange(len(STEPS))
    worst = {"FAIL": "FAIL", "ABORTED": "PASS"}.get(run.outcome, "ERROR")
    for index, name in enumerate(STEPS):
        is_retried = index <= broken and random.random() < 0.1  # noqa: PLR2004 - few
        outcome = "PASS" if index < broken else worst if index == broken else "SKIP"
        attempts += [(name, 0, "FAIL", False)] * is_retried + [(name, int(is_retried), outcome, True)]
    share = run.duration // len(attempts) // MILLISECOND
    for index, (name, retry, outcome, is_final) in enumerate(attempts):
        started_at, has_ended = run.started_at + index * share * MILLISECOND, outcome != "SKIP"
        yield models.Phase(
            id=uuid(random),
            name=name,
            outcome=outcome,
            started_at=started_at,
            ended_at=started_at + share * MILLISECOND if has_ended else None,
            duration_ms=share if has_ended else None,
            retry_count=retry,
            sequence_path=STEPS[name][0],
            is_final_attempt=is_final,
            run_id=run.id,
            run_outcome=run.outcome,
            serial_number=run.unit.serial_number,
            sample=run.unit.sample,
        )


def _measurements(world: World, run: models.Run) -> Iterator[models.Measurement]:
    """Make the measurements of a run. Only the first one of a phase can fail.

    A skipped phase has no measurements. A phase with an error has only begun its first measurement.
    """
    random = made_up("measurements", run.id)
    for phase in _phases(world, run):
        most = {"SKIP": 0, "ERROR": 1}.get(phase.outcome)
        for index, measured in enumerate(STEPS[phase.name][1][:most]):
            outcome = phase.outcome if index == 0 else "PASS"
            if outcome == "ERROR" or not measured.checks(outcome):
                outcome = "UNSET"
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
                **{field: None if outcome == "UNSET" else measured.draw(random, outcome)},
            )


def _logs(world: World, run: models.Run) -> Iterator[models.Log]:
    """Make the log of a run, with a line for each phase that did not pass."""
    random = made_up("logs", run.id)
    lines: list[tuple[datetime, str, str, str | None, int | None]]
    lines = [(run.started_at, "INFO", f"{run.procedure.name} started", "main.py", 12)]
    lines += [(run.started_at, "DEBUG", "Fixture closed", None, None)] if run.slot_key else []
    for phase in _phases(world, run):
        if logged := _LOG_LINES.get((phase.outcome, phase.is_final_attempt)):
            lines.append((phase.ended_at or run.ended_at, logged[0], f"{phase.name} {logged[1]}", "phases.py", 88))
    for at, level, message, source, number in lines:
        more: dict[str, Any] = {"created_at": at, "level": level, "message": message}
        more |= {"source_file": source, "line_number": number}
        yield extended(models.Log, run, id=uuid(random), run=run, **more)


@lru_cache(maxsize=256)
def contents(identity: str) -> bytes:
    """Return a made-up file, whose lines have a time in seconds and a voltage."""
    random = Random(f"contents {identity}")  # noqa: S311 - test data
    return "".join(f"{line / 100:.2f},{random.gauss(12, 0.05):.4f}\n" for line in range(_LINES)).encode()


MAKERS.update(logs=_logs, measurements=_measurements, phases=_phases)
