"""Parts as a table."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .column import Column, Columns, moment

if TYPE_CHECKING:
    from aiotofupilot import Part

__all__ = ["COLUMNS"]


def _revisions(part: Part) -> str | None:
    return ", ".join(revision.number for revision in part.revisions) or None


COLUMNS = Columns(
    "part",
    (
        Column("ID", lambda part: part.id, width=36, enough=36, leaves=0),
        Column("CREATED", lambda part: moment(part.created_at), width=17, enough=17, leaves=1),
        Column("NUMBER", lambda part: part.number, width=16, enough=32, leaves=4),
        Column("NAME", lambda part: part.name, width=20, enough=40, leaves=3),
        Column("REVISIONS", _revisions, width=12, enough=24, leaves=2),
    ),
)
