"""The formats of a listing: a table or a workbook for people; JSON lines, JSON, CSV or Parquet for programs.

JSON, CSV and workbooks have the API's names, and Parquet has the library's. None contains secrets.
"""

from __future__ import annotations

import csv
import shutil
import sys
from datetime import datetime, timedelta
from functools import partial
from io import StringIO
from types import NoneType
from typing import TYPE_CHECKING, Any, cast

from attrs import evolve, frozen
from rich.cells import cell_len, set_cell_size

import aiotofupilot
from aiotofupilot.errors import visible
from aiotofupilot.listings import listing_class
from aiotofupilot.models.display import text_of
from aiotofupilot.models.fields import leaves_of, shown_fields

from .messages import UsageError, is_terminal, visible_json

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from io import BufferedIOBase, FileIO
    from pathlib import Path

    from aiotofupilot.models.fields import Leaf

    from .output import Remake


@frozen(kw_only=True)
class Format:
    """A way to write a listing, page by page. Text is in UTF-8.

    A server's text cannot control a terminal. A pipe or a file gets the server's characters unchanged.
    """

    name: str
    """The name that ``--format`` takes."""
    page: Callable[[Sequence[object]], bytes]
    """Returns the bytes of items."""
    head: bytes = b""
    between: bytes = b""
    tail: bytes = b""
    """Bytes before all items, between two pages, and after all items."""
    columns: Mapping[str, str] = {}
    """The option ``--columns``, if it is given. A file is resumed only with the same value."""
    remake: Remake | None = None
    """Makes the file from all written bytes. None if the written bytes are the file."""
    most: int | None = None
    """The most items of a file. None for any number."""
    details_at_once: int = 1
    """The most items with details that are written together. An item can have tens of MB."""


def json_lines(*, for_terminal: bool = False) -> Format:
    """Return the format of JSON lines, which has one object per line."""
    return Format(name="jsonl", page=lambda items: b"".join(line + b"\n" for line in _json(items, for_terminal)))


def json_object(item: object, *, for_terminal: bool) -> bytes:
    """Return one item as JSON: indented for a terminal, otherwise in one line."""
    from msgspec import json  # noqa: PLC0415 - as in `_json`

    (document,) = _json([item], for_terminal)
    return (json.format(document, indent=2) if for_terminal else document) + b"\n"


def json_array(*, for_terminal: bool = False) -> Format:
    """Return the format of one JSON array. Each item has its own line, so programs can stream the array."""
    return Format(
        name="json",
        head=b"[",
        page=lambda items: b",".join(b"\n" + line for line in _json(items, for_terminal)),
        between=b",",
        tail=b"\n]\n",
    )


def _json(items: Iterable[object], for_terminal: bool) -> Iterable[bytes]:  # noqa: FBT001 - as the formats have it
    from msgspec import json  # noqa: PLC0415 - help need not wait for the codec

    documents = (json.encode(aiotofupilot.to_wire(item, with_secrets=False)) for item in items)
    return map(visible_json, documents) if for_terminal else documents


def csv_rows(model: type, columns: Sequence[str] | None = None, *, for_terminal: bool = False) -> Format:
    """Return the format of CSV: a header and a row for each item.

    Names of nested objects are joined with dots, null is empty, and arrays and metadata are JSON.

    Source: https://www.rfc-editor.org/rfc/rfc4180, including lines that end with CR LF
    """
    leaves = chosen(model, columns)

    def page(items: Sequence[object]) -> bytes:
        documents = (aiotofupilot.to_wire(item, with_secrets=False) for item in items)
        rows = ([_cell(document, leaf.path) for leaf in leaves] for document in documents)
        return _rows([*map(visible, row)] for row in rows) if for_terminal else _rows(rows)

    return Format(name="csv", head=_rows([[*map(_name, leaves)]]), page=page)


def _values(item: object, leaves: Iterable[Leaf]) -> list[object]:
    """Return the values of an item. Plain values are unchanged, and others become what they are in CSV."""
    found = [(leaf, _at(item, leaf.attributes)) for leaf in leaves]
    if all(isinstance(value, _PLAIN) for _, value in found):
        return [value for _, value in found]
    document = aiotofupilot.to_wire(item, with_secrets=False)
    return [value if isinstance(value, _PLAIN) else _cell(document, leaf.path) for leaf, value in found]


_PLAIN = (str, bool, int, float, datetime, timedelta, NoneType)


def _name(leaf: Leaf) -> str:
    return ".".join(leaf.path)


def chosen(model: type, columns: Sequence[str] | None) -> list[Leaf]:
    """Return the fields with these names, in this order, or all of them.

    Raises:
        UsageError: There is no such field, or one is named twice.
    """
    known = {_name(leaf): leaf for leaf in leaves_of(model)}
    if columns is None:
        return [*known.values()]
    for at, name in enumerate(columns):
        if name not in known:
            raise UsageError(f'--columns: there is no column "{name}": there are {", ".join(known)}')
        if name in columns[:at]:
            raise UsageError(f'--columns: "{name}" is named twice')
    return [known[name] for name in columns]


