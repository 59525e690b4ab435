"""The views and macros that a mirror makes in the database, in the schema ``tofupilot``.

There is a view for each table, with the rows that the server still listed when the mirror looked last. The macros
stand in ``recipes.sql``.
"""

from __future__ import annotations

import re
from functools import cache
from importlib.resources import files

from attrs import frozen

from .selection import TABLES


@frozen
class Definition:
    """A view or a macro."""

    name: str
    """Its name in the schema."""
    sql: str
    """The statement that makes it, or makes it anew."""
    needs: frozenset[str]
    """The tables that have to be there before it is made."""


@cache
def definitions() -> tuple[Definition, ...]:
    """Return all views and macros. Each stands after those that it needs."""
    made = {
        name: Definition(
            name,
            f"CREATE OR REPLACE VIEW tofupilot.{name} AS SELECT * EXCLUDE (_gone_at) FROM main.{name} "  # noqa: S608 - a listing's name
            "WHERE _gone_at IS NULL",
            frozenset({name}),
        )
        for name in TABLES
    }
    recipes = files("aiotofupilot.mirror").joinpath("recipes.sql").read_text(encoding="utf-8")
    for sql in re.split(r"(?=^CREATE )", recipes, flags=re.MULTILINE)[1:]:
        name, *used = re.findall(r"\btofupilot\.(\w+)", re.sub(r"--.*", "", sql))
        made[name] = Definition(name, sql, frozenset(table for each in used for table in made[each].needs))
    return tuple(made.values())
