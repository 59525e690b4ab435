"""Which format a listing is written in, where the user leaves that open."""

from __future__ import annotations

import shutil
import sys
from typing import TYPE_CHECKING

from .descriptors import is_standard_output
from .formats import CSV, Format, JSONArray, JSONLines
from .table import Table
from .terminal import is_terminal

if TYPE_CHECKING:
    from pathlib import Path

    from aiotofupilot.cli.columns.column import Columns

__all__ = ["format_for"]

_ENDINGS = {".jsonl": "jsonl", ".ndjson": "jsonl", ".json": "json", ".csv": "csv"}


def format_for(name: str | None, output: Path | None, columns: Columns, model: type) -> Format:
    """Return a new format.

    Args:
        name: ``table``, ``jsonl``, ``json`` or ``csv``; None: what the output's ending says, and a table otherwise.
        output: The file to be written; None: standard output, whose width, if it is a terminal, bounds a table's.
        columns: What a table shows of an item.
        model: The model of an item, which gives a CSV its columns.
    """
    match name or _ENDINGS.get(output.suffix.lower() if output else ""):
        case "jsonl":
            return JSONLines()
        case "json":
            return JSONArray()
        case "csv":
            return CSV(model)
        case _:
            is_shown = is_standard_output(output) and is_terminal(sys.stdout)
            return Table(columns.columns, shutil.get_terminal_size().columns if is_shown else None)