def _cell(document: Any, path: tuple[str, ...]) -> str:  # noqa: ANN401 - JSON
    for name in path:
        document = None if document is None else document[name]
    match document:
        case None:
            return ""
        case str():
            return document
        case bool() | dict() | list() | tuple():
            from msgspec import json  # noqa: PLC0415 - as in `_json`

            return json.encode(document).decode()
        case _:
            return str(document)


def _rows(rows: Iterable[Sequence[str]]) -> bytes:
    text = StringIO(newline="")
    csv.writer(text).writerows(rows)
    return text.getvalue().encode()


def table_rows(columns: Sequence[Column], width: int | None, *, needs_all: bool = False) -> Format:
    """Return the format of a table: a header and a row for each item, with widths fixed before the first row.

    A row takes at most ``width`` terminal cells. If None, nothing is cut or left out. With ``needs_all``, columns are
    made narrower and never left out.
    """
    shown = fitted(columns, width, needs_all=needs_all)

    def row(texts: Iterable[str]) -> bytes:
        cells: list[str] = []
        for text, column in zip(texts, shown, strict=True):
            padded = text + " " * (column.width - cell_len(text))
            cells.append(padded if width is None else cut(padded, column.width))
        return (_GAP.join(cells).rstrip() + "\n").encode()

    return Format(
        name="table",
        head=row(column.heading for column in shown),
        page=lambda items: b"".join(row(visible(column.text(item)) for column in shown) for item in items),
    )


_ENDINGS = {name: name for name in ("csv", "json", "jsonl", "parquet", "xlsx")} | {"ndjson": "jsonl", "txt": "table"}
"""The format for each ending."""

_MADE = {"parquet": "Parquet file", "xlsx": "workbook"}
"""The formats whose file is made when everything has arrived, and what such a file is called."""


def format_for(
    name: str | None, output: Path | None, listing: str, model: type, *, columns: str | None = None
) -> Format:
    """Return a new format: the named format, or else the format of the output's ending, or else a table.

    On a terminal, a table is cut to its width. A table has the columns of `TABLES`, and other formats have the fields
    of the model. ``columns`` names other columns, separated by commas.

    Raises:
        UsageError: The ending has no format, there is no such column, or the format does not fit the other options.
    """
    ending = output.suffix.lower().removeprefix(".") if output else ""
    name = name or _ENDINGS.get(ending or "txt")
    if name is None:
        raise UsageError(
            f"there is no format for files that end in .{ending}: "
            f"let {output} end in one of .{', .'.join(sorted(_ENDINGS))}, or name a format with --format"
        )
    if columns is not None and name in ("json", "jsonl"):
        raise UsageError("--columns is for the formats table, csv, parquet and xlsx, because JSON has no columns")
    if name in _MADE and output is None:
        raise UsageError(f"{name} needs --output FILE, because a {_MADE[name]} is made when everything has arrived")
    names = None if columns is None else columns.split(",")
    is_shown = output is None and is_terminal(sys.stdout)
    formats: dict[str, Callable[[], Format]] = {
        "table": partial(_table, listing, model, names, is_shown=is_shown),
        "jsonl": partial(json_lines, for_terminal=is_shown),
        "json": partial(json_array, for_terminal=is_shown),
        "csv": partial(csv_rows, model, names, for_terminal=is_shown),
        "parquet": partial(_parquet, model, names),
        "xlsx": partial(_workbook, model, names),
    }
    form = formats[name]()
    return form if columns is None else evolve(form, columns={"--columns": columns})


def _table(listing: str, model: type, names: Sequence[str] | None, *, is_shown: bool) -> Format:
    columns = columns_of(listing) if names is None else tuple(map(_column, chosen(model, names)))
    width = shutil.get_terminal_size().columns if is_shown else None
    return table_rows(columns, width, needs_all=names is not None)


def _parquet(model: type, names: Sequence[str] | None) -> Format:
    from aiotofupilot.arrow.streaming import stream_head, stream_part, write_parquet  # noqa: PLC0415 - it needs an extra

    columns = None if names is None else tuple(".".join(leaf.attributes) for leaf in chosen(model, names))
    page = partial(stream_part, model=model, columns=columns)
    head = stream_head(model, columns)

    async def remake(stream: FileIO, target: BufferedIOBase, _folder: Path) -> None:
        await write_parquet(stream, target)

    # Making columns for ten runs takes hardly longer than for one.
    return Format(name="parquet", head=head, page=page, remake=remake, details_at_once=10)


def _workbook(model: type, names: Sequence[str] | None) -> Format:
    from .xlsx import ROWS, cell, write_xlsx  # noqa: PLC0415 - it needs an extra

    leaves = chosen(model, names)

    def page(items: Sequence[object]) -> bytes:
        from msgspec import json  # noqa: PLC0415 - as in `_json`

        return b"".join(json.encode([*map(cell, _values(item, leaves))]) + b"\n" for item in items)

    kinds = [None if leaf.field.is_array else leaf.field.kind for leaf in leaves]
    remake = partial(write_xlsx, names=[*map(_name, leaves)], kinds=kinds)
    return Format(name="xlsx", page=page, remake=remake, most=ROWS)


