"""The tables that a mirror can have: their selection, columns, views and macros.

Two tables of the mirror's own say what the database mirrors, and how far each listing has been read. Anybody can change
them, so they are checked first.

The schema ``tofupilot`` has a view of each table without rows that are gone. Its macros are in ``recipes.sql``.
"""

from __future__ import annotations

import re
from importlib.resources import files
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

import pyarrow as pa
from attrs import frozen

from aiotofupilot._checks import for_parameter, one_of
from aiotofupilot.arrow.rows import JSON_FIELD, database_rows
from aiotofupilot.listings import NAMES, listing_class, part_filters
from aiotofupilot.listings._encoding import query_of

from .results import MirrorError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence, Set as AbstractSet


FORMAT = 1
"""The format that this version writes. A new format needs a migration from each older one. A new column of a listing
needs a new format, because an older version would leave it null."""

OWN: Mapping[str, Mapping[str, str]] = {
    "_mirror": {
        "format": "INTEGER",
        "server": "VARCHAR",
        "organization": "VARCHAR",
        "updated_at": "TIMESTAMP WITH TIME ZONE",
    },
    "_mirror_listings": {"listing": "VARCHAR", "filters": "VARCHAR", "watermark": "VARCHAR"},
    "_mirror_copy": {"mirror": "UUID", "name": "VARCHAR"},
    "_mirror_suspects": {"listing": "VARCHAR", "id": "VARCHAR", "since": "TIMESTAMP WITH TIME ZONE"},
}
"""The columns of the mirror's own tables, and their types. `_mirror` and `_mirror_copy`, which `published` describes,
have a single row. `_mirror_suspects` has the rows that an update missed and no later one has seen or marked."""

_CHECKED = ("_mirror", "_mirror_listings")
"""A file without these tables is not a mirror. The other tables are made if missing."""

GONE = "_gone_at"
"""When an update found that the server no longer lists a row, or null."""

SEEN = "_seen_at"
"""When the update that last read the row began."""

_TYPES: Mapping[pa.DataType, str] = {
    pa.string(): "VARCHAR",
    pa.bool_(): "BOOLEAN",
    pa.int64(): "BIGINT",
    pa.float64(): "DOUBLE",
    pa.timestamp("us", "UTC"): "TIMESTAMP WITH TIME ZONE",
}

FOLLOWING = tuple(name for name in NAMES if listing_class(name).by_run is not None)
"""The tables of items that belong to runs: measurements, phases and logs. They are read together with the runs."""


@frozen
class Selection:
    """Some tables, and their common filters."""

    tables: tuple[str, ...]
    """The listings in reading order. Tables that follow runs add the runs."""
    filters: Mapping[str, object]
    """The filters, by the names that `part_filters` gives them."""

    @classmethod
    def of(cls, listings: Iterable[str] | None, filters: Mapping[str, object] | None) -> Selection:
        """Check these arguments of a `Mirror`, and return their selection."""
        given = {name: value for name, value in (filters or {}).items() if value is not None}
        lacking = {name: sorted(given.keys() - part_filters(name).keys()) for name in NAMES}
        if unknown := sorted(given.keys() - set().union(*map(part_filters, NAMES))):
            raise for_parameter(ValueError(f"filters: no listing has a filter {unknown[0]!r}"), "filters")
        if isinstance(listings, str):
            raise for_parameter(
                TypeError(f"listings must be a list or another iterable of names, got {listings!r}"), "listings"
            )
        if listings is None:
            names = {name for name in NAMES if not lacking[name]}
        else:
            names = {one_of("listings", name, NAMES) for name in listings}
        if not names:
            together = ", ".join(sorted(given)) if listings is None else repr(listings)
            raise for_parameter(
                ValueError(f"listings must not be empty: no listing has the filters {together}"), "listings"
            )
        for name in NAMES:
            if name in names and lacking[name]:
                message = f"filters: {name} have no filter {lacking[name][0]!r}: leave out {name}, or the filter"
                raise for_parameter(ValueError(message), "filters")
        if names.intersection(FOLLOWING):
            names.add("runs")
        selection = cls(tuple(name for name in NAMES if name in names), given)
        for name in selection.tables:
            selection.text(name)  # refuses values that no listing takes
        return selection

    def text(self, name: str) -> str:
        """Return the filters of a listing as a text for the database, independent of their order."""
        listing = "runs" if name in FOLLOWING else name
        return urlencode(sorted(query_of(listing_class(listing).filters, self.arguments(listing))))

    def arguments(self, name: str) -> dict[str, Any]:
        """Return the filters as keyword arguments of a listing, which is not one of `FOLLOWING`."""
        names = part_filters(name)
        return {names[given].name: value for given, value in self.filters.items()}


