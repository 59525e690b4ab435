"""The listings of procedures, deployments, stations and users, and their details."""

from __future__ import annotations

from datetime import timedelta
from operator import attrgetter
from typing import TYPE_CHECKING

from attrs import evolve

from aiotofupilot import models
from aiotofupilot.sandbox.factory.recipes import made_up, uuid
from aiotofupilot.sandbox.resource import Detail, Resource, contains
from aiotofupilot.sandbox.rest import Refusal, extended

if TYPE_CHECKING:
    from aiotofupilot.sandbox.factory import Reading


def _procedure_details(reading: Reading, procedure: models.Procedure) -> dict[str, object]:
    runs = reading.all("runs", "procedure.id", procedure.id)
    stations = reading.snapshot.rows("stations")
    return {
        "runs_count": len(runs),
        "recent_runs": sorted(runs, key=attrgetter("started_at"), reverse=True)[:10],
        "stations": [station for station in stations if procedure.id in {run.id for run in station.procedures}],
    }


def _version_details(reading: Reading, procedure_id: str, tag: str) -> models.VersionDetails | None:
    """Make the details of a version, or None for one without a run."""
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
    """Make the details of a station. Its key, made up from the ID, is missing without runs."""
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
