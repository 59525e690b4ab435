"""The listings and details of the sandbox.

In the listings of phases, measurements and logs, ``ids`` selects by the IDs of runs. ``outcomes`` compares the outcome
of a phase in the listing of phases, and the outcome of the run in the listing of measurements. Filters of logs call
``created_at`` ``timestamp``. Some filters find units by their runs, and batches by their units.
"""

from __future__ import annotations

import re
from datetime import timedelta
from functools import lru_cache, partial
from math import inf
from operator import attrgetter
from typing import TYPE_CHECKING

from attrs import evolve

from aiotofupilot import models
from aiotofupilot.listings import NAMES

from .factory import measured
from .factory.recipes import made_up, uuid
from .resource import Detail, Filter, Predicate, Resource, among, by, contains, if_asked, related
from .rest import Refusal, Values, extended

if TYPE_CHECKING:
    from .factory import Reading
    from .factory.world import Snapshot

_ADDRESS = "created_by_user.email"
_OF_ITS_RUNS = ("procedure_ids", "outcomes", "started_after", "started_before")
_LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL")  # ascending; an unknown level comes after all these

_DEPLOYMENT = "procedure.version.id"  # the API does not show it, so a version has the ID of its deployment

RUNS = Resource(
    name="runs",
    paths={
        "procedure_versions": "procedure.version.tag",
        "deployment_ids": _DEPLOYMENT,
    },
    filters={
        "search_query": contains("unit.serial_number", id_from=8),
        "environments": related(_DEPLOYMENT, "deployments", "id", among("environment")),
    },
    details=(Detail("runs/*", models.RunDetails, more=measured.run_details),),
)


def _of_run(run_id: str, name: str) -> Filter:
    """Return a filter that selects items by a filter of their runs. ``run_id`` is the path of the run's ID."""
    chosen = by("procedure.id") if name == "procedure_id" else RUNS.tests[name]
    return related(run_id, "runs", "id", chosen)


PHASES = Resource(
    name="phases",
    paths={"duration": "duration_ms", "phase_name": "name"},
    filters={"exclude_retries": if_asked("is_final_attempt"), "ids": _of_run("run_id", "ids")},
    otherwise=partial(_of_run, "run_id"),
    details=(Detail("phases/*", models.PhaseDetails, more=measured.phase_details, hides=("run.outcome",)),),
)

