"""The listing of deployments. The API does not document its order. Here, the latest comes first."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from aiotofupilot.models import Commit, Deployment, DeploymentRepository
from aiotofupilot.sandbox.resource import Resource, among, at_least, contains, equal_to, until

if TYPE_CHECKING:
    from collections.abc import Iterator
    from random import Random

    from aiotofupilot.sandbox.world import World

__all__ = ["DEPLOYMENTS"]

_MESSAGES = ("Tighten the ripple limit", "Wait for the fixture", "Read the label twice")
_STATUSES = ("ready", "ready", "failed", "building", "pending")
_QUEUED = timedelta(seconds=4)
_BUILT = timedelta(seconds=51)


def _make(world: World, number: int) -> Iterator[Deployment]:
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
    make=_make,
    filters={
        "procedure_ids": among("procedure.id"),
        "environments": among("environment"),
        "build_statuses": among("status"),
        "pushed": equal_to(lambda deployment: bool(deployment.stations)),
        "branch_names": among("commit.branch"),
        "author_usernames": among("commit.author_username"),
        "deployed_after": at_least("deployed_at"),
        "deployed_before": until("deployed_at"),
        "search_query": contains("commit.message", "commit.sha", "procedure.name"),
        "limit": None,
    },
)
