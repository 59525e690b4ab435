"""The listings of runs, and of what they wrote: phases, measurements and logs.

In the listings of what runs wrote, the filter ``ids`` is about runs. In that of phases, ``outcomes`` is about phases.
In that of measurements, it is about runs. A log's ``created_at`` is ``timestamp`` in the names of its filters.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from aiotofupilot import models
from aiotofupilot.sandbox.measured import check, measurement_details, phase_details, run_details
from aiotofupilot.sandbox.recipes import MILLISECOND, PREPARATION, Entry, Measured, uuid
from aiotofupilot.sandbox.resource import Detail, Filter, Predicate, Resource, by, contains, if_asked, related
from aiotofupilot.sandbox.wire import extended
from aiotofupilot.sandbox.world import grouped

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from random import Random

    from aiotofupilot.sandbox.world import Snapshot, World

_RECALIBRATION = 2000  # runs from one recalibration of the instruments to the next
_OUTCOMES = ("SKIP", "PASS", "FAIL", "ERROR")
_LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL")


def _sequences(world: World, entry: Entry) -> tuple[models.RunSequence, ...]:
    """Make the sequences of a run. The worst outcome of its phases is that of a sequence."""
    run, sequences = entry.run, list[models.RunSequence]()
    for path, attempts in grouped(entry.attempts, "step.sequence").items():
        done = [attempt for attempt in attempts if attempt.duration is not None]
        begin = run.started_at + done[0].begin * MILLISECOND if done else None
        end = run.started_at + done[-1].end * MILLISECOND if done else None
        worst = max((attempt.outcome for attempt in attempts if attempt.final), key=_OUTCOMES.index)
        sequence = models.RunSequence(
            id=world.id("sequences", entry.number, len(sequences)),
            path=path,
            key=path,
            parent_path=None,
            name=path.capitalize(),
            source=None if run.environment == "development" else f"./sequences/{path}.yaml",
            outcome=run.outcome if worst == "ERROR" else worst,
            started_at=begin,
            ended_at=end,
            duration=None if begin is None or end is None else end - begin,
        )
        sequences.append(sequence)
    return tuple(sequences)


RUNS: Resource[models.Run] = Resource(
    name="runs",
    source=lambda world: world.entries,
    make=lambda _world, entry: (entry.run,),
    included={
        "metadata": lambda world, entry: {
            "shift": "ABC"[entry.run.started_at.hour // 8],
            "humidity": 30.5 + world.random("humidity", entry.number).randrange(200) / 10,
            "rework": entry.retest > 0,
        },
        "sequences": _sequences,
    },
    order="search_query ids outcomes procedure_ids procedure_versions deployment_ids execution_ids slot_keys "
    "slot_names environments serial_numbers samples part_numbers revision_numbers batch_numbers duration_min "
    "duration_max started_after started_before ended_after ended_before created_after created_before "
    "created_by_user_ids created_by_station_ids operated_by_ids operated_by_names limit sort_by sort_order "
    "metadata include_metadata include_sequences",
    paths={
        "procedure_versions": "procedure.version.tag",
        "deployment_ids": lambda run: getattr(run, "deployment_id", None),
        "environments": lambda run: getattr(run, "environment", None),
    },
    filters={"search_query": contains("unit.serial_number", id_from=8)},
    details=(Detail("runs/*", models.RunDetails, more=run_details),),
)


def _of_run(run_id: str) -> Callable[[str], Filter]:
    """Return filters of another listing, by name: by what a filter of runs selects, given the path of a run's id."""

    def named(name: str) -> Filter:
        def chosen(wanted: object, snapshot: Snapshot) -> Predicate:
            select = by("procedure.id") if name == "procedure_id" else RUNS.tests[name]
            return select(wanted, snapshot)

        return related(run_id, "runs", "id", chosen)

    return named


def _phases(world: World, entry: Entry) -> Iterator[models.Phase]:
    """Make a phase for each attempt in a run."""
    run, random = entry.run, world.random("phases", entry.number)
    for attempt in entry.attempts:
        started_at = run.started_at + attempt.begin * MILLISECOND
        yield models.Phase(
            id=uuid(random),
            name=attempt.step.name,
            outcome=attempt.outcome,
            started_at=started_at,
            ended_at=None if attempt.duration is None else started_at + attempt.duration * MILLISECOND,
            duration_ms=attempt.duration,
            retry_count=attempt.retry,
            sequence_path=attempt.step.sequence,
            is_final_attempt=attempt.final,
            run_id=run.id,
            run_outcome=run.outcome,
            serial_number=run.unit.serial_number,
            sample=run.unit.sample,
        )


def _measurements(world: World, entry: Entry) -> Iterator[models.Measurement]:
    run, random = entry.run, world.random("measurements", entry.number)
    for attempt in entry.attempts:
        for measured, outcome in attempt.measured:
            known = outcome != "UNSET"
            yield models.Measurement(
                id=uuid(random),
                phase_name=attempt.step.name,
                measurement_name=measured.name,
                started_at=run.started_at + attempt.begin * MILLISECOND,
                value=_number(measured, outcome, entry.number, random)
                if known and measured.kind == "numeric"
                else None,
                bool_value=outcome == "PASS" if known and measured.kind == "boolean" else None,
                string_value=_text(measured, outcome, random) if known and measured.kind == "string" else None,
                units=measured.units,
                measurement_outcome=outcome,
                run_id=run.id,
                serial_number=run.unit.serial_number,
                sample=run.unit.sample,
                measurement_type=measured.kind,
                retry_count=attempt.retry,
                is_final_attempt=attempt.final,
                validators=tuple(_validators(measured, outcome)) or None,
            )


