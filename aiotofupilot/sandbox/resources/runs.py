"""The listings of runs, and of what they wrote: phases, measurements and logs.

In the listings of what runs wrote, the filter ``ids`` is about runs. In that of phases, ``outcomes`` is about phases.
In that of measurements, it is about runs. A log's ``created_at`` is ``timestamp`` in the names of its filters.
"""

from __future__ import annotations

from functools import partial

from aiotofupilot import models
from aiotofupilot.sandbox.factory.measured import measurement_details, phase_details, run_details
from aiotofupilot.sandbox.resource import Detail, Filter, Resource, by, contains, if_asked, related

_LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL")  # an unknown one sorts as if it were worse

RUNS = Resource(
    name="runs",
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


PHASES = Resource(
    name="phases",
    paths={"duration": "duration_ms", "phase_name": "name"},
    filters={"exclude_retries": if_asked("is_final_attempt"), "ids": _of_run("run_id", "ids")},
    otherwise=partial(_of_run, "run_id"),
    details=(Detail("phases/*", models.PhaseDetails, more=phase_details, hides=("run.outcome",)),),
)

MEASUREMENTS = Resource(
    name="measurements",
    paths={"value_bool": "bool_value", "value_strings": "string_value"},
    filters={"exclude_retries": if_asked("is_final_attempt"), "ids": _of_run("run_id", "ids")},
    otherwise=partial(_of_run, "run_id"),
    details=(Detail("measurements/*", models.MeasurementDetails, more=measurement_details),),
)

LOGS = Resource(
    name="logs",
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
