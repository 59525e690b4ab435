"""The listing of deployments. The API does not document its order. Here, the latest comes first."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from aiotofupilot.models import Commit, Deployment, DeploymentRepository
from aiotofupilot.sandbox.parameters import Choices, Flag, Text, Texts
from aiotofupilot.sandbox.quantities import Moment, pages
from aiotofupilot.sandbox.resource import Resource, among, contains, equal_to, since, until

from .enums import BUILD_STATUSES, ENVIRONMENTS

if TYPE_CHECKING:
    from datetime import datetime

    from aiotofupilot.sandbox.world import World

__all__ = ["DEPLOYMENTS"]

_MESSAGES = ("Tighten the ripple limit", "Wait for the fixture", "Read the label twice")
_STATUSES = ("ready", "ready", "failed", "building", "pending")
_QUEUED = timedelta(seconds=4)
_BUILT = timedelta(seconds=51)


def _make(world: World, number: int) -> Deployment:
    """Make the deployment with a number. Deployments with an even number are for production."""
    wave, index = divmod(number, 2 * len(world.procedures))
    line, other = divmod(index, 2)
    chance = world.chance(number, 5)
    deployed_at = world.deployed_at(wave) + timedelta(minutes=index)
    environment, status, trigger = "production", "ready", "auto"
    if other:
        environment = ("preview", "development")[chance % 2]
        status = _STATUSES[(chance >> 8) % len(_STATUSES)]
        trigger = ("manual", "cli", "auto")[(chance >> 16) % 3]
    repository = world.procedures[line].linked_repository
    return Deployment(
        id=world.id("deployments", number),
        environment=environment,
        trigger=trigger,
        status=status,
        skipped=status == "failed" and (chance >> 24) % 2 == 0,
        started_at=None if status == "pending" else deployed_at + _QUEUED,
        ended_at=None if status in {"pending", "building"} else deployed_at + _BUILT,
        deployed_at=deployed_at,
        procedure=world.procedure(line),
        commit=None if trigger == "cli" else _commit(world, number, deployed_at, main=not other),
        repository=None if repository is None else DeploymentRepository(repository.provider or "github"),
        stations=tuple(world.stations[bench] for bench in world.cycle.benches_of(line)) if status == "ready" else (),
    )


def _commit(world: World, number: int, deployed_at: datetime, *, main: bool) -> Commit:
    """Make the commit of a deployment."""
    chance = [world.chance(number, purpose) for purpose in (6, 7, 8)]
    author = world.people.refs[chance[0] % len(world.people.refs)]
    return Commit(
        id=world.id("commits", number),
        sha="".join(f"{part:016x}" for part in chance)[:40],
        message=_MESSAGES[chance[1] % len(_MESSAGES)],
        author_username=(author.email or "line@example.com").partition("@")[0].replace(".", "-"),
        author_avatar_url=None if chance[1] % 2 else f"https://example.com/people/{author.id}.png",
        committed_at=None if chance[2] % 5 == 0 else deployed_at - timedelta(seconds=89),
        branch="main" if main else ("next", "hotfix", None)[chance[2] % 3],
    )


DEPLOYMENTS: Resource[Deployment] = Resource(
    name="deployments",
    make=_make,
    count=lambda world: world.deployments,
    parameters=(
        Texts("procedure_ids"),
        Choices("environments", ENVIRONMENTS),
        Choices("build_statuses", BUILD_STATUSES),
        Flag("pushed"),
        Texts("branch_names"),
        Texts("author_usernames"),
        Moment("deployed_after"),
        Moment("deployed_before"),
        Text("search_query"),
        *pages(),
    ),
    tests={
        "procedure_ids": among(lambda deployment: deployment.procedure and deployment.procedure.id),
        "environments": among(lambda deployment: deployment.environment),
        "build_statuses": among(lambda deployment: deployment.status),
        "pushed": equal_to(lambda deployment: bool(deployment.stations)),
        "branch_names": among(lambda deployment: deployment.commit and deployment.commit.branch),
        "author_usernames": among(lambda deployment: deployment.commit and deployment.commit.author_username),
        "deployed_after": since(lambda deployment: deployment.deployed_at),
        "deployed_before": until(lambda deployment: deployment.deployed_at),
        "search_query": contains(
            lambda deployment: deployment.commit.message if deployment.commit else None,
            lambda deployment: deployment.commit.sha if deployment.commit else None,
            lambda deployment: deployment.procedure.name if deployment.procedure else None,
        ),
    },
    bounds=("deployed_after", "deployed_before"),
)
