"""How a listing is written: a table for people; JSON lines, JSON, CSV or Parquet for programs.

JSON and CSV have the API's own names and formats, and Parquet has the library's. None of them has what is a secret.
"""

from __future__ import annotations

import csv
import shutil
import sys
from functools import partial
from io import StringIO
from typing import TYPE_CHECKING, Any

from attrs import frozen
from msgspec import json
from rich.cells import cell_len

from aiotofupilot import to_wire
from aiotofupilot.models.fields import shown_fields

from .failures import UsageError
from .tables import GAP, columns_of, cut, fitted
from .terminal import is_terminal, visible, visible_json

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from pathlib import Path

    from .output import Remake
    from .tables import Column


@frozen(kw_only=True)
class Format:
    """A way to write a listing, page by page. Text is in UTF-8.

    Nothing that a server says may steer a terminal. A pipe or a file gets the server's characters unchanged.
    """

    name: str
    """What ``--format`` calls it."""
    page: Callable[[Sequence[Any]], bytes]
    """Returns some items."""
    head: bytes = b""
    """What comes before all items, as the tail comes after them."""
    between: bytes = b""
    """What comes between two pages."""
    tail: bytes = b""
    remake: Remake | None = None
    """What makes the file of what was written, when everything has arrived. None: what was written is the file."""


def json_lines(*, for_terminal: bool = False) -> Format:
    """Return the format of JSON lines: one object a line."""
    return Format(name="jsonl", page=lambda items: b"".join(line + b"\n" for line in _json(items, for_terminal)))


def json_array(*, for_terminal: bool = False) -> Format:
    """Return the format of one JSON array, an item a line, so that it can be both streamed and searched."""
    return Format(
        name="json",
        head=b"[",
        page=lambda items: b",".join(b"\n" + line for line in _json(items, for_terminal)),
        between=b",",
        tail=b"\n]\n",
    )


def _json(items: Iterable[Any], for_terminal: bool) -> Iterable[bytes]:  # noqa: FBT001 - as the formats have it
    documents = (json.encode(to_wire(item, with_secrets=False)) for item in items)
    return map(visible_json, documents) if for_terminal else documents


def csv_rows(model: type, *, for_terminal: bool = False) -> Format:
    """Return the format of a header and a row for each item.

    The names of nested objects are joined with dots, null is an empty field, and arrays and metadata are JSON.

    Source: https://www.rfc-editor.org/rfc/rfc4180, lines ending with CR LF included
    """
    columns = _paths(model)

    def page(items: Sequence[Any]) -> bytes:
        documents = (to_wire(item, with_secrets=False) for item in items)
        rows = ([_cell(document, path) for path in columns] for document in documents)
        return _rows([*map(visible, row)] for row in rows) if for_terminal else _rows(rows)

    return Format(name="csv", head=_rows([[".".join(path) for path in columns]]), page=page)


def _paths(model: type) -> list[tuple[str, ...]]:
    """Return the path of each field of a model, through nested models, as the wire has it."""
    paths: list[tuple[str, ...]] = []
    for field in shown_fields(model):
        if field.model is None or field.is_array:
            paths.append((field.wire_name,))
        else:
            paths += [(field.wire_name, *path) for path in _paths(field.model)]
    return paths


def _cell(document: Any, path: tuple[str, ...]) -> str:  # noqa: ANN401 - JSON
    for name in path:
        document = None if document is None else document[name]
    match document:
        case None:
            return ""
        case str():
            return document
        case bool() | dict() | list() | tuple():
            return json.encode(document).decode()
        case _:
            return str(document)


def _rows(rows: Iterable[Sequence[str]]) -> bytes:
    text = StringIO(newline="")
    csv.writer(text).writerows(rows)
    return text.getvalue().encode()


def table_rows(columns: Sequence[Column], width: int | None) -> Format:
    """Return the format of a header and a row for each item, whose widths are settled before the first row.

    No row takes more than so many terminal cells. None: nothing is cut, and no column is left out.
    """
    shown = fitted(columns, width)

    def row(texts: Iterable[str]) -> bytes:
        cells: list[str] = []
        for text, column in zip(texts, shown, strict=True):
            padded = text + " " * (column.width - cell_len(text))
            cells.append(padded if width is None else cut(padded, column.width))
        return (GAP.join(cells).rstrip() + "\n").encode()

    return Format(
        name="table",
        head=row(column.heading for column in shown),
        page=lambda items: b"".join(row(visible(column.text(item)) for column in shown) for item in items),
    )


def parquet_stream(model: type) -> Format:
    """Return the format of an Arrow stream, of which a Parquet file is made in the end. The model gives the columns."""
    try:
        from aiotofupilot.arrow.files import stream_head, stream_part, write_parquet  # noqa: PLC0415 - it needs an extra
    except ModuleNotFoundError as error:
        if error.name != "pyarrow":
            raise
        raise UsageError("parquet needs pyarrow: install the extra 'arrow'") from error
    page = partial(stream_part, model=model)
    return Format(name="parquet", head=stream_head(model), page=page, remake=write_parquet)


_ENDINGS = {"csv": "csv", "json": "json", "jsonl": "jsonl", "ndjson": "jsonl", "parquet": "parquet", "txt": "table"}
"""The format that the ending of a file names."""


def format_for(name: str | None, output: Path | None, listing: str, model: type) -> Format:
    """Return a new format: the one with the name, or else that of the output's ending, or a table.

    A table on a terminal is at most as wide. Its columns are the listing's, and those of CSV and Parquet the model's.

    Raises:
        UsageError: The ending is that of no format, or something is missing that the format needs.
    """
    ending = output.suffix.lower().removeprefix(".") if output else ""
    name = name or _ENDINGS.get(ending or "txt")
    if name is None:
        *others, last = _ENDINGS
        raise UsageError(
            f"no format is written into files that end in .{ending}: "
            f"let {output} end in .{', .'.join(others)} or .{last}, or name a format with --format"
        )
    is_shown = output is None and is_terminal(sys.stdout)
    if name == "parquet":
        if output is None:
            raise UsageError("parquet needs --output FILE, because a Parquet file is made when everything has arrived")
        return parquet_stream(model)
    if name == "table":
        return table_rows(columns_of(listing), shutil.get_terminal_size().columns if is_shown else None)
    texts: dict[str, Callable[..., Format]] = {"jsonl": json_lines, "json": json_array, "csv": partial(csv_rows, model)}
    return texts[name](for_terminal=is_shown)
