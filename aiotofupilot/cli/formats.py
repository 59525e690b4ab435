"""Procedures as text for programs: the API's own names and spelling, in JSON lines, one JSON array, or CSV."""

from __future__ import annotations

import csv
from io import StringIO
from typing import TYPE_CHECKING, Any, Protocol, cast

import orjson

from aiotofupilot._codec import to_wire

if TYPE_CHECKING:
    from collections.abc import Sequence

    from aiotofupilot import Procedure

__all__ = ["CSV", "Format", "JSONArray", "JSONLines"]


class Format(Protocol):
    """A spelling of a listing, page by page, in UTF-8."""

    def head(self) -> bytes:
        """Return what comes before all items."""
        ...

    def page(self, procedures: Sequence[Procedure]) -> bytes:
        """Return some items, which follow those of the call before."""
        ...

    def tail(self) -> bytes:
        """Return what comes behind all items."""
        ...


class JSONLines:
    """One JSON object a line."""

    def head(self) -> bytes:
        """Return nothing: each line stands for itself."""
        return b""

    def page(self, procedures: Sequence[Procedure]) -> bytes:
        """Return a line for each procedure."""
        return b"".join(orjson.dumps(to_wire(procedure)) + b"\n" for procedure in procedures)

    def tail(self) -> bytes:
        """Return nothing."""
        return b""


class JSONArray:
    """One JSON array, an item a line, so that it can be both streamed and searched."""

    def __init__(self) -> None:
        self._separator = b"\n"

    def head(self) -> bytes:
        """Return the opening bracket."""
        return b"["

    def page(self, procedures: Sequence[Procedure]) -> bytes:
        """Return a line for each procedure, without a comma behind the last."""
        lines: list[bytes] = []
        for procedure in procedures:
            lines += self._separator, orjson.dumps(to_wire(procedure))
            self._separator = b",\n"
        return b"".join(lines)

    def tail(self) -> bytes:
        """Return the closing bracket."""
        return b"\n]\n"


class CSV:
    """A header and a row for each procedure; a nested object's names are joined with a dot, null is an empty field.

    Source: https://www.rfc-editor.org/rfc/rfc4180, lines ending with CR LF included
    """

    COLUMNS = (
        "id",
        "name",
        "created_at",
        "created_by_user.id",
        "created_by_user.name",
        "created_by_user.email",
        "linkedRepository.id",
        "linkedRepository.name",
        "linkedRepository.fullName",
        "linkedRepository.provider",
    )
    """Fixed, so that the header does not depend on which items come first."""

    def head(self) -> bytes:
        """Return the header."""
        return _rows([self.COLUMNS])

    def page(self, procedures: Sequence[Procedure]) -> bytes:
        """Return a row for each procedure."""
        return _rows([[_field(to_wire(procedure), column) for column in self.COLUMNS] for procedure in procedures])

    def tail(self) -> bytes:
        """Return nothing."""
        return b""


def _field(document: dict[str, Any], column: str) -> str | None:
    """Return the value that a column's name leads to; None: it, or what it is in, is null."""
    value: Any = document
    for name in column.split("."):
        value = value and value[name]
    return cast("str | None", value)


def _rows(rows: Sequence[Sequence[str | None]]) -> bytes:
    text = StringIO(newline="")
    csv.writer(text).writerows(rows)
    return text.getvalue().encode()
