"""The listings of procedures, deployments, stations and users. The API documents the order of none of them.

The latest deployment comes first. The listing of users is a bare array, without pages or parameters.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from hashlib import sha256
from typing import TYPE_CHECKING, Any

from attrs import evolve

from aiotofupilot import models
from aiotofupilot.sandbox.measured import made_up
from aiotofupilot.sandbox.parameters import pages
from aiotofupilot.sandbox.recipes import BENCHES, TEAMS, uuid
from aiotofupilot.sandbox.resource import Detail, Reading, Resource, contains
from aiotofupilot.sandbox.storage import contents
from aiotofupilot.sandbox.wire import Refusal, document, extended

if TYPE_CHECKING:
    from collections.abc import Iterator
    from random import Random

    from aiotofupilot.sandbox.world import World

_MESSAGES = ("Tighten the ripple limit", "Wait for the fixture", "Read the label twice")
_STATUSES = ("ready", "ready", "failed", "building", "pending")


def _procedure_details(reading: Reading, procedure: models.Procedure) -> dict[str, Any]:
    runs = reading.all("runs", "procedure.id", procedure.id)
    latest = sorted(runs, key=lambda run: run.started_at, reverse=True)[:10]
    return {
        "runs_count": len(runs),
        "recent_runs": latest,
        "stations": [
            station
            for station in reading.snapshot.rows("stations")
            if procedure.id in {run.id for run in station.procedures}
        ],
    }


def _version_details(reading: Reading, procedure_id: str, tag: str) -> models.VersionDetails | None:
    """Make the details of a version of a procedure. A version without a run is unknown."""
    tagged = reading.all("runs", "procedure.version.tag", tag)
    runs = [run for run in tagged if run.procedure.id == procedure_id]  # two procedures may share a version's ID
    if not runs:
        return None
    first = min(runs, key=lambda run: run.started_at)
    return extended(
        models.VersionDetails,
        first.procedure.version,
        created_at=first.started_at - timedelta(hours=1),
        procedure=first.procedure,
        run_count=len(runs),
        created_by_user=reading.creator,
    )


PROCEDURES: Resource[models.Procedure] = Resource(
    name="procedures",
    source=lambda world: world.procedures[::-1],
    filters={"search_query": contains("name", id_from=6, within=True)},
    pages=pages(safe=False),
    details=(
        Detail("procedures/*", models.ProcedureDetails, more=_procedure_details),
        Detail("procedures/*/versions/*", models.VersionDetails, _version_details, hides=("created_by_user.email",)),
    ),
)


def _deployment(world: World, number: int) -> Iterator[models.Deployment]:
    """Make the deployment with a number. Deployments with an even number are for production."""
    wave, index = divmod(number, 2 * len(world.lines))
    line, other = divmod(index, 2)
    random = world.random("deployment", number)
    deployed_at = world.deployed_at(wave) + timedelta(minutes=index)
    environment, status, trigger = "production", "ready", "auto"
    if other:
        environment = random.choice(("preview", "development"))
        status = random.choice(_STATUSES)
        trigger = random.choice(("manual", "cli", "auto"))
    repository = world.procedures[line].linked_repository
    yield models.Deployment(
        id=world.id("deployments", number),
        environment=environment,
        trigger=trigger,
        status=status,
        skipped=status == "failed" and random.random() < 0.5,  # noqa: PLR2004 - half of them
        started_at=None if status == "pending" else deployed_at + timedelta(seconds=4),
        ended_at=None if status in {"pending", "building"} else deployed_at + timedelta(seconds=51),
        deployed_at=deployed_at,
        procedure=world.lines[line],
        commit=None if trigger == "cli" else _commit(world, random, number, deployed_at),
        repository=None if repository is None else models.DeploymentRepository(repository.provider or "github"),
        stations=tuple(world.stations[bench] for bench in world.benches_of(line)) if status == "ready" else (),
    )


def _commit(world: World, random: Random, number: int, deployed_at: datetime) -> models.Commit:
    author = random.choice(world.refs)
    return models.Commit(
        id=world.id("commits", number),
        sha=f"{random.getrandbits(160):040x}",
        message=random.choice(_MESSAGES),
        author_username=(author.email or "line@example.com").partition("@")[0].replace(".", "-"),
        author_avatar_url=random.choice((None, f"https://example.com/people/{author.id}.png")),
        committed_at=None if random.random() < 0.2 else deployed_at - timedelta(seconds=89),  # noqa: PLR2004 - some
        branch=random.choice(("next", "hotfix", None)) if number % 2 else "main",
    )


def _deployment_details(reading: Reading, deployment: models.Deployment) -> dict[str, Any]:
    """Make the details of a deployment. One that is ready has an artifact."""
    random, is_ready, user = made_up("deployment", deployment.id), deployment.status == "ready", reading.user
    artifact, commit, repository = uuid(random), deployment.commit, deployment.repository
    return {
        "artifact_url": reading.storage.address(artifact, "artifact.tar.zst") if is_ready else None,
        "artifact_sha256": sha256(contents(artifact)).hexdigest() if is_ready else None,
        "artifact_size_bytes": len(contents(artifact)) if is_ready else None,
        "deployment_mode": random.choice(("sync", "standalone")),
        "platform": "linux-x64" if is_ready else None,
        "language": "python",
        "runtime_version": "3.12" if is_ready else None,
        "created_by_user": None if deployment.trigger == "auto" else evolve(user, name=user.name or "Unnamed"),
        "commit": commit
        and extended(
            models.DeploymentCommit,
            commit,
            branch=commit.branch and models.Branch(uuid(random), commit.branch),
            repository=repository and models.CommitRepository("example-energy/eol-tests", repository.provider),
        ),
        "stations": [
            extended(models.DeployedStation, station, image_url=None, pushed_at=deployment.ended_at)
            for station in deployment.stations
        ],
        "build_logs": _build_logs(deployment),
    }


def _build_logs(deployment: models.Deployment) -> Iterator[models.BuildLog]:
    """Make the lines of a build, as far as it has come."""
    ending = ("ERROR", "The procedure cannot be built") if deployment.status == "failed" else ("INFO", "Build ended")
    lines = ((deployment.started_at, "INFO", "Build started"), (deployment.ended_at, *ending))
    for seq, (created_at, level, message) in enumerate(lines):
        if created_at is not None:
            yield models.BuildLog(seq=seq, level=level, message=message, created_at=created_at)


DEPLOYMENTS: Resource[models.Deployment] = Resource(
    name="deployments",
    source=lambda world: world.deployments,
    make=_deployment,
    order="procedure_ids environments build_statuses pushed branch_names author_usernames deployed_after "
    "deployed_before search_query limit",
    paths={
        "build_statuses": "status",
        "branch_names": "commit.branch",
        "pushed": lambda deployment: bool(deployment.stations),
    },
    filters={"search_query": contains("commit.message", "commit.sha", "procedure.name")},
    details=(Detail("deployments/*", models.DeploymentDetails, more=_deployment_details),),
)


def _station(world: World, number: int) -> Iterator[models.Station]:
    ref, team = world.stations[number], BENCHES[number].team
    lines = [ref for line, ref in enumerate(world.lines) if number in world.benches_of(line)]
    yield models.Station(
        id=ref.id,
        name=ref.name,
        procedures=tuple(lines),
        procedures_count=len(lines),
        team=None if team is None else models.Team(world.id("teams", team), TEAMS[team]),
    )


def _station_details(reading: Reading, station: models.Station) -> dict[str, Any]:
    """Make the details of a station. The beginning of its key is made up, so that it tells nothing of a key."""
    runs = reading.all("runs", "created_by_station.id", station.id)
    week = timedelta(days=7)
    newest = max((run.started_at for run in reading.snapshot.rows("runs")), default=None)
    return {
        "api_key": f"{uuid(made_up('key', station.id))[:8]}...",
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
    """Make what a station says of the latest deployment of a procedure to it. None: there is none."""
    ready = (
        deployment
        for deployment in reading.all("deployments", "procedure.id", procedure_id)
        if station_id in {station.id for station in deployment.stations}
    )
    latest = max(ready, key=lambda deployment: deployment.deployed_at, default=None)
    return latest and extended(
        models.StationDeployment,
        latest,
        deployed_at=document(latest.deployed_at),
        repository=latest.repository
        and models.StationRepository(
            owner="example-energy",
            name="eol-tests",
            provider=latest.repository.provider,
            gitlab_project_id=12345 if latest.repository.provider == "gitlab" else None,
        ),
    )


def _current_station(reading: Reading) -> models.Station:
    """Return the station whose key it is."""
    if not reading.is_station:
        raise Refusal(403, "FORBIDDEN", "Only stations can read the current station")
    return reading.station


def _metadata(_world: World, number: int) -> dict[str, object]:
    return {"location": ("Lyon", "Graz")[number % 2], "bay": number + 1, "worn": BENCHES[number].failure_rate > 0.3}  # noqa: PLR2004 - more than others


STATIONS: Resource[models.Station] = Resource(
    name="stations",
    source=lambda _world: range(len(BENCHES)),
    make=_station,
    included={"metadata": _metadata},
    filters={
        "search_query": contains("name"),
        "procedure_ids": lambda wanted, _snapshot: lambda station: any(run.id in wanted for run in station.procedures),
    },
    details=(
        Detail("stations/current", models.StationDetails, _current_station, _station_details),
        Detail("stations/*", models.StationDetails, more=_station_details),
    ),
)


def _users(world: World) -> list[models.User]:
    """Return the people with an account: those who create items, and one who is banned."""
    image = "https://example.com/robin.png"
    former = models.User(world.id("users", 2), "Robin Former", "robin.former@example.com", image, banned=True)
    return [*(models.User(ref.id, ref.name, ref.email) for ref in world.refs), former]


def _current_user(reading: Reading) -> models.User:
    """Return the user whose key it is."""
    if reading.is_station:
        raise Refusal(403, "FORBIDDEN", "Stations cannot read the current user")
    return reading.user


def _itself(reading: Reading) -> Reading:
    return reading


def _identity(reading: Reading, _item: object) -> dict[str, Any]:
    if reading.is_station:
        return {"type": "station", "station": reading.station, "user": None}
    return {"type": "user", "station": None, "user": reading.user}


USERS: Resource[models.User] = Resource(
    name="users",
    source=_users,
    details=(
        Detail("users/current", models.User, _current_user),
        Detail("whoami", models.Identity, _itself, _identity),
    ),
)
