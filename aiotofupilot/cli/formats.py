"""How a listing is written: a table for people; JSON lines, JSON, CSV or Parquet for programs.

JSON and CSV have the API's own names and formats, and Parquet has the library's. None of them has what is a secret.
"""

from __future__ import annotations

import csv
import shutil
import sys
from abc import ABC, abstractmethod
from functools import partial
from io import StringIO
from typing import TYPE_CHECKING, Any, ClassVar

from msgspec import json
from rich.cells import cell_len

from aiotofupilot import to_wire
from aiotofupilot.models.fields import shown_fields

from .failures import UsageError
from .tables import GAP, columns_of, cut, fitted
from .terminal import is_terminal, visible, visible_json

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from .output import Remake
    from .tables import Column


class Format(ABC):
    """A way to write a listing, page by page. Text is in UTF-8."""

    name: ClassVar[str]
    """What ``--format`` calls it."""
    takes_structs: ClassVar[bool] = False
    """Whether it needs the attributes of items alone, and no models."""
    is_flat: ClassVar[bool] = False
    """Whether it has a row for each item, and so no place for the objects in an array."""
    remake: Remake | None = None
    """What makes the file of what was written, when everything has arrived. None: what was written is the file."""
    head: bytes = b""
    """What comes before all items."""
    between: bytes = b""
    """What comes between two pages."""
    tail: bytes = b""
    """What comes after all items."""

    def __init__(self, *, for_terminal: bool = False) -> None:
        # Nothing that a server says may steer a terminal. A pipe or a file gets the server's characters unchanged.
        self._for_terminal = for_terminal

    @abstractmethod
    def page(self, items: Sequence[Any]) -> bytes:
        """Return some items."""


class _JSON(Format):
    def _json(self, item: Any) -> bytes:  # noqa: ANN401 - of any listing
        document = json.encode(to_wire(item, with_secrets=False))
        return visible_json(document) if self._for_terminal else document


class JSONLines(_JSON):
    """One JSON object a line."""

    name = "jsonl"

    def page(self, items: Sequence[Any]) -> bytes:
        """Return a line for each item."""
        return b"".join(self._json(item) + b"\n" for item in items)


class JSONArray(_JSON):
    """One JSON array, an item a line, so that it can be both streamed and searched."""

    name = "json"
    head = b"[\n"
    between = b",\n"
    tail = b"\n]\n"

    def page(self, items: Sequence[Any]) -> bytes:
        """Return a line for each item, without a comma after the last."""
        return self.between.join(map(self._json, items))


class CSV(Format):
    """A header and a row for each item; names of nested objects are joined with dots, null is an empty field.

    Arrays and metadata are JSON.

    Source: https://www.rfc-editor.org/rfc/rfc4180, lines ending with CR LF included
    """

    name = "csv"
    is_flat = True

    def __init__(self, model: type, *, for_terminal: bool = False) -> None:
        super().__init__(for_terminal=for_terminal)
        self._columns = _paths(model)
        self.head: bytes = _rows([[".".join(path) for path in self._columns]])

    def page(self, items: Sequence[Any]) -> bytes:
        """Return a row for each item."""
        documents = [to_wire(item, with_secrets=False) for item in items]
        rows = [[_cell(document, path) for path in self._columns] for document in documents]
        if self._for_terminal:
            rows = [[value and visible(value) for value in row] for row in rows]
        return _rows(rows)


def _paths(model: type) -> list[tuple[str, ...]]:
    """Return the path of each field of a model, through nested models, as the wire has it."""
    paths: list[tuple[str, ...]] = []
    for field in shown_fields(model):
        if field.model is None or field.is_array:
            paths.append((field.wire_name,))
        else:
            paths += [(field.wire_name, *path) for path in _paths(field.model)]
    return paths


def _cell(document: Any, path: tuple[str, ...]) -> str | None:  # noqa: ANN401 - JSON
    for name in path:
        if document is None:
            return None
        document = document[name]
    match document:
        case None | str():
            return document
        case bool() | dict() | list() | tuple():
            return json.encode(document).decode()
        case _:
            return str(document)


def _rows(rows: Sequence[Sequence[str | None]]) -> bytes:
    text = StringIO(newline="")
    csv.writer(text).writerows(rows)
    return text.getvalue().encode()


class Table(Format):
    """A header and a row for each item. The widths are settled before the first row, so that rows can stream.

    No row takes more than ``width`` terminal cells. None: nothing is cut, and no column is left out.
    """

    name = "table"
    is_flat = True

    def __init__(self, columns: Sequence[Column], width: int | None) -> None:
        self._columns = fitted(columns, width)
        self._cuts = width is not None
        self.head: bytes = self._row([column.heading for column in self._columns])

    def page(self, items: Sequence[Any]) -> bytes:
        """Return a row for each item."""
        return b"".join(self._row([visible(column.text(item)) for column in self._columns]) for item in items)

    def _row(self, texts: Sequence[str]) -> bytes:
        cells = (self._cell(text, column.width) for text, column in zip(texts, self._columns, strict=True))
        return (GAP.join(cells).rstrip() + "\n").encode()

    def _cell(self, text: str, width: int) -> str:
        padded = text + " " * (width - cell_len(text))
        return cut(padded, width) if self._cuts else padded


class Parquet(Format):
    """An Arrow stream while items arrive, of which a Parquet file is made in the end. The model gives the columns."""

    name = "parquet"
    takes_structs = True

    def __init__(self, model: type) -> None:
        try:
            from aiotofupilot.arrow.files import stream_head, stream_part, write_parquet  # noqa: PLC0415 - it needs an extra
        except ModuleNotFoundError as error:
            if error.name != "pyarrow":
                raise
            raise UsageError("parquet needs pyarrow: install the extra 'arrow'") from error
        self.remake: Remake | None = write_parquet
        self.head: bytes = stream_head(model)
        self._part = partial(stream_part, model=model)

    def page(self, items: Sequence[Any]) -> bytes:
        """Return a record batch."""
        return self._part(items)


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
    if name == "parquet" and output is None:
        raise UsageError("parquet needs --output FILE, because a Parquet file is made when everything has arrived")
    is_shown = output is None and is_terminal(sys.stdout)
    formats: dict[str, Callable[[], Format]] = {
        "jsonl": lambda: JSONLines(for_terminal=is_shown),
        "json": lambda: JSONArray(for_terminal=is_shown),
        "csv": lambda: CSV(model, for_terminal=is_shown),
        "parquet": lambda: Parquet(model),
        "table": lambda: Table(columns_of(listing), shutil.get_terminal_size().columns if is_shown else None),
    }
    return formats[name]()
