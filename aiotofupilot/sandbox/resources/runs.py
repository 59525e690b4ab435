"""The listings of runs, and of what they wrote: phases, measurements and logs.

In the listings of what runs wrote, the filter ``ids`` is about runs. In that of phases, ``outcomes`` is about phases.
In that of measurements, it is about runs. A log's ``created_at`` is ``timestamp`` in the names of its filters.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from functools import partial
from itertools import groupby
from operator import attrgetter
from typing import TYPE_CHECKING

from aiotofupilot import models
from aiotofupilot.sandbox.document import extended
from aiotofupilot.sandbox.measured import measurement_details, phase_details, run_details
from aiotofupilot.sandbox.recipes import PREPARATION, TESTS, DeployedRun, made_up, uuid
from aiotofupilot.sandbox.resource import Detail, Filter, Resource, by, contains, if_asked, related

if TYPE_CHECKING:
    from collections.abc import Iterator

    from aiotofupilot.sandbox.world import World

_RECALIBRATION = timedelta(days=7)  # from one recalibration of the instruments to the next
_OUTCOMES = ("SKIP", "PASS", "FAIL", "ERROR")
_LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL")  # an unknown one sorts as if it were worse
_MEASURES = {step.name: step.measures for step in TESTS}


def _metadata(_world: World, run: DeployedRun) -> dict[str, object]:
    return {
        "shift": "ABC"[run.started_at.hour // 8],
        "humidity": 30.5 + made_up("humidity", run.id).randrange(200) / 10,
        "rework": run.docstring is not None,
    }


def _sequences(world: World, run: DeployedRun) -> Iterator[models.RunSequence]:
    """Make the sequences of a run. The worst outcome of its phases is that of a sequence."""
    random = made_up("sequences", run.id)
    for path, together in groupby(world.phases[run.id], attrgetter("sequence_path")):
        phases = [*together]
        ends = [phase.ended_at for phase in phases if phase.ended_at]
        begin, end = (phases[0].started_at, ends[-1]) if ends else (None, None)
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


RUNS = Resource(
    name="runs",
    included={"metadata": _metadata, "sequences": lambda world, run: tuple(_sequences(world, run))},
    paths={
        "procedure_versions": "procedure.version.tag",
        "deployment_ids": "deployment_id",  # only a `DeployedRun` has it
        "environments": "environment",
    },
    filters={"search_query": contains("unit.serial_number", id_from=8)},
    details=(Detail("runs/*", models.RunDetails, more=run_details),),
)


def _of_run(run_id: str, name: str) -> Filter:
    """Return a filter of another listing: by what a filter of runs selects, given the path of a run's id."""
    chosen = by("procedure.id") if name == "procedure_id" else RUNS.tests[name]
    return related(run_id, "runs", "id", chosen)


def _measurements(world: World, run: DeployedRun) -> Iterator[models.Measurement]:
    """Make what the phases of a run measured. Only the first measurement of a phase can fail.

    A phase that was skipped has measured nothing. One with an error has only begun its first measurement.
    """
    random, drift = made_up("measurements", run.id), (run.started_at - world.begin) % _RECALIBRATION
    for phase in world.phases[run.id]:
        most = {"SKIP": 0, "ERROR": 1}.get(phase.outcome)
        for index, measured in enumerate(_MEASURES[phase.name][:most]):
            outcome = phase.outcome if index == 0 else "PASS"
            if outcome == "ERROR" or not measured.checks(outcome):
                outcome = "UNSET"
            value = None if outcome == "UNSET" else measured.draw(random, outcome, drift / _RECALIBRATION)
            yield extended(
                models.Measurement,
                phase,
                id=uuid(random),
                phase_name=phase.name,
                measurement_name=measured.name,
                value=value if measured.kind == "numeric" else None,
                bool_value=value if measured.kind == "boolean" else None,
                string_value=value if measured.kind == "string" else None,
                units=measured.units,
                measurement_outcome=outcome,
                measurement_type=measured.kind,
                validators=measured.checks(outcome) or None,
            )


def _logs(world: World, run: DeployedRun) -> Iterator[models.Log]:
    random, names = made_up("logs", run.id), ("created_at", "level", "message", "source_file", "line_number")
    for line in _lines(world, run):
        yield extended(models.Log, run, id=uuid(random), run=run, **dict(zip(names, line, strict=True)))


def _lines(world: World, run: DeployedRun) -> Iterator[tuple[datetime, str, str, str | None, int | None]]:
    """Yield the lines of a log: when, level, message, source file, and line in it."""
    yield run.started_at, "INFO", f"{run.procedure.name} started", "main.py", 12
    if made_up("verbose", run.id).random() < 0.3:  # noqa: PLR2004 - some
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
    if run.outcome == "ABORTED":
        yield run.ended_at, "WARNING", "Stopped by the operator", None, None


PHASES = Resource(
    name="phases",
    make=lambda world, run: world.phases[run.id],
    paths={"duration": "duration_ms", "phase_name": "name"},
    filters={"exclude_retries": if_asked("is_final_attempt"), "ids": _of_run("run_id", "ids")},
    otherwise=partial(_of_run, "run_id"),
    details=(Detail("phases/*", models.PhaseDetails, more=phase_details, hides=("run.outcome",)),),
)

MEASUREMENTS = Resource(
    name="measurements",
    make=_measurements,
    paths={"value_bool": "bool_value", "value_strings": "string_value"},
    filters={"exclude_retries": if_asked("is_final_attempt"), "ids": _of_run("run_id", "ids")},
    otherwise=partial(_of_run, "run_id"),
    details=(Detail("measurements/*", models.MeasurementDetails, more=measurement_details),),
)


LOGS = Resource(
    name="logs",
    make=_logs,
    paths={
        "timestamp_after": "created_at",
        "timestamp_before": "created_at",
        "serial_numbers": "unit.serial_number",
        "level": lambda log: [*_LEVELS, log.level].index(log.level),
    },
    filters={"search_query": contains("message")},
    otherwise=partial(_of_run, "run.id"),
    details=(Detail("logs/*", models.Log),),
)