def _number(measured: Measured, outcome: str, run: int, random: Random) -> float:
    """Return a measured number. It is within the limits if and only if it passes."""
    low, high = measured.low, measured.high
    least = low if low is not None else 0.2 * (high or 0.0)
    most = high if high is not None else 1.08 * least
    noise = random.random()
    if outcome == "FAIL":
        position = 1.05 + 0.35 * noise if high is not None else -1.05 - 0.35 * noise
    else:
        drift = 1.1 * (run % _RECALIBRATION) / _RECALIBRATION - 0.3 if measured.drifts else 0.0
        position = max(-0.97, min(0.97, drift + 0.5 * (noise - 0.5)))
    return round((least + most) / 2 + position * (most - least) / 2, 4)


def _text(measured: Measured, outcome: str, random: Random) -> str:
    allowed = measured.expected if isinstance(measured.expected, tuple) else (str(measured.expected),)
    return random.choice(allowed) if outcome == "PASS" else "unreadable"


def _validators(measured: Measured, outcome: str) -> Iterator[models.Validator]:
    """Yield the checks of a measured value. Only the last limit can fail."""
    limits = measured.limits
    for limit in limits:
        yield check(outcome if limit == limits[-1] or outcome == "UNSET" else "PASS", *limit)
    if measured.expression is not None:
        yield check(outcome, None, None, expression=measured.expression)


def _logs(world: World, entry: Entry) -> Iterator[models.Log]:
    run, random = entry.run, world.random("logs", entry.number)
    for at, level, message, file, number in _lines(entry):
        yield extended(
            models.Log,
            run,
            id=uuid(random),
            level=level,
            message=message,
            created_at=run.started_at + at * MILLISECOND,
            source_file=file,
            line_number=number,
            run=run,
        )


def _lines(entry: Entry) -> Iterator[tuple[int, str, str, str | None, int | None]]:
    """Yield the lines of a log: milliseconds after the run began, level, message, source file, and line in it."""
    outcome = entry.run.outcome
    yield 0, "INFO", f"Run started on {entry.bench}", "main.py", 12
    if entry.is_verbose:
        yield PREPARATION // 2, "DEBUG", "Fixture closed", None, None
    for attempt in entry.attempts:
        at, name = attempt.end, attempt.step.name
        source = f"phases/{name.lower().replace(' ', '_')}.py"
        if attempt.outcome == "FAIL" and not attempt.final:
            yield at, "WARNING", f"{name} failed, trying again", "phases/retry.py", 31
        elif attempt.outcome == "FAIL":
            yield at, "ERROR", f"{name} is out of limits", source, 88
        elif attempt.outcome == "ERROR" and outcome == "TIMEOUT":
            yield at, "ERROR", f"{name} took too long", source, 104
        elif attempt.outcome == "ERROR":
            yield at, "CRITICAL", f"{name}: the instrument does not answer", "plugs/dmm.py", 57
    if outcome == "ABORTED":
        yield max(attempt.end for attempt in entry.attempts), "WARNING", "Stopped by the operator", None, None


def _severity(log: models.Log) -> int:
    """Return the rank of a line's level. An unknown level has the highest rank."""
    return _LEVELS.index(log.level) if log.level in _LEVELS else len(_LEVELS)


PHASES: Resource[models.Phase] = Resource(
    name="phases",
    source=lambda world: world.entries,
    make=_phases,
    order="procedure_id names outcomes sequence_paths started_after started_before exclude_retries run_outcomes ids "
    "duration_min duration_max deployment_ids procedure_versions environments operated_by_ids operated_by_names "
    "created_by_station_ids created_by_user_ids serial_numbers part_numbers revision_numbers batch_numbers samples "
    "sort_by sort_order limit",
    paths={"duration": "duration_ms", "phase_name": "name"},
    filters={"exclude_retries": if_asked("is_final_attempt"), "ids": _of_run("run_id")("ids")},
    otherwise=_of_run("run_id"),
    details=(Detail("phases/*", models.PhaseDetails, more=phase_details, hides=("run.outcome",)),),
)

MEASUREMENTS: Resource[models.Measurement] = Resource(
    name="measurements",
    source=lambda world: world.entries,
    make=_measurements,
    order="procedure_id phase_name measurement_name phase_names outcomes ids duration_min duration_max deployment_ids "
    "procedure_versions environments serial_numbers part_numbers revision_numbers batch_numbers operated_by_ids "
    "operated_by_names created_by_station_ids created_by_user_ids started_after started_before exclude_retries "
    "value_min value_max value_bool value_strings measurement_outcomes measurement_types sort_by sort_order limit",
    paths={"value_bool": "bool_value", "value_strings": "string_value"},
    filters={"exclude_retries": if_asked("is_final_attempt"), "ids": _of_run("run_id")("ids")},
    otherwise=_of_run("run_id"),
    details=(Detail("measurements/*", models.MeasurementDetails, more=measurement_details),),
)


LOGS: Resource[models.Log] = Resource(
    name="logs",
    source=lambda world: world.entries,
    make=_logs,
    order="procedure_ids search_query levels timestamp_after timestamp_before source_files run_ids run_outcomes "
    "procedure_versions deployment_ids environments serial_numbers part_numbers revision_numbers batch_numbers samples "
    "created_by_station_ids created_by_user_ids sort_by sort_order limit",
    paths={
        "timestamp_after": "created_at",
        "timestamp_before": "created_at",
        "serial_numbers": "unit.serial_number",
        "level": _severity,
    },
    filters={"search_query": contains("message")},
    otherwise=_of_run("run.id"),
    details=(Detail("logs/*", models.Log),),
)
