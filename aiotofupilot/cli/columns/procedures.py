"""Procedures as a table."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .column import Column, Columns, moment

if TYPE_CHECKING:
    from aiotofupilot import Procedure

__all__ = ["COLUMNS"]


def _creator(procedure: Procedure) -> str | None:
    user = procedure.created_by_user
    return None if user is None else user.name or user.email


def _repository(procedure: Procedure) -> str | None:
    repository = procedure.linked_repository
    return None if repository is None else repository.full_name


COLUMNS = Columns(
    "procedure",
    (
        Column("ID", lambda procedure: procedure.id, width=36, enough=36, leaves=0),
        Column("CREATED", lambda procedure: moment(procedure.created_at), width=17, enough=17, leaves=3),
        Column("NAME", lambda procedure: procedure.name, width=20, enough=48, leaves=4),
        Column("CREATED BY", _creator, width=12, enough=24, leaves=2),
        Column("REPOSITORY", _repository, width=16, enough=48, leaves=1),
    ),
)
