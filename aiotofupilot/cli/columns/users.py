"""Users as a table."""

from __future__ import annotations

from .column import Column, Columns

__all__ = ["COLUMNS"]

COLUMNS = Columns(
    "user",
    (
        Column("ID", lambda user: user.id, width=36, enough=36, leaves=0),
        Column("BANNED", lambda user: "yes" if user.banned else "no", width=6, enough=6, leaves=1),
        Column("NAME", lambda user: user.name, width=16, enough=32, leaves=3),
        Column("EMAIL", lambda user: user.email, width=20, enough=48, leaves=2),
    ),
)
