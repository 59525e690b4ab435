"""Items as text for programs: the API's own names and spelling, in JSON lines, one JSON array, or CSV."""

from __future__ import annotations

import csv
from abc import ABC, abstractmethod
from io import StringIO
from typing import TYPE_CHECKING, Any, ClassVar, get_args, get_origin, get_type_hints

import attrs
import orjson

from aiotofupilot import to_wire
from aiotofupilot.models import wire_name

from .terminal import visible, visible_json

if TYPE_CHECKING:
    from collections.abc import Sequence

    from .files import Remake

__all__ = ["CSV", "Format", "JSONArray", "JSONLines"]


class Format(ABC):
    """A way to write a listing, page by page. Text is in UTF-8."""

    name: ClassVar[str]
    """What ``--format`` calls it."""
    is_resumable: ClassVar[bool] = True
    """Whether no page depends on what was written before, so that another run can resume after any of them."""
    takes_shapes: ClassVar[bool] = False
    """Whether it needs the attributes of items alone, and no models."""
    for_terminal: bool = False
    """Whether a terminal shows what is written. Nothing that a server says may steer it.

    A pipe or a file gets the server's characters unchanged.
    """

    @property
    def remake(self) -> Remake | None:
        """What makes the file of what was written, when everything has arrived. None: what was written is the file."""
        return None

    def head(self) -> bytes:
        """Return what comes before all items."""
        return b""

    @abstractmethod
    def page(self, items: Sequence[Any]) -> bytes:
        """Return some items, which follow those of the call before."""

    def tail(self) -> bytes:
        """Return what comes after all items."""
        return b""


class _JSON(Format):
    def _json(self, item: Any) -> bytes:  # noqa: ANN401 - of any listing
        document = orjson.dumps(to_wire(item))
        return visible_json(document) if self.for_terminal else document


class JSONLines(_JSON):
    """One JSON object a line."""

    name = "jsonl"

    def page(self, items: Sequence[Any]) -> bytes:
        """Return a line for each item."""
        return b"".join(self._json(item) + b"\n" for item in items)


class JSONArray(_JSON):
    """One JSON array, an item a line, so that it can be both streamed and searched."""

    name = "json"
    is_resumable = False

    def __init__(self) -> None:
        self._separator = b"\n"

    def head(self) -> bytes:
        """Return the opening bracket."""
        return b"["

    def page(self, items: Sequence[Any]) -> bytes:
        """Return a line for each item, without a comma after the last."""
        lines: list[bytes] = []
        for item in items:
            lines += self._separator, self._json(item)
            self._separator = b",\n"
        return b"".join(lines)

    def tail(self) -> bytes:
        """Return the closing bracket."""
        return b"\n]\n"


class CSV(Format):
    """A header and a row for each item; names of nested objects are joined with dots, null is an empty field.

    Arrays and metadata are JSON.

    Source: https://www.rfc-editor.org/rfc/rfc4180, lines ending with CR LF included
    """

    name = "csv"

    def __init__(self, model: type) -> None:
        self._columns = _paths(model)

    def head(self) -> bytes:
        """Return the header."""
        return _rows([[".".join(path) for path in self._columns]])

    def page(self, items: Sequence[Any]) -> bytes:
        """Return a row for each item."""
        documents = [to_wire(item) for item in items]
        rows = [[_cell(document, path) for path in self._columns] for document in documents]
        if self.for_terminal:
            rows = [[value and visible(value) for value in row] for row in rows]
        return _rows(rows)


def _paths(model: type) -> list[tuple[str, ...]]:
    """Return the path of each field of a model, through nested models, as the wire has it.

    They are read off the model, so that the header does not depend on which items come first.
    """
    hints = get_type_hints(model)
    paths: list[tuple[str, ...]] = []
    for field in attrs.fields(model):
        name = wire_name(field)
        kinds = [hints[field.name], *get_args(hints[field.name])]
        nested = next((kind for kind in kinds if isinstance(kind, type) and attrs.has(kind)), None)
        is_array = any(get_origin(kind) is tuple for kind in kinds)
        if nested is None or is_array:
            paths.append((name,))
        else:
            paths += [(name, *path) for path in _paths(nested)]
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
            return orjson.dumps(document).decode()
        case _:
            return str(document)


def _rows(rows: Sequence[Sequence[str | None]]) -> bytes:
    text = StringIO(newline="")
    csv.writer(text).writerows(rows)
    return text.getvalue().encode()
