"""The listings of procedures, deployments, stations and users, and their details."""

from __future__ import annotations

from datetime import timedelta
from hashlib import sha256
from operator import attrgetter
from typing import TYPE_CHECKING

from attrs import evolve

from aiotofupilot import models
from aiotofupilot.sandbox.factory import Reading, contents
from aiotofupilot.sandbox.factory.recipes import made_up, uuid
from aiotofupilot.sandbox.resource import Detail, Resource, contains
from aiotofupilot.sandbox.rest import Refusal, document, extended

if TYPE_CHECKING:
    from collections.abc import Iterator


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
        created_by_user=reading.creator,
    )


PROCEDURES = Resource(
    name="procedures",
    filters={"search_query": contains("name", id_from=6, within=True)},
    details=(
        Detail("procedures/*", models.ProcedureDetails, more=_procedure_details),
        Detail("procedures/*/versions/*", models.VersionDetails, _version_details, hides=("created_by_user.email",)),
    ),
)


def _deployment_details(reading: Reading, deployment: models.Deployment) -> dict[str, object]:
    """Make the details of a deployment, with an artifact if it is ready."""
    artifact, user = uuid(made_up("artifact", deployment.id)), reading.user
    commit, repository = deployment.commit, deployment.repository
    built = {
        "artifact_url": reading.address(artifact, "artifact.tar.zst"),
        "artifact_sha256": sha256(contents(artifact)).hexdigest(),
        "artifact_size_bytes": len(contents(artifact)),
        "platform": "linux-x64",
        "runtime_version": "3.12",
    }
    return {
        **(built if deployment.status == "ready" else {}),
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
        "build_logs": _build_logs(deployment),
    }


def _build_logs(deployment: models.Deployment) -> Iterator[models.BuildLog]:
    ending = ("ERROR", "The procedure cannot be built") if deployment.status == "failed" else ("INFO", "Build ended")
    lines = ((deployment.started_at, "INFO", "Build started"), (deployment.ended_at, *ending))
    for seq, (created_at, level, message) in enumerate(lines):
        if created_at is not None:
            yield models.BuildLog(seq=seq, level=level, message=message, created_at=created_at)


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
    week = timedelta(days=7)
    newest = max((run.started_at for run in reading.snapshot.rows("runs")), default=None)
    return {
        "api_key": f"{uuid(made_up('key', station.id))[:8]}..." if runs else None,
        "organization_slug": reading.organization.slug,
        "procedures": [
            extended(
                models.StationProcedure,
                procedure,
                runs_count=sum(run.procedure.id == procedure.id and newest - run.started_at < week for run in runs),
                deployment=_deployed(reading, procedure.id, station.id),
            )
            for procedure in station.procedures
        ],
    }


def _deployed(reading: Reading, procedure_id: str, station_id: str) -> models.StationDeployment | None:
    """Make the latest deployment of a procedure to a station, or None."""
    ready = (
        deployment
        for deployment in reading.all("deployments", "procedure.id", procedure_id)
        if station_id in {station.id for station in deployment.stations}
    )
    latest = max(ready, key=attrgetter("deployed_at"), default=None)
    return latest and extended(
        models.StationDeployment,
        latest,
        deployed_at=document(latest.deployed_at),
        repository=latest.repository
        and extended(models.StationRepository, latest.repository, owner="example-energy", name="eol-tests"),
    )


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
