"""Deployments as a table."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .column import Column, Columns, moment

if TYPE_CHECKING:
    from aiotofupilot import Deployment

__all__ = ["COLUMNS"]


def _procedure(deployment: Deployment) -> str | None:
    return None if deployment.procedure is None else deployment.procedure.name


def _commit(deployment: Deployment) -> str | None:
    return None if deployment.commit is None else f"{deployment.commit.sha[:7]} {deployment.commit.message}"


COLUMNS = Columns(
    "deployment",
    (
        Column("ID", lambda deployment: deployment.id, width=36, enough=36, leaves=0),
        Column("DEPLOYED", lambda deployment: moment(deployment.deployed_at), width=17, enough=17, leaves=3),
        Column("STATUS", lambda deployment: deployment.status, width=8, enough=8, leaves=4),
        Column("ENVIRONMENT", lambda deployment: deployment.environment, width=11, enough=11, leaves=2),
        Column("PROCEDURE", _procedure, width=18, enough=40, leaves=5),
        Column("COMMIT", _commit, width=16, enough=48, leaves=1),
    ),
)
