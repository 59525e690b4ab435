"""The tables that a mirror can have: their selection, columns, views, macros and rows of details.

Two tables of the mirror's own say what the database mirrors, and how far each listing has been read. Anybody can change
them, so they are checked first.

The schema ``tofupilot`` has a view of each table without rows that are gone. Its macros are in ``recipes.sql``.
"""

from __future__ import annotations

import re
from array import array
from collections import defaultdict
from functools import cache
from hashlib import blake2b
from importlib.resources import files
from operator import itemgetter
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

import pyarrow as pa
from attrs import evolve, frozen

from aiotofupilot._checks import for_parameter, one_of
from aiotofupilot.arrow.rows import JSON_FIELD, RULES, Column, Rows, database_rows, nested_columns
from aiotofupilot.arrow.waveforms import waveforms
from aiotofupilot.listings import NAMES, listing_class, part_filters
from aiotofupilot.listings._encoding import query_of

from .results import MirrorError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence, Set as AbstractSet

    from aiotofupilot import DecodeError, RunDetails
    from aiotofupilot.arrow.rows import Build

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
"""A file without these tables is not a mirror. The others are made if missing."""

GONE = "_gone_at"
"""When an update found that the server no longer lists a row, or null."""

SEEN = "_seen_at"
"""When the update that last read the row began."""

DATA = "data"
"""The column with the points of a series. The database stores them in a separate table."""

KEY = "series_key"
"""The number of a waveform in the tables of series and of points.

A series whose points have changed gets the next number. So keys ascend in the table of points. DuckDB knows the range
of keys of every 20,480 rows, and reads only the rows it needs.
"""

POINTS = "points"
"""The table of points. Each has the key of a row in the table of series."""

_TYPES: Mapping[pa.DataType, str] = {
    pa.string(): "VARCHAR",
    pa.bool_(): "BOOLEAN",
    pa.int64(): "BIGINT",
    pa.float64(): "DOUBLE",
    pa.timestamp("us", "UTC"): "TIMESTAMP WITH TIME ZONE",
}
"""DuckDB's names for the types of columns."""

_MANY_POINTS, _MANY_ROWS = 250_000, 1_000
"""Details are made into rows once there are this many points, or series and attachments. A point takes 32 bytes as a
Python float."""


def _column(name: str, path: str, kind: object = str, of: Callable[[Any], object] | None = None) -> Column:
    """Return a column of the values at a path, each converted by ``of``."""
    arrow, build = RULES[kind]
    made: Build = build if of is None else lambda values: build([*map(of, values)])
    return Column(tuple(path.split(".")), pa.field(name, arrow), made)


DETAILED = ("series", "attachments")
"""The tables of details."""


@cache
def detailed(table: str) -> Rows:
    """Return the rules that turn waveforms or attachments into rows."""
    from aiotofupilot import Attachment, DataSeries  # noqa: PLC0415 - these take a while, and most mirrors need none

    if table == "attachments":  # without addresses, because anybody could download a file with its address
        own_id, *others = nested_columns(Attachment)
        return Rows([own_id, _column("run_id", "owner", of=itemgetter(1)), *others])
    return Rows(
        [
            _column("id", "id"),
            _column("run_id", "run.id"),
            _column("phase_name", "phase.name"),
            _column("retry_count", "phase.retry_count", int),
            _column("measurement_id", "measurement.id"),
            _column("measurement_name", "measurement.name"),
            _column("series", "number", int),
            _column("series_name", "series.name"),
            _column("description", "series.description"),
            _column("units", "series.units"),
            _column("length", "series.data", int, len),
            _column("digest", "series.data", of=lambda data: blake2b(array("d", data), digest_size=16).hexdigest()),
            *(evolve(each, path=("series", DATA)) for each in nested_columns(DataSeries) if each.field.name == DATA),
        ]
    )


OF_RUNS = tuple(name for name in NAMES if listing_class(name).by_run is not None)
"""The tables of what runs wrote: measurements, phases and logs."""

FOLLOWING = (*OF_RUNS, *DETAILED)
"""The tables that are read together with the runs."""

TABLES = (*NAMES, *DETAILED)
"""All tables that a mirror can have, except its own and that of the points."""


@frozen
class Selection:
    """Some tables, and their common filters."""

    tables: tuple[str, ...]
    """The listings in reading order, then the tables of details. Tables that follow runs add the runs."""
    filters: Mapping[str, object]
    """The filters, by the names that `part_filters` gives them."""

    @classmethod
    def of(
        cls, listings: Iterable[str] | None, filters: Mapping[str, object] | None, *, details: bool = False
    ) -> Selection:
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
        if details:
            names.update(DETAILED)
        if names.intersection(FOLLOWING):
            names.add("runs")
        selection = cls(tuple(name for name in TABLES if name in names), given)
        for name in selection.tables:
            selection.text(name)  # refuses values that no listing takes
        return selection

    def text(self, name: str) -> str:
        """Return the filters of a listing as a text for the database, independent of their order."""
        listing = "runs" if name in FOLLOWING else name
        return urlencode(sorted(query_of(listing_class(listing).filters, self.arguments(listing))))

    def arguments(self, name: str) -> dict[str, Any]:
        """Return the filters as arguments of a listing, which must not be one of `OF_RUNS`."""
        names = part_filters(name)
        return {names[given].name: value for given, value in self.filters.items()}


