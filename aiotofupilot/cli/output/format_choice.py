"""Which format a listing is written in, where the user leaves that open."""

from __future__ import annotations

import shutil
import sys
from typing import TYPE_CHECKING

from aiotofupilot.cli.failures import UsageError

from .descriptors import is_standard_output
from .formats import CSV, Format, JSONArray, JSONLines
from .table import Table
from .terminal import is_terminal

if TYPE_CHECKING:
    from pathlib import Path

    from aiotofupilot.cli.columns.column import Columns

__all__ = ["format_for"]

_ENDINGS = {
    ".csv": "csv",
    ".json": "json",
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".parquet": "parquet",
    ".txt": "table",
}


def format_for(name: str | None, output: Path | None, columns: Columns, model: type) -> Format:
    """Return a new format.

    Args:
        name: ``table``, ``jsonl``, ``json``, ``csv`` or ``parquet``; None: what the output's ending says, and a table
            where there is none.
        output: The file to be written; None: standard output, whose width, if it is a terminal, bounds a table's.
        columns: What a table shows of an item.
        model: The model of an item, which gives a CSV or a Parquet file its columns.

    Raises:
        UsageError: The ending is that of no format, or something is missing that the format needs.
    """
    match name or _by_ending(output):
        case "jsonl":
            return JSONLines()
        case "json":
            return JSONArray()
        case "csv":
            return CSV(model)
        case "parquet":
            return _parquet(output, model)
        case _:
            is_shown = is_standard_output(output) and is_terminal(sys.stdout)
            return Table(columns.columns, shutil.get_terminal_size().columns if is_shown else None)


def _by_ending(output: Path | None) -> str:
    ending = output.suffix.lower() if output else ""
    if ending and ending not in _ENDINGS:
        *others, last = _ENDINGS
        raise UsageError(
            f"no format is written into files that end in {ending}: "
            f"let {output} end in {', '.join(others)} or {last}, or name a format with --format"
        )
    return _ENDINGS.get(ending, "table")


def _parquet(output: Path | None, model: type) -> Format:
    if output is None:
        raise UsageError("parquet needs --output FILE, because a Parquet file is made when everything has arrived")
    try:
        from .parquet import Parquet  # noqa: PLC0415 - it needs an extra
    except ModuleNotFoundError as error:
        if error.name != "pyarrow":
            raise
        raise UsageError("parquet needs pyarrow: install the extra 'arrow'") from error
    return Parquet(model)