_WIDTHS: Mapping[object, int] = {datetime: 17, timedelta: 10, bool: 8, int: 12}
"""Terminal cells for values of a type."""

_ID, _LEAST, _USUAL, _MOST = 36, 12, 32, 48
"""Terminal cells for an ID, and for other texts: the least, the number without a terminal, and the most."""


@frozen
class Column:
    """A column of a table."""

    heading: str
    value: Callable[[Any], object]
    """Returns the cell's value for an item."""
    width: int
    """How many terminal cells it needs."""
    is_elastic: bool
    """Whether more width helps."""

    def text(self, item: object) -> str:
        """Return the cell's text for an item, or ``-`` for null."""
        value = self.value(item)
        return "-" if value is None else text_of(value) or "-"


def _at(value: object, names: Sequence[str]) -> object:
    """Return the value at a path of attributes, for each item of a tuple."""
    if value is None or not names:
        return value
    if isinstance(value, tuple):
        return tuple(_at(each, names) for each in cast("tuple[object, ...]", value))
    return _at(getattr(value, names[0]), names[1:])


TABLES: dict[str, tuple[str, ...]] = {
    "procedures": (
        "id",
        "created_at",
        "name",
        "created_by_user.name created_by_user.email",
        "linked_repository.full_name",
    ),
    "runs": ("id", "started_at", "outcome", "unit", "procedure", "duration"),
    "units": ("id", "created_at", "serial_number", "last_run.outcome", "part", "batch"),
    "parts": ("id", "number", "name", "revisions.number", "created_at"),
    "batches": ("id", "created_at", "number", "unit_count", "created_by_user.name created_by_station.name"),
    "stations": ("id", "name", "procedures.name", "team"),
    "users": ("id", "name", "email", "banned"),
    "deployments": ("id", "deployed_at", "status", "procedure", "environment", "commit.message"),
    "logs": ("created_at", "level", "message", "unit", "procedure", "source_file"),
    "measurements": (
        "started_at",
        "measurement_outcome",
        "measurement_name",
        "value bool_value string_value",
        "units",
        "serial_number",
        "phase_name",
    ),
    "phases": ("started_at", "outcome", "name", "serial_number", "duration_ms", "retry_count"),
}
"""The columns of each listing's table, as paths of attributes. If a column has several paths, the first with a value is
shown. On a narrow terminal, the ID is left out first, and then the last columns."""


def columns_of(listing: str) -> tuple[Column, ...]:
    """Return the columns of a listing in `TABLES`, or else its first five fields."""
    fields = {field.name: field for field in shown_fields(listing_class(listing).model)}
    paths = TABLES.get(listing) or [name for name, field in fields.items() if field.model is None][:5]
    columns: list[Column] = []
    for path in paths:
        name = path.split()[0].partition(".")[0]
        heading = name.removesuffix("_at").removesuffix("_user").replace("_", " ").upper()
        columns.append(_of_kind(heading, path, fields[name].kind, partial(_first, path)))
    return tuple(columns)


def _of_kind(heading: str, path: str, kind: object, value: Callable[[Any], object]) -> Column:
    width = _ID if path == "id" else _WIDTHS.get(kind, 0)
    return Column(heading, value, max(width or _LEAST, len(heading)), is_elastic=not width)


def _first(paths: str, item: object) -> object:
    """Return the first value at one of several paths, or None."""
    found = (_at(item, path.split(".")) for path in paths.split())
    return next((value for value in found if value not in (None, "")), None)


def _column(leaf: Leaf) -> Column:
    heading = _name(leaf).replace("_", " ").replace(".", " ").upper()
    kind = None if leaf.field.is_array else leaf.field.kind
    return _of_kind(heading, _name(leaf), kind, lambda item: _values(item, (leaf,))[0])


def counted(items: int, listing: str) -> str:
    """Return a number of items with the listing's name, such as ``1 run``."""
    return f"{items:,} {listing_class(listing).model.__name__.lower() if items == 1 else listing}"


_GAP = "  "


def fitted(columns: Sequence[Column], width: int | None, *, needs_all: bool = False) -> list[Column]:
    """Return the columns that fit into a width, with their final widths. With ``needs_all``, return all.

    Elastic columns share the remaining width. If the returned columns are still too wide, all are narrowed in
    proportion.
    """
    kept = list(columns)
    if width is None:
        return [evolve(column, width=_USUAL) if column.is_elastic else column for column in kept]
    while (spare := width + len(_GAP) - sum(column.width + len(_GAP) for column in kept)) < 0:
        if needs_all or len(kept) == 1:
            needed = sum(column.width for column in kept)
            return [evolve(column, width=max(1, column.width * (needed + spare) // needed)) for column in kept]
        kept.pop(0 if kept[0].heading == "ID" else -1)
    share = spare // max(1, sum(column.is_elastic for column in kept))
    return [evolve(one, width=min(_MOST, one.width + share)) if one.is_elastic else one for one in kept]


def cut(text: str, width: int) -> str:
    """Cut a text to at most ``width`` terminal cells."""
    return text if cell_len(text) <= width else set_cell_size(text, width - 1) + "…"