MEASUREMENTS = Resource(
    name="measurements",
    paths={"value_bool": "bool_value", "value_strings": "string_value"},
    filters={"exclude_retries": if_asked("is_final_attempt"), "ids": _of_run("run_id", "ids")},
    otherwise=partial(_of_run, "run_id"),
    details=(Detail("measurements/*", models.MeasurementDetails, more=measured.measurement_details),),
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


def _by_its_runs(asked: Values, snapshot: Snapshot) -> Predicate:
    """Select units by the number of their runs and by filters of runs.

    One run must meet all of these filters. With ``latest_only``, it must be the latest.
    """
    predicates = [RUNS.tests[name](asked[name], snapshot) for name in _OF_ITS_RUNS if name in asked]
    least, most = asked.get("run_count_min", 0), asked.get("run_count_max", inf)
    if not predicates and least <= 0 and most == inf:
        return lambda _unit: True  # skips grouping the runs, which a busy line changes with each request
    runs_of_units = snapshot.grouped("runs", "unit.id")

    def is_asked_for(unit: models.Unit) -> bool:
        runs = runs_of_units.get(unit.id, ())
        if not least <= len(runs) <= most:
            return False
        if asked["latest_only"] and runs:
            runs = [max(runs, key=lambda run: run.started_at)]
        return not predicates or any(all(predicate(run) for predicate in predicates) for run in runs)

    return is_asked_for


def _unit_details(reading: Reading, unit: models.Unit) -> dict[str, object]:
    return {
        "parent": unit.parent and _related(reading, unit.parent),
        "children": tuple(_related(reading, child) for child in unit.children),
        "created_during": measured.first_run_of(reading, unit.id),
        "attachments": measured.attachments(reading, unit.id, "label.svg", "photo.part"),
    }


def _related(reading: Reading, ref: models.UnitRef) -> models.RelatedUnit:
    """Make a related unit. Its part is unknown if the unit is not listed."""
    return extended(models.RelatedUnit, ref, part=getattr(reading.first("units", "id", ref.id), "part", None))


UNITS = Resource(
    name="units",
    hides=(_ADDRESS,),
    filters={
        **dict.fromkeys((*_OF_ITS_RUNS, "latest_only", "run_count_min", "run_count_max")),
        "search_query": contains("serial_number", id_from=8),
        "exclude_units_with_parent": if_asked(lambda unit: unit.parent is None),
    },
    joined=_by_its_runs,
    paths={"last_run_at": "last_run.started_at", "last_run_procedure": "last_run.procedure.name"},
    details=(
        Detail(
            "units/*", models.UnitDetails, "serial_number", _unit_details, hides=(_ADDRESS, "attachments.is_report")
        ),
    ),
)


def _of_units(chosen: Filter) -> Filter:
    """Select batches with a unit that a filter of units selects."""
    return related("id", "units", "batch.id", chosen)


def _mentions(query: str, snapshot: Snapshot) -> Predicate:
    """Select batches by text in their number, or in the serial number of a unit."""
    by_number, by_unit = (
        mentioned(query, snapshot) for mentioned in (contains("number"), _of_units(contains("serial_number")))
    )
    return lambda batch: by_number(batch) or by_unit(batch)


def _batch_details(reading: Reading, batch: models.Batch) -> dict[str, object]:
    return {"units": reading.all("units", "batch.id", batch.id)}


BATCHES = Resource(
    name="batches",
    hides=(_ADDRESS,),
    filters={
        "search_query": _mentions,
        "part_numbers": _of_units(among("part.number")),
        "revision_numbers": _of_units(among("part.revision.number")),
    },
    details=(Detail("batches/*", models.BatchDetails, "number", _batch_details, hides=(_ADDRESS,)),),
)


def _numbered(reading: Reading, number: str) -> models.Part | None:
    """Return the part with a number, ignoring case."""
    return next((part for part in reading.snapshot.rows("parts") if part.number.lower() == number.lower()), None)


def _dated(part: models.Part) -> tuple[models.PartRevision, ...]:
    """Add times of creation to a part's revisions. The first is as old as the part."""
    return tuple(
        extended(models.PartRevision, revision, created_at=part.created_at + number * timedelta(days=30))
        for number, revision in enumerate(part.revisions)
    )


def _revision_details(reading: Reading, part_number: str, number: str) -> models.RevisionDetails | None:
    """Make the details of a part's revision. Case matters in the revision's number, but not in the part's number."""
    part = _numbered(reading, part_number)
    revision = next((dated for dated in _dated(part) if dated.number == number), None) if part else None
    if part is None or revision is None:
        return None
    return extended(
        models.RevisionDetails,
        revision,
        part=part,
        units=reading.all("units", "part.revision.id", revision.id),
        metadata={"is_latest": revision.id == part.revisions[-1].id},
    )


PARTS = Resource(
    name="parts",
    filters={
        "search_query": contains("name", "number"),
        "procedure_ids": related("number", "runs", "unit.part.number", among("procedure.id")),
    },
    details=(
        Detail("parts/*", models.PartDetails, _numbered, lambda _reading, part: {"revisions": _dated(part)}),
        Detail("parts/*/revisions/*", models.RevisionDetails, _revision_details),
    ),
)


def _procedure_details(reading: Reading, procedure: models.Procedure) -> dict[str, object]:
    runs = reading.all("runs", "procedure.id", procedure.id)
    stations = reading.snapshot.rows("stations")
    return {
        "runs_count": len(runs),
        "recent_runs": sorted(runs, key=attrgetter("started_at"), reverse=True)[:10],
        "stations": [station for station in stations if procedure.id in {run.id for run in station.procedures}],
    }


def _version_details(reading: Reading, procedure_id: str, tag: str) -> models.VersionDetails | None:
    """Make the details of a version, or None for a version without a run."""
    tagged = reading.all("runs", "procedure.version.tag", tag)
    runs = [run for run in tagged if run.procedure.id == procedure_id]  # procedures may share a version's ID
    if not runs:
        return None
    first = min(runs, key=attrgetter("started_at"))
    return extended(
        models.VersionDetails,
        first.procedure.version,
        created_at=first.started_at - timedelta(hours=1),
        procedure=first.procedure,
        run_count=len(runs),
    )


PROCEDURES = Resource(
    name="procedures",
    filters={"search_query": contains("name", id_from=6, within=True)},
    details=(
        Detail("procedures/*", models.ProcedureDetails, more=_procedure_details),
        Detail("procedures/*/versions/*", models.VersionDetails, _version_details),
    ),
)


def _deployment_details(reading: Reading, deployment: models.Deployment) -> dict[str, object]:
    commit, repository, user = deployment.commit, deployment.repository, reading.user
    return {
        "deployment_mode": "standalone",
        "language": "python",
        "created_by_user": None if deployment.trigger == "auto" else evolve(user, name=user.name or "Unnamed"),
        "commit": commit
        and extended(
            models.DeploymentCommit,
            commit,
            branch=commit.branch and models.Branch(uuid(made_up("branch", commit.id)), commit.branch),
            repository=repository and models.CommitRepository("example-energy/eol-tests", repository.provider),
        ),
        "stations": [
            extended(models.DeployedStation, station, pushed_at=deployment.ended_at) for station in deployment.stations
        ],
    }


DEPLOYMENTS = Resource(
    name="deployments",
    paths={
        "build_statuses": "status",
        "branch_names": "commit.branch",
        "pushed": lambda deployment: bool(deployment.stations),
    },
    filters={"search_query": contains("commit.message", "commit.sha", "procedure.name")},
    details=(Detail("deployments/*", models.DeploymentDetails, more=_deployment_details),),
)


def _station_details(reading: Reading, station: models.Station) -> dict[str, object]:
    """Make the details of a station. Its key is made up from its ID. A station without runs has no key."""
    runs = reading.all("runs", "created_by_station.id", station.id)
    return {
        "api_key": f"{uuid(made_up('key', station.id))[:8]}..." if runs else None,
        "organization_slug": reading.organization.slug,
        "procedures": [
            extended(
                models.StationProcedure, procedure, runs_count=sum(run.procedure.id == procedure.id for run in runs)
            )
            for procedure in station.procedures
        ],
    }


def _current_station(reading: Reading) -> models.Station:
    if not reading.is_station:
        raise Refusal(403, "FORBIDDEN", "Only stations can read the current station")
    return reading.station


STATIONS = Resource(
    name="stations",
    filters={
        "search_query": contains("name"),
        "procedure_ids": lambda wanted, _snapshot: lambda station: any(run.id in wanted for run in station.procedures),
    },
    details=(
        Detail("stations/current", models.StationDetails, _current_station, _station_details),
        Detail("stations/*", models.StationDetails, more=_station_details),
    ),
)


def _current_user(reading: Reading) -> models.User:
    if reading.is_station:
        raise Refusal(403, "FORBIDDEN", "Stations cannot read the current user")
    return reading.user


def _identity(reading: Reading) -> models.Identity:
    station = extended(models.StationRef, reading.station) if reading.is_station else None
    user = None if station else extended(models.UserRef, reading.user)
    kind = "station" if station else "user"
    return models.Identity(type=kind, station=station, user=user, organization=reading.organization)


USERS = Resource(
    name="users",
    details=(Detail("users/current", models.User, _current_user), Detail("whoami", models.Identity, _identity)),
)

RESOURCES: dict[str, Resource] = {name: globals()[name.upper()] for name in NAMES}
"""Every listing by name."""


@lru_cache(maxsize=256)
def route(path: str) -> tuple[Resource | Detail | None, tuple[str, ...]]:
    """Return the listing or the detail at a path, or None, and the parameters in the path.

    Case matters only in parameters. A trailing slash does not matter.
    """
    known: dict[str, Resource | Detail] = {**RESOURCES}
    known |= {detail.path: detail for resource in RESOURCES.values() for detail in resource.details}
    for below, found in known.items():
        pattern = f"/api/v2/{below.replace('*', '([^/]+)')}/?"
        if match := re.fullmatch(pattern, path, re.IGNORECASE | re.ASCII):
            return found, match.groups()
    return None, ()
