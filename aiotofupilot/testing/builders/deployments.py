"""Deployments, with their commits and repositories."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from aiotofupilot.models import Commit, Deployment, DeploymentRepository

from .identity import aware, identified, identify
from .procedures import make_procedure, make_procedure_ref
from .stations import make_station, make_station_ref

if TYPE_CHECKING:
    from collections.abc import Iterable

    from aiotofupilot.models import Procedure, Station

__all__ = ["make_commit", "make_deployment", "make_deployment_repository"]

_QUEUE = timedelta(seconds=4)
_BUILD = timedelta(seconds=50)
_BEGUN = frozenset({"building", "ready", "failed"})
_ENDED = frozenset({"ready", "failed"})


def make_commit(
    message: str = "Tighten the ripple limit",
    *,
    id: str | None = None,  # noqa: A002 - the API's name
    sha: str = "9fceb02d0ae598e95dc970b74767f19372d61af8",
    author_username: str = "ada-park",
    author_avatar_url: str | None = None,
    committed_at: datetime | None = datetime(2026, 1, 30, 15, 58, tzinfo=UTC),
    branch: str | None = "main",
) -> Commit:
    """Make a commit.

    Args:
        message: Message of the commit.
        id: None: a UUID that depends on the other arguments.
        sha: Hash of the commit, in hexadecimal digits.
        author_username: Name of the author's account at the provider.
        author_avatar_url: URL of the author's picture. None: the author has none.
        committed_at: Timezone-aware. None: the provider did not say.
        branch: None: the server names none.

    Raises:
        ValueError: `committed_at` is naive.
    """
    if committed_at is not None:
        committed_at = aware("committed_at", committed_at)
    identity = id or identify("commit", message, sha, author_username, author_avatar_url, committed_at, branch)
    return Commit(identity, sha, message, author_username, author_avatar_url, committed_at, branch)


def make_deployment_repository(provider: str = "github") -> DeploymentRepository:
    """Make the repository of a deployment.

    Args:
        provider: ``github``, ``gitlab``, ``bitbucket``, or another value.
    """
    return DeploymentRepository(provider)


def make_deployment(
    environment: str = "production",
    *,
    id: str | None = None,  # noqa: A002 - the API's name
    procedure: Procedure | None = make_procedure(),  # noqa: B008 - a value
    trigger: str = "auto",
    status: str = "ready",
    skipped: bool = False,
    deployed_at: datetime = datetime(2026, 1, 30, 16, 0, tzinfo=UTC),
    commit: Commit | None = make_commit(),  # noqa: B008 - a value
    repository: DeploymentRepository | None = make_deployment_repository(),  # noqa: B008 - a value
    stations: Iterable[Station] = (make_station(),),
) -> Deployment:
    """Make a deployment, by default one that is ready. The status decides whether its build has begun and ended.

    Args:
        environment: ``production``, ``preview``, ``development``, or another value.
        id: None: a UUID that depends on the other arguments.
        procedure: The procedure that was deployed. None: the server names none.
        trigger: What triggered it: ``auto``, ``manual``, ``cli``, or another value.
        status: ``pending``: the build has not begun. ``building``: it has begun and has not ended. ``ready`` and
            ``failed``: it has ended. A build with another status has not begun.
        skipped: Whether the build was skipped.
        deployed_at: Timezone-aware.
        commit: None: the server names none.
        repository: None: no repository is linked.
        stations: The stations to which it was deployed.

    Raises:
        ValueError: `deployed_at` is naive.
    """
    deployed_at = aware("deployed_at", deployed_at)
    deployment = Deployment(
        id="",
        environment=environment,
        trigger=trigger,
        status=status,
        skipped=skipped,
        started_at=deployed_at + _QUEUE if status in _BEGUN else None,
        ended_at=deployed_at + _QUEUE + _BUILD if status in _ENDED else None,
        deployed_at=deployed_at,
        procedure=None if procedure is None else make_procedure_ref(procedure),
        commit=commit,
        repository=repository,
        stations=tuple(map(make_station_ref, stations)),
    )
    return identified(deployment, id, "deployment")
