"""What a table shows of each listing, and how its columns are made to fit."""

from __future__ import annotations

from contextlib import suppress
from datetime import UTC, datetime, timedelta
from itertools import accumulate
from typing import TYPE_CHECKING, Any, cast

from attrs import evolve, frozen
from rich.cells import cell_len, set_cell_size

from aiotofupilot.listings import listing_class
from aiotofupilot.models.fields import shown_fields

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from aiotofupilot import Measurement, Phase


@frozen
class Column:
    """A column of a table."""

    heading: str
    value: str | Callable[[Any], object]
    """Where the value of its cell is: the names of attributes, joined by dots, or several of these, of which the first
    one counts that leads to something; or a function of the item."""
    width: int
    """Terminal cells that it needs."""
    enough: int
    """The width up to which more width is of use, in terminal cells."""
    leaves: int
    """Where the terminal is too narrow for all columns, the column with the lowest number is left out first."""

    def text(self, item: object) -> str:
        """Return the text of its cell for an item; ``-`` stands for null."""
        if callable(self.value):
            value = self.value(item)
        else:
            found = (_at(item, path.split(".")) for path in self.value.split())
            value = next((value for value in found if value not in (None, "")), None)
        return "-" if value is None else text_of(value) or "-"


def _at(value: object, names: Sequence[str]) -> object:
    """Return the value at a path of attributes. A tuple gives the value of each of its items."""
    if value is None or not names:
        return value
    if isinstance(value, tuple):
        return tuple(_at(each, names) for each in cast("tuple[object, ...]", value))
    return _at(getattr(value, names[0]), names[1:])


def text_of(value: object, timespec: str = "minutes") -> str:
    """Return a value for people, or several values. Times are in UTC, as exact as ``timespec`` says."""
    match value:
        case bool():
            return "yes" if value else "no"
        case int():
            return f"{value:,}"
        case datetime():
            with suppress(OverflowError):  # beyond the years that a date can have in UTC, the offset stays
                value = value.astimezone(UTC)
            return value.isoformat(" ", timespec).replace("+00:00", "Z")
        case timedelta():
            minutes, seconds = divmod(round(value.total_seconds(), 1), 60)
            hours, minutes = divmod(int(minutes), 60)
            return f"{hours}:{minutes:02}:{seconds:04.1f}" if hours else f"{minutes}:{seconds:04.1f}"
        case tuple():
            return ", ".join(text_of(each, timespec) for each in cast("tuple[object, ...]", value))
        case _:
            return str(value)


def _measured(measurement: Measurement) -> str | None:
    values = (measurement.value, measurement.bool_value, measurement.string_value)
    texts = [str(value) for value in values if value is not None]
    return " ".join(filter(None, (texts[0], measurement.units))) if texts else None


def _duration_of_phase(phase: Phase) -> timedelta | None:
    return None if phase.duration_ms is None else timedelta(milliseconds=phase.duration_ms)


_ID = Column("ID", "id", 36, 36, leaves=0)