def run_path(table: str) -> str:
    """Return the dotted path to the ID of the run that wrote a row."""
    by_run = None if table in DETAILED else listing_class(table).by_run
    return ".".join(by_run.run_id) if by_run else "run_id"


def columns_of(table: str) -> dict[str, str]:
    """Return the columns of a table, and their types."""
    if table == POINTS:
        return {KEY: "BIGINT", "index": "INTEGER", "value": "DOUBLE"}
    rows = detailed(table) if table in DETAILED else database_rows(listing_class(table).model)
    fields: Any = rows.schema  # the stubs of pyarrow do not know the types of its fields
    columns = {
        each.name: "JSON" if each.metadata == JSON_FIELD else _TYPES[each.type] for each in fields if each.name != DATA
    }
    key = {KEY: "BIGINT"} if table == "series" else {}
    return columns | key | dict.fromkeys((SEEN, GONE), "TIMESTAMP WITH TIME ZONE")


def definitions(tables: AbstractSet[str]) -> list[str]:
    """Return the statements that make views and macros over tables, in the order of their dependencies."""
    made = {
        name: f"CREATE OR REPLACE VIEW tofupilot.{name} AS SELECT * EXCLUDE ({GONE}) FROM main.{name} "  # noqa: S608 - a listing's name
        f"WHERE {GONE} IS NULL"
        for name in TABLES
        if name in tables
    }
    recipes = files("aiotofupilot.mirror").joinpath("recipes.sql").read_text(encoding="utf-8")
    for sql in re.split(r"(?=^CREATE )", recipes, flags=re.MULTILINE)[1:]:
        name, *used = re.findall(r"\btofupilot\.(\w+)", re.sub(r"--.*", "", sql))
        if made.keys() >= set(used):
            made[name] = sql
    return [*made.values()]


class DetailRows:
    """Details of runs that are not yet rows."""

    def __init__(self) -> None:
        self._items: dict[str, list[Any]] = defaultdict(list)

    def add(self, run: RunDetails) -> None:
        """Add the waveforms and attachments of a run."""
        self._items["series"] += waveforms(run)
        self._items["attachments"] += run.attachments

    @property
    def is_enough(self) -> bool:
        """Whether there are enough to make rows."""
        points = sum(len(waveform.series.data) for waveform in self._items["series"])
        return points >= _MANY_POINTS or sum(map(len, self._items.values())) >= _MANY_ROWS

    def take(self) -> dict[str, tuple[pa.RecordBatch, Sequence[DecodeError]]]:
        """Return the rows of each table that has any, and forget them. Errors are as in `Rows.readable`."""
        items, self._items = self._items, defaultdict(list)
        return {name: detailed(name).readable(each) for name, each in items.items() if each}


def state_of(
    present: Mapping[str, Mapping[str, str]], run: Callable[[str], Sequence[tuple[Any, ...]]]
) -> tuple[str, str | None, Mapping[str, str]] | None:
    """Return what a database mirrors, or None if nothing yet. ``run`` runs a statement.

    The result is the address of the API, the ID of the organization (None if the server did not say it), and the
    tables with their filters as text. Contents that this version would not write raise a `MirrorError`.
    """
    if not present.keys() & {*_CHECKED}:
        return None
    if (
        present.get("_mirror", {}).get("format") == OWN["_mirror"]["format"]
    ):  # the other columns of a newer format are unknown
        found = run("SELECT coalesce(max(format), 0) FROM _mirror")[0][0]
        if found > FORMAT:
            message = f"the database has format {found}, but this version only knows {FORMAT}: install a newer version"
            raise MirrorError(message)
    is_known = all(present.get(table) == OWN[table] for table in _CHECKED)
    heads = run("SELECT format, server, organization FROM _mirror") if is_known else ()
    listed = run("SELECT listing, filters FROM _mirror_listings") if is_known else ()
    number, server, organization = heads[0] if len(heads) == 1 else (0, None, None)
    filters = dict(listed)
    is_odd = len(filters) < len(listed) or None in filters.values() or filters.keys() - {*TABLES}
    if number not in range(1, FORMAT + 1) or server is None or is_odd:
        raise MirrorError(
            f"somebody has changed {' or '.join(_CHECKED)}, which say what the database mirrors: "
            "restore a backup of the file, or choose another file"
        )
    return server, organization, filters