def run_path(table: str) -> str:
    """Return the dotted path to the ID of the run that wrote a row."""
    by_run = listing_class(table).by_run
    return ".".join(by_run.run_id) if by_run else "id"


def run_column(table: str) -> str:
    """Return the column of `run_path`."""
    return run_path(table).replace(".", "__")


def columns_of(table: str) -> dict[str, str]:
    """Return the columns of a table, and their types."""
    fields: Any = database_rows(listing_class(table).model).schema  # the stubs of pyarrow lack the types of its fields
    columns = {str(each.name): "JSON" if each.metadata == JSON_FIELD else _TYPES[each.type] for each in fields}
    return columns | dict.fromkeys((SEEN, GONE), "TIMESTAMP WITH TIME ZONE")


def definitions(tables: AbstractSet[str]) -> list[str]:
    """Return the statements that make views and macros over tables, in the order of their dependencies."""
    made = {
        name: f"CREATE OR REPLACE VIEW tofupilot.{name} AS SELECT * EXCLUDE ({GONE}) FROM main.{name} "  # noqa: S608 - a listing's name
        f"WHERE {GONE} IS NULL"
        for name in NAMES
        if name in tables
    }
    recipes = files("aiotofupilot.mirror").joinpath("recipes.sql").read_text(encoding="utf-8")
    for sql in re.split(r"(?=^CREATE )", recipes, flags=re.MULTILINE)[1:]:
        name, *used = re.findall(r"\btofupilot\.(\w+)", re.sub(r"--.*", "", sql))
        if made.keys() >= set(used):
            made[name] = sql
    return [*made.values()]


def state_of(
    present: Mapping[str, Mapping[str, str]], run: Callable[[str], Sequence[tuple[Any, ...]]]
) -> tuple[str, str | None, Mapping[str, str]] | None:
    """Return what a database mirrors, or None if nothing yet. ``run`` runs a statement.

    The result is the address of the API, the ID of the organization (None if the server did not say it), and the
    tables with their filters as text. Contents that this version would not write raise a `MirrorError`.
    """
    if not present.keys() & {*_CHECKED}:
        return None
    if present.get("_mirror", {}).get("format") == OWN["_mirror"]["format"]:  # a newer format may have other columns
        found = run("SELECT coalesce(max(format), 0) FROM _mirror")[0][0]
        if found > FORMAT:
            message = f"the database has format {found}, but this version only knows {FORMAT}: install a newer version"
            raise MirrorError(message)
    is_known = all(present.get(table) == OWN[table] for table in _CHECKED)
    heads = run("SELECT server, organization FROM _mirror") if is_known else ()
    listed = run("SELECT listing, filters FROM _mirror_listings") if is_known else ()
    if len(heads) != 1 or not {name for name, _ in listed} <= {*NAMES}:
        raise MirrorError(
            f"somebody has changed {' or '.join(_CHECKED)}, which say what the database mirrors: "
            "restore a backup of the file, or choose another file"
        )
    ((server, organization),) = heads
    return server, organization, dict(listed)