TABLES: dict[str, tuple[Column, ...]] = {
    "procedures": (
        _ID,
        Column("CREATED", "created_at", 17, 17, leaves=3),
        Column("NAME", "name", 20, 48, leaves=4),
        Column("CREATED BY", "created_by_user.name created_by_user.email", 12, 24, leaves=2),
        Column("REPOSITORY", "linked_repository.full_name", 16, 48, leaves=1),
    ),
    "runs": (
        _ID,
        Column("STARTED", "started_at", 17, 17, leaves=3),
        Column("OUTCOME", "outcome", 7, 7, leaves=5),
        Column("DURATION", "duration", 9, 9, leaves=1),
        Column("SERIAL NUMBER", "unit.serial_number", 14, 24, leaves=4),
        Column("PROCEDURE", "procedure.name", 16, 48, leaves=2),
    ),
    "units": (
        _ID,
        Column("CREATED", "created_at", 17, 17, leaves=2),
        Column("LAST RUN", "last_run.outcome", 8, 8, leaves=4),
        Column("SERIAL NUMBER", "serial_number", 16, 32, leaves=5),
        Column("PART", "part.number", 12, 24, leaves=3),
        Column("BATCH", "batch.number", 10, 20, leaves=1),
    ),
    "parts": (
        _ID,
        Column("CREATED", "created_at", 17, 17, leaves=1),
        Column("NUMBER", "number", 16, 32, leaves=4),
        Column("NAME", "name", 20, 40, leaves=3),
        Column("REVISIONS", "revisions.number", 12, 24, leaves=2),
    ),
    "batches": (
        _ID,
        Column("CREATED", "created_at", 17, 17, leaves=2),
        Column("UNITS", "unit_count", 7, 7, leaves=3),
        Column("NUMBER", "number", 16, 40, leaves=4),
        Column("CREATED BY", "created_by_user.name created_by_station.name", 12, 24, leaves=1),
    ),
    "stations": (
        _ID,
        Column("NAME", "name", 16, 32, leaves=3),
        Column("TEAM", "team.name", 12, 24, leaves=1),
        Column("PROCEDURES", "procedures.name", 16, 60, leaves=2),
    ),
    "users": (
        _ID,
        Column("BANNED", "banned", 6, 6, leaves=1),
        Column("NAME", "name", 16, 32, leaves=3),
        Column("EMAIL", "email", 20, 48, leaves=2),
    ),
    "deployments": (
        _ID,
        Column("DEPLOYED", "deployed_at", 17, 17, leaves=3),
        Column("STATUS", "status", 8, 8, leaves=4),
        Column("ENVIRONMENT", "environment", 11, 11, leaves=2),
        Column("PROCEDURE", "procedure.name", 18, 40, leaves=5),
        Column("COMMIT", lambda one: one.commit and f"{one.commit.sha[:7]} {one.commit.message}", 16, 48, leaves=1),
    ),
    "logs": (
        Column("CREATED", "created_at", 17, 17, leaves=3),
        Column("LEVEL", "level", 8, 8, leaves=4),
        Column("SERIAL NUMBER", "unit.serial_number", 16, 24, leaves=2),
        Column("SOURCE", "source_file", 14, 24, leaves=0),
        Column("MESSAGE", "message", 20, 80, leaves=5),
        Column("PROCEDURE", "procedure.name", 12, 32, leaves=1),
    ),
    "measurements": (
        Column("STARTED", "started_at", 17, 17, leaves=2),
        Column("OUTCOME", "measurement_outcome", 7, 7, leaves=4),
        Column("SERIAL NUMBER", "serial_number", 16, 24, leaves=1),
        Column("MEASUREMENT", "measurement_name", 16, 32, leaves=5),
        Column("VALUE", _measured, 12, 24, leaves=3),
        Column("PHASE", "phase_name", 12, 32, leaves=0),
    ),
    "phases": (
        Column("STARTED", "started_at", 17, 17, leaves=2),
        Column("OUTCOME", "outcome", 7, 7, leaves=4),
        Column("DURATION", _duration_of_phase, 9, 9, leaves=1),
        Column("SERIAL NUMBER", "serial_number", 14, 24, leaves=3),
        Column("NAME", "name", 16, 48, leaves=5),
        Column("RETRY", "retry_count", 5, 5, leaves=0),
    ),
}
"""The columns of each listing, by its name. Those of a fixed width come first. Where nothing is cut, a long text moves
only what follows it."""


def columns_of(listing: str) -> tuple[Column, ...]:
    """Return what a table shows of a listing. Without a table of its own, it shows the ID and the next four fields."""
    if listing in TABLES:
        return TABLES[listing]
    fields = shown_fields(listing_class(listing).model)
    names = [field.name for field in fields if field.model is None and field.name != "id"][:4]
    columns = (Column(name.replace("_", " ").upper(), name, 17, 40, leaves) for leaves, name in enumerate(names, 1))
    return (_ID, *columns)


def counted(items: int, listing: str) -> str:
    """Return a number of items of a listing in words."""
    return f"{items:,} {listing_class(listing).model.__name__.lower() if items == 1 else listing}"


GAP = "  "
"""What stands between two columns."""


def fitted(columns: Sequence[Column], width: int | None) -> list[Column]:
    """Return the columns that fit, with their widths, and leave out others. None: all of them fit.

    The width that is left is shared in proportion to what each column can use.
    """
    if width is None:
        return [evolve(column, width=column.enough) for column in columns]
    kept = list(columns)
    while (missing := sum(column.width + len(GAP) for column in kept) - len(GAP) - width) > 0 and len(kept) > 1:
        kept.remove(min(kept, key=lambda column: column.leaves))
    if missing > 0:
        return [evolve(kept[0], width=max(1, width))]
    usable = list(accumulate((column.enough - column.width for column in kept), initial=0))
    shared = min(-missing, usable[-1])
    ends = [shared * end // (usable[-1] or 1) for end in usable]  # rounded where a share ends, so that none is lost
    return [evolve(column, width=column.width + ends[at + 1] - ends[at]) for at, column in enumerate(kept)]


def cut(text: str, width: int) -> str:
    """Return text that a terminal shows in at most some cells."""
    return text if cell_len(text) <= width else set_cell_size(text, width - 1) + "…"
