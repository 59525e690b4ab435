"""The listings of procedures, deployments, stations and users. The API documents the order of none of them.

The latest deployment comes first. The listing of users is a bare array, without pages or parameters.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from aiotofupilot.models import Commit, Deployment, DeploymentRepository, Metadata, Procedure, Station, Team, User
from aiotofupilot.sandbox.parameters import pages
from aiotofupilot.sandbox.recipes import BENCHES, TEAMS
from aiotofupilot.sandbox.resource import Predicate, Resource, Snapshot, among, contains, equal_to, mentions

if TYPE_CHECKING:
    from collections.abc import Iterator
    from random import Random

    from aiotofupilot.sandbox.world import World

__all__ = ["DEPLOYMENTS", "PROCEDURES", "STATIONS", "USERS"]

_MESSAGES = ("Tighten the ripple limit", "Wait for the fixture", "Read the label twice")
_STATUSES = ("ready", "ready", "failed", "building", "pending")
_QUEUED = timedelta(seconds=4)
_BUILT = timedelta(seconds=51)

PROCEDURES: Resource[Procedure] = Resource(
    name="procedures",
    filters={"search_query": mentions("name", shortest=6, within=True)},
    pages=pages(safe=False),
)


def _deployment(world: World, number: int) -> Iterator[Deployment]:
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
    yield Deployment(
        id=world.id("deployments", number),
        environment=environment,
        trigger=trigger,
        status=status,
        skipped=status == "failed" and random.random() < 0.5,  # noqa: PLR2004 - half of them
        started_at=None if status == "pending" else deployed_at + _QUEUED,
        ended_at=None if status in {"pending", "building"} else deployed_at + _BUILT,
        deployed_at=deployed_at,
        procedure=world.lines[line],
        commit=None if trigger == "cli" else _commit(world, random, number, deployed_at),
        repository=None if repository is None else DeploymentRepository(repository.provider or "github"),
        stations=tuple(world.stations[bench] for bench in world.benches_of(line)) if status == "ready" else (),
    )


def _commit(world: World, random: Random, number: int, deployed_at: datetime) -> Commit:
    """Make the commit of a deployment."""
    author = random.choice(world.refs)
    return Commit(
        id=world.id("commits", number),
        sha=f"{random.getrandbits(160):040x}",
        message=random.choice(_MESSAGES),
        author_username=(author.email or "line@example.com").partition("@")[0].replace(".", "-"),
        author_avatar_url=random.choice((None, f"https://example.com/people/{author.id}.png")),
        committed_at=None if random.random() < 0.2 else deployed_at - timedelta(seconds=89),  # noqa: PLR2004 - some
        branch=random.choice(("next", "hotfix", None)) if number % 2 else "main",
    )


DEPLOYMENTS: Resource[Deployment] = Resource(
    name="deployments",
    source=lambda world: world.deployments,
    make=_deployment,
    order="procedure_ids environments build_statuses pushed branch_names author_usernames deployed_after "
    "deployed_before search_query limit",
    filters={
        "build_statuses": among("status"),
        "pushed": equal_to(lambda deployment: bool(deployment.stations)),
        "branch_names": among("commit.branch"),
        "search_query": contains("commit.message", "commit.sha", "procedure.name"),
    },
)


def _station(world: World, number: int) -> Iterator[Station]:
    """Make the station with a number."""
    ref, team = world.stations[number], BENCHES[number].team
    lines = [ref for line, ref in enumerate(world.lines) if number in world.benches_of(line)]
    yield Station(
        id=ref.id,
        name=ref.name,
        procedures=tuple(lines),
        procedures_count=len(lines),
        team=None if team is None else Team(world.id("teams", team), TEAMS[team]),
    )


def _metadata(_world: World, number: int) -> Metadata:
    """Return the metadata of a made-up station."""
    return {"location": ("Lyon", "Graz")[number % 2], "bay": number + 1, "worn": BENCHES[number].failure_rate > 0.3}  # noqa: PLR2004 - more than others


def _runs_procedures(wanted: frozenset[str], _snapshot: Snapshot) -> Predicate:
    """Select stations that run one of the procedures."""
    return lambda station: any(procedure.id in wanted for procedure in station.procedures)


STATIONS: Resource[Station] = Resource(
    name="stations",
    source=lambda _world: range(len(BENCHES)),
    make=_station,
    included={"metadata": _metadata},
    filters={"search_query": contains("name"), "procedure_ids": _runs_procedures},
)


def _users(world: World) -> list[User]:
    """Return the people with an account: those who create items, and one who is banned."""
    image = "https://example.com/robin.png"
    former = User(world.id("users", 2), "Robin Former", "robin.former@example.com", image, banned=True)
    return [*(User(ref.id, ref.name, ref.email) for ref in world.refs), former]


USERS: Resource[User] = Resource(name="users", source=_users, make=lambda _world, user: (user,), pages=())
