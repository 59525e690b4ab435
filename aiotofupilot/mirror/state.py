"""The mirror's own tables: of what a database is a mirror, and how far each of its tables has come.

Anybody can change them by hand. So each of them is checked before anything is done with it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from attrs import frozen

from .results import MirrorError
from .tables import TABLES

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

FORMAT = 1
"""The number of the format that this version writes. A new format needs a migration from each older one. A new column
of a listing needs a new format, because an older version would leave it null in the rows that it adds."""

OWN: Mapping[str, Mapping[str, str]] = {
    "_mirror": {
        "format": "INTEGER",
        "server": "VARCHAR",
        "organization": "VARCHAR",
        "updated_at": "TIMESTAMP WITH TIME ZONE",
    },
    "_mirror_listings": {"listing": "VARCHAR", "filters": "VARCHAR", "watermark": "VARCHAR"},
}
"""The columns of the mirror's own tables, and their types. The first one has a single row."""


@frozen
class State:
    """Of what a database is a mirror."""

    server: str
    """The address of the API."""
    organization: str | None
    """ID of the organization. None: the server could not tell it."""
    filters: Mapping[str, str]
    """The names of the tables that are mirrored, with their filters as text."""


def state_of(present: Mapping[str, Mapping[str, str]], run: Callable[[str], Sequence[tuple[Any, ...]]]) -> State | None:
    """Return of what a database is a mirror, given its tables and what executes a statement. None: of nothing yet.

    What this version does not write is a `MirrorError`.
    """
    if not present.keys() & OWN.keys():
        return None
    if present.get("_mirror", {}).get("format") == OWN["_mirror"]["format"]:  # a newer format has any other columns
        found = run("SELECT coalesce(max(format), 0) FROM _mirror")[0][0]
        if found > FORMAT:
            message = f"the database has the format {found}, and this version knows {FORMAT}: install a newer one"
            raise MirrorError(message)
    for table, columns in OWN.items():
        if present.get(table) != columns:
            raise _changed(table, "has other columns" if table in present else "is missing")
    rows = run("SELECT format, server, organization FROM _mirror")
    if len(rows) != 1:
        raise _changed("_mirror", f"has {len(rows)} rows in the place of 1")
    ((number, server, organization),) = rows
    if number not in range(1, FORMAT + 1) or server is None:
        raise _changed("_mirror", f"has the format {number} and the server {server}")
    listed = run("SELECT listing, filters FROM _mirror_listings")
    filters = dict(listed)
    if unknown := filters.keys() - {*TABLES}:
        raise _changed("_mirror_listings", f"names {unknown.pop()}, which this version does not know")
    if len(filters) < len(listed) or None in filters.values():
        raise _changed("_mirror_listings", "names a table twice, or without its filters")
    return State(server, organization, filters)


def _changed(table: str, fault: str) -> MirrorError:
    return MirrorError(f"the table {table} {fault}: restore a copy of the file, or choose another file")
