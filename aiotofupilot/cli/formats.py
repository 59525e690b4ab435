"""Procedures as text for programs: the API's own names and spelling, in JSON lines, one JSON array, or CSV."""

from __future__ import annotations

import csv
from abc import ABC, abstractmethod
from io import StringIO
from typing import TYPE_CHECKING, Any, ClassVar

import orjson

from aiotofupilot._wire.codec import to_wire

from .terminal import visible, visible_json

if TYPE_CHECKING:
    from collections.abc import Sequence

    from aiotofupilot import Procedure

__all__ = ["CSV", "Format", "JSONArray", "JSONLines"]


class Format(ABC):
    """A spelling of a listing, page by page, in UTF-8."""

    name: ClassVar[str]
    """What ``--format`` calls it."""
    can_go_on: ClassVar[bool] = True
    """Whether no page depends on what was written before, so that another run can go on behind any of them."""
    for_terminal: bool = False
    """Whether a terminal shows what is written. Nothing that a server says may steer it.

    A pipe or a file gets the server's characters unchanged.
    """

    def head(self) -> bytes:
        """Return what comes before all items."""
        return b""

    @abstractmethod
    def page(self, procedures: Sequence[Procedure]) -> bytes:
        """Return some items, which follow those of the call before."""

    def tail(self) -> bytes:
        """Return what comes behind all items."""
        return b""


class _JSON(Format):
    def _json(self, procedure: Procedure) -> bytes:
        document = orjson.dumps(to_wire(procedure))
        return visible_json(document) if self.for_terminal else document


class JSONLines(_JSON):
    """One JSON object a line."""

    name = "jsonl"

    def page(self, procedures: Sequence[Procedure]) -> bytes:
        """Return a line for each procedure."""
        return b"".join(self._json(procedure) + b"\n" for procedure in procedures)


class JSONArray(_JSON):
    """One JSON array, an item a line, so that it can be both streamed and searched."""

    name = "json"
    can_go_on = False

    def __init__(self) -> None:
        self._separator = b"\n"

    def head(self) -> bytes:
        """Return the opening bracket."""
        return b"["

    def page(self, procedures: Sequence[Procedure]) -> bytes:
        """Return a line for each procedure, without a comma behind the last."""
        lines: list[bytes] = []
        for procedure in procedures:
            lines += self._separator, self._json(procedure)
            self._separator = b",\n"
        return b"".join(lines)

    def tail(self) -> bytes:
        """Return the closing bracket."""
        return b"\n]\n"


_COLUMNS: dict[str | None, tuple[str, ...]] = {
    None: ("id", "name", "created_at"),
    "created_by_user": ("id", "name", "email"),
    "linkedRepository": ("id", "name", "fullName", "provider"),
}
"""By the object that they are in. Fixed, so that the header does not depend on which items come first."""


class CSV(Format):
    """A header and a row for each procedure; a nested object's names are joined with a dot, null is an empty field.

    Source: https://www.rfc-editor.org/rfc/rfc4180, lines ending with CR LF included
    """

    name = "csv"

    def head(self) -> bytes:
        """Return the header."""
        columns = [f"{outer}.{name}" if outer else name for outer, names in _COLUMNS.items() for name in names]
        return _rows([columns])

    def page(self, procedures: Sequence[Procedure]) -> bytes:
        """Return a row for each procedure."""
        rows = [_row(to_wire(procedure)) for procedure in procedures]
        if self.for_terminal:
            rows = [[value and visible(value) for value in row] for row in rows]
        return _rows(rows)


def _row(document: dict[str, Any]) -> list[str | None]:
    row: list[str | None] = []
    for outer, names in _COLUMNS.items():
        fields = (document[outer] or {}) if outer else document
        row += map(fields.get, names)
    return row


def _rows(rows: Sequence[Sequence[str | None]]) -> bytes:
    text = StringIO(newline="")
    csv.writer(text).writerows(rows)
    return text.getvalue().encode()
